"""read(write(x)) gives x again, for every collection year, as XML and as CSV."""

from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sightline.engine import arrow_schema
from sightline.sources.base import Context, Reading
from sightline.sources.cin_census import SOURCES
from sightline.vocabulary.codes import valid_codes
from sightline.vocabulary.identifiers import make_upn

XML, CSV = SOURCES
YEARS = range(2017, 2028)
QUIET = settings(max_examples=12)
TABLES = [
    "child",
    "identifier",
    "referral",
    "disability",
    "assessment",
    "assessment_factor",
    "cin_plan",
    "section_47",
    "cp_plan",
    "cp_review",
    "pre_proceedings",
]


def a_code(name, year):
    return st.sampled_from(sorted(valid_codes(name, date(year, 3, 31))))


def codes(name, year):
    return st.none() | a_code(name, year)


def a_day(year):
    return st.integers(0, 800).map(lambda n: date(year, 3, 31) - timedelta(days=n))


def days(year):
    return st.none() | a_day(year)


def some(most):
    return st.integers(0, most)


IDS = st.builds(
    "{}{}{}".format, st.sampled_from("ABé7"), st.text("ABab0123 -/&<>'\"é", max_size=6), st.sampled_from("XYz9")
)
FLAGS = st.none() | st.booleans()


@st.composite
def readings(draw, year):
    """What a census of this year can hold, with the refs and the order that reading one gives."""
    rows = {table: [] for table in TABLES}
    for child in draw(st.lists(IDS, min_size=1, max_size=3, unique=True)):
        rows["child"].append(
            {
                "child_ref": child,
                "birth_date": draw(days(year)),
                "expected_birth_date": draw(days(year)),
                "death_date": draw(days(year)),
                "sex": draw(codes("sex", year)),
                "ethnicity": draw(codes("ethnicity", year)),
                "upn_unknown": draw(codes("upn_unknown", year)),
            }
        )
        rows["identifier"].append({"ref": child, "kind": "la_child_id", "value": "".join(child.split()).upper()})
        for kind in ("upn", "former_upn"):
            if draw(st.booleans()):
                upn = make_upn("301", "2001", 15, draw(some(999)))
                rows["identifier"].append({"ref": child, "kind": kind, "value": upn})
        for _ in range(draw(some(2))):
            rows["disability"].append({"child_ref": child, "disability": draw(a_code("disability", year))})
        for number in range(1, draw(some(2)) + 1):
            episode = {"child_ref": child, "referral_ref": f"{child}/{number}"}
            rows["referral"].append(
                episode
                | {
                    "referral_date": draw(days(year)),
                    "referral_source": draw(codes("referral_source", year)),
                    "primary_need": draw(codes("primary_need", year)),
                    "no_further_action": draw(FLAGS),
                    "closure_date": draw(days(year)),
                    "closure_reason": draw(codes("closure_reason", year)),
                    "conference_date": draw(days(year)),
                }
            )
            for n in range(1, draw(some(2)) + 1):
                ref = f"{child}/{number}/{n}"
                # The order of the days tells two assessments apart where a CSV table gives no id.
                rows["assessment"].append(
                    episode | {"assessment_ref": ref, "start_date": date(year, n, 1), "end_date": draw(days(year))}
                )
                for _ in range(draw(some(2))):
                    factor = draw(a_code("assessment_factor", year))
                    rows["assessment_factor"].append({"child_ref": child, "assessment_ref": ref, "factor": factor})
            for n in range(1, draw(some(2)) + 1 if year >= 2022 else 1):
                dates = {"start_date": draw(days(year)), "end_date": draw(days(year))}
                rows["cin_plan"].append(episode | {"plan_ref": f"{child}/{number}/{n}"} | dates)
            for n in range(1, draw(some(1)) + 1):
                rows["section_47"].append(
                    episode
                    | {
                        "enquiry_ref": f"{child}/{number}/{n}",
                        "start_date": draw(days(year)),
                        "conference_target": draw(days(year)),
                        "conference_date": draw(days(year)),
                        "conference_not_required": draw(FLAGS),
                    }
                )
            for n in range(1, draw(some(2)) + 1):
                ref = f"{child}/{number}/{n}"
                rows["cp_plan"].append(
                    episode
                    | {
                        "plan_ref": ref,
                        "start_date": draw(days(year)),
                        "end_date": draw(days(year)),
                        "initial_category": draw(codes("abuse_category", year)),
                        "latest_category": draw(codes("abuse_category", year)),
                        "previous_plans": draw(st.none() | some(5)),
                    }
                )
                for _ in range(draw(some(3))):
                    review = {"child_ref": child, "plan_ref": ref, "review_date": draw(a_day(year))}
                    rows["cp_review"].append(review)
            if year >= 2027 and draw(st.booleans()):
                rows["pre_proceedings"].append(
                    episode
                    | {
                        "start_date": draw(days(year)),
                        "letter_before_date": draw(days(year)),
                        "meeting_offered": draw(FLAGS),
                        "meeting_facilitated": draw(FLAGS),
                        "initial_meeting_date": draw(days(year)),
                        "review_meetings": draw(st.none() | some(9)),
                        "step_decision_date": draw(days(year)),
                        "outcome": draw(st.none() | st.just("A")),
                        "court_application_date": draw(days(year)),
                        "letter_of_intent_date": draw(days(year)),
                    }
                )
    # The census tells identifiers by kind and then by child.
    kinds = ("la_child_id", "upn", "former_upn")
    rows["identifier"].sort(key=lambda row: kinds.index(row["kind"]))
    tables = {name: pa.Table.from_pylist(rows[name], schema=arrow_schema(name)) for name in TABLES}
    return Reading("cin-census", "cin-census", "", str(year), "301", f"{year}-03-31", tables)


def without_lines(tables):
    return {name: table.drop_columns("line").to_pylist() for name, table in tables.items()}


@pytest.mark.parametrize("year", YEARS)
def test_xml(year):
    @QUIET
    @given(readings(year))
    def check(reading):
        with TemporaryDirectory() as folder:
            first = XML.read(XML.write(reading, Path(folder, "first.xml"))[0], Context())
            again = XML.read(XML.write(first, Path(folder, "again.xml"))[0], Context())
        # An episode or a plan of which nothing is known is an element without a value, and told as one.
        assert [f for f in first.findings if f.rule != "empty-element"] == []
        assert (first.covers, first.authority, first.as_at) == (str(year), "301", f"{year}-03-31")
        assert without_lines(first.tables) == without_lines(reading.tables)
        # And to the line when what is written was read.
        assert again.tables == first.tables
        assert again.received == first.received

    check()


@pytest.mark.parametrize("year", YEARS)
def test_csv(year):
    @QUIET
    @given(readings(year))
    def check(reading):
        found = {}
        with TemporaryDirectory() as folder:
            for path in CSV.write(reading, Path(folder)):
                part = CSV.read(path, Context())
                assert part.covers.endswith(path.stem.replace("CINplan", "CINPlan"))
                assert {f.rule for f in part.findings} <= {"year-from-dates", "empty-element"}
                for name, table in without_lines(part.tables).items():
                    found[name, path.stem] = table
        expected = without_lines(reading.tables)
        # Ethnicity has a table of its own, so a child has a row in each of two files.
        for row, ethnicity in zip(
            found["child", "ChildIdentifiers"], found.pop(("child", "ChildCharacteristics")), strict=True
        ):
            assert row["child_ref"] == ethnicity["child_ref"]
            row["ethnicity"] = ethnicity["ethnicity"]
        assert {name: rows for (name, _), rows in found.items()} == expected

    check()
