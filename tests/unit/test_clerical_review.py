"""Clerical review: blind readings, a second reader, a third decision, and the pages on which they are given."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pyarrow as pa
import pytest
import web_authority as authority

from sightline import operations
from sightline.operations import Home, Opened, Scope
from sightline.operations.pairs.clerical import FIELDS, _sampled
from sightline.vocabulary.errors import BadSetting, NotAllowed
from sightline.vocabulary.settings import Settings

pytest_plugins = ["web_fixtures"]

EVERYONE = Scope.everyone()
AT = datetime(2026, 10, 12, 9, tzinfo=UTC)
PAIRS = 30
WHY = "One child with probability 0.71: same surname"


def tables() -> dict[str, pa.Table]:
    """The authority, with a pupil nobody knows for each of its first thirty children, and a doubt about each pair."""
    held = authority.tables()
    added: dict[str, list[dict[str, Any]]] = {n: [] for n in ("child", "pupil", "link", "person", "link_doubt")}
    for n in range(PAIRS):
        care, school = authority.token(n, "ref"), f"pupil-ref-{n}"
        said = {"birth_date": authority.AS_AT - timedelta(days=4000 + n), "sex": "F", "line": 1}
        added["child"].append({**said, "child_ref": care, "surname": authority.token(n, "surname"), "system": "ssd",
                               "forename": authority.token(n, "forename"), "postcode": authority.token(n, "postcode"),
                               "delivery": "d-care"})  # fmt: skip
        added["pupil"].append({**said, "pupil_ref": school, "surname": authority.token(n, "surname").upper(),
                               "forename": f"Other{n}", "delivery": "d-roll", "system": "school-census"})  # fmt: skip
        added["link"].append({"system": "school-census", "ref": school, "child_id": f"pupil-{n}", "probability": 1.0})
        added["person"].append({"child_id": f"pupil-{n}", "surname": f"Pupil{n}", "known_to_care": False})
        added["link_doubt"].append({"left_system": "ssd", "left_ref": care, "right_system": "school-census",
                                    "right_ref": school, "step": "likeness", "why": WHY, "probability": 0.71})  # fmt: skip
    for name, rows in added.items():
        before = held[name].to_pylist() if name in held and name != "link_doubt" else []
        held[name] = authority._table(name, [*before, *rows])
    return held


@pytest.fixture(scope="module")
def opened():
    held = authority.opened(tables())
    yield held
    held.database.close()


@pytest.fixture
def home(tmp_path):
    return Home.open(tmp_path / "home")


def read_by_one(opened: Opened) -> Opened:
    """The same, where nobody reads a second time."""
    return replace(opened, settings=Settings(second_reader_percent=0))


def read_by_two(opened: Opened) -> Opened:
    return replace(opened, settings=Settings(second_reader_percent=100))


def listed(home, opened, scope=EVERYONE, **more):
    return operations.doubtful_pairs(home, opened, scope, **more).to_pylist()


def answer(home, opened, pair, what, by, *, minutes=0, lead=False, reason="they agree"):
    at = AT + timedelta(minutes=minutes)
    return operations.decide_pair(home, opened, EVERYONE, pair, what, by=by, at=at, reason=reason, lead=lead)


def see(home, opened, pair, reader, lead=False):
    return operations.doubtful_pair(home, opened, EVERYONE, pair, reader=reader, lead=lead)


def test_every_doubt_is_listed_without_a_score(home, opened):
    rows = listed(home, opened)
    assert len(rows) == PAIRS
    assert {r["state"] for r in rows} == {"to read"}
    assert not any("0.71" in str(value) or value == 0.71 for r in rows for value in r.values())


def test_fields_say_in_words_what_differs_and_an_unknown_is_not_different(home, opened):
    pair = next(r["pair_id"] for r in listed(home, opened) if r["left_child_id"] == authority.child_id(0))
    fields = {f.name: f for f in see(home, opened, pair, "ana").fields}
    assert fields["Surname"].says == "Same"  # capitals do not matter
    assert (fields["First name"].left, fields["First name"].right) == ((authority.token(0, "forename"),), ("Other0",))
    assert fields["First name"].says == "Differs"
    assert fields["Postcode"].says == "Held on the left only"
    assert fields["UPN"].says == "Not held by either"
    assert set(fields) == set(FIELDS) - {"Former UPN"}


def test_the_score_and_the_reason_are_hidden_until_the_reader_has_answered(home, opened):
    pair, two = listed(home, opened)[0]["pair_id"], read_by_two(opened)
    before = see(home, two, pair, "ana")
    assert (before.why, before.probability, before.readings, before.answer) == (None, None, (), "first")
    assert answer(home, two, pair, "same child", "ana") == "awaits a second reader"
    after = see(home, two, pair, "ana")
    assert (after.why, after.probability, after.answer) == (WHY, 0.71, "")
    assert [r.answer for r in after.readings] == ["same child"]


def test_the_second_reader_is_another_person_and_sees_nothing_of_the_first(home, opened):
    pair, two = listed(home, opened)[0]["pair_id"], read_by_two(opened)
    answer(home, two, pair, "same child", "ana", reason="a reason of ana's")
    with pytest.raises(NotAllowed, match="Somebody else reads it next"):
        answer(home, two, pair, "same child", "ana", minutes=1)
    second = see(home, two, pair, "bel")
    assert (second.answer, second.readings, second.why, second.probability) == ("second", (), None, None)
    assert answer(home, two, pair, "same child", "bel", minutes=2) == "decided"
    done = see(home, two, pair, "bel")
    assert [(r.by, r.reason) for r in done.readings] == [("ana", "a reason of ana's"), ("bel", "they agree")]
    assert (done.outcome, done.in_force) == ("same child", False)


def test_where_readers_differ_a_lead_decides_who_is_neither(home, opened):
    pair, two = listed(home, opened)[0]["pair_id"], read_by_two(opened)
    answer(home, two, pair, "same child", "ana")
    assert answer(home, two, pair, "different children", "bel", minutes=1) == "readers differ"
    with pytest.raises(NotAllowed, match="the Virtual School Head decides"):
        answer(home, two, pair, "same child", "cy", minutes=2)
    with pytest.raises(NotAllowed, match="one of the two readers"):
        answer(home, two, pair, "same child", "bel", minutes=2, lead=True)
    third = see(home, two, pair, "dot", lead=True)
    assert (third.answer, len(third.readings), third.probability) == ("third", 2, None)
    assert answer(home, two, pair, "different children", "dot", minutes=3, lead=True) == "decided"
    assert listed(home, two, state="decided")[0]["outcome"] == "different children"
    assert operations.agreement(home, two) == operations.Agreement(1, 0, 0.0)


def test_only_a_lead_takes_a_decision_back(home, opened):
    pair, one = listed(home, opened)[0]["pair_id"], read_by_one(opened)
    assert answer(home, one, pair, "same child", "ana") == "decided"
    with pytest.raises(NotAllowed, match="This pair is decided"):
        answer(home, one, pair, "different children", "bel", minutes=1)
    with pytest.raises(NotAllowed, match="Only the Virtual School Head"):
        answer(home, one, pair, "reopened", "bel", minutes=1)
    assert answer(home, one, pair, "reopened", "dot", minutes=2, lead=True) == "to read"
    assert answer(home, one, pair, "different children", "ana", minutes=3) == "decided"


@pytest.mark.parametrize(
    ("what", "reason", "says"), [("maybe", "x", "There is no answer"), ("same child", " ", "Say why"),
                                 ("same child", "x" * 1001, "at most 1,000")]
)  # fmt: skip
def test_an_answer_without_its_reason_is_not_taken(home, opened, what, reason, says):
    pair = listed(home, opened)[0]["pair_id"]
    with pytest.raises(BadSetting, match=says):
        answer(home, opened, pair, what, "ana", reason=reason)
    assert {r["state"] for r in listed(home, opened)} == {"to read"}


def test_the_share_read_twice_is_the_setting_s_and_depends_on_the_pair_alone():
    subjects = [f"{n:032x}" for n in range(4000)]
    for percent in (0, 10, 50, 100):
        sampled = sum(_sampled(s, percent) for s in subjects)
        assert abs(sampled - 40 * percent) < 120
    assert [_sampled(s, 10) for s in subjects] == [_sampled(s, 10) for s in subjects]


def test_a_pair_with_a_child_outside_the_scope_is_not_there(home, opened):
    seen = {authority.child_id(n) for n in range(5, PAIRS)}
    pairs = {r["left_child_id"]: r["pair_id"] for r in listed(home, opened)}
    assert {r["left_child_id"] for r in listed(home, opened, Scope.of(seen))} == seen
    with pytest.raises(NotAllowed, match="no such pair"):
        operations.doubtful_pair(home, opened, Scope.of(seen), pairs[authority.child_id(0)], reader="ana")


# The pages.


@pytest.fixture
def page(facts_of, settings, tmp_path, monkeypatch):
    from sightline.web import facts

    held = Home.open(tmp_path / "home")
    monkeypatch.setattr(facts, "home", lambda: held)
    return facts_of(tables())


def addresses(text):
    return re.findall(r'href="(/data-quality/pairs/[0-9a-f]{16}/)"', text)


def text_of(answer):
    assert answer.status_code == 200
    return unescape(answer.content.decode())


def test_no_page_asks_the_database_too_often(page, person, browse, django_assert_max_num_queries):
    browser = browse(person("data_officer"))
    here = addresses(text_of(browser.get("/data-quality/pairs/")))[0]
    for address in ("/data-quality/pairs/", here, "/match-rate/"):
        with django_assert_max_num_queries(15):
            text_of(browser.get(address))


def test_a_reader_goes_from_the_list_to_a_pair_answers_and_then_sees_the_score(page, person, browse):
    from sightline.web.audit.models import AccessEntry

    browser = browse(person("data_officer"))
    here = addresses(text_of(browser.get("/data-quality/pairs/")))
    assert len(here) == PAIRS
    text = text_of(browser.get(here[0]))
    assert "0.71" not in text
    assert "probability" not in text
    shown = AccessEntry.objects.order_by("pk").last()
    assert len(shown.child_ids) == 2
    assert {c.split("-")[0] for c in shown.child_ids} == {"child", "pupil"}
    missing = text_of(browser.post(here[0], {"answer": "same child", "reason": ""}))
    assert "Say why" in missing
    assert browser.post(here[0], {"answer": "same child", "reason": "I rang the school"}).status_code == 302
    after = text_of(browser.get(here[0]))
    assert "I rang the school" in after
    assert "0.71" in after


def test_an_address_is_the_key_of_no_record(page, person, browse):
    from sightline.linkage import record_key

    found = " ".join(addresses(text_of(browse(person("data_officer")).get("/data-quality/pairs/"))))
    assert not any(record_key("ssd", authority.token(n, "ref")) in found for n in range(PAIRS))


def test_a_head_reads_no_home_address_there(page, person, browse):
    browser = browse(person("virtual_school_head"))
    text = text_of(browser.get(addresses(text_of(browser.get("/data-quality/pairs/")))[0]))
    assert not re.search(r"Tok\d{3}postcode", text)
    assert "Not shared with your role" in text


def test_a_pair_of_a_sealed_child_is_not_there(page, person, browse):
    from sightline.web.people.models import Child, Restriction

    browser = browse(person("data_officer"))
    every = set(addresses(text_of(browser.get("/data-quality/pairs/"))))
    sealed = Child.objects.get(child_id=authority.child_id(3))
    Restriction.objects.create(child=sealed, kind="sealed", valid_from=authority.AS_AT, reason="x", made_by="x")
    left = set(addresses(text_of(browser.get("/data-quality/pairs/"))))
    (gone,) = every - left
    assert browser.get(gone).status_code == 404
    assert authority.token(3, "surname") not in text_of(browser.get("/data-quality/pairs/"))
