"""Trusted adults: who keeps them, who reads them, that nothing is written over, and that they leave with the child."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
import web_authority as authority
from django.db import IntegrityError, transaction

from sightline.operations import Home
from sightline.operations.keeping.removals import BACK, PURGED, Removals

pytest_plugins = ["web_fixtures"]

READ = ("virtual_school_head", "officer", "data_officer", "team_manager", "service_manager", "social_worker",
        "reviewing_officer", "school_lead", "headteacher")  # fmt: skip
KEEP = ("virtual_school_head", "officer", "school_lead", "headteacher")


def child(n):
    from sightline.web.people.models import Child

    return Child.objects.get(child_id=authority.child_id(n))


def rows():
    from sightline.web.trusted.models import TrustedAdult

    return list(TrustedAdult.objects.order_by("pk").values_list("name", "whose", "urn", "ended_by"))


def named(n, called="Mx Willow", *, urn=None, whose="child"):
    from sightline.web.trusted.models import TrustedAdult

    return TrustedAdult.objects.create(
        child=child(n), whose=whose, name=called, start_date=date(2026, 9, 1), made_by="x",
        urn=authority.SCHOOLS[authority.school_of(n)] if urn is None else urn,
    )  # fmt: skip


def test_a_school_names_the_adult_and_the_one_before_is_kept(facts, person, browse):
    from sightline.web.audit.models import ChangeEntry

    browser, address = browse(person("school_lead")), f"/children/{child(0).public_id}/trusted-adults/"
    said = {"whose": "child", "called": "Mx Willow", "role": "Form tutor"}
    assert "Not recorded" in browser.get(f"/children/{child(0).public_id}/").content.decode()
    assert browser.post(address, said).status_code == 302
    assert browser.post(address, {**said, "called": "Mx Rowan"}).status_code == 302
    assert browser.post(address, {**said, "whose": "parent", "called": "Mx Alder"}).status_code == 302
    school = authority.SCHOOLS[0]
    assert rows() == [
        ("Mx Willow", "child", school, "school_lead"),
        ("Mx Rowan", "child", school, ""),
        ("Mx Alder", "parent", school, ""),
    ]
    page = browser.get(f"/children/{child(0).public_id}/").content.decode()
    assert "Mx Rowan, Form tutor" in page and "Mx Alder" in page and "Mx Willow" not in page
    assert "Mx Willow" in browser.get(address).content.decode()
    last = ChangeEntry.objects.order_by("-pk").first()
    assert last.action == "trusted adult named" and last.child_ids == [authority.child_id(0)]
    assert not any("Mx " in str(vars(entry)) for entry in ChangeEntry.objects.all()), "names leave; logs do not"
    assert "Enter the adult’s name" in browser.post(address, {"whose": "child", "called": " "}).content.decode()


def test_ending_one_leaves_it_not_recorded(facts, person, browse):
    made = named(0)
    browser, address = browse(person("school_lead")), f"/children/{child(0).public_id}/trusted-adults/"
    elsewhere = named(0, "Mx Hazel", urn=authority.SCHOOLS[1])
    assert browser.post(address, {"end": elsewhere.pk}).status_code == 404, "another school's"
    assert browser.post(address, {"end": "x"}).status_code == 404
    assert browser.post(address, {"end": made.pk}).status_code == 302
    assert "Not recorded" in browser.get(address).content.decode()
    assert browser.post(address, {"end": made.pk}).status_code == 404


@pytest.mark.parametrize("role", authority.SEEING)
def test_who_reads_it_and_who_keeps_it(facts, person, browse, role):
    n = min(authority.seen_by()[role])
    named(n)
    browser = browse(person(role))
    page = browser.get(f"/children/{child(n).public_id}/").content.decode()
    assert ("Mx Willow" in page) == (role in READ)
    assert ("Not shared with your role" in page.split('id="trusted-adults"')[1].split("<h2")[0]) == (role not in READ)
    address = f"/children/{child(n).public_id}/trusted-adults/"
    answer = browser.post(address, {"whose": "child", "called": "Mx Rowan"})
    assert answer.status_code == (302 if role in KEEP else 403)


def test_an_adult_of_a_school_the_child_left_holds_no_more(facts, person, browse):
    named(0, "Mx Hazel", urn=authority.SCHOOLS[1])
    head, school = browse(person("virtual_school_head")), browse(person("school_lead"))
    assert "Mx Hazel" not in head.get(f"/children/{child(0).public_id}/").content.decode()
    address = f"/children/{child(0).public_id}/trusted-adults/"
    assert "the child has left that school" in head.get(address).content.decode()
    assert "Mx Hazel" not in school.get(address).content.decode()


def test_the_list_has_the_children_on_a_plan_for_whom_none_is_named(facts, person, browse):
    from sightline.web.audit.models import AccessEntry

    mine = authority.seen_by()["school_lead"]
    first, second, *rest = sorted(mine)
    named(first)
    named(second, urn=authority.SCHOOLS[1])
    browser = browse(person("school_lead"))
    page = browser.get("/trusted-adults/").content.decode()
    assert {n for n in mine if authority.token(n, "surname") in page} == {second, *rest}
    assert len(AccessEntry.objects.order_by("-pk").first().child_ids) == len(mine) - 1
    assert f"{len(mine)} of {len(mine)} children" in browser.get("/trusted-adults/?whose=parent").content.decode()


def test_only_one_holds_at_a_time(facts):
    named(0)
    with pytest.raises(IntegrityError), transaction.atomic():
        named(0, "Mx Rowan")


def test_a_purge_takes_them_and_an_undone_load_does_not(facts, tmp_path):
    """Child 0 was purged; child 4 is only not held by this snapshot; child 5 was purged and came back."""
    from sightline.web.people.models import Child
    from sightline.web.trusted.purging import forget_purged

    for n in (0, 4, 5, 8):
        named(n, f"Mx {n}")
    home = Home.open(tmp_path / "home")
    assert forget_purged(home) == 0
    Child.objects.filter(child_id__in=[authority.child_id(n) for n in (0, 4, 5)]).update(held=False)
    removals = Removals(home)
    at = datetime(2026, 10, 9, tzinfo=UTC)
    removals.append(PURGED, [(authority.child_id(n), "test") for n in (0, 5, 8)], at=at, by="test")
    removals.append(BACK, [(authority.child_id(5), "test")], at=at, by="test")
    assert forget_purged(home) == 1
    assert [name for name, *_ in rows()] == ["Mx 4", "Mx 5", "Mx 8"], "who is held again has a record again"


def test_each_field_has_a_class():
    from django.apps import apps

    from sightline.web.trusted.models import SENSITIVITY

    fields = {
        f"{m.__name__}.{f.name}" for m in apps.get_app_config("trusted").get_models() for f in m._meta.fields
        if f.name != "id"
    }  # fmt: skip
    assert fields == set(SENSITIVITY)
