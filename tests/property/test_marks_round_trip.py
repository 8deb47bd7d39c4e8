"""Marks survive being written and read in both forms, and SQL counts them as the slow twin does."""

from datetime import date, timedelta

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from sightline.engine import arrow_schema
from sightline.sources import Context
from sightline.sources.base import Reading
from sightline.sources.marks import read, write_rows, write_weeks
from sightline.vocabulary.attendance import CLASSES, NO_MARK, counts, packed_in_class
from sightline.vocabulary.identifiers import make_upn

UPNS = [make_upn("301", "2001", 2015, n) for n in range(4)]
COUNTS = ("possible", "authorised", "unauthorised", "approved", "late", "not_possible")
# Weeks on both sides of every change of codes, and some that a change divides.
MONDAYS = [
    date(y, m, d)
    for y, m, d in [
        (2011, 8, 29),
        (2013, 12, 30),
        (2020, 7, 27),
        (2022, 4, 25),
        (2022, 7, 25),
        (2024, 8, 12),
        (2024, 8, 19),
        (2025, 3, 3),
    ]
]


@st.composite
def registers(draw):
    keys = st.tuples(
        st.sampled_from(UPNS), st.sampled_from(["123456", "3012001", "The Oaks", None]), st.sampled_from(MONDAYS)
    )
    rows = []
    for pupil, school, week in draw(st.lists(keys, min_size=1, max_size=6, unique=True)):
        length = draw(st.sampled_from([10, 10, 14]))
        marks = ""
        for slot in range(length):
            day = week + timedelta(days=slot // 2)
            letters = "".join(packed_in_class(klass, day) for klass in CLASSES)
            marks += draw(st.sampled_from(letters + NO_MARK * 8))
        marks = marks if marks[10:].strip(NO_MARK) else marks[:10]
        if marks.strip(NO_MARK):
            found = counts(marks, week)
            rows.append(
                {
                    "pupil_ref": pupil,
                    "school_ref": school,
                    "week": week,
                    "marks": marks,
                    **{c: getattr(found, c) for c in COUNTS},
                }
            )
    rows.sort(key=lambda r: (r["pupil_ref"], r["week"], r["school_ref"] or "~"))
    return pa.Table.from_pylist(
        [{**row, "line": n} for n, row in enumerate(rows, 2)], schema=arrow_schema("attendance_week")
    )


@given(registers().filter(lambda t: t.num_rows), st.sampled_from([write_rows, write_weeks]))
@settings(max_examples=15)
def test_read_of_write_is_the_same_register(tmp_path_factory, weeks, write):
    path = tmp_path_factory.getbasetemp() / "marks.csv"
    upns = sorted(set(weeks["pupil_ref"].to_pylist()))
    identifier = pa.Table.from_pylist(
        [{"ref": u, "kind": "upn", "value": u, "line": 2} for u in upns], schema=arrow_schema("identifier")
    )
    write(Reading("marks", "marks", "", "", tables={"attendance_week": weeks, "identifier": identifier}), path)
    again = read(path, Context())
    assert again.findings == []
    assert (
        again.tables["attendance_week"].drop_columns(["line"]).to_pylist() == weeks.drop_columns(["line"]).to_pylist()
    )
    assert again.tables["identifier"]["value"].to_pylist() == upns
    twice = write(again, path)
    assert read(twice[0], Context()).tables == again.tables
