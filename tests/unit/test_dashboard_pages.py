"""The dashboard and the regular tables: who sees true figures, who sees answers alone, and what an address may hold."""

from __future__ import annotations

import io
import re

import pytest
import python_calamine
import web_authority as authority
from django.urls import reverse

from sightline.operations import Scope
from sightline.operations.counts import dashboard as counted
from sightline.operations.counts.shared import shared

pytest_plugins = ["web_fixtures"]

ON_PLAN = authority.on_plan(set(range(authority.CHILDREN)))


def page(client, path="/dashboard/", status=200):
    answer = client.get(path)
    assert answer.status_code == status, path
    return answer.content.decode()


def figures(text):
    return dict(re.findall(r"<dt>([^<]+)</dt><dd>([^<]+)</dd>", text))


def rows_of(text, title):
    table = text.split(f'aria-label="{title}, table"')[1].split("</table>")[0]
    cells = re.findall(r"<tr[^>]*>(.*?)</tr>", table, re.S)
    return [
        [re.sub(r"<[^>]+>", "", c).strip() for c in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", r, re.S)] for r in cells
    ]


def test_who_may_see_each_child_sees_true_figures_of_a_slice(facts, person, browse):
    client = browse(person("virtual_school_head"))
    text = page(client)
    assert "These are true figures" in text
    assert figures(text)["Children"] == str(len(ON_PLAN))
    on_cp = {n for n in ON_PLAN if authority.status_of(n) == "CP plan"}
    assert figures(page(client, "/dashboard/?plan=CP+plan"))["Children"] == str(len(on_cp))
    schools = rows_of(page(client, "/dashboard/?by=school"), "By school")
    assert {r[0]: r[1] for r in schools[1:]} == {
        f"Invented School {s + 1}": str(len(ON_PLAN & authority.children(school=s))) for s in range(4)
    }


def test_who_joined_since_september_is_counted(facts, person, browse):
    """A plan of child n began 3 + 11 n days before 9 October: 38 days before is 1 September."""
    shown = {r[0]: r[1:] for r in rows_of(page(browse(person("virtual_school_head"))), "Figures")[1:]}
    assert shown["Joined"][0] == str(sum(3 + 11 * n < 38 for n in ON_PLAN))
    assert set(shown) >= {
        "Left",
        "Churn, %",
        "Attendance, %",
        "Severely absent, %",
        "Permanent exclusions",
        "Moved school",
    }


def test_no_statistics_held_says_which_file_to_receive(facts, person, browse):
    assert "Outcomes of children in need, absence" in page(browse(person("virtual_school_head")))


def test_a_worker_is_named_in_no_address(facts, person, browse):
    client = browse(person("virtual_school_head"))
    text = page(client, "/dashboard/?by=worker")
    links = re.findall(r'href="(\?[^"]*|/dashboard/\?[^"]*)"', text) + re.findall(r'<option value="([^"]*)"', text)
    assert not [link for link in links if "worker-" in link or "Worker" in link or "child-" in link]
    narrowed = [page(client, "/dashboard/" + link.replace("&amp;", "&")) for link in links if "&amp;worker=" in link]
    assert sorted(int(figures(text)["Children"]) for text in narrowed[:6]) == sorted(
        len(ON_PLAN & authority.children(worker=w)) for w in range(6)
    )


def test_who_sees_figures_alone_gets_the_answers_of_the_month(facts, person, browse):
    client = browse(person("governor"))
    text = page(client, "/dashboard/?plan=CP+plan&sex=F&by=team")
    assert "Small numbers are hidden" in text
    assert "30 September 2026" in text
    shown = rows_of(text, "By team")[1:]
    numbers = [int(r[1]) for r in shown if r[1] != "c"]
    assert numbers, "something is told"
    assert min(numbers) >= 6
    plain = page(client, "/dashboard/?by=team")
    assert rows_of(text, "By team") == rows_of(plain, "By team"), "no filter changes an answer"
    assert client.get("/dashboard/workbook/?for=own").status_code == 403


def test_a_view_keeps_filters_alone_and_is_its_owner_s(facts, person, browse):
    from sightline.web.views_saved.models import SavedView

    client = browse(person("virtual_school_head"))
    kept = client.post(reverse("saved_views"), {"name": " CP  girls ", "query": "?plan=CP+plan&sex=F&child=child-001"})
    assert kept.status_code == 302
    view = SavedView.objects.get()
    assert (view.name, view.query) == ("CP girls", "plan=CP+plan&sex=F")
    assert "CP girls" in page(client)
    assert "CP girls" not in page(browse(person("data_officer")))
    assert "Enter a name" in client.post(reverse("saved_views"), {"name": " ", "query": ""}).content.decode()
    browse(person("officer")).post(reverse("saved_views"), {"remove": view.pk})
    assert SavedView.objects.count() == 1, "another's view stays"
    client.post(reverse("saved_views"), {"remove": view.pk})
    assert not SavedView.objects.exists()


def cells(content):
    book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(content))
    return {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}


@pytest.mark.parametrize(
    "path",
    [
        "/dashboard/workbook/?for=own&by=school",
        "/dashboard/workbook/",
        "/breakdown/workbook/",
        "/breakdown/workbook/?kind=month",
    ],
)
def test_a_workbook_has_the_same_cells_in_both_formats_and_a_cover(facts, person, browse, path):
    from sightline.web.audit.models import AccessEntry

    client = browse(person("virtual_school_head"))
    joint = "&" if "?" in path else "?"
    found = [cells(client.get(f"{path}{joint}form={form}").content) for form in ("xlsx", "ods")]
    assert found[0] == found[1]
    terms = [row[0] for row in found[0]["Cover"]]
    assert {"Read this first", "About", "Filters", "Sources, with the newest day of each", "Attendance"} <= set(terms)
    (fresh,) = [row[1] for row in found[0]["Cover"] if row[0] == "Sources, with the newest day of each"]
    assert "attendance marks to " in fresh and not re.search(r"\d{4}-\d{2}", fresh), "in words"
    assert len(found[0]) > 2
    assert AccessEntry.objects.filter(action="exported").count() == 2


def test_the_breakdown_has_exactly_the_categories_of_the_report(facts, person, browse):
    text = page(browse(person("virtual_school_head")), "/breakdown/")
    assert re.findall(r'<h2 class="govuk-heading-m">([^<]+)</h2>', text) == [
        "Case status", "School phase, by case status", "Setting type attended",
        "Special educational needs and disabilities", "Entitlement to free school meals",
        "English as an additional language", "School exclusions", "Absence sessions overall",
        "Where the children live, by locality", "Children at each setting",
    ]  # fmt: skip
    status = {r[0]: r[1] for r in rows_of(text, "Case status")[1:]}
    counted = [sum(authority.status_of(n) == s for n in range(40)) for s in ("CIN plan", "CP plan", "assessment")]
    assert [status[k] for k in ("CIN", "CP", "Social worker assessment")] == [str(n) for n in counted]


def test_without_a_locality_model_the_town_of_the_school_stands_in_its_place_and_what_to_send_is_said(
    facts_of, person, browse
):
    held = authority.tables()
    opened = facts_of(
        {**held, "locality_area": held["locality_area"].slice(0, 0), "home_period": held["home_period"].slice(0, 0)}
    )
    head, governor = browse(person("virtual_school_head")), browse(person("governor"))
    text = page(head, "/breakdown/")
    assert "Where the children are at school, by town" in text and "Send a list of your localities" in text
    for client in (head, governor):
        text = page(client, "/dashboard/?by=locality")
        assert 'value="locality"' not in text and 'value="school_town"' in text
        assert "No locality model has been received. Send a list of your localities" in text
    assert "locality" not in shared(counted.panel(opened, Scope.everyone(), authority.AS_AT)).tables
    opened.database.add("locality_area", held["locality_area"])
    assert counted.lacking(opened) == {"locality": counted.NO_HOMES}, "a list, and no home that it can place"


def test_where_a_child_lives_whose_address_is_confidential_is_shown_to_nobody(facts, person, browse):
    """Whatever slice is asked for, the child is in no locality of it, and stands with those of whom none is known."""
    from sightline.web.people.models import Child
    from sightline.web.people.restricting import restrict

    head = person("virtual_school_head")
    hidden = next(n for n in sorted(ON_PLAN) if authority.locality_of(n) == "Northmere" and authority.school_of(n) == 0)
    whose = f"school={authority.SCHOOLS[0]}&plan={authority.status_of(hidden).replace(' ', '+')}&year={1 + hidden % 11}"
    place = authority.locality_of(hidden)
    clients = [browse(person(role)) for role in ("data_officer", "headteacher", "social_worker")] + [browse(head)]
    assert figures(page(clients[-1], f"/dashboard/?{whose}&locality={place}"))["Children"] == "1"
    restrict(
        Child.objects.get(child_id=authority.child_id(hidden)), kind="address", reason="refuge, not to be told", by=head
    )
    for client in clients:
        shown = {
            r[0]: r[1] for r in rows_of(page(client, f"/dashboard/?{whose}&by=locality"), "By locality of the home")
        }
        assert place not in shown and shown.get("Locality not known or not shown", "1") == "1"
        asked = page(client, f"/dashboard/?{whose}&locality={place}")
        assert "Left out, because nobody here has that value" in asked or figures(asked)["Children"] == "0"
    shown = rows_of(page(clients[-1], "/breakdown/"), "Where the children live, by locality")
    counted_there = {n for n in authority.on_plan(range(authority.CHILDREN)) if authority.locality_of(n) == place}
    listed = next(r for r in shown if r[0] == place)
    assert int(listed[1]) + int(listed[2]) == len(counted_there) - 1
    record = page(clients[0], f"/children/{Child.objects.get(child_id=authority.child_id(hidden)).public_id}/")
    assert place not in record


def test_performance_is_by_locality_and_team(facts, person, browse):
    text = page(browse(person("team_manager")), "/breakdown/?kind=month")
    assert {r[0] for r in rows_of(text, "By team and plan")[1:]} == {"Team 1"}
    shown = rows_of(text, "By locality of the home and plan")[1:]
    mine = authority.on_plan(authority.children(team=0))
    for place in (*authority.LOCALITIES, "Outside the localities"):
        here = sum(authority.locality_of(n) == place for n in mine)
        assert sum(int(r[2]) for r in shown if r[0] == place and not r[1].startswith("Early Help")) == here, place
    assert "Termly performance" in page(browse(person("virtual_school_head")), "/breakdown/?kind=term")


@pytest.mark.parametrize("role", ["virtual_school_head", "headteacher", "governor"])
def test_no_page_of_figures_asks_the_database_more_than_it_may(facts, person, browse, role):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    client = browse(person(role))
    for path in ("/dashboard/?by=team", "/breakdown/?kind=month"):
        page(client, path)
        with CaptureQueriesContext(connection) as asked:
            page(client, path)
        queries = [q["sql"] for q in asked if "SAVEPOINT" not in q["sql"]]
        assert len(queries) <= 15, (path, queries)


def test_a_school_counts_its_own_registers_alone(facts, person, browse):
    """The suspension of a year before at another school, and sessions elsewhere, are not the school's to count."""
    from sightline.web import facts as module

    lead = browse(person("headteacher"))
    shown = {r[0]: r[1] for r in rows_of(page(lead), "Figures")[1:]}
    here = authority.on_plan(authority.children(school=0))
    assert shown["Children"] == str(len(here))
    assert shown["Suspensions"] == str(sum(n % 4 == 0 for n in here))
    assert "Last year" not in page(lead), "a roll is of today"
    module.forget()


@pytest.mark.parametrize("role", ["virtual_school_head", "school_lead", "governor"])
def test_no_figure_and_no_workbook_holds_a_child_s_own_words(facts, person, browse, role):
    client = browse(person(role))
    for path in ("/dashboard/?by=ethnicity", "/dashboard/?by=worker", "/dashboard/?by=school", "/breakdown/"):
        text = page(client, path)
        assert not re.search(r"Tok\d{3}[a-z]", text), path
        assert "child-0" not in text, path
    for path in ("/dashboard/workbook/", "/breakdown/workbook/"):
        assert "Tok" not in str(cells(client.get(path).content)), path


def test_what_a_role_may_not_read_it_cannot_slice_by(facts, person, browse):
    lead = page(browse(person("school_lead")), "/dashboard/?by=ethnicity&ethnicity=White")
    assert 'name="ethnicity"' not in lead
    assert "By ethnic group" not in lead
    assert 'name="ethnicity"' in page(browse(person("virtual_school_head")))
