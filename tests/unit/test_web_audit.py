"""The three logs: written before a page leaves, never changed, and read through from end to end."""

from __future__ import annotations

import re

import pytest
import web_authority as authority
from django.db import DatabaseError, connection, transaction

from sightline.web import audit
from sightline.web.audit.models import LOGS, START, AccessEntry, ChangeEntry, SecurityEntry, ShownChild
from sightline.web.authz.matrix import PAGES

pytest_plugins = ["web_fixtures"]


def _write(number: int) -> list[AccessEntry]:
    return [
        AccessEntry.append(action="viewed", child_ids=[f"child-{n}"], page="child", outcome="shown")
        for n in range(number)
    ]


@pytest.mark.parametrize("log", LOGS)
@pytest.mark.parametrize("verb", ["update", "delete"])
def test_the_database_refuses_to_change_or_delete_an_entry(db, log, verb):
    _write(1)
    SecurityEntry.append(event="test")
    ChangeEntry.append(action="a", subject="s")
    with pytest.raises(DatabaseError, match="never changed or deleted"), transaction.atomic():
        if verb == "update":
            log.objects.update(actor_label="somebody else")
        else:
            log.objects.all()._raw_delete(log.objects.db)
    assert log.objects.count() == 1


def test_a_log_cannot_be_emptied_on_postgresql(db):
    if connection.vendor != "postgresql":
        assert connection.vendor == "sqlite"  # SQLite has no TRUNCATE: DELETE is refused above
        return
    with (
        pytest.raises(DatabaseError, match="never changed or deleted"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("TRUNCATE audit_accessentry")


def test_each_entry_is_chained_to_the_one_before(db):
    first, second, third = _write(3)
    assert (first.previous, second.previous, third.previous) == (START, first.hash, second.hash)
    verdict = AccessEntry.verify()
    assert verdict.whole
    assert (verdict.entries, verdict.head) == (3, third.hash)


def _untriggered(cursor, sql, parameters=(), *, table="audit_accessentry"):
    """What somebody could do who owns the database: switch the trigger off, change, switch it on again."""
    if connection.vendor == "sqlite":
        cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = %s", [table])
        triggers = cursor.fetchall()
        for name, _ in triggers:
            cursor.execute(f"DROP TRIGGER {name}")
        cursor.execute(sql, parameters)
        for _, made in triggers:
            cursor.execute(made)
    else:
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        cursor.execute(sql, parameters)
        cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def test_an_entry_changed_behind_the_triggers_shows(db):
    entries = _write(3)
    with connection.cursor() as cursor:
        _untriggered(cursor, "UPDATE audit_accessentry SET actor_label = 'x' WHERE id = %s", [entries[1].pk])
    verdict = AccessEntry.verify()
    assert not verdict.whole
    assert verdict.broken_at == entries[1].pk
    assert "changed" in verdict.why


def test_an_entry_taken_away_behind_the_triggers_shows(db):
    entries = _write(3)
    with connection.cursor() as cursor:
        _untriggered(cursor, "DELETE FROM audit_accessentry WHERE id = %s", [entries[1].pk])
    verdict = AccessEntry.verify()
    assert verdict.broken_at == entries[2].pk
    assert "missing" in verdict.why


def test_the_verify_command_says_so_and_fails_when_a_log_is_broken(db, capsys):
    from django.core.management import CommandError, call_command

    entries = _write(2)
    call_command("verify_logs")
    assert "access log: 2 entries, whole" in capsys.readouterr().out
    with connection.cursor() as cursor:
        _untriggered(cursor, "UPDATE audit_accessentry SET page = 'x' WHERE id = %s", [entries[0].pk])
    with pytest.raises(CommandError, match="was changed"):
        call_command("verify_logs")


def test_a_child_opened_is_recorded_with_who_in_which_role_and_which_fields(facts, person, browse):
    from sightline.web.people.models import Child

    user = person("social_worker")
    child = Child.objects.get(child_id=authority.child_id(0))
    answer = browse(user).get(f"/children/{child.public_id}/")
    entry = AccessEntry.objects.get(action="viewed")
    assert entry.child_ids == [authority.child_id(0)]
    assert (entry.actor_id, entry.actor_label, entry.role, entry.page) == (
        user.pk,
        "social_worker",
        "social_worker",
        "child",
    )
    assert entry.grants == list(user.grants.values_list("pk", flat=True))
    assert {"identity", "location", "care status"} <= set(entry.field_classes)
    assert entry.request_id == answer["X-Request-Id"]
    assert len(entry.session_hash) == 64
    assert entry.address == "127.0.0.1"


def test_fields_the_role_may_not_read_are_not_among_the_fields_recorded(facts, person, browse):
    from sightline.web.people.models import Child

    child = Child.objects.get(child_id=authority.child_id(0))
    browse(person("school_lead")).get(f"/children/{child.public_id}/")
    assert not {"location", "special category", "care detail"} & set(AccessEntry.objects.get().field_classes)


def test_a_list_discloses_the_children_on_the_page_shown_and_no_other(facts, person, browse):
    browser = browse(person("virtual_school_head"))
    browser.get("/cohort/")
    browser.get("/cohort/?page=2")
    first, second = (set(e.child_ids) for e in AccessEntry.objects.filter(action="listed").order_by("pk"))
    assert (len(first), len(second)) == (25, authority.CHILDREN - 25)
    assert not first & second


def test_a_child_out_of_scope_and_one_who_does_not_exist_get_the_same_answer_and_both_are_recorded(
    facts, person, browse
):
    from uuid import uuid4

    from sightline.web.people.models import Child

    browser = browse(person("social_worker"))
    other = Child.objects.get(child_id=authority.child_id(1)).public_id
    nobody = uuid4()
    answers = [browser.get(f"/children/{public_id}/") for public_id in (other, nobody)]
    assert [a.status_code for a in answers] == [404, 404]
    bodies = [a.content.replace(a["X-Request-Id"].encode(), b"") for a in answers]
    assert bodies[0] == bodies[1]
    refusals = AccessEntry.objects.filter(action="refused").order_by("pk")
    assert [(e.child_ids, e.purpose) for e in refusals] == [([], f"child {other}"), ([], f"child {nobody}")]


def test_a_page_the_role_may_not_open_is_refused_and_recorded(facts, person, browse):
    browser = browse(person(None))
    assert browser.get("/cohort/").status_code == 403
    assert AccessEntry.objects.get().purpose == "page cohort"


def test_a_page_that_shows_children_and_records_nothing_does_not_leave(facts, person, browse, monkeypatch):
    from sightline.web.authz.middleware import DisclosureNotRecorded

    monkeypatch.setattr(audit, "disclosed", lambda *args, **kwargs: None)
    browser = browse(person("officer"))
    with pytest.raises(DisclosureNotRecorded):
        browser.get("/cohort/")


def test_when_the_entry_cannot_be_written_the_page_is_not_shown(facts, person, browse, monkeypatch):
    def fails(**_):
        raise DatabaseError("disk full")

    monkeypatch.setattr(AccessEntry, "append", fails)
    browser = browse(person("officer"))
    browser.raise_request_exception = False
    answer = browser.get("/cohort/")
    assert answer.status_code == 500
    assert b"Tok0" not in answer.content


def test_counts_on_the_first_page_are_no_disclosure(facts, person, browse):
    answer = browse(person("officer")).get("/")
    assert answer.status_code == 200
    assert not AccessEntry.objects.exists()
    assert b"Tok0" not in answer.content


def test_signing_in_and_out_and_refusals_are_in_the_security_log(facts, person, browse):
    user = person("officer")
    user.set_password(authority.PASSWORD)
    user.save()
    browser = browse()
    browser.post("/sign-in/", {"login": "officer", "password": "not this one at all"})
    browser.post("/sign-in/", {"login": "officer", "password": authority.PASSWORD})
    browser.post("/sign-out/")
    events = list(SecurityEntry.objects.order_by("pk").values_list("event", "actor_id"))
    assert events == [("sign-in refused", None), ("signed in", user.pk), ("signed out", user.pk)]
    assert not any("not this one" in str(vars(e)) for e in SecurityEntry.objects.all())


def test_audit_lines_carry_ids_and_never_a_child(facts, person, browse, caplog):
    import logging

    caplog.set_level(logging.INFO, logger="sightline.audit")
    logging.getLogger("sightline.audit").propagate = True
    try:
        browse(person("officer")).get("/cohort/")
    finally:
        logging.getLogger("sightline.audit").propagate = False
    lines = [r.getMessage() for r in caplog.records if r.name == "sightline.audit"]
    assert any('"action": "listed"' in line for line in lines)
    assert not any("child-" in line or "Tok" in line for line in lines)


# Who has looked


def looked(browser, public_id, asked=""):
    from html import unescape

    text = unescape(browser.get(f"/children/{public_id}/who-has-looked/{asked}").content.decode())
    return [re.findall(r">([^<>]*)</t[dh]>", row) for row in re.findall(r"<tr[^>]*>.*?</tr>", text, re.DOTALL)]


def test_who_has_looked_names_who_when_in_which_role_and_on_which_page(facts, person, browse):
    from sightline.web.people.models import Child

    child = Child.objects.get(child_id=authority.child_id(0))
    worker, head = person("social_worker"), person("virtual_school_head")
    browse(worker).get(f"/children/{child.public_id}/")
    browse(worker).get("/cohort/")
    browse(person("school_lead", over=authority.SCHOOLS[1])).get(f"/children/{child.public_id}/")
    other = Child.objects.get(child_id=authority.child_id(6))
    browse(worker).get(f"/children/{other.public_id}/")
    browser = browse(head)
    rows = looked(browser, child.public_id)
    opened = [row for row in rows if row[1:4] == [worker.called, "Social worker", "Opened"]]
    assert len(opened) == 1, "once for this child, not for the other"
    assert opened[0][4] == PAGES["child"].says
    assert "location" in opened[0][5]
    assert re.fullmatch(r"\d+ [A-Z][a-z]{2} \d{4}, \d\d:\d\d", opened[0][0])
    assert not any("Seen in a list" in row for row in rows)
    refused = [row for row in rows if "Asked for it and was refused" in row]
    assert [row[2] for row in refused] == ["School safeguarding lead"]
    again = looked(browser, child.public_id, "?lists=yes")
    assert [row[1] for row in again if "Seen in a list" in row] == [worker.called]
    own = [row for row in again if row[1:4] == [head.called, "Virtual School Head", "Opened"]]
    assert len(own) == 2, "looking at who has looked is looking"


def test_who_has_looked_comes_in_pages_of_fifty(facts, person, browse):
    from sightline.web.people.models import Child

    for _ in range(60):
        AccessEntry.append(action="viewed", child_ids=[authority.child_id(0)], page="child", outcome="shown")
    child, browser = Child.objects.get(child_id=authority.child_id(0)), browse(person("virtual_school_head"))
    first, second = (looked(browser, child.public_id, f"?page={n}") for n in (1, 2))
    # The second visit is an entry more, so one that was on the first page has moved to the second.
    assert [sum("Nobody signed in" in row for row in page) for page in (first, second)] == [49, 12]


def test_only_those_whom_the_matrix_names_see_who_has_looked(facts, person, browse):
    from sightline.web.people.models import Child

    for role in authority.SEEING:
        child = Child.objects.get(child_id=authority.child_id(min(authority.seen_by()[role])))
        answer = browse(person(role)).get(f"/children/{child.public_id}/who-has-looked/")
        assert answer.status_code == (200 if role == "virtual_school_head" else 403)
        record = browse(person(role, username=f"{role}-2")).get(f"/children/{child.public_id}/").content.decode()
        assert ("who-has-looked" in record) == (role == "virtual_school_head")


@pytest.mark.parametrize(
    "change",
    ["DELETE FROM audit_shownchild WHERE entry = %s", "UPDATE audit_shownchild SET child_id = 'x' WHERE entry = %s"],
)
def test_an_entry_no_longer_found_by_its_child_shows(db, change):
    entries = _write(3)
    with connection.cursor() as cursor:
        _untriggered(cursor, change, [entries[1].pk], table="audit_shownchild")
    verdict = AccessEntry.verify()
    assert verdict.broken_at == entries[1].pk
    assert "not found by" in verdict.why


def test_a_child_led_to_an_entry_that_is_not_there_shows(db):
    _write(2)
    ShownChild.objects.create(entry=10_000, child_id="child-1")
    assert "do not speak of them" in AccessEntry.verify().why


def test_the_database_refuses_to_change_how_entries_are_found(db):
    _write(1)
    with pytest.raises(DatabaseError, match="never changed or deleted"), transaction.atomic():
        ShownChild.objects.update(child_id="x")


def test_entries_from_before_are_found_by_their_children_too(db, monkeypatch):
    from importlib import import_module

    from django.apps import apps

    monkeypatch.setattr(AccessEntry, "index", lambda entry: None)
    entry = AccessEntry.append(action="viewed", child_ids=["a", "b", "a"], page="child", outcome="shown")
    assert not AccessEntry.verify().whole
    import_module("sightline.web.audit.migrations.0003_shown_children").entries_so_far(apps, None)
    assert set(ShownChild.objects.values_list("entry", "child_id")) == {(entry.pk, "a"), (entry.pk, "b")}
    assert AccessEntry.verify().whole


# Changes, and what is past its retention


def test_a_change_keeps_what_differed_who_made_it_and_why(person):
    user = person("administrator")
    audit.changed(None, "grant ended", "grant 1", before={"a": 1, "b": "x"}, after={"a": 1, "b": "y"}, purpose="left",
                  user=user)  # fmt: skip
    entry = ChangeEntry.objects.get()
    assert (entry.before, entry.after, entry.actor_id, entry.purpose) == ({"b": "x"}, {"b": "y"}, user.pk, "left")
    assert ChangeEntry.verify().whole
    with pytest.raises(ValueError, match="the person who made it"):
        audit.changed(None, "grant ended", "grant 1", purpose="nobody")


def _years_ago(log, years):
    """Entries as they would stand had they been written so long ago, chained as ever."""
    from datetime import timedelta
    from unittest import mock

    from django.utils import timezone

    then = timezone.now() - timedelta(days=366 * years)
    with mock.patch("sightline.web.audit.models.timezone.now", return_value=then):
        if log is AccessEntry:
            return _write(3)
        return [log.append(**({"event": "test"} if log is SecurityEntry else {"action": "a", "subject": "s"}))]


def _purge(years=7):
    from datetime import timedelta

    from django.utils import timezone

    return audit.purge(before=timezone.now() - timedelta(days=366 * years - 30), by="test")


@pytest.mark.parametrize("log", LOGS)
def test_what_is_past_its_retention_goes_and_the_rest_still_proves_itself(db, log):
    old = _years_ago(log, 7)
    _write(2)
    SecurityEntry.append(event="test")
    ChangeEntry.append(action="a", subject="s")
    kept = log.objects.filter(pk__gt=old[-1].pk).count()
    made = _purge()
    assert [(p.log, p.last_entry, p.entries) for p in made] == [(log._meta.db_table, old[-1].pk, len(old))]
    assert log.objects.count() == kept + (log is SecurityEntry)
    assert all(each.verify().whole for each in LOGS)
    assert SecurityEntry.objects.filter(event="log purged").count() == 1
    assert not _purge(), "nothing more is old"
    if log is AccessEntry:
        assert not ShownChild.objects.filter(entry__lte=old[-1].pk).exists()


def test_a_log_whose_every_entry_was_purged_goes_on_from_there(db):
    old = _years_ago(AccessEntry, 7)
    _purge()
    assert AccessEntry.verify().whole
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = 'audit_accessentry'")
            assert cursor.fetchone()[0] >= old[-1].pk
    assert _write(1)[0].previous == old[-1].hash
    assert AccessEntry.verify().whole


def test_nothing_younger_than_a_year_can_be_purged_and_no_purge_is_forged(db):
    from django.utils import timezone

    from sightline.web.audit.models import Purge

    entries = _write(3)
    forged = {"log": "audit_accessentry", "last_entry": entries[1].pk, "last_hash": entries[1].hash,
              "last_at": timezone.now(), "entries": 2, "made_by": "x"}  # fmt: skip
    with pytest.raises(DatabaseError, match="younger than a year"), transaction.atomic():
        Purge.objects.create(**forged)
    old = _years_ago(AccessEntry, 2)
    assert old, "entries younger than these stand before them"
    with pytest.raises(DatabaseError, match="younger than a year"), transaction.atomic():
        Purge.objects.create(**{**forged, "last_entry": old[1].pk, "last_hash": old[1].hash})


def test_a_purge_the_security_log_does_not_speak_of_shows(db):
    from django.utils import timezone

    from sightline.web.audit.models import Purge

    old = _years_ago(AccessEntry, 7)
    Purge.objects.create(
        log="audit_accessentry",
        last_entry=old[1].pk,
        last_hash=old[1].hash,
        last_at=timezone.now(),
        entries=2,
        made_by="x",
    )
    assert "not in the security log" in AccessEntry.verify().why
    for verb in ("update", "delete"):
        with pytest.raises(DatabaseError, match="never changed or deleted"), transaction.atomic():
            if verb == "update":
                Purge.objects.update(made_by="y")
            else:
                Purge.objects.all()._raw_delete(Purge.objects.db)


def test_a_hash_noted_earlier_shows_that_the_end_of_a_log_was_cut_off(db, capsys):
    from django.core.management import CommandError, call_command

    entries = _write(3)
    call_command("verify_logs", noted=[entries[2].hash])
    _cut_off(entries[2])
    _forget_the_highest(entries[1])
    call_command("verify_logs")
    with pytest.raises(CommandError, match="entries were cut off"):
        call_command("verify_logs", noted=[entries[2].hash])


def _cut_off(entry):
    with connection.cursor() as cursor:
        _untriggered(cursor, "DELETE FROM audit_shownchild WHERE entry = %s", [entry.pk], table="audit_shownchild")
        _untriggered(cursor, "DELETE FROM audit_accessentry WHERE id = %s", [entry.pk])


def _forget_the_highest(entry):
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("UPDATE sqlite_sequence SET seq = %s WHERE name = 'audit_accessentry'", [entry.pk])


def test_what_the_service_noted_of_itself_shows_a_log_that_was_cut_off(db, tmp_path, settings):
    from django.core.management import CommandError, call_command

    from sightline.web.audit import heads

    settings.SIGHTLINE_LOG_HEADS = tmp_path / "log-heads.jsonl"
    entries = _write(3)
    heads.note()
    heads.note()
    assert len(settings.SIGHTLINE_LOG_HEADS.read_text().splitlines()) == 1, "one note in a while is enough"
    call_command("verify_logs")
    call_command("verify_logs", note=True)
    assert len(settings.SIGHTLINE_LOG_HEADS.read_text().splitlines()) == 2, "what was verified is noted, when asked"
    _cut_off(entries[2])
    _forget_the_highest(entries[1])
    assert AccessEntry.verify().broken_at == entries[2].pk
    with pytest.raises(CommandError, match=r"cut off the end: entry .* was noted in log-heads\.jsonl"):
        call_command("verify_logs")
    # Another entry in its place is not the one that was noted.
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT setval('audit_accessentry_id_seq', %s)", [entries[1].pk])
    assert _write(1)[0].pk == entries[2].pk
    assert AccessEntry.verify().broken_at == entries[2].pk


def test_sqlite_remembers_how_far_a_log_went(db):
    if connection.vendor != "sqlite":
        assert connection.vendor == "postgresql"  # whose numbers have gaps: a transaction undone takes one too
        return
    entries = _write(3)
    _cut_off(entries[2])
    assert AccessEntry.verify().broken_at == entries[2].pk


@pytest.mark.parametrize("by", ["id", "hash"])
def test_no_entry_takes_the_place_of_another(db, by):
    first, last = _write(2)
    if connection.vendor != "sqlite":
        assert connection.vendor == "postgresql"  # which has no such statement
        return
    columns = [f.column for f in AccessEntry._meta.concrete_fields]
    taken = ", ".join("'nobody'" if c == "actor_label" else c for c in columns if not (by == "hash" and c == "id"))
    named = ", ".join(c for c in columns if not (by == "hash" and c == "id"))
    with (
        pytest.raises(DatabaseError, match="never changed or deleted"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(
            f"INSERT OR REPLACE INTO audit_accessentry ({named}) SELECT {taken} FROM audit_accessentry WHERE id = %s",
            [last.pk],
        )
    assert AccessEntry.objects.count() == 2
    assert first.pk < last.pk


def test_the_command_line_asks_the_application_and_answers_as_it_did(tmp_path, monkeypatch):
    import subprocess

    from typer.testing import CliRunner

    from sightline.cli import app as module
    from sightline.cli import audit as commands

    asked = []

    def run(words, **_):
        asked.append(words[1:])
        return subprocess.CompletedProcess(words, 1 if "verify_logs" in words else 0, "said\n", "why\n")

    monkeypatch.setattr(commands.subprocess, "run", run)
    told = CliRunner().invoke(module.app, ["audit", "verify", "--noted", "abc", "--home", str(tmp_path)])
    assert (told.exit_code, told.stdout, told.stderr) == (1, "said\n", "why\n")
    told = CliRunner().invoke(module.app, ["audit", "purge", "--by", "the head", "--home", str(tmp_path)])
    assert told.exit_code == 0
    assert asked == [
        ["-m", "sightline.web", "verify_logs", "--note", "--noted", "abc", "--home", str(tmp_path)],
        ["-m", "sightline.web", "purge_logs", "--by", "the head", "--home", str(tmp_path)],
    ]


def test_a_home_whose_application_was_never_started_has_no_log_yet(db, monkeypatch):
    from django.core.management import CommandError, call_command

    monkeypatch.setattr(connection.introspection, "table_names", list)
    with pytest.raises(CommandError, match="has not been started for this home"):
        call_command("verify_logs")
