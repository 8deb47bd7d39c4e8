"""Each page for the people it is for: what it shows, what it costs, and that filters work without JavaScript."""

from __future__ import annotations

import re
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc
import pytest
import web_authority as authority

pytest_plugins = ["web_fixtures"]

BUDGET = 15  # queries a page may ask of the application database, transactions not counted


def public_id(n: int) -> str:
    from sightline.web.people.models import Child

    return str(Child.objects.get(child_id=authority.child_id(n)).public_id)


def list_of(role: str) -> str:
    """The address of the list of a role's children."""
    from django.urls import reverse

    from sightline.web.authz.matrix import ROLES

    return reverse(ROLES[role].list_page)


def listed(text: str) -> list[int]:
    """The children of the list, in its order."""
    return [int(n) for n in re.findall(r'<th scope="row"[^>]*><a [^>]*>Tok(\d{3})surname, Tok', text)]


@pytest.mark.parametrize("role", authority.SEEING)
def test_each_page_stays_within_its_budget_of_queries(facts, person, browse, role):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    browser, child = browse(person(role)), public_id(min(authority.seen_by()[role]))
    for path in (
        "/",
        list_of(role),
        f"{list_of(role)}?page=2&sort=attendance&sort-list=7",
        "/week/",
        "/definitions/",
        f"/children/{child}/",
        f"/children/{child}/attendance/",
        *([f"/children/{child}/who-has-looked/?lists=yes"] if role == "virtual_school_head" else []),
        *([f"/schools/{authority.SCHOOLS[0]}/"] if role in {"officer", "school_lead"} else []),
        *(["/data-quality/"] if role in {"virtual_school_head", "data_officer"} else []),
    ):
        with CaptureQueriesContext(connection) as asked:
            answer = browser.get(path)
        # Savepoints are the test's own: outside its transaction they are the beginning and end of one.
        queries = [q["sql"] for q in asked if not q["sql"].startswith(("SAVEPOINT", "RELEASE SAVEPOINT"))]
        # So is asking again which snapshot is in use: a store that holds one tells its name from a file.
        queries = [q for n, q in enumerate(queries) if "people_projection" not in q or q not in queries[:n]]
        assert len(queries) <= BUDGET, (path, queries)
        assert answer.status_code == 200
        assert b"<h1" in answer.content


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("plan=CP plan", lambda n: authority.status_of(n) == "CP plan"),
        ("plan=CP plan&plan=CIN plan", lambda n: authority.status_of(n) in {"CP plan", "CIN plan"}),
        ("team=Team 2", lambda n: authority.team_of(n) == 1),
        (f"school={authority.SCHOOLS[2]}", lambda n: authority.school_of(n) == 2),
        ("phase=Primary", lambda n: authority.school_of(n) % 2 == 0),
        ("year=3", lambda n: 1 + n % 11 == 3),
        ("team=Team 2&plan=CIN plan", lambda n: authority.team_of(n) == 1 and authority.status_of(n) == "CIN plan"),
        ("band=50% to 90%", lambda n: n % 7 == 3),
        ("plan=looked after", lambda n: True),
    ],
)
def test_filters(facts, person, browse, asked, expected):
    browser = browse(person("officer"))
    found = {
        n
        for page in (1, 2)
        for n in listed(browser.get(f"/cohort/?{asked.replace('%', '%25')}&page={page}").content.decode())
    }
    assert found == {n for n in range(authority.CHILDREN) if expected(n)}


def test_a_filter_nobody_has_is_left_out_and_said_to_be(facts, person, browse):
    text = browse(person("officer")).get("/cohort/?school=123456&plan=CP plan").content.decode()
    assert "Left out, because nobody here has that value: school." in text
    assert len(listed(text)) == 8


def test_filters_that_leave_nobody_say_so(facts, person, browse):
    text = (
        browse(person("officer"))
        .get("/cohort/?year=1&year=2&plan=CP plan&band=50%25 to 90%25&team=Team 1")
        .content.decode()
    )
    assert "No child matches these filters." in text
    assert "data-chart" not in text


@pytest.mark.parametrize("sort", ["name", "year", "school", "plan", "since", "worker", "attendance"])
def test_each_column_sorts_both_ways_and_every_child_is_on_one_page(facts, person, browse, sort):
    browser = browse(person("officer"))

    def order(extra: str) -> list[int]:
        return [
            n
            for page in (1, 2)
            for n in listed(browser.get(f"/cohort/?sort={sort}{extra}&page={page}").content.decode())
        ]

    up, down = order(""), order("&order=desc")
    assert sorted(up) == sorted(down) == list(range(authority.CHILDREN))
    assert up != down
    if sort == "year":
        assert [1 + n % 11 for n in up] == sorted(1 + n % 11 for n in range(authority.CHILDREN)), "2 comes before 10"


@pytest.mark.parametrize(
    "wrong", ["page=0", "page=-1", "page=x", "page=999", "sort=nothing", "page=²", "order=up", "page=" + "9" * 40]
)
def test_a_wrong_address_still_gives_a_page(facts, person, browse, wrong):
    assert browse(person("officer")).get(f"/cohort/?{wrong}").status_code == 200
    assert browse(person("officer", username="other")).get(f"/week/?{wrong}").status_code == 200


def test_htmx_gets_the_results_and_the_count_and_never_the_frame(facts, person, browse):
    browser = browse(person("officer"))
    answer = browser.get("/cohort/?plan=CP plan", headers={"HX-Request": "true"})
    text = answer.content.decode()
    assert "<html" not in text
    assert text.lstrip().startswith('<div id="results"')
    assert 'id="count" role="status" hx-swap-oob="innerHTML"' in text
    assert "HX-Request" in answer["Vary"]
    whole = browser.get("/cohort/", headers={"HX-Request": "true", "HX-History-Restore-Request": "true"})
    assert "<html" in whole.content.decode()


def test_links_that_swap_have_an_id_that_comes_back(facts, person, browse):
    browser = browse(person("officer"))
    whole = browser.get("/cohort/").content.decode()
    part = browser.get("/cohort/?sort=attendance", headers={"HX-Request": "true"}).content.decode()
    links = re.findall(r"<a ([^>]*hx-get=[^>]*)>", whole)
    assert links
    ids = [re.search(r'id="([^"]+)"', link) for link in links]
    assert all(ids)
    assert {i[1] for i in ids if i[1].startswith("sort-")} <= set(re.findall(r'id="(sort-[^"]+)"', part))


def test_a_page_says_how_fresh_it_is_and_each_fact_where_it_came_from(facts, person, browse):
    text = browse(person("officer")).get(f"/children/{public_id(0)}/").content.decode()
    assert "Plans as on 9 October 2026" in text
    assert "attendance marks 9 Oct 2026" in text
    assert "Standard Safeguarding Dataset, received" in text
    assert "Suspensions, received" in text


def test_what_a_role_may_not_read_says_so_and_is_never_blank(facts, person, browse):
    text = browse(person("school_lead")).get(f"/children/{public_id(0)}/").content.decode()
    assert text.count("Not shared with your role") == 2
    assert "Tok000postcode" in browse(person("social_worker")).get(f"/children/{public_id(0)}/").content.decode()


def test_a_name_is_hidden_from_a_role_without_identity(facts, person, browse, monkeypatch):
    from dataclasses import replace

    from sightline.vocabulary.tables import Sensitivity
    from sightline.web.authz.matrix import ROLES

    officer = ROLES["officer"]
    monkeypatch.setitem(ROLES, "officer", replace(officer, fields=officer.fields - {Sensitivity.IDENTITY}))
    browser = browse(person("officer"))
    for path in ("/cohort/", "/week/", f"/children/{public_id(0)}/"):
        text = browser.get(path).content.decode()
        assert "Not shared with your role" in text
        assert "Tok000surname" not in text
        assert "Tok000forename" not in text


def test_acting_in_another_role_of_ones_own_and_in_no_other(facts, person, browse):
    from datetime import date

    from sightline.web.accounts.inviting import grant

    user = person("social_worker")
    grant(
        user, role="team_manager", scope="team", over=authority.TEAMS[2], by="test", reason="test",
        valid_from=date(2020, 1, 1),
    )  # fmt: skip
    browser = browse(user)
    assert "Act as Social worker" in browser.get("/").content.decode()
    browser.post("/act-as/", {"role": "social_worker"})
    assert set(listed(browser.get("/cohort/").content.decode())) == authority.children(worker=0)
    browser.post("/act-as/", {"role": "virtual_school_head"})
    assert set(listed(browser.get("/cohort/").content.decode())) == authority.children(worker=0)


def test_nothing_received_yet_is_said_plainly(person, browse):
    browser = browse(person("officer"))
    for path in ("/", "/cohort/", "/week/"):
        assert "Nothing has been received yet" in browser.get(path).content.decode()
    assert browser.get("/definitions/").status_code == 200


def test_somebody_without_a_grant_is_told_so(facts, person, browse):
    browser = browse(person(None))
    assert "You have no role today" in browser.get("/").content.decode()
    assert browser.get("/definitions/").status_code == 200


def test_the_week_filters_by_reason_team_and_school(facts, person, browse):
    browser = browse(person("officer"))
    everything = browser.get("/week/").content.decode()
    assert set(listed(everything)) >= {
        n for n in range(authority.CHILDREN) if n % 4 == 0 and authority.status_of(n) in {"CP plan", "CIN plan"}
    }
    text = browser.get("/week/?reason=suspension&team=Team 2").content.decode()
    assert {authority.team_of(n) for n in listed(text)} == {1}
    assert "New plan</h2>" not in text
    here = listed(browser.get(f"/week/?school={authority.SCHOOLS[0]}").content.decode())
    assert {authority.school_of(n) for n in here} == {0}


def test_error_pages_carry_the_request_id_and_no_data(facts, person, browse, monkeypatch):
    from sightline.web import facts as module

    browser = browse(person("officer"))
    missing = browser.get("/no-such-page/")
    assert missing.status_code == 404
    assert missing["X-Request-Id"] in missing.content.decode()

    def fails(*_):
        raise ValueError("Tok000surname is in this message")

    monkeypatch.setattr(module.operations, "cohort_on", fails)
    module.forget()
    browser.raise_request_exception = False
    answer = browser.get("/cohort/")
    assert answer.status_code == 500
    assert answer["X-Request-Id"] in answer.content.decode()
    assert "Tok000" not in answer.content.decode()


def test_log_lines_tell_where_and_never_what(facts, person, browse, monkeypatch, caplog):
    from sightline.web import facts as module
    from sightline.web.logs import NoRecords

    def fails(*_):
        raise ValueError("Tok000surname is in this message")

    monkeypatch.setattr(module.operations, "cohort_on", fails)
    module.forget()
    browser = browse(person("officer"))
    browser.raise_request_exception = False
    browser.get("/cohort/")
    lines = [NoRecords().format(record) for record in caplog.records]
    assert any("ValueError" in line and "page cohort" in line for line in lines)
    assert not any("Tok000" in line for line in lines)


def test_answers_kept_in_memory_are_never_another_person_s(facts, person, browse):
    """One process answers everybody in turn, twice: what it keeps for one scope must not reach another."""
    people = {role: browse(person(role)) for role in authority.SEEING}
    first = {role: browser.get(list_of(role)).content.decode() for role, browser in people.items()}
    for role in reversed(list(people)):
        again = people[role].get(list_of(role)).content.decode()
        assert listed(again) == listed(first[role])
        assert re.findall(r"data-chart=\"[^\"]*\"", again) == re.findall(r"data-chart=\"[^\"]*\"", first[role])
    charts = {role: re.findall(r"data-chart=\"([^\"]*)\"", text)[0] for role, text in first.items()}
    assert charts["officer"] == charts["virtual_school_head"]
    assert len({charts[r] for r in ("officer", "team_manager", "social_worker", "school_lead")}) == 4


def test_a_school_reads_attendance_in_its_own_registers_alone(facts_of, person, browse):
    held = authority.tables()
    weeks = held["register_week"].to_pylist()
    elsewhere = [
        {**row, "urn": "990009", "marks": "." * 10, "possible": 10, "authorised": 10, "unauthorised": 0}
        for row in weeks
        if row["child_id"] == authority.child_id(0)
    ]
    held["register_week"] = pa.Table.from_pylist(weeks + elsewhere, schema=held["register_week"].schema)
    facts_of(held)
    rates = {}
    for role in ("school_lead", "officer"):
        text = browse(person(role)).get(f"/cohort/?school={authority.SCHOOLS[0]}").content.decode()
        row = re.search(r"Tok000surname.*?numeric\">([\d.]+)%", text, re.DOTALL)
        chart = re.search(r"Attendance of these .* was ([\d.]+)%", text)
        rates[role] = float(row[1]), float(chart[1])
    assert rates["school_lead"][0] > 80 > 55 > rates["officer"][0]
    assert rates["school_lead"][1] > rates["officer"][1]


# A child on a plan, by number: born, and what is said of the school and the year group while no roll holds them.
NO_ROLL = {
    1: (date(2023, 3, 1), "Below school age", "Not of school age"),
    2: (date(2009, 3, 1), "Above school age", "Not of school age"),
    6: (date(2015, 3, 1), "No school found", "Not known"),
    7: (None, "No school found", "Not known"),
}


def test_no_school_is_amiss_only_for_a_child_of_school_age(facts_of, person, browse):
    held = authority.tables()
    for name in ("enrolment_period", "register_week"):
        gone = pc.is_in(held[name]["child_id"], value_set=pa.array([authority.child_id(n) for n in NO_ROLL]))
        held[name] = held[name].filter(pc.invert(gone))
    people = held["person"].to_pylist()
    for n, (born, _, _) in NO_ROLL.items():
        people[n]["birth_date"] = born
    held["person"] = pa.Table.from_pylist(people, schema=held["person"].schema)
    facts_of(held)
    browser = browse(person("officer"))
    text = browser.get("/cohort/").content.decode()
    for n, (_, school, year) in NO_ROLL.items():
        row = re.search(rf"Tok{n:03}surname.*?</tr>", text, re.DOTALL)[0]
        assert f">{school}</td>" in row
        assert f">{year}</td>" in row
        assert f"{school}." in browser.get(f"/children/{public_id(n)}/").content.decode()
    for asked, expected in (
        ("school=below", {1}),
        ("school=above", {2}),
        ("school=none", {6, 7}),
        ("year=Not of school age", {1, 2}),
        ("year=none", {6, 7}),
    ):
        assert set(listed(browser.get(f"/cohort/?{asked}").content.decode())) == expected, asked
    options = re.findall(r'<option value="(below|above|none)">([^<]+)</option>', text)
    assert options[:3] == [
        ("above", "Above school age"), ("below", "Below school age"), ("none", "No school found"),
    ]  # fmt: skip


def test_what_sources_say_is_read_without_codes():
    from sightline.web.pages.exceptions import in_words
    from sightline.web.pages.templating import kind, year

    assert in_words("SUSP from 2024-10-02") == "suspension from 2 Oct 2024"
    assert in_words("CIN plan from 2023-04-04 to 2023-02-30") == "CIN plan from 4 Apr 2023 to 2023-02-30"
    assert in_words("N899200320005") == "N899200320005"
    assert kind("ssd-cin-plans") == "Social care extract: Child in Need plans"
    assert kind("school-census-pupilonroll") == "School census: pupils on roll"
    assert kind("marks") == "Session marks (CSV)"
    assert [year(v) for v in ("4", "N2", None, "Not of school age")] == [
        "4", "Nursery, second year", None, "Not of school age",
    ]  # fmt: skip
