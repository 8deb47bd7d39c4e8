"""Ever 6 behind its gate: shown by name on a recorded basis, to the roles it names, for as long as it holds."""

from __future__ import annotations

from datetime import date, timedelta

import pyarrow as pa
import pytest
import web_authority as authority

from sightline.operations.keeping.lawful import EVER_6, Basis, Register
from sightline.vocabulary.errors import BadSetting

pytest_plugins = ["web_fixtures"]

ENDED = sorted(n for n in range(authority.CHILDREN) if authority.status_of(n) == "ended")
AT_SCHOOL = [n for n in ENDED if authority.school_of(n) == 0]


def basis(*roles: str, until: date = date(2100, 1, 1), months: int = 72) -> Basis:
    return Basis(
        EVER_6, roles, "Oversight", "Public task", "Safeguarding", "Test", "Test", date(2020, 1, 1), until, months
    )


@pytest.fixture
def closed(facts_of):
    """The authority, where the worker of each child whose plan has ended left on the day it did."""
    tables = authority.tables()
    ends = {p["child_id"]: p["end_date"] for p in tables["status_period"].to_pylist()}
    rows = [row | {"end_date": ends.get(row["child_id"])} for row in tables["allocation"].to_pylist()]
    tables["allocation"] = pa.Table.from_pylist(rows, schema=tables["allocation"].schema)
    return facts_of(tables)


@pytest.fixture
def recorded(monkeypatch):
    """Puts bases in place of the home's register."""
    from sightline.web.retention import gate

    def put(*bases: Basis) -> None:
        monkeypatch.setattr(gate, "register", lambda: Register(bases))

    return put


def seen(user, on: date = authority.AS_AT) -> set[int]:
    from sightline.web.authz.access import access_of, visible_to

    ids = visible_to(access_of(user, today=on), on=on).values_list("child_id", flat=True)
    return {int(each.removeprefix("child-")) for each in ids}


@pytest.mark.parametrize("role", ["virtual_school_head", "officer", "data_officer", "early_help_manager"])
def test_without_a_basis_nobody_whose_plan_has_ended_is_seen(closed, person, recorded, role):
    recorded()
    assert not seen(person(role)) & set(ENDED)


def test_only_the_roles_a_basis_names_see_them(closed, person, recorded):
    recorded(basis("virtual_school_head"))
    assert set(ENDED) <= seen(person("virtual_school_head"))
    assert not seen(person("data_officer")) & set(ENDED)
    assert seen(person("school_lead")) == authority.seen_by()["school_lead"]


def test_the_day_a_basis_runs_out_they_leave(closed, person, recorded):
    user = person("virtual_school_head")
    recorded(basis("virtual_school_head", until=authority.AS_AT + timedelta(days=1)))
    assert set(ENDED) <= seen(user)
    assert not seen(user, authority.AS_AT + timedelta(days=1)) & set(ENDED)


def test_a_basis_reaches_back_so_many_months_and_no_more(closed, person, recorded):
    recorded(basis("virtual_school_head", months=3))
    reached = {n for n in ENDED if authority.AS_AT - timedelta(days=3 + 11 * n) > date(2026, 7, 9)}
    assert reached and reached != set(ENDED)
    assert seen(person("virtual_school_head")) & set(ENDED) == reached


def test_when_the_look_back_is_over_no_basis_holds(closed, person, recorded):
    recorded(basis("virtual_school_head", months=300))
    user = person("virtual_school_head")
    newest = authority.AS_AT - timedelta(days=3 + 11 * min(ENDED))
    assert min(ENDED) in seen(user, date(newest.year + 6, newest.month, newest.day) - timedelta(days=2))
    assert not seen(user, date(newest.year + 6, newest.month, newest.day)) & set(ENDED)


def test_just_closed_children_are_seen_for_the_closing_days_and_not_by_schools(closed, person, recorded):
    recorded()
    newest = min(ENDED)
    end = authority.AS_AT - timedelta(days=3 + 11 * newest)
    head = person("virtual_school_head")
    assert newest in seen(head, end + timedelta(days=27))
    assert newest not in seen(head, end + timedelta(days=28))
    lead = person("school_lead", over=authority.SCHOOLS[authority.school_of(newest)])
    assert newest in seen(lead, end - timedelta(days=1))
    assert newest not in seen(lead, end)


def test_a_school_sees_them_only_where_a_basis_is_recorded_for_it(closed, person, recorded, browse):
    from sightline.web import facts

    name = authority.token(AT_SCHOOL[0], "surname")
    lead = person("school_lead")
    recorded()
    assert name not in browse(lead).get("/cohort/").content.decode()
    recorded(basis("school_lead"))
    facts.forget()
    assert set(AT_SCHOOL) <= seen(lead)
    assert name in browse(lead).get("/cohort/").content.decode()


def test_they_are_counted_though_nobody_may_see_them(closed, person, recorded, browse):
    recorded()
    client = browse(person("virtual_school_head"))
    home = client.get("/").content.decode()
    assert f"<dt>Ever 6</dt><dd>{len(ENDED)}</dd>" in home.replace("\n", "")
    page = client.get("/cohort/").content.decode()
    assert not [n for n in ENDED if authority.token(n, "surname") in page]
    assert f"{len(ENDED)} children whose plan has ended are counted as Ever 6 and not listed" in page


def test_their_pages_are_not_there(closed, person, recorded, browse):
    from sightline.web.people.models import Child

    recorded()
    child = Child.objects.get(child_id=authority.child_id(ENDED[0]))
    client = browse(person("virtual_school_head"))
    assert client.get(f"/children/{child.public_id}/").status_code == 404
    recorded(basis("virtual_school_head"))
    assert client.get(f"/children/{child.public_id}/").status_code == 200


def test_a_role_that_is_none_is_refused():
    from sightline.web.retention.gate import checked

    with pytest.raises(BadSetting, match="heads"):
        checked(Register((basis("heads"),)))


def test_a_child_without_clocks_is_shown_to_nobody(closed, person, recorded):
    from sightline.web.retention.models import Clock

    recorded(basis("virtual_school_head"))
    Clock.objects.all().delete()
    assert seen(person("virtual_school_head")) == set()


def test_the_page_counts_and_names_nobody(closed, person, browse):
    page = browse(person("information_governance")).get("/what-is-kept/").content.decode()
    assert "Counted only" in page or "counted only" in page
    assert "Recorded bases for Ever 6" in page and "Oversight" in page
    assert "Tok0" not in page


def test_the_notice_says_what_is_set(closed, person, browse):
    page = browse(person("social_worker")).get("/privacy-notice/").content.decode()
    assert "28 days more" in page and "6 years after the last plan ended" in page
    assert "Still to be written" in page
    assert "last received on 10 October 2026" in page
