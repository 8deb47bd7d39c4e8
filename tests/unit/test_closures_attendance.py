"""Attendance before a plan ended or was stepped down: the weeks counted by hand, who is listed, and on whose record."""

from __future__ import annotations

from datetime import timedelta

import pytest
import web_authority as authority

from sightline.operations import Scope
from sightline.operations.lists import closures
from sightline.vocabulary.errors import BadSetting
from sightline.vocabulary.periods import monday

pytest_plugins = ["web_fixtures"]

ENDED = [n for n in range(authority.CHILDREN) if authority.status_of(n) == "ended"]


def ended_on(n):
    return authority.AS_AT - timedelta(days=3 + 11 * n)


def by_hand(n, day, weeks):
    """Attendance in the newest weeks with sessions before the week of the day, from the authority's own rule of marks."""
    held = sorted(
        (r for r in authority.tables()["register_week"].to_pylist()
         if r["child_id"] == authority.child_id(n) and r["week"] < monday(day) and r["possible"]),
        key=lambda r: r["week"],
    )[-weeks:]  # fmt: skip
    possible = sum(r["possible"] for r in held)
    missed = sum(r["authorised"] + r["unauthorised"] for r in held)
    return (100 * (possible - missed) / possible, len(held), held[0]["week"]) if possible else (None, 0, None)


def test_the_weeks_before_are_counted_over_the_holidays(authority_opened):
    rows = closures.closures(authority_opened, Scope.everyone(), on=authority.AS_AT, weeks=26).to_pylist()
    assert [int(r["child_id"][-3:]) for r in rows] == [n for n in ENDED if 3 + 11 * n < 26 * 7]
    for r in rows:
        n = int(r["child_id"][-3:])
        assert r["last_day"] == r["day"] - timedelta(days=1)
        assert (r["day"], r["change"], r["worker_name"]) == (
            ended_on(n), "plan ended", f"Worker {authority.worker_of(n) + 1}",
        )  # fmt: skip
        for weeks in (4, 12):
            share, held, first = by_hand(n, r["day"], weeks)
            assert r[f"attendance_{weeks}"] == (pytest.approx(share) if share is not None else None)
            assert (r[f"weeks_{weeks}"], r[f"from_{weeks}"]) == (held, first)
    over = next(r for r in rows if r["day"] > authority.HOLIDAY[1] and r["from_12"] < authority.HOLIDAY[0])
    assert over["weeks_12"] == 12, "weeks of the summer are passed over"


def test_nobody_outside_the_scope_is_listed_and_no_span_is_ignored(authority_opened):
    first = authority.child_id(ENDED[0])
    rows = closures.closures(authority_opened, Scope.of([first]), on=authority.AS_AT, weeks=26)
    assert set(rows["child_id"].to_pylist()) == {first}
    with pytest.raises(BadSetting, match="1 to 520"):
        closures.closures(authority_opened, Scope.everyone(), on=authority.AS_AT, weeks=0)
    assert closures.closures(authority_opened, Scope.of([]), on=authority.AS_AT, weeks=26).num_rows == 0


def test_a_manager_sees_the_teams(facts, person, browse):
    from sightline.web.audit.models import AccessEntry

    mine = [n for n in ENDED if n in authority.children(team=0) and 3 + 11 * n < 26 * 7]
    browser = browse(person("team_manager"))
    page = browser.get("/closures/?weeks=26").content.decode()
    assert mine and [n for n in range(authority.CHILDREN) if authority.token(n, "surname") in page] == mine
    shown = AccessEntry.objects.order_by("-pk").first().child_ids
    assert shown == [authority.child_id(n) for n in mine]


def test_the_schools_calendar_is_left_as_it_is(authority_opened):
    """Closures of plans are no closures of schools, whose table bears that name."""
    before = authority_opened.database.query("SELECT * FROM closure").schema
    closures.closures(authority_opened, Scope.everyone(), on=authority.AS_AT)
    assert authority_opened.database.query("SELECT * FROM closure").schema == before
