"""Uploads in the browser: checked, shown, loaded, undone; who may; and what a killed worker leaves."""

from __future__ import annotations

import sys
from datetime import timedelta
from html import unescape

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from sightline.operations import Home
from sightline.vocabulary.errors import BadSetting
from sightline.web import facts as module
from sightline.web.audit.models import SecurityEntry
from sightline.web.work import running, scanning
from sightline.web.work.models import MOVES, SILENT, WAITS, State, Upload

pytest_plugins = ["web_fixtures"]

HEAD = "Pupil ID,URN,Date,AM,PM\n"
MARKS = HEAD + "A1,900001,2024-09-02,/,\\\nA2,900001,2024-09-02,I,I\n"
MORE = HEAD + "A1,900001,2024-09-09,/,\\\nA2,900001,2024-09-09,/,\\\nA3,900001,2024-09-09,/,/\n"


@pytest.fixture
def place(db, tmp_path, settings, monkeypatch):
    """A home of its own, and a worker that works when it is asked to and not beside the test."""
    settings.SIGHTLINE_HOME = tmp_path / "home"
    home = Home.open(settings.SIGHTLINE_HOME)
    monkeypatch.setattr(module, "home", lambda: home)
    monkeypatch.setattr(running, "start", lambda: None)
    yield home
    module.forget()


def file(name="marks.csv", text=MARKS):
    return SimpleUploadedFile(name, text.encode())


def send(browser, *files):
    answer = browser.post("/loads/", {"files": list(files)})
    assert answer.status_code == 302, unescape(answer.content.decode())
    return answer["Location"]


def text_of(browser, path):
    answer = browser.get(path)
    assert answer.status_code == 200
    return unescape(answer.content.decode())


def test_checked_loaded_and_undone(place, person, browse):
    browser = browse(person("data_officer"))
    first = send(browser, file())
    assert "Waiting to be checked." in text_of(browser, first)
    assert 'hx-trigger="every 2s"' in text_of(browser, first)
    assert running.work(beat=False) == 1
    page = text_of(browser, first)
    assert "Checked: load it or discard it." in page and "attendance week: 2 new, 0 gone" in page
    assert "hx-trigger" not in page
    assert browser.get(f"{first}progress/")["HX-Refresh"] == "true"
    assert place.store.current_id() is None, "nothing is loaded by a check"
    assert browser.post(first, {"move": "load"}).status_code == 302
    running.work(beat=False)
    loaded = place.store.current_id()
    held = Upload.objects.get()
    assert (held.state, held.snapshot) == (State.LOADED, loaded)
    assert not held.folder.exists(), "the store alone keeps the bytes"
    second = send(browser, file("more.csv", MORE))
    running.work(beat=False)
    browser.post(second, {"move": "load"})
    running.work(beat=False)
    assert len(place.store.snapshot().deliveries) == 2
    assert "Undo this load" not in text_of(browser, first), "only the newest load can be undone by itself"
    assert "Say why" in browser.post(second, {"move": "undo"}).content.decode()
    assert browser.post(second, {"move": "undo", "reason": "Another school's"}).status_code == 302
    assert place.store.snapshot().deliveries == place.store.snapshot(loaded).deliveries
    assert "Loaded, and undone" in text_of(browser, second)
    table = text_of(browser, "/loads/")
    assert table.count('<th scope="row"') == 2 + 3, "two uploads, three snapshots"


def test_each_step_is_in_the_log_of_changes(place, person, browse):
    from sightline.web.audit.models import ChangeEntry

    browser = browse(person("data_officer"))
    path = send(browser, file())
    running.work(beat=False)
    browser.post(path, {"move": "discard"})
    assert list(ChangeEntry.objects.order_by("pk").values_list("action", flat=True)) == [
        "files uploaded",
        "upload: discard",
    ]


def test_what_cannot_be_read_is_said_and_can_only_be_discarded(place, person, browse):
    browser = browse(person("data_officer"))
    path = send(browser, file("photo.png", "\x89PNG"))
    running.work(beat=False)
    page = text_of(browser, path)
    assert "Nothing in it can be loaded." in page and "photo.png" in page
    assert browser.post(path, {"move": "load"}).status_code == 200
    assert browser.post(path, {"move": "discard"}).status_code == 302
    held = Upload.objects.get()
    assert held.state == State.DISCARDED and not held.folder.exists()


def test_files_changed_since_the_check_are_checked_again(place, person, browse):
    from sightline import operations

    browser = browse(person("data_officer"))
    path = send(browser, file())
    running.work(beat=False)
    other = place.path / "other.csv"
    other.write_text(MORE)
    operations.receive(place, [other], by="somebody else")
    browser.post(path, {"move": "load"})
    running.work(beat=False)
    assert "Check them again before loading." in text_of(browser, path)
    assert browser.post(path, {"move": "check"}).status_code == 302
    running.work(beat=False)
    assert Upload.objects.get().state == State.CHECKED


def test_only_a_data_officer_uploads_and_the_head_reads(place, person, browse):
    path = send(browse(person("data_officer")), file())
    head = browse(person("virtual_school_head"))
    assert "Upload and check" not in text_of(head, "/loads/")
    assert text_of(head, path)
    assert head.post("/loads/", {"files": [file()]}).status_code == 403
    assert head.post(path, {"move": "discard"}).status_code == 403
    assert browse(person("officer")).get("/loads/").status_code == 403


def test_no_file_is_a_problem_and_not_an_upload(place, person, browse):
    answer = browse(person("data_officer")).post("/loads/")
    assert answer.status_code == 200 and "Choose one file or more." in answer.content.decode()
    assert not Upload.objects.exists()


def test_names_are_made_plain_and_none_takes_another_s_place(place):
    names = ["../../etc/passwd", "a.csv", "a.csv", "..", "x\\y\\b.csv", "n" * 300 + ".csv"]
    held = running.keep([SimpleUploadedFile("x", b"1") for _ in names], by="T")
    assert [n["name"] for n in held.files] == ["x", *(f"x-{n}" for n in range(2, 7))]
    taken: set[str] = set()
    for name in names:
        taken.add(running._safe(name, taken))
    assert taken == {"passwd", "a.csv", "a-2.csv", "file", "b.csv", "n" * 120 + ".csv"}


def test_a_killed_worker_s_upload_is_stopped_and_can_be_checked_again(place, person, browse):
    browser = browse(person("data_officer"))
    path = send(browser, file())
    long_ago = timezone.now() - SILENT - timedelta(seconds=1)
    Upload.objects.update(state=State.CHECKING, heartbeat=long_ago)
    assert "The work stopped before it was done." in text_of(browser, path)
    browser.post(path, {"move": "check"})
    assert running.work(beat=False) == 1
    assert Upload.objects.get().state == State.CHECKED
    Upload.objects.update(state=State.LOADING)
    assert running.reap() == 0, "one that lives is left alone"


def test_an_upload_is_worked_on_by_one_worker(place, monkeypatch):
    held = running.keep([file()], by="T")
    claimed = running._next()
    assert claimed is not None and claimed.pk == held.pk
    assert running._next() is None


def test_a_fault_is_said_without_what_it_quotes(place, monkeypatch):
    held = running.keep([file()], by="T")

    def fails(*_, **__):
        raise ValueError("Tok001surname")

    monkeypatch.setattr(running.operations, "preview", fails)
    running.work(beat=False)
    held.refresh_from_db()
    assert held.state == State.FAILED and "Tok" not in held.message and "ValueError" in held.message


def test_every_state_a_person_or_a_worker_leads_to_is_one():
    ends = {end for moves in MOVES.values() for end in moves.values()} | set(WAITS.values())
    assert ends <= set(State)
    assert {*MOVES, *WAITS, *WAITS.values(), State.DISCARDED, State.UNDONE} == set(State)


# Held against the authority's malware scanner: a stand-in that finds what has a word in it, and fails at will

SCANNER = """
import pathlib, sys
held = pathlib.Path(sys.argv[-1]).read_text()
pathlib.Path(sys.argv[1]).open("a").write(sys.argv[-1] + chr(10))
sys.exit(7 if "fails" in held else 1 if "bad-word" in held else 0)
"""


@pytest.fixture
def scanned(tmp_path, settings):
    """The files that were scanned, by a scanner that is set."""
    program, told = tmp_path / "scanner.py", tmp_path / "scanned.txt"
    program.write_text(SCANNER)
    settings.SIGHTLINE_UPLOAD_SCANNER = scanning.command(f"{sys.executable} {program} {told}")
    return lambda: told.read_text().splitlines() if told.exists() else []


def test_a_file_in_which_nothing_is_found_is_checked_and_loaded(place, person, browse, scanned):
    browser = browse(person("data_officer"))
    assert "scanned for malware before it is read" in text_of(browser, "/loads/")
    path = send(browser, file())
    running.work(beat=False)
    browser.post(path, {"move": "load"})
    running.work(beat=False)
    assert Upload.objects.get().state == State.LOADED
    assert [name.rpartition("/")[2] for name in scanned()] == ["marks.csv"] * 2, "before each reading"


def test_what_the_scanner_reports_is_never_read(place, person, browse, scanned, monkeypatch):
    monkeypatch.setattr(running.operations, "preview", None)  # would fail, if it were asked
    browser = browse(person("data_officer"))
    path = send(browser, file("good.csv"), file("other.csv", "bad-word\n"))
    running.work(beat=False)
    held = Upload.objects.get()
    assert held.state == State.REFUSED and not held.folder.exists()
    assert "The malware scanner reports other.csv." in text_of(browser, path)
    assert browser.post(path, {"move": "load"}).status_code == 200, "it can be discarded and no more"
    event = SecurityEntry.objects.get(event="upload reported by the scanner")
    assert str(held.public_id) in event.detail and "other" not in event.detail


@pytest.mark.parametrize("how", ["fails", "is gone", "is late"])
def test_a_scan_that_did_not_happen_is_not_one_that_found_nothing(
    place, person, browse, scanned, settings, how, monkeypatch
):
    monkeypatch.setattr(running.operations, "preview", None)
    text = "Pupil ID\n" + ("fails\n" if how == "fails" else "1\n")
    if how == "is gone":
        settings.SIGHTLINE_UPLOAD_SCANNER = ("/nowhere/scanner",)
    if how == "is late":
        monkeypatch.setattr(scanning, "WAITS", 0.001)
    browser = browse(person("data_officer"))
    path = send(browser, file(text=text))
    running.work(beat=False)
    assert Upload.objects.get().state == State.FAILED
    assert "so nothing was read" in text_of(browser, path)
    assert "Check the files again" in text_of(browser, path)


def test_without_a_scanner_the_page_says_so(place, person, browse):
    assert "not scanned for malware here" in text_of(browse(person("data_officer")), "/loads/")


def test_a_command_that_is_none_stops_the_service_from_starting():
    assert scanning.command("") == ()
    for wrong, says in (("no-such-scanner --all", "there is no such program"), ("clam 'dscan", "not a command")):
        with pytest.raises(BadSetting, match=says):
            scanning.command(wrong)
