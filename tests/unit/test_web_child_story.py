"""The child's page beyond the rows: timeline, what presses, who manages, about the end of plans, corrected marks."""

from __future__ import annotations

from datetime import date, timedelta
from html import unescape

import pytest
import web_authority as authority

from sightline.operations import Scope
from sightline.operations.lists import child_story
from sightline.vocabulary.attendance import pack
from sightline.vocabulary.errors import NotAllowed

pytest_plugins = ["web_fixtures"]

N = 3  # on no plan any more, with Early Help; its school's register says O on three half days of each week
MONDAY = date(2026, 9, 14)


def page_of(browser, n, rest=""):
    from sightline.web.people.models import Child

    child = Child.objects.get(child_id=authority.child_id(n))
    answer = browser.get(f"/children/{child.public_id}/{rest}")
    assert answer.status_code == 200
    return unescape(answer.content.decode())


def week(marks: str) -> str:
    """Packed marks of one week, from codes with spaces between ("." for none)."""
    return "".join("." if code == "." else pack(code, MONDAY) or "" for code in marks.split())


@pytest.fixture(scope="module")
def told():
    """The authority with two files that differ about one child's marks, and a part-time timetable of it."""
    tables = authority.tables()
    ref, urn = authority.token(N, "ref"), authority.SCHOOLS[authority.school_of(N)]
    row = {"pupil_ref": ref, "school_ref": urn, "week": MONDAY, "system": "ssd"}
    tables["attendance_week"] = authority._table("attendance_week", [
        {**row, "marks": week("/ \\ / \\ / \\ / \\ / ."), "delivery": "d-roll", "line": 2},
        {**row, "marks": week("/ \\ O \\ / \\ / \\ / \\"), "delivery": "d-marks", "line": 2},
    ])  # fmt: skip
    tables["part_time_timetable"] = authority._table("part_time_timetable", [
        {"pupil_ref": ref, "school_ref": urn, "start_date": date(2026, 9, 7), "end_date": date(2026, 12, 1),
         "hours": 15.0, "system": "ssd", "delivery": "d-roll", "line": 3},
    ])  # fmt: skip
    tables["professional"] = authority._table("professional", [
        {"professional_ref": "m", "name": "Manager Of The Team", "job_title": "Team Manager", "system": "ssd",
         "team_ref": authority.TEAMS[authority.team_of(N)], "delivery": "d-care", "line": 2},
    ])  # fmt: skip
    return tables


def test_a_mark_corrected_says_what_it_was_what_it_is_and_by_which_file(told, facts_of, person, browse):
    opened = facts_of(told)
    (row,) = child_story.corrected_marks(opened, Scope.everyone(), authority.child_id(N))
    assert (row["day"], row["half"], row["was"], row["now"]) == (date(2026, 9, 15), "morning", "/", "O")
    assert (row["first_kind"], row["delivery_kind"]) == ("School census", "Session marks")
    elsewhere = [authority.SCHOOLS[0]]
    assert child_story.corrected_marks(opened, Scope.everyone(), authority.child_id(N), elsewhere) == []
    text = page_of(browse(person("virtual_school_head")), N, "attendance/")
    assert "O: " in text and "Session marks" in text and "No file in force corrects" not in text
    assert "15.0" in text and "runs now" in text and ">part-time<" in text
    assert "Autumn 1, 2026/27" in text
    with pytest.raises(NotAllowed):
        child_story.corrected_marks(opened, Scope.of([]), authority.child_id(N))


def test_the_record_begins_with_what_presses_who_manages_and_one_timeline(told, facts_of, person, browse):
    facts_of(told)
    browser = browse(person("virtual_school_head"))
    text = page_of(browser, N)
    assert "Part-time timetable</strong>" in text
    timeline = text.split('id="timeline"')[1].split("</table>")[0]
    assert "CIN plan ends" in timeline and "On the roll of Invented School 4" in timeline
    assert (
        "CIN plan ends" in page_of(browser, N, "?kind=plan")
        and "On the roll" not in page_of(browser, N, "?kind=plan").split('id="timeline"')[1].split("</table>")[0]
    )
    assert page_of(browser, N, "?kind=nonsense").count("On the roll of Invented School 4") == 1
    on_plan = page_of(browser, 0)
    assert "Most urgent now" in on_plan and "Manager: Manager Of The Team." in on_plan
    urgent = on_plan.split("Most urgent now")[1].split("</ul>")[0]
    assert 1 <= urgent.count("<li>") <= 2


def test_without_one_sent_the_manager_is_who_holds_the_role(facts, person, browse):
    assert "No manager of the team is recorded." in page_of(browse(person("virtual_school_head")), 0)
    person("team_manager")
    text = page_of(browse(person("data_officer")), 0)
    assert 'Manager: Person team_manager (<a class="govuk-link" href="mailto:team_manager%40sightline.example">' in text
    assert "Contact:" not in text, "the worker has no account here"


def test_a_school_reads_how_to_reach_each_worker(facts, person, browse):
    worker = person("social_worker")
    browser = browse(person("school_lead"))
    text = unescape(browser.get(f"/schools/{authority.SCHOOLS[0]}/").content.decode())
    mine = authority.on_plan(authority.children(school=0) & authority.children(worker=0))
    assert mine and text.count(f">{worker.email}</a>") == len(mine)
    assert "Contact: <a" in page_of(browser, min(mine)) and worker.email in page_of(browser, min(mine))
    worker.is_active = False
    worker.save()
    assert worker.email not in unescape(browser.get(f"/schools/{authority.SCHOOLS[0]}/").content.decode())


def test_attendance_about_the_end_of_a_plan(facts):
    end = date(2026, 9, 14)
    plans = [
        {"status": "CP plan", "start_date": date(2026, 1, 5), "end_date": end},
        {"status": "CIN plan", "start_date": end, "end_date": None},
        {"status": "assessment", "start_date": date(2025, 12, 1), "end_date": date(2026, 1, 5)},
    ]
    child = authority.child_id(N)
    (row,) = child_story.about_ends(facts, Scope.everyone(), child, plans, None)
    assert (row["status"], row["end_date"], row["then"]) == ("CP plan", end, "CIN plan")
    weeks = facts.database.rows(
        "SELECT week, possible, authorised + unauthorised FROM register_week WHERE child_id = ?", [child]
    )
    span = timedelta(weeks=12)
    for side, first, last in (("before", end - span, end), ("after", end, end + span)):
        mine = [(p, a) for w, p, a in weeks if first <= w < last]
        possible = sum(p for p, _ in mine)
        assert row[f"possible_{side}"] == possible > 0
        assert row[side] == pytest.approx(100 * (possible - sum(a for _, a in mine)) / possible)
    (row,) = child_story.about_ends(facts, Scope.everyone(), child, plans, [])
    assert (row["before"], row["possible_before"]) == (None, 0), "of another school's registers nothing is told"


def test_a_move_is_named_with_the_school_left():
    file = {"delivery_kind": "School census", "received_on": None}
    here = {"urn": "2", "school_name": "Second", "start_date": date(2026, 1, 5), "end_date": None, **file}
    left = {"urn": "1", "school_name": "First", "start_date": date(2024, 9, 1), "end_date": date(2025, 12, 20), **file}
    long_ago = {**left, "end_date": date(2025, 6, 1)}
    for before, says in ((left, "On the roll of Second, moved from First"), (long_ago, "On the roll of Second")):
        events = child_story.timeline(periods=(), workers=(), schools=(here, before), suspensions=())
        assert says in [e.says for e in events]
        assert [e.day for e in events] == sorted((e.day for e in events), reverse=True)
