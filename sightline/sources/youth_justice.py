"""The youth justice service's list of children: one row per child per period known to it.

There is no national layout of such a list: each service exports its own from its case system. It is known by a column
that only such lists have (youth justice or offending, out-of-court disposal, order), and by a start. Refs are in the
service's own ids (system "youth-justice"). Who the child is stays in the list's own table, whose only readers are
linkage and the page that shows the link.
"""

from __future__ import annotations

import pyarrow as pa

from sightline.sources.base import Source
from sightline.sources.child_lists import END, POSTCODE, START, ChildList, written_who
from sightline.sources.columns import bench, doubtful_upn, judge_values, list_rows
from sightline.sources.pupil_lists import judge_hours, judge_starts
from sightline.vocabulary.exploitation import YOUTH_JUSTICE
from sightline.vocabulary.findings import Finding, Severity
from sightline.vocabulary.identifiers import upn_fault

KIND = "youth-justice"


def _judge(table: pa.Table, findings: list[Finding]) -> None:
    """Findings on pupil numbers, days and hours; every row is kept as it came."""
    judge_starts(table, "youth_justice", "child_ref", findings)
    judge_hours(table, "youth_justice", "education_hours", "child_ref", findings)
    with bench(table) as database:
        judge_values(
            database,
            "raw",
            "upn",
            upn_fault,
            doubtful=doubtful_upn("upn"),
            rule="upn",
            severity=Severity.ERROR,
            table="youth_justice",
            right="the UPN of the school's register",
            record="child_ref",
            findings=findings,
        )
        list_rows(
            database,
            "start_date < birth_date",
            rule="starts-before-birth",
            severity=Severity.ERROR,
            says="The period begins before the child was born.",
            table="youth_justice",
            field="start_date",
            findings=findings,
            value="start_date::TEXT",
            right="a day after the date of birth",
            record="child_ref",
        )
        list_rows(
            database,
            "true",
            rule="two-birth-dates",
            severity=Severity.ERROR,
            says="Another row gives the same id another date of birth, so the two may be two children.",
            table="youth_justice",
            field="birth_date",
            findings=findings,
            value="birth_date::TEXT",
            right="one date of birth for each id",
            record="child_ref",
            relation="(FROM raw SEMI JOIN (SELECT child_ref FROM raw GROUP BY child_ref "
            "HAVING min(birth_date) <> max(birth_date)) USING (child_ref))",
        )


LIST = ChildList(
    KIND,
    YOUTH_JUSTICE,
    "youth_justice",
    "A list of children known to youth justice",
    r"(yj|yot|yos).*|.*youth(justice|offending).*|.*(outofcourt|ooc|disposal).*|childview.*",
    {
        "child_ref": r"(child|person|client|youngperson|yp|yj|yjs|yot|yos|youthjustice|childview|assetplus|coreplus)"
        r"(id|ref|reference|number|uniqueid)|id",
        "end_date": END,
        "start_date": START,
        "education_hours": r".*hours.*",
        "involvement": r".*(involvement|disposal|intervention|outcome|order|programme|casetype|typeofcase).*",
        "postcode": POSTCODE,
    },
    {
        "start_date": "Youth justice start date",
        "end_date": "End date",
        "involvement": "Kind of involvement",
        "education_hours": "Education hours a week",
    },
    identity=f't.upn AS "UPN", {written_who("t")}',
    useful={"end_date": "when it ended", "involvement": "what kind of involvement it is"},
    codes={"involvement": "youth_justice_involvement"},
    judge=_judge,
)
SOURCES: tuple[Source, ...] = (
    Source(KIND, "Children known to youth justice (CSV)", LIST.recognise, LIST.read, LIST.write),
)
