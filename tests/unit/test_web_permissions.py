"""Who may open what, and whom they see: truth tables, against the matrix and against a plain count."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
import web_authority as authority
from hypothesis import given, settings
from hypothesis import strategies as st

from sightline.vocabulary.errors import BadSetting
from sightline.web.authz import matrix
from sightline.web.authz.matrix import PAGES, ROLES

pytest_plugins = ["web_fixtures"]

ALL = set(range(authority.CHILDREN))


def seen_by(user, *, today: date | None = None, acting_as: str | None = None) -> set[int]:
    from sightline.web.authz.access import access_of, openable_by

    access = access_of(user, today=today, acting_as=acting_as)
    on = max(access.today, authority.AS_AT) if today is None else today
    return {int(c.removeprefix("child-")) for c in openable_by(access, on=on).values_list("child_id", flat=True)}


@pytest.mark.parametrize(("role", "expected"), [*authority.seen_by().items(), (None, set())])
def test_each_role_sees_its_children_and_no_other(facts, person, role, expected):
    assert seen_by(person(role)) == expected


def test_a_trust_s_schools_are_those_of_today_s_register(facts, person):
    from sightline.web.authz.access import access_of
    from sightline.web.people.models import School

    lead = person("trust_lead")
    assert access_of(lead).schools == {authority.SCHOOLS[s] for s in authority.TRUST_SCHOOLS}
    School.objects.filter(urn=authority.SCHOOLS[1]).update(trust_ref="another")
    assert access_of(lead).schools == {authority.SCHOOLS[0]}
    assert seen_by(lead) == authority.on_plan(authority.children(school=0))


def test_a_reviewing_officer_sees_whom_the_care_system_or_a_person_names(facts, person):
    from sightline.web.people.models import Child, NamedReview, Review

    officer = person("reviewing_officer")
    child = Child.objects.get(child_id=authority.child_id(1))
    NamedReview.objects.create(
        child=child, worker_ref=authority.REVIEWERS[0], start_date=date(2026, 1, 1), end_date=date(2026, 11, 1),
        made_by="test", reason="test",
    )  # fmt: skip
    Review.objects.filter(child__child_id=authority.child_id(0)).update(end_date=date(2026, 10, 20))
    assert seen_by(officer, today=date(2026, 10, 19)) == authority.reviewed() | {1}
    assert seen_by(officer, today=date(2026, 10, 20)) == (authority.reviewed() - {0}) | {1}
    assert 1 not in seen_by(officer, today=date(2026, 11, 1))


@pytest.mark.parametrize(
    ("chosen", "opens"),
    [
        ((), set()),
        (("CP plan",), {n for n in ALL if authority.status_of(n) == "CP plan"}),
        (("CIN plan", "CP plan"), authority.on_plan(ALL)),
        (("all",), ALL),
    ],
)
def test_an_officer_opens_the_cohorts_the_authority_has_set_and_counts_all(
    facts, person, browse, settings, chosen, opens
):
    from dataclasses import replace

    from sightline.web.authz.access import access_of, counted_for
    from sightline.web.people.models import Child

    settings.SIGHTLINE_CHOSEN = replace(settings.SIGHTLINE_CHOSEN, officers_open=chosen)
    officer = person("officer")
    assert seen_by(officer) == opens
    assert counted_for(access_of(officer)).count() == authority.HELD
    browser = browse(officer)
    assert browser.get("/cohort/").status_code == (200 if opens else 403)
    for n in (0, 1, 3):
        address = f"/children/{Child.objects.get(child_id=authority.child_id(n)).public_id}/"
        assert browser.get(address).status_code == (403 if not opens else 200 if n in opens else 404)
    home = browser.get("/").content.decode()
    assert ("/cohort/" in home) == bool(opens)
    assert ("/week/schools/" in home) == (not opens)
    assert "Tok" not in home
    assert f">{authority.CHILDREN // 5 * 2}<" in home, "every child on a CIN plan is counted"
    by_school = browser.get("/week/schools/").content.decode()
    assert "Invented School 1" in by_school
    assert "Tok" not in by_school


def test_no_grant_shows_no_child_and_an_ended_or_future_grant_neither(facts, person):
    from sightline.web.people.models import Grant

    user = person("virtual_school_head")
    today = date(2026, 10, 12)
    for valid_from, valid_to, sees in (
        (today, None, True),
        (today, today + timedelta(days=1), True),
        (today - timedelta(days=9), today, False),
        (today + timedelta(days=1), None, False),
    ):
        Grant.objects.filter(user=user).update(valid_from=valid_from, valid_to=valid_to)
        assert bool(seen_by(user, today=today)) is sees


def test_leaving_a_caseload_or_a_roll_ends_access_that_night(facts, person):
    from sightline.web.people.models import Allocation, Child, Enrolment

    worker, lead = person("social_worker"), person("school_lead")
    child = Child.objects.get(child_id=authority.child_id(0))
    last = date(2026, 10, 20)
    Allocation.objects.filter(child=child).update(end_date=last)
    Enrolment.objects.filter(child=child, end_date=None).update(end_date=last)
    for user in (worker, lead):
        assert 0 in seen_by(user, today=last - timedelta(days=1))
        assert 0 not in seen_by(user, today=last)


def test_a_school_stops_seeing_a_child_whose_plan_has_ended(facts, person):
    from sightline.web.people.models import PlanPeriod

    lead = person("school_lead")
    PlanPeriod.objects.filter(child__child_id=authority.child_id(0)).update(end_date=date(2026, 10, 20))
    assert 0 in seen_by(lead, today=date(2026, 10, 19))
    assert 0 not in seen_by(lead, today=date(2026, 10, 20))


@pytest.mark.parametrize("role", authority.SEEING)
def test_a_restriction_wins_over_every_role(facts, person, role):
    from sightline.web.people.models import Child, Restriction

    user = person(role)
    before = seen_by(user)
    n = min(before)
    child = Child.objects.get(child_id=authority.child_id(n))
    common = {"child": child, "valid_from": date(2020, 1, 1), "reason": "test", "made_by": "test"}
    sealed = Restriction.objects.create(kind="sealed", **common)
    assert seen_by(user) == before - {n}
    sealed.valid_to = date(2020, 2, 1)
    sealed.save()
    assert seen_by(user) == before
    conflict = Restriction.objects.create(kind="conflict", **common)
    assert seen_by(user) == before
    conflict.users.add(user)
    assert seen_by(user) == before - {n}


def test_two_grants_of_a_role_show_the_union_and_two_roles_are_never_mixed(facts, person):
    from sightline.web.accounts.inviting import grant

    user = person("social_worker")
    more = {"by": "test", "reason": "test", "valid_from": date(2020, 1, 1)}
    grant(user, role="social_worker", scope="own", over=authority.WORKERS[1], **more)
    both = authority.children(worker=0) | authority.children(worker=1)
    assert seen_by(user) == both
    grant(user, role="team_manager", scope="team", over=authority.TEAMS[2], **more)
    assert seen_by(user, acting_as="social_worker") == both
    assert seen_by(user, acting_as="team_manager") == authority.children(team=2)
    assert seen_by(user, acting_as="data_officer") == authority.children(team=2), "a role not held is not taken"


def test_a_grant_cannot_be_given_over_a_scope_its_role_does_not_have(facts, person):
    with pytest.raises(ValueError, match="cannot be given over"):
        person("school_lead", scope="authority", over="")


def test_a_grant_over_nothing_named_is_refused_by_the_database(facts, person):
    from django.db import IntegrityError, transaction

    with pytest.raises(IntegrityError), transaction.atomic():
        person("social_worker", over="")


def test_projecting_again_changes_nothing_and_keeps_public_ids(facts):
    from sightline.web.people.models import Allocation, Child, Projection
    from sightline.web.people.projection import project

    before = dict(Child.objects.values_list("child_id", "public_id"))
    assert project(facts) == authority.HELD
    held = authority.tables()
    gone = authority.child_id(39)
    for name in ("status_period", "allocation"):
        held[name] = held[name].filter(pc_not(held[name]["child_id"], gone))
    held["early_help"] = held["early_help"].filter(pc_not(held["early_help"]["child_ref"], authority.token(39, "ref")))
    second = authority.opened(held, snapshot="snapshot-2")
    project(second)
    second.database.close()
    assert Projection.objects.get().snapshot == "snapshot-2"
    assert dict(Child.objects.values_list("child_id", "public_id")) == before
    assert not Child.objects.get(child_id=gone).held
    assert Allocation.objects.count() == authority.CHILDREN - 1
    third = authority.opened(snapshot="snapshot-3")
    project(third)
    third.database.close()
    assert Child.objects.get(child_id=gone).held


def pc_not(column, value):
    import pyarrow.compute as pc

    return pc.not_equal(column, value)


# The matrix itself


def test_every_role_that_may_read_a_page_of_children_has_a_scope_and_fields():
    for page in PAGES.values():
        if page.of_children:
            for key in page.get or ():
                assert ROLES[key].scopes, key
                assert ROLES[key].fields & page.fields, (key, page.name)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (('shows = "child"\n', 'shows = "everything"\n'), "does not say what it shows"),
        (('scopes = ["own"]', 'scopes = ["everywhere"]'), "scope that is none of"),
        (
            ('list_title = "Your team’s children"', 'list_title = "Your team’s children"\nextra = "all"'),
            "entries nobody reads",
        ),
        (('"early_help_manager"]\nshows', '"school_nurse"]\nshows'), "audience that is no role"),
        (('"early_help_manager"]\nshows', '"governor"]\nshows'), "governor is a role that sees none"),
        (('sees = "as set"', 'sees = "all"'), "must see one of"),
        (('scopes = ["nobody"]', 'scopes = ["team"]'), "sees nobody and has a scope"),
        (('"identity", "education", "care status", "location"', '"identities"'), "class of field"),
        (('"early_help_manager"]\nshows = "child"', '"x"]\nshows = "child"'), "no role"),
    ],
)
def test_a_matrix_with_a_mistake_is_refused(change, says):
    text = matrix.PATH.read_text(encoding="utf-8")
    wrong = text.replace(*change)
    assert wrong != text
    with pytest.raises(BadSetting, match=says):
        matrix.read(wrong)


def test_a_page_of_children_cannot_be_opened_to_anyone():
    text = matrix.PATH.read_text(encoding="utf-8")
    start = text.index("[pages.child]")
    line = text[text.index("get =", start) : text.index("\n", text.index("get =", start))]
    with pytest.raises(BadSetting, match="must name the roles"):
        matrix.read(text.replace(line, 'get = "signed in"'))


def test_every_field_of_the_projection_has_a_sensitivity_class():
    from django.apps import apps

    from sightline.web.people.models import SENSITIVITY

    fields = {
        f"{model.__name__}.{field.name}"
        for model in apps.get_app_config("people").get_models()
        for field in [*model._meta.fields, *model._meta.many_to_many]
        if field.name != "id"
    }
    assert fields == set(SENSITIVITY)


# Grants and time, generated

scopes = st.sampled_from(
    [
        ("team_manager", "team", authority.TEAMS[0]),
        ("team_manager", "team", authority.TEAMS[1]),
        ("social_worker", "own", authority.WORKERS[4]),
        ("school_lead", "school", authority.SCHOOLS[2]),
        ("officer", "authority", ""),
    ]
)


def test_adding_a_restriction_never_widens_and_ending_an_allocation_always_narrows(facts, person):
    from django.db import transaction

    from sightline.web.people.models import Allocation, Child, Restriction

    made = iter(range(1000))

    @settings(max_examples=25, database=None)
    @given(scopes, st.integers(0, authority.HELD - 1), st.booleans())
    def holds(scope, n, restrict):
        with transaction.atomic():
            role, kind, over = scope
            user = person(role, username=f"someone-{next(made)}", scope=kind, over=over)
            before = seen_by(user)
            child = Child.objects.get(child_id=authority.child_id(n))
            if restrict:
                Restriction.objects.create(
                    child=child, kind="sealed", valid_from=date(2020, 1, 1), reason="test", made_by="test"
                )
                assert seen_by(user) == before - {n}
            else:
                Allocation.objects.filter(child=child).update(end_date=date(2026, 1, 1))
                assert seen_by(user) <= before
            transaction.set_rollback(True)

    holds()


def test_the_documentation_has_every_role_as_the_matrix_has_it():
    from pathlib import Path

    text = (Path(__file__).parents[2] / "docs" / "security" / "access.md").read_text(encoding="utf-8")
    for role in ROLES.values():
        fields = ", ".join(sorted(f for f in role.fields if f != "plain"))
        assert f"| {role.name} | {role.says} | {fields} |" in text


def test_the_application_prints_the_matrix(db, browse):
    from html import unescape

    text = unescape(browse().get("/how-access-is-logged/").content.decode())
    for page in PAGES.values():
        assert page.says in text, page.name
