"""The pages of part-time timetables and school moves: who reads whom, what is wrong first, and counts alone in a file."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from datetime import date, timedelta
from html import unescape

import web_authority as authority

pytest_plugins = ["web_fixtures"]
ON = authority.AS_AT


def held_tables():
    """The authority with a timetable, long past its end, of a child at each of two schools, and moves."""
    held = authority.tables()
    ref = {"system": "ssd", "delivery": "d-care", "line": 1}

    def add(name, rows):
        held[name] = authority._table(name, [*(held[name].to_pylist() if name in held else []), *rows])

    def pupil(n):
        return {**ref, "pupil_ref": authority.token(n, "ref"), "school_ref": authority.SCHOOLS[authority.school_of(n)]}

    add("part_time_timetable", [
        {**pupil(n), "start_date": ON - timedelta(days=60), "hours": 16.0, "reason": authority.token(n, "why"),
         "end_date": ON + timedelta(days=7) if n else None}
        for n in (0, 1, 12)
    ])  # fmt: skip
    add("alternative_provision", [
        {**pupil(n), "kind": "OSD", "start_date": ON - timedelta(days=9), "provider_ref": authority.token(n, "farm")}
        for n in (1, 6)
    ])  # fmt: skip
    add(
        "cin_plan",
        [
            {
                "system": "ssd",
                "child_ref": authority.token(n, "ref"),
                "delivery": "d-care",
                "line": n,
                "start_date": ON - timedelta(days=10 + n),
            }
            for n in (2, 4, 15)
        ],
    )
    add(
        "assessment",
        [
            {
                "system": "ssd",
                "child_ref": authority.token(n, "ref"),
                "delivery": "d-care",
                "line": n,
                "end_date": ON - timedelta(days=days),
            }
            for n, days in ((2, 13), (4, 34), (15, 60))
        ],
    )
    add("enrolment_period", [
        {"child_id": authority.child_id(11), "urn": authority.SCHOOLS[1], "start_date": date(2026, 10, 5), "line": 1,
         "by_marks": False, "delivery": "d-roll", "status": "C"}
    ])  # fmt: skip
    return held


def shown(answer):
    """The children of a list in their order, by number."""
    assert answer.status_code == 200
    text = unescape(answer.content.decode())
    return [int(n) for n in re.findall(r"Tok(\d{3})surname", text)], text


def test_each_role_reads_the_timetables_and_moves_of_its_own_children(facts_of, person, browse):
    facts_of(held_tables())
    head = browse(person("virtual_school_head"))
    listed, text = shown(head.get("/part-time-timetables/"))
    assert listed[0] == 0, "the one without an end stands first"
    assert set(listed) == {0, 1, 12}
    assert "No end" in text
    assert [int(n) for n in shown(head.get("/part-time-timetables/?problem=no-end"))[0]] == [0]
    assert shown(head.get("/part-time-timetables/?sort-list=-3&problem="))[0]
    moved, text = shown(head.get("/moves/"))
    assert moved == [1, 6, 11]
    assert "First school known" in text, "what each kind is"
    assert shown(head.get("/moves/?move=mid-year"))[0] == [11]
    assert shown(head.get("/moves/?since=2026-10-04"))[0] == [11]
    assert shown(head.get("/moves/?since=nonsense"))[0] == [1, 6, 11]

    lead = browse(person("school_lead"))
    assert set(shown(lead.get("/part-time-timetables/"))[0]) == {0, 12} & authority.seen_by()["school_lead"]
    assert lead.get("/moves/").status_code == 403
    worker = browse(person("social_worker"))
    assert set(shown(worker.get("/part-time-timetables/"))[0]) == {0, 12} & authority.seen_by()["social_worker"]
    assert set(shown(worker.get("/moves/"))[0]) == {6} & authority.seen_by()["social_worker"]


def test_plans_long_after_their_outcome_are_listed_to_those_who_read_why(facts_of, person, browse):
    facts_of(held_tables())
    listed, text = shown(browse(person("virtual_school_head")).get("/recorded-late/"))
    assert listed == [15, 4], "the longest after its assessment first; 2 took three days"
    assert "2 of 3 plans late" in text
    assert re.search(r"September 2026</th>\s*<td[^>]*>3<", text), "by month"
    assert shown(browse(person("virtual_school_head", username="again")).get("/recorded-late/?since=2026-09-20"))[
        0
    ] == [4]
    manager = browse(person("team_manager"))
    assert set(shown(manager.get("/recorded-late/"))[0]) == {4, 15} & authority.seen_by()["team_manager"]
    assert browse(person("school_lead")).get("/recorded-late/").status_code == 403


def test_each_child_shown_is_in_the_log_and_the_file_names_nobody(facts_of, person, browse):
    from sightline.web.audit.models import AccessEntry

    facts_of(held_tables())
    head = browse(person("virtual_school_head"))
    head.get("/part-time-timetables/")
    entry = AccessEntry.objects.order_by("-pk").first()
    assert set(entry.child_ids) == {authority.child_id(n) for n in (0, 1, 12)}
    for page in ("part-time-timetables", "moves", "recorded-late"):
        address = f"/{page}/workbook/?form=zip"
        answer = head.get(address)
        with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
            text = [archive.read(name).decode("utf-8-sig") for name in archive.namelist()]
        assert not any("surname" in t or "why" in t for t in text)
        rows = list(csv.reader(io.StringIO(text[1])))
        assert sum(int(r[1]) for r in rows[1:]) >= 2, address


def test_where_nothing_was_received_the_page_says_so(facts, person, browse):
    browser = browse(person("virtual_school_head"))
    assert "No list received names a child" in browser.get("/part-time-timetables/").content.decode()
    assert "No move of a child" in browser.get("/moves/").content.decode()
