"""The panel of the dashboard counted by hand, and comparators that tell of no small number whatever slice is chosen."""

from __future__ import annotations

from datetime import date
from itertools import combinations

import pyarrow as pa
import pytest
import web_authority as authority

from sightline.engine import Database, arrow_schema
from sightline.measures import panel
from sightline.operations import Scope
from sightline.operations.counts import breakdown, comparators
from sightline.operations.counts import dashboard as counted
from sightline.operations.counts import dashboard_tables as tables
from sightline.operations.counts.comparators import Others, same_schools
from sightline.vocabulary.errors import BadSetting
from sightline.vocabulary.settings import Settings

ON, START = date(2024, 11, 15), date(2024, 8, 1)
ENROLMENTS = [
    ("A", "1", "2023-09-01", None, "C"),
    ("B", "1", "2022-09-01", "2024-10-07", "C"),
    ("B", "2", "2024-10-07", None, "C"),
    ("C", "1", "2022-09-01", "2024-07-31", "C"),
    ("C", "2", "2024-09-03", None, "C"),
    ("D", "1", "2022-09-01", None, "M"),
    ("D", "2", "2024-10-07", None, "S"),
]
EXCLUSIONS = [
    ("A", "1", "2024-09-10", "SUSP"), ("A", "1", "2024-11-15", "SUSP"), ("A", "1", "2024-07-31", "SUSP"),
    ("B", "2", "2024-11-01", "PERM"), ("B", "2", "2024-11-16", "SUSP"), ("C", "2", "2024-10-01", "LNCH"),
]  # fmt: skip


def table(name, columns, rows):
    schema = arrow_schema(name, stored=True)

    def cast(kind, value):
        return date.fromisoformat(value) if value and pa.types.is_date32(kind) else value

    held = [dict(zip(columns, row, strict=True)) for row in rows]
    return pa.table({f.name: pa.array([cast(f.type, r.get(f.name)) for r in held], f.type) for f in schema}, schema)


@pytest.fixture
def rows():
    held = {
        "enrolment_period": table(
            "enrolment_period", ("child_id", "urn", "start_date", "end_date", "status"), ENROLMENTS
        ),
        "exclusion": table("exclusion", ("child_id", "urn", "start_date", "category"), EXCLUSIONS),
    }
    with Database.of(held) as database:
        children = pa.table({"child_id": ["A", "B", "C", "D"], "urn": ["1", "2", "2", "1"]})
        database.add("asked", children)

        def ask(schools=None):
            found = panel(database, "asked", start=START, on=ON, settings=Settings(), schools=schools).to_pylist()
            return {row["child_id"]: row for row in found}

        yield ask


def test_a_move_begins_after_september_at_another_main_school(rows):
    """C changed school in September, as everybody may; D's second registration is beside the first."""
    assert {child for child, row in rows().items() if row["moved"]} == {"B"}


def test_suspensions_begin_within_the_period_both_ends_in(rows):
    found = rows()
    assert {c: r["suspensions"] for c, r in found.items()} == {"A": 2, "B": 0, "C": 0, "D": 0}
    assert {c for c, r in found.items() if r["excluded"]} == {"B"}
    assert {c: r["exclusions"] for c, r in rows(schools={"1"}).items()} == {"A": 0, "B": 0, "C": 0, "D": 0}


def test_every_slice_adds_up_to_the_whole(authority_panel):
    """Whatever it is broken down by, the groups are all of the children, each once."""
    whole = counted.figures_by(counted.on_plan(authority_panel.rows), authority_panel.then)[None]
    for dimension in counted.DIMENSIONS:
        found = counted.figures_by(counted.on_plan(authority_panel.rows), authority_panel.then, dimension)
        for part in ("children", "then", "joined", "left", "possible", "absent", "persistent", "suspensions"):
            assert sum(getattr(f, part) for f in found.values()) == getattr(whole, part), (dimension, part)


def test_on_plan_then_and_joined_and_left_make_those_now(authority_panel):
    whole = counted.figures_by(counted.on_plan(authority_panel.rows), authority_panel.then)[None]
    assert whole.then + whole.joined - whole.left == whole.children


def test_a_slice_by_what_there_is_not_is_refused(authority_panel):
    with pytest.raises(BadSetting, match="cannot be sliced by 'colour'"):
        counted.chosen(authority_panel.rows, {"colour": ["red"]})


@pytest.fixture(scope="module")
def authority_panel():
    opened = authority.opened()
    yield counted.panel(opened, Scope.everyone(), authority.AS_AT)
    opened.database.close()


def test_schools_whose_own_share_would_tell_are_told_together():
    """No union of schools a slice can be made of divides into less than cells that may each be told."""
    schools = [
        {"urn": str(n), "phase": "Primary" if n < 5 else "Secondary", "pupils": 40, "persistent": yes}
        for n, yes in enumerate([8, 2, 1, 4, 9, 3, 2, 30])
    ]
    policy = comparators.LOCAL
    made = comparators.cells(
        schools, lambda row: min(row["persistent"], row["pupils"] - row["persistent"]) >= 6, policy, "persistent"
    )
    assert sorted(row["urn"] for cell in made for row in cell) == sorted(
        s["urn"] for s in schools if s["urn"] not in "56"
    )
    for cell in made:
        yes = sum(row["persistent"] for row in cell)
        assert min(yes, 40 * len(cell) - yes) >= policy.threshold
    cells_of = {row["urn"]: n for n, cell in enumerate(made) for row in cell}
    for one, other in combinations("123", 2):
        assert cells_of[one] == cells_of[other]


def test_the_same_schools_weigh_as_much_as_they_have_children():
    others = Others({"1": {"absence": 4.0}, "2": {"absence": 10.0}}, {}, 100)
    rows = pa.table({"school": ["1", "1", "1", "2", None, "Below school age", "3"]})
    found = same_schools(others, rows)
    assert found.figures["absence"] == pytest.approx((3 * 4 + 10) / 4)
    assert "No registers have come from the schools of 1 of these children." in found.warnings


def test_periods_end_with_the_data_and_a_wrong_one_says_which_there_are():
    opened = authority.opened()
    months = breakdown.periods(opened, "month")
    assert (months[0].key, months[0].on) == ("2026-10", authority.AS_AT)
    assert (months[1].start, months[1].on) == (date(2026, 9, 1), date(2026, 9, 30))
    assert breakdown.earlier(opened, months[0]) == months[1]
    with pytest.raises(BadSetting, match="There are: 2026-10, 2026-09"):
        breakdown.period_of(opened, "month", "2031-01")
    assert (
        tables.filters_in_words(counted.panel(opened, Scope.everyone(), authority.AS_AT), {"sex": ["F"]})
        == "Sex: Female"
    )
    opened.database.close()


def test_the_newest_published_figure_comes_with_its_warning_and_a_withheld_one_is_no_nought():
    held = authority.tables()
    schema = arrow_schema("comparator", stored=True)
    common = {"dataset": "outcomes-absence", "child_group": "CINO at 31 March", "phase": "Total", "delivery": "d-care"}
    published = [
        {**common, "level": "National", "year": 2023, "period": "2023/24", "indicator": "pt_overall", "figure": 18.0},
        {**common, "level": "National", "year": 2024, "period": "2024/25", "indicator": "pt_overall", "figure": 17.4},
        {**common, "level": "National", "year": 2024, "period": "2024/25", "indicator": "pt_pupils_pa_50_exact",
         "symbol": "c"},
    ]  # fmt: skip
    held["comparator"] = pa.table(
        {f.name: pa.array([r.get(f.name) for r in published], f.type) for f in schema}, schema
    )
    opened = authority.opened(held)
    (england,) = comparators.published(opened)
    assert (england.figures, england.period) == ({"absence": 17.4}, "2024/25")
    assert england.warnings[0].startswith("Wider than being on a Child in Need plan")
    assert "The publisher withholds the figure of severe absence (c)." in england.warnings
    assert any("statistical_neighbours" in said for said in comparators.lacking(opened, [england]))
    assert comparators.lacking(opened, []) == (comparators.RECEIVE,)
    opened.database.close()


def test_the_message_of_a_drawing_is_about_groups_and_a_missing_figure_has_no_bar():
    import json

    from sightline.web.pages.charts import ranked

    groups = [("North", 91.0, 30), ("South", 84.5, 12), ("One child", 20.0, 1), ("No marks", None, 9)]
    drawn = ranked(groups, measure="Attendance", by="Locality", within="locality")
    highest = "Attendance is highest for North (91.0%) and lowest for South (84.5%)"
    assert drawn.message == f"{highest}, of groups of 6 children or more"
    assert [v["name"] for v in json.loads(drawn.specification)["data"]["values"]] == ["North", "South", "One child"]
    assert ranked(groups[:2], measure="Attendance", by="Locality", within="locality").message == highest
    # A bar of few children that is the longest still ends within the drawing.
    drawn = ranked([*groups[:2], ("One child", 100.0, 1), groups[3]], measure="Attendance", by="Locality", within="l")
    assert json.loads(drawn.specification)["encoding"]["x"]["scale"]["domain"] == [0, 100.0]
    assert drawn.rows[-1] == ("No marks", "9", "")
    assert "Groups without a figure, which have no bar: 1." in drawn.describes
    assert ranked(groups[:1], measure="Attendance", by="Locality", within="locality") is None
