"""Packs: only what may be told, the questions the figures call for, one page that fetches nothing, and who makes one."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date

import pytest
import web_authority as authority

from sightline.disclosure import HIDDEN
from sightline.operations import Scope
from sightline.operations.counts import dashboard, packs
from sightline.operations.counts.breakdown import Period
from sightline.operations.counts.dashboard import DIMENSIONS
from sightline.operations.counts.pack_page import pack_html
from sightline.operations.counts.shared import HEADS, SHARED, Shared, SharedRow, shared
from sightline.vocabulary.errors import BadSetting
from sightline.vocabulary.packs import GROUP, WHENS, Question, audience, audiences, questions

pytest_plugins = ["web_fixtures"]

PERIOD = Period("half-term", "2026-autumn-1", "Autumn 1, 2026/27", date(2026, 9, 1), date(2026, 10, 31))


def row(label, *, together=False, **told):
    return SharedRow(label, {**dict.fromkeys((h.key for h in HEADS), HIDDEN), **told}, together)


def told(*, phases=(), persistent=30.0, year=None, weekdays=()):
    """Figures made by hand: everybody's persistent absence, that of a year before, and rows of phases."""

    def of(value):
        everybody = row("All children on a plan", children=200, persistent=value, suspended=HIDDEN)
        tables = {d: tuple(phases) if d == "phase" else () for d in SHARED}
        return Shared(PERIOD.on, PERIOD.start, PERIOD.start, everybody, tables, 10, row("Early Help, no plan"))

    return packs.Told(PERIOD, of(persistent), None, of(year) if year is not None else None, tuple(weekdays))


def asked(key, held):
    return packs._asked(next(q for q in questions() if q.key == key), held)


def test_every_audience_names_tables_charts_and_questions_that_there_are():
    keys = {h.key for h in HEADS if h.percent}
    for each in audiences().values():
        assert set(each.tables) | {by for by, _ in each.charts} <= set(SHARED), each.key
        assert {what for _, what in each.charts} <= keys, each.key
        mine = [q for q in questions() if each.key in q.audiences]
        assert {q.when for q in mine} > {"always"} and len(mine) > 3, each.key
    for q in questions():
        assert set(q.audiences) <= set(audiences()) and q.source and q.when in WHENS, q.key
        assert (not q.by or q.by in SHARED) and (not q.measure or q.measure in keys), q.key
        assert set(re.findall(r"{(\w+)}", q.asks)) <= {"group", "value", "all", "then"}, q.key
    with pytest.raises(BadSetting, match="There are packs for"):
        audience("everybody")
    with pytest.raises(BadSetting, match="does not say when"):
        Question("x", "Why?", (), GROUP, "test")


def test_a_group_is_asked_about_only_where_it_stands_out_and_may_be_told():
    high, low = row("Secondary", persistent=40.0), row("Primary", persistent=25.0)
    said = asked("phase-persistent", told(phases=(high, low)))
    assert said.asks.startswith("40.0% of children on a plan at school in the phase Secondary")
    assert "30.0%" in said.asks and "(5)" in said.why
    assert asked("phase-persistent", told(phases=(row("Secondary", persistent=34.9), low))) is None
    assert asked("phase-persistent", told(phases=(row("Secondary"), low))) is None, "hidden"
    together = row("Together: Nursery; Secondary", persistent=60.0, together=True)
    assert asked("phase-persistent", told(phases=(together, low, row("Special", persistent=26.0)))) is None
    missing = row(DIMENSIONS["phase"].missing, persistent=90.0)
    assert asked("phase-persistent", told(phases=(missing, low, row("Special", persistent=26.0)))) is None


def test_a_day_is_asked_about_only_where_the_week_shows_it():
    flat = [(day, 8.0) for day in ("Monday", "Tuesday", "Wednesday", "Thursday")]
    assert asked("weekday", told(weekdays=[*flat, ("Friday", 9.9)])) is None
    said = asked("weekday", told(weekdays=[*flat, ("Friday", 10.0)]))
    assert said.asks.startswith("10.0% of sessions on a Friday are missed, and 8.0% on the other days")
    assert asked("weekday", told()) is None


def test_a_rise_and_a_fall_are_of_the_year():
    assert asked("persistent-risen", told(year=28.0)).asks.startswith(
        "Persistent absence has risen from 28.0% to 30.0%"
    )
    assert asked("persistent-risen", told(year=28.1)) is None
    assert asked("persistent-fallen", told(year=32.0)) is not None
    assert asked("persistent-fallen", told()) is asked("persistent-risen", told(year=HIDDEN)) is None


def test_a_pack_holds_the_answers_of_the_month_and_none_of_any_child(authority_opened):
    """Every number of the tables stands in what the dashboard tells to those who see no child."""
    period = packs.pack_period(authority_opened)
    assert period.on == date(2026, 9, 30), "the last day of the month the data reach"
    held = packs.told_of(authority_opened, Scope.everyone(), period)
    panel = dashboard.panel(authority_opened, Scope.everyone(), period.on)
    assert held.now == shared(panel)
    for each in audiences().values():
        made = packs.pack(authority_opened, each, held)
        text = pack_html(made, system_name=str)
        assert "Tok" not in text and "child-" not in text
        assert not re.search(r"<script|\bon\w+=|(?:src|href)=", text)
        assert not re.search(r"https?://(?!www\.w3\.org/)", text), "nothing is fetched"
        assert made.questions and made.questions[-1].asks in text
        for drawing in made.drawings:
            assert len(drawing.table.rows) == len(drawing.specification["data"]["values"])
    with pytest.raises(BadSetting, match="to make a pack of"):
        packs.pack_period(authority_opened, "1999-autumn-1")


def test_days_of_the_week_are_counted_by_hand(authority_opened):
    """Absences fall on sessions of a child by a rule of the authority: each day's share is counted from its marks."""
    period = packs.pack_period(authority_opened)
    held = packs.told_of(authority_opened, Scope.everyone(), period)
    missed, possible = [0] * 5, [0] * 5
    on_plan = authority.on_plan(set(range(authority.CHILDREN)))
    starts = {r["child_id"]: r["start_date"] for r in authority.tables()["status_period"].to_pylist()}
    for r in authority.tables()["register_week"].to_pylist():
        n = int(r["child_id"].removeprefix("child-"))
        if (
            not date(2026, 9, 1) <= r["week"] < date(2026, 9, 28)
            or n not in on_plan
            or starts[r["child_id"]] > period.on
        ):
            continue
        for slot in range(10):
            absent = (n + slot + r["week"].toordinal() // 7) % 11 == 0 or (n % 7 == 3 and slot in (1, 6, 7))
            missed[slot // 2] += absent
            possible[slot // 2] += 1
    by_hand = [100 * m / p for m, p in zip(missed, possible, strict=True)]
    assert [rate for _, rate in held.weekdays] == pytest.approx(by_hand)
    assert packs._weekdays(authority_opened, dashboard.panel(authority_opened, Scope.everyone(), period.on),
                           replace(held.now, everybody=row("All"))) == ()  # fmt: skip


def test_the_page_and_the_file_say_the_same(facts, person, browse):
    browser = browse(person("virtual_school_head"))
    page = browser.get("/packs/?for=sendcos&period=2026-autumn-1").content.decode()
    file = browser.get("/packs/page/?for=sendcos&period=2026-autumn-1")
    assert file["Content-Disposition"] == 'attachment; filename="pack-sendcos-2026-autumn-1.html"'
    for text in (page, file.content.decode()):
        assert "Pack for the network of special educational needs and disabilities coordinators" in text
        assert "What is going on behind them" in text
    questions_of = [re.sub(r"\s+", " ", q) for q in re.findall(r"<h3[^>]*>(\d+\. .*?)</h3>", page)]
    assert questions_of == re.findall(r"<h3>(\d+\. .*?)</h3>", file.content.decode())


def test_many_groups_together_are_one_short_row_and_named_below():
    held = told(phases=(row("Primary", children=90), row("Nursery"), row("Special"),
                        row("Together: Nursery; Special; 16 plus; All-through", together=True, children=12)))  # fmt: skip
    grid = packs._short(held.now, "phase", packs.Grid(
        "Phase", "By phase", ("Phase", "Children"),
        tuple((r.label, r.figures["children"]) for r in (held.now.everybody, *held.now.tables["phase"])),
    ))  # fmt: skip
    assert [r[0] for r in grid.rows] == ["All children on a plan", "Primary", "Nursery and 3 others together"]
    assert grid.notes == (
        "Nursery and 3 others together: Nursery, Special, 16 plus, All-through.",
        "Hidden altogether: Nursery, Special.",
    )


def test_registers_that_end_early_are_said_to(authority_opened):
    held = packs.told_of(authority_opened, Scope.everyone(), packs.pack_period(authority_opened))
    late = replace(authority_opened, data_to={**authority_opened.data_to, "marks": date(2026, 9, 4)})
    of = audience("headteachers")
    assert "received to 4 September 2026 only" in packs.pack(late, of, held).about
    assert "only" not in packs.pack(authority_opened, of, held).about
