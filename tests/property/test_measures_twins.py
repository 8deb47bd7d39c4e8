"""The measures against slow, obvious twins written row by row in Python, on generated registers."""

from collections import defaultdict
from datetime import date, timedelta
from fractions import Fraction

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from sightline import measures
from sightline.engine import Database, arrow_schema
from sightline.vocabulary.attendance import counts
from sightline.vocabulary.codes import valid_codes
from sightline.vocabulary.periods import academic_year, monday
from sightline.vocabulary.settings import Settings

EXAMPLES = settings(max_examples=40)
FEW = settings(max_examples=25)
COUNTS = ("possible", "authorised", "unauthorised", "approved", "late", "not_possible")
ONE_DAY = timedelta(days=1)


def letters(day):
    return [code.more["packed"] for code in valid_codes("attendance", day).values()]


@st.composite
def marks(draw, week, slots=(10, 14)):
    """A week of marks, each of a code that held on its day, with gaps."""
    length = draw(st.sampled_from(slots))
    drawn = [draw(st.sampled_from([".", "/", "I", *letters(week + (n // 2) * ONE_DAY)])) for n in range(length)]
    return "".join(drawn)


def counted(text, week):
    found = counts(text, week)
    return {name: getattr(found, name) for name in COUNTS}


# Merging


@st.composite
def told(draw):
    """Rows of up to four deliveries on the same few children, schools and weeks; one child has two ids."""
    rows = []
    for delivery in range(draw(st.integers(1, 4))):
        seen = draw(st.sets(st.tuples(st.sampled_from("AB"), st.sampled_from(("100001", "100002", "C")),
                                      st.sampled_from((date(2024, 8, 19), date(2025, 3, 10)))), max_size=5))  # fmt: skip
        for line, (ref, school, week) in enumerate(sorted(seen), start=2):
            text = draw(marks(week))
            rows.append(
                {"pupil_ref": ref, "school_ref": school, "week": week, "marks": text, "delivery": f"d{delivery}",
                 "system": "marks", "line": line} | counted(text, week)
            )  # fmt: skip
    return rows, draw(st.permutations(range(4))), draw(st.booleans())


def merge(rows, place, one_child):
    """The twin: session by session, the latest mark that is one."""
    groups = defaultdict(list)
    for row in rows:
        child = "A" if one_child else row["pupil_ref"]
        groups[child, row["school_ref"], row["week"]].append(row)
    merged = []
    for (child, urn, week), group in groups.items():
        group.sort(key=lambda row: (place[int(row["delivery"][1])], row["line"]))
        latest = ["."] * max(len(row["marks"]) for row in group)
        for row in group:
            for slot, mark in enumerate(row["marks"]):
                if mark != ".":
                    latest[slot] = mark
        text = "".join(latest)
        last = group[-1]
        merged.append({"child_id": child, "urn": urn, "week": week, "marks": text, **counted(text, week),
                       "delivery": last["delivery"], "line": last["line"]})  # fmt: skip
    return sorted(merged, key=lambda row: (row["child_id"], row["week"], row["urn"]))


@EXAMPLES
@given(told())
def test_weeks_told_of_by_several_files_are_merged_like_the_twin(case):
    rows, place, one_child = case
    tables = {
        "attendance_week": pa.Table.from_pylist(rows, schema=arrow_schema("attendance_week", stored=True)),
        "delivery": pa.Table.from_pylist(
            [{"delivery": f"d{n}", "place": p} for n, p in enumerate(place)], schema=arrow_schema("delivery")
        ),
        "link": pa.Table.from_pylist(
            [{"system": "marks", "ref": ref, "child_id": "A" if one_child else ref} for ref in "AB"],
            schema=arrow_schema("link"),
        ),
        "school": pa.Table.from_pylist(
            [{"urn": "100001", "laestab": "1"}, {"urn": "100002", "laestab": "2"}],
            schema=arrow_schema("school", stored=True),
        ),
    }
    with Database.of(tables) as database:
        got = database.conformed("register_week", measures.register_week_sql(2024)).to_pylist()
    assert got == merge(rows, place, one_child)


# Absence

WEEKS = [date(2023, 9, 4), date(2024, 7, 29), date(2024, 9, 9), date(2024, 9, 16), date(2025, 6, 30)]


@st.composite
def registers(draw):
    """A few children's weeks. Whole weeks present or half or wholly absent are common, so that thresholds are hit exactly."""
    rows = []
    for child in "ABC":
        for urn in ("1", "2"):
            for week in draw(st.sets(st.sampled_from(WEEKS), max_size=4)):
                usual = st.sampled_from(
                    ["/\\/\\/\\/\\/\\", "/\\/\\/\\/\\/O", "IIIII\\/\\/\\", "OOOOOOOOOO", "##########"]
                )
                text = draw(usual | marks(week))
                rows.append({"child_id": child, "urn": urn, "week": week, "marks": text} | counted(text, week))
    return rows


def days_of(rows, start, end):
    """Each row's sessions day by day, within the period; an academic year's edge cuts no week."""
    for row in rows:
        week, year = row["week"], academic_year(row["week"])
        edges = (start == date(start.year, 8, 1) and week >= start, end == date(end.year, 8, 1) and week < end)
        for day in range(7):
            on = week + day * ONE_DAY
            inside = (edges[0] or (on >= start and start != date(start.year, 8, 1))) and (
                edges[1] or (on < end and end != date(end.year, 8, 1))
            )
            if inside:
                blank = "." * (2 * day)
                yield row | {"year": year} | counted(blank + row["marks"][2 * day : 2 * day + 2], week)


def absence_twin(rows, by, unit, start, end):
    names = {"child": "child_id", "school": "urn", "week": "week", "year": "year"}
    keys = [names[name] for name in by]
    cells = defaultdict(lambda: [0, 0, 0])
    for row in days_of(rows, start, end):
        who = (row["child_id"], row["year"], row["urn"] if unit == "enrolment" else "")
        cell = cells[tuple(row[k] for k in keys), who]
        for n, name in enumerate(COUNTS[:3]):
            cell[n] += row[name]
    groups = defaultdict(list)
    for (group, _), cell in cells.items():
        groups[group].append(cell)
    found = {}
    for group, members in groups.items():
        judged = [(p, a + u) for p, a, u in members if p]
        found[group] = (
            len(judged),
            *(sum(m[n] for m in members) for n in range(3)),
            sum(Fraction(absent, possible) >= Fraction(1, 10) for possible, absent in judged),
            sum(Fraction(absent, possible) >= Fraction(1, 2) for possible, absent in judged),
            len(members) - len(judged),
        )
    return found


EDGES = st.sampled_from([date(2023, 8, 1), date(2024, 8, 1), date(2025, 8, 1)]) | st.dates(
    date(2023, 8, 1), date(2025, 8, 2)
)


@EXAMPLES
@given(
    registers(),
    st.lists(st.sampled_from(["child", "school", "week", "year"]), unique=True, max_size=3),
    st.sampled_from(["enrolment", "child"]),
    st.tuples(EDGES, EDGES).filter(lambda e: e[0] != e[1]).map(sorted),
    st.booleans(),
)
def test_absence_is_as_the_twin_counts_it(rows, by, unit, span, marts):
    start, end = span
    table = pa.Table.from_pylist(rows, schema=arrow_schema("register_week"))
    with Database.of({"register_week": table}) as database:
        if marts:
            years = database.conformed("register_year", measures.register_year_sql())
            database.execute("DROP TABLE register_year")
            database.add("register_year", years)
        got = measures.absence(database, by=by, unit=unit, start=start, end=end, settings=Settings()).to_pylist()
    names = [measures.GROUPINGS[name].columns[0] for name in by]
    figures = ("units", "possible", "authorised", "unauthorised", "persistent", "severe", "without_possible")
    found = {tuple(row[name] for name in names): tuple(row[f] for f in figures) for row in got}
    wanted = absence_twin(rows, by, unit, start, end)
    if not by and not wanted:
        wanted = {(): (0,) * 7}
    assert found == wanted


@FEW
@given(registers(), st.sampled_from([None, "A"]), st.booleans())
def test_the_days_of_the_week_are_as_the_twin_counts_them(rows, child, each):
    table = pa.Table.from_pylist(rows, schema=arrow_schema("register_week"))
    start, end = date(2024, 7, 1), date(2025, 6, 30)
    with Database.of({"register_week": table}) as database:
        got = measures.weekday_pattern(database, start=start, end=end, child_id=child, each_child=each).to_pylist()
    wanted = defaultdict(lambda: [0, 0, 0])
    for row in rows:
        if start <= row["week"] < end and child in (None, row["child_id"]):
            for day in range(7):
                blank = "." * (2 * day)
                on_day = counted(blank + row["marks"][2 * day : 2 * day + 2], row["week"])
                for n, name in enumerate(COUNTS[:3]):
                    wanted[row["child_id"] if each else "", day + 1][n] += on_day[name]
    found = {(row.get("child_id", ""), row["weekday"]): [row[name] for name in COUNTS[:3]] for row in got}
    assert found == {key: sums for key, sums in wanted.items() if sums[0]}


# Exclusions


@FEW
@given(
    st.lists(
        st.tuples(
            st.sampled_from("AB"),
            st.sampled_from(["1", "2", "3"]),
            st.sampled_from([date(2024, 11, 4), date(2024, 11, 5)]),
            st.sampled_from(["SUSP", "FIXD", "PERM"]),
            st.integers(0, 2),
        ),
        max_size=12,
        unique=True,
    )
)
def test_exclusions_told_of_twice_are_as_the_twin_keeps_them(told_of):
    """School 2 became 3."""
    rows = [
        {"pupil_ref": ref, "school_ref": school, "start_date": day, "category": category, "delivery": f"d{d}",
         "system": "s", "line": line}
        for line, (ref, school, day, category, d) in enumerate(told_of)
    ]  # fmt: skip
    received = [date(2025, 1, 3), date(2025, 1, 1), date(2025, 1, 2)]
    with Database.of(
        {
            "suspension": pa.Table.from_pylist(rows, schema=arrow_schema("suspension", stored=True)),
            "delivery": pa.Table.from_pylist(
                [{"delivery": f"d{n}", "place": n, "received": received[n]} for n in range(3)],
                schema=arrow_schema("delivery"),
            ),
            "link": pa.Table.from_pylist(
                [{"system": "s", "ref": ref, "child_id": ref} for ref in "AB"], schema=arrow_schema("link")
            ),
            "school_link": pa.Table.from_pylist(
                [{"urn": "2", "link_urn": "3", "link_type": "Successor"}],
                schema=arrow_schema("school_link", stored=True),
            ),
        }
    ) as database:
        got = database.conformed("exclusion", measures.exclusion_sql()).to_pylist()
    groups = defaultdict(list)
    for row in rows:
        category = "SUSP" if row["category"] == "FIXD" else row["category"]
        school = "3" if row["school_ref"] == "2" else row["school_ref"]
        groups[row["pupil_ref"], school, row["start_date"], category].append(row)
    wanted = []
    for (child, _, day, category), group in groups.items():
        last = max(group, key=lambda row: (row["delivery"], row["line"]))
        first = min(received[int(row["delivery"][1])] for row in group)
        wanted.append((child, day, category, last["school_ref"], last["line"], first))
    found = [(r["child_id"], r["start_date"], r["category"], r["urn"], r["line"], r["received"]) for r in got]
    assert sorted(found) == sorted(wanted)


def test_the_twins_agree_on_what_a_monday_is():
    assert all(week == monday(week) for week in WEEKS)
