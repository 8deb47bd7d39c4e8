"""A CIN census as its rules see it: the tables as received, with dates, flags and UPNs already tried.

Beside each column that holds a date stands `<column>_on` (a date, null when missing or unreadable), beside each flag
`<column>_is` (true, false or null) and beside each UPN `<column>_is` (upper case, no spaces) and `<column>_letter`
(the check letter it should begin with, null when none can be worked out). A rule can so tell missing (the text is
null) from unreadable (the text is there, its companion is null). `place` numbers the rows of a table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from types import TracebackType
from typing import Final, Self

import pyarrow as pa

from sightline.engine import Database
from sightline.vocabulary.codes import code_list
from sightline.vocabulary.dates import DATE_FORMATS
from sightline.vocabulary.identifiers import UPN_LETTERS
from sightline.vocabulary.periods import FRIDAY, ONE_DAY, bank_holidays

_CHILD: Final = ("LAchildID",)
_EPISODE: Final = (*_CHILD, "CINdetailsID")

# Table, the columns that tie its rows together, and the columns that hold values.
KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "Header": (),
    "ChildIdentifiers": _CHILD,
    "ChildCharacteristics": _CHILD,
    "Disabilities": _CHILD,
    "CINdetails": _EPISODE,
    "Assessments": (*_EPISODE, "AssessmentID"),
    "AssessmentFactors": (*_EPISODE, "AssessmentID"),
    "CINPlanDates": (*_EPISODE, "CINPlanID"),
    "Section47": (*_EPISODE, "Section47ID"),
    "ChildProtectionPlans": (*_EPISODE, "CPPID"),
    "Reviews": (*_EPISODE, "CPPID"),
    "PreProceedingsandFGDM": (*_EPISODE, "PreProceedingsID"),
}
FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "Header": (
        *("Collection", "Year", "ReferenceDate", "SourceLevel", "LEA"),
        *("SoftwareCode", "Release", "SerialNo", "DateTime"),
    ),
    "ChildIdentifiers": (
        *("UPN", "FormerUPN", "UPNunknown", "PersonBirthDate", "ExpectedPersonBirthDate"),
        *("GenderCurrent", "Sex", "PersonDeathDate"),
    ),
    "ChildCharacteristics": ("Ethnicity",),
    "Disabilities": ("Disability",),
    "CINdetails": (
        *("CINreferralDate", "ReferralSource", "PrimaryNeedCode", "CINclosureDate"),
        *("ReasonForClosure", "DateOfInitialCPC", "ReferralNFA"),
    ),
    "Assessments": ("AssessmentActualStartDate", "AssessmentInternalReviewDate", "AssessmentAuthorisationDate"),
    "AssessmentFactors": ("AssessmentFactors",),
    "CINPlanDates": ("CINPlanStartDate", "CINPlanEndDate"),
    "Section47": ("S47ActualStartDate", "InitialCPCtarget", "DateOfInitialCPC", "ICPCnotRequired"),
    "ChildProtectionPlans": (
        *("CPPstartDate", "CPPendDate", "InitialCategoryOfAbuse", "LatestCategoryOfAbuse", "NumberOfPreviousCPP"),
    ),
    "Reviews": ("CPPreviewDate",),
    "PreProceedingsandFGDM": (
        *("PPStartDate", "LBPSentDate", "FGDMMeetingOffer", "FGDMMeetingFac", "InitialPPMeetingDate"),
        *("ReviewMeetingsCount", "StepDecisionDate", "PPOutcome", "CourtAppDate", "LetterInitCPDate"),
    ),
}
FLAGS: Final = frozenset({"ReferralNFA", "ICPCnotRequired", "FGDMMeetingOffer", "FGDMMeetingFac"})
UPNS: Final = frozenset({"UPN", "FormerUPN"})
DATES: Final = frozenset(
    {f for fields in FIELDS.values() for f in fields if "Date" in f and f != "DateTime"} | {"InitialCPCtarget"}
)
# What the reader of the census calls a child who came without an LAchildID: this, and the line.
NO_ID: Final = "(no id) line "
CODE_LISTS: Final = (
    *("abuse_category", "assessment_factor", "authority", "closure_reason", "disability", "ethnicity"),
    *("primary_need", "referral_source"),
)
# Rule 1530 knows, beside every authority of its day, these: pseudo authorities that allocate UPNs, and the numbers of
# authorities since April 1998. Source: the rule's own text, CIN census 2022-23.
_UPN_AUTHORITIES: Final = (
    "001-005 201-213 301-320 330-336 340-344 350-359 370-373 380-384 390-394 420 660-681 701-708 800-803 805-808 "
    "810-813 815 816 820-823 825 826 830 831 835-841 845 846 850-852 855-857 860 861 865-896 908 909 916 919 921 925 "
    "926 928 929 931 933 935-938 940 941"
)
ASSESSMENT_WORKING_DAYS: Final = 45  # rule 8670Q; Working Together to Safeguard Children
SECTION_47_WORKING_DAYS: Final = 15  # rule 8675Q; Working Together to Safeguard Children


@dataclass(frozen=True, slots=True)
class Census:
    """One return, ready for its rules. `tables` are those the file had; `year` is the year the collection ends in."""

    database: Database
    year: int
    starts: date
    ends: date
    tables: frozenset[str]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.database.close()


def census(received: Mapping[str, pa.Table], year: int, *, identifier: pa.Table | None = None) -> Census:
    """A return from its tables of text (`Reading.received`), judged as the collection that ends in `year`.

    The census period is the year to the header's ReferenceDate, or to 31 March where the header has none that can be
    read. A file that is no CIN census has no such tables: its `identifier` facts then serve the rules on identifiers.
    """
    database = Database()
    there = [name for name in FIELDS if name in received]
    for name in there:
        database.add("as_received", received[name])
        database.execute(f'CREATE TABLE "{name}" AS {_companions(name, received[name].column_names)}')
    if "ChildIdentifiers" in there and set(received["ChildIdentifiers"].column_names) >= UPNS:
        database.execute(f"CREATE TABLE upn_seen AS {_UPN_SEEN}")
    elif identifier is not None:
        database.add("as_received", identifier)
        database.execute(f"CREATE TABLE upn_seen AS {_UPN_FACTS}")
    tables = {*there, "period"} | ({"upn_seen"} if _held(database, "upn_seen") else set())
    ends = (
        database.one("SELECT arg_min(ReferenceDate_on, line) FROM Header WHERE ReferenceDate_on IS NOT NULL")
        if "Header" in there and "ReferenceDate" in received["Header"].column_names
        else None
    ) or date(year, 3, 31)
    starts = _a_year_before(ends) + ONE_DAY
    database.add("period", _period(year, starts, ends))
    database.add("code", _codes(date(year, 3, 31)))
    return Census(database, year, starts, ends, frozenset(tables))


def working_days_before(day: date, count: int) -> date:
    """The day that lies `count` working days (Monday to Friday, no bank holiday of England) before `day`."""
    while count:
        day -= ONE_DAY
        count -= day.weekday() <= FRIDAY and day not in bank_holidays(day.year)
    return day


def upn_letter_sql(upn: str) -> str:
    """SQL for the check letter that the text `upn` (13 characters) should begin with; null when it has none.

    The last character may be a letter (a temporary UPN) and counts as its place in the alphabet of 23.
    """
    digits = " + ".join(f"try_cast(substr({upn}, {place}, 1) AS INTEGER) * {place}" for place in range(2, 13))
    last = f"substr({upn}, 13, 1)"
    worth = f"coalesce(try_cast({last} AS INTEGER), nullif(strpos('{UPN_LETTERS}', {last}), 0) - 1) * 13"
    return f"CASE WHEN length({upn}) = 13 THEN substr('{UPN_LETTERS}', 1 + ({digits} + {worth}) % 23, 1) END"


def date_sql(text: str) -> str:
    """SQL for the date a text says, null when it says none. Years before 1900 and after 2199 are not dates here."""
    formats = ", ".join(f"'{f}'" for f in DATE_FORMATS)
    tried = (
        f"CASE WHEN length({text}) = 10 AND {text}[5] = '-' THEN try_cast({text} AS DATE) "
        f"ELSE try_strptime({text}, [{formats}])::DATE END"
    )
    return f"CASE WHEN year({tried}) BETWEEN 1900 AND 2199 THEN {tried} END"


def _companions(name: str, present: list[str]) -> str:
    """SQL for one table with its companions; a column the file did not have stays away, and rules on it do not run."""
    columns = [c for c in (*KEYS[name], *FIELDS[name]) if c in present]
    trimmed = [
        f"nullif(trim(\"{c}\", ' ' || chr(9) || chr(10) || chr(13) || chr(160)), '') AS \"{c}\"" for c in columns
    ]
    more = []
    for column in columns:
        if column in DATES:
            more.append(f'{date_sql(column)} AS "{column}_on"')
        elif column in FLAGS:
            truth = f"CASE WHEN lower({column}) IN ('1', 'true') THEN true "
            more.append(f"{truth} WHEN lower({column}) IN ('0', 'false') THEN false END AS \"{column}_is\"")
        elif column in UPNS:
            tidy = rf"upper(regexp_replace({column}, '\s', '', 'g'))"
            more += [f'{tidy} AS "{column}_is"', f'{upn_letter_sql(tidy)} AS "{column}_letter"']
    line = '"line"' if "line" in present else "0"
    return (
        f"SELECT *, {', '.join([*more, 'row_number() OVER () AS place'])} "
        f"FROM (SELECT {', '.join(trimmed)}, {line} AS line FROM as_received)"
    )


# One row per UPN seen on a child's record, present and former.
_UPN_SEEN: Final = """
    SELECT LAchildID AS child, 'ChildIdentifiers' AS "table", 'UPN' AS field, UPN AS value, UPN_is AS upn,
        UPN_letter AS letter, line, place FROM ChildIdentifiers WHERE UPN IS NOT NULL
    UNION ALL
    SELECT LAchildID, 'ChildIdentifiers', 'FormerUPN', FormerUPN, FormerUPN_is, FormerUPN_letter, line, place
    FROM ChildIdentifiers WHERE FormerUPN IS NOT NULL
"""
_UPN_FACTS: Final = f"""
    SELECT ref AS child, 'identifier' AS "table", CASE kind WHEN 'upn' THEN 'UPN' ELSE 'FormerUPN' END AS field,
        value, value AS upn, {upn_letter_sql("value")} AS letter, line, row_number() OVER () AS place
    FROM as_received WHERE kind IN ('upn', 'former_upn') AND value IS NOT NULL
"""


def _held(database: Database, table: str) -> bool:
    return bool(database.one("SELECT count(*) FROM duckdb_tables() WHERE table_name = ?", [table]))


def _a_year_before(day: date) -> date:
    """The same day a year before; 28 February for 29 February."""
    return day.replace(year=day.year - 1) if (day.month, day.day) != (2, 29) else date(day.year - 1, 2, 28)


def _period(year: int, starts: date, ends: date) -> pa.Table:
    """One row: the census period, and the days that rules reckon from it."""
    last_august = date(ends.year - (ends < date(ends.year, 8, 31)), 8, 31)
    days = {
        "starts": starts,
        "ends": ends,
        # The last day on which an assessment, or an enquiry, could start and not yet be late on the last day.
        "assessment_limit": working_days_before(ends, ASSESSMENT_WORKING_DAYS),
        "section_47_limit": working_days_before(ends, SECTION_47_WORKING_DAYS),
        "referral_limit": working_days_before(starts, 1),
        # Born on or before this day, a child was five by the August before and so of compulsory school age all year.
        "school_age_born": last_august.replace(year=last_august.year - 5),
    }
    return pa.table({"year": pa.array([year], pa.int32())} | {n: pa.array([d], pa.date32()) for n, d in days.items()})


def _codes(on: date) -> pa.Table:
    """One row per code known on a day: its list, and whether it has been withdrawn by then."""
    rows = [
        (name, code.code, code.valid_to is not None and code.valid_to <= on)
        for name in CODE_LISTS
        for code in code_list(name)
        if code.valid_from is None or code.valid_from <= on
    ]
    rows += [
        ("upn_authority", code, False)
        for code in sorted(_upn_authorities() | {c for n, c, _ in rows if n == "authority"})
    ]
    lists, codes, withdrawn = zip(*sorted(set(rows)), strict=True)
    return pa.table({"list": lists, "code": codes, "withdrawn": withdrawn})


def _upn_authorities() -> set[str]:
    found = set()
    for span in _UPN_AUTHORITIES.split():
        first, _, last = span.partition("-")
        found |= {f"{n:03d}" for n in range(int(first), int(last or first) + 1)}
    return found
