"""The lists of persistent and severe absence: exact limits, what changed and why, who reads which registers."""

from __future__ import annotations

from datetime import timedelta

import pytest
import web_authority as authority

from sightline.operations import Scope
from sightline.operations.counts import dashboard
from sightline.operations.lists import absence_lists
from sightline.operations.lists.absence_lists import BETTER, LEFT, NEW, SAME, WORSE
from sightline.vocabulary.errors import BadSetting

pytest_plugins = ["web_fixtures"]

ON_PLAN = sorted(authority.on_plan(set(range(authority.CHILDREN))))


def with_marks(**weeks):
    """The authority with the registers of this school year of some children set: by number, absences in each week of
    ten possible sessions, oldest first (None: no marks), the last that of the newest day."""
    held = authority.tables()
    rows = [r for r in held["register_week"].to_pylist() if r["week"].month < 8]
    for key, absences in weeks.items():
        n = int(key.removeprefix("c"))
        for back, absent in enumerate(reversed(absences)):
            if absent is None:
                continue
            week = authority.monday(authority.AS_AT) - timedelta(weeks=back)
            codes = ["I"] * absent + ["/"] * (10 - absent)
            marks = "".join(authority.pack(code, week + timedelta(days=slot // 2)) for slot, code in enumerate(codes))
            rows.append({
                "child_id": authority.child_id(n), "urn": authority.SCHOOLS[authority.school_of(n)], "week": week,
                "marks": marks, "possible": 10, "authorised": absent, "unauthorised": 0, "approved": 0, "late": 0,
                "not_possible": 0, "delivery": "d-marks", "line": 1,
            })  # fmt: skip
    held["register_week"] = authority._table("register_week", rows)
    held["register_year"] = authority._table("register_year", [])
    return held


def lists(held, **asked):
    opened = authority.opened(held)
    try:
        return absence_lists.absence_lists(opened, Scope.everyone(), on=authority.AS_AT, **asked)
    finally:
        opened.database.close()


def test_a_child_is_listed_from_exactly_the_share_and_the_change_is_told():
    """Children on a plan before the earlier day, four weeks ago; the fifth week from the end is the last of then."""
    a, b, c, d, e, f = [n for n in ON_PLAN if 3 + 11 * n > 40][:6]
    made = lists(
        with_marks(**{
            f"c{a}": (1, 1, 1, 1, 1),  # 10% both times
            f"c{b}": (0, 2, 1, 1, 1),  # nothing missed, then exactly 10%
            f"c{c}": (4, 6, 6, 6, 6),  # 40%, then 56%
            f"c{d}": (5, 0, 0, 0, 0),  # 50%, then 10%
            f"c{e}": (2, 0, 0, 0, 0),  # 20%, then 4%: attendance rose
            f"c{f}": (None, 5, 5, 5, 5),  # first marks
        })
    )  # fmt: skip
    told = {int(r["child_id"][-3:]): (r["list"], r["before"], r["change"]) for r in made.rows}
    assert told == {
        a: ("persistent", "persistent", SAME),
        b: ("persistent", "neither", NEW),
        c: ("severe", "persistent", WORSE),
        d: ("persistent", "severe", BETTER),
        e: ("neither", "persistent", LEFT),
        f: ("severe", "no marks", NEW),
    }
    assert next(r["why"] for r in made.rows if r["change"] == LEFT) == "Attendance rose"
    assert [r["now"] for r in made.counts] == [2, 3] and [r["then"] for r in made.counts] == [1, 3]
    assert sum(made.changed.values()) == 6
    assert next(r["points"] for r in made.rows if r["child_id"] == authority.child_id(c)) == pytest.approx(-16.0)
    assert [r["list"] for r in made.rows] == ["severe"] * 2 + ["persistent"] * 3 + ["neither"]


def test_they_are_as_many_as_the_dashboard_counts(authority_opened):
    made = absence_lists.absence_lists(authority_opened, Scope.everyone(), on=authority.AS_AT)
    panel = dashboard.panel(authority_opened, Scope.everyone(), authority.AS_AT)
    counted = dashboard.figures_by(dashboard.on_plan(panel.rows), panel.then)[None]
    now = {r["list"]: r["now"] for r in made.counts}
    assert (now["severe"], now["severe"] + now["persistent"]) == (counted.severe, counted.persistent)
    with pytest.raises(BadSetting, match="1 to 104"):
        absence_lists.absence_lists(authority_opened, Scope.everyone(), on=authority.AS_AT, weeks=0)


@pytest.mark.parametrize("role", ["virtual_school_head", "school_lead"])
def test_the_page_lists_them_by_child_to_who_may_see_them(facts, person, browse, role):
    from sightline.web.audit.models import AccessEntry

    browser = browse(person(role))
    page = browser.get("/absence-lists/").content.decode()
    seen = {n for n in range(authority.CHILDREN) if authority.token(n, "surname") in page}
    assert seen and seen <= authority.seen_by()[role]
    assert set(AccessEntry.objects.order_by("-pk").first().child_ids) == {authority.child_id(n) for n in seen}
    left = browser.get("/absence-lists/?change=left&weeks=13").content.decode()
    assert "shown" in left
