"""Fetching from Wonde, against a server that gives recorded answers: pages, refusals, patience, and going on."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from conftest import Said
from wonde_server import BREAK, SCHOOL, TOKEN, Recorded, mark, serving, student

from sightline.operations import Home, WondeClient, fetch_wonde, opened, wonde_token
from sightline.sources.wonde_json import records_of
from sightline.vocabulary.errors import BadSetting, Unreachable
from sightline.vocabulary.identifiers import make_upn

ADA, BEA = (make_upn("301", "2001", 2023, n) for n in (1, 2))
HERE = f"schools/{SCHOOL}"
ATTENDANCE = f"{HERE}/attendance/session"
NOW = datetime.fromisoformat("2024-10-07T08:00:00+01:00")
MARKS = [
    mark("A900001", "A100001", "2024-09-30", "AM", "A500001"), mark("A900002", "A100001", "2024-09-30", "PM", "A500002"),
    mark("A900003", "A100002", "2024-09-30", "AM", "A500003"), mark("A900004", "A100002", "2024-10-01", "AM", "A500001"),
    mark("A900005", "A100001", "2024-10-01", "AM", "A500001"),
]  # fmt: skip


@pytest.fixture
def wonde() -> Iterator[Recorded]:
    lists = {
        HERE: {"id": SCHOOL, "name": "The Oaks", "urn": 900001, "la_code": "301", "establishment_number": "2001"},
        "attendance-codes": [
            {"id": "A500001", "code": "/", "type": "PRESENT", "description": "Present (AM)"},
            {"id": "A500002", "code": "\\", "type": "PRESENT", "description": "Present (PM)"},
            {"id": "A500003", "code": "I", "type": "AUTHORISED_ABSENCE", "description": "Illness"},
        ],
        f"{HERE}/students": [student("A100001", ADA), student("A100002", BEA, "Quince")],
        f"{HERE}/students-leaver": [],
        ATTENDANCE: list(MARKS),
        f"{HERE}/exclusions": [],
        f"{HERE}/deletions": [],
    }
    with serving(Recorded(lists)) as recorded:
        yield recorded


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def fetch(wonde: Recorded, tmp_path: Path, pauses: list[float]) -> Callable[..., object]:
    home = Home.open(tmp_path / "home")

    def once(now: datetime = NOW, token: str = TOKEN, **options: object):
        client = WondeClient(wonde.url, token, pause=pauses.append)
        return next(iter(fetch_wonde(home, [SCHOOL], client=client, now=now, **options)))

    return once


def files(folder: Path) -> dict[str, list[str]]:
    return {p.name: [str(r["id"]) for r in records_of(p)[0]] for p in sorted(folder.glob("*.json"))}


def counted(home: Path) -> list[tuple[int, int]]:
    """Possible sessions, and those of them missed with leave, of everybody."""
    sums = "SELECT sum(possible), sum(authorised) FROM register_week"
    return opened(Home.open(home)).database.rows(sums)


def test_every_page_is_kept_and_the_files_can_be_received(
    fetch: Callable, wonde: Recorded, tmp_path: Path, sightline: Callable[..., Said]
):
    done = fetch()
    assert (done.since, done.refused, done.records["attendance"]) == ("", {}, 5)
    assert files(done.folder) == {
        "attendance-2024-09.json": ["A900001", "A900002", "A900003"],
        "attendance-2024-10.json": ["A900004", "A900005"],
        "attendance_codes.json": ["A500001", "A500002", "A500003"],
        "schools.json": [SCHOOL],
        "students.json": ["A100001", "A100002"],
    }
    said = sightline("receive", done.folder, "--home", tmp_path / "home", "--json")
    assert {f["kind"]: f["status"] for f in said.json()["files"]} == {
        "wonde-attendance": "received", "wonde-codes": "received", "wonde-schools": "received", "wonde-students": "received",
    }  # fmt: skip
    assert not [f for f in said.json()["files"] if f["findings"].get("error")]
    assert counted(tmp_path / "home") == [(5, 1)]


def test_what_changed_is_asked_for_and_what_was_withdrawn_is_taken_out(
    fetch: Callable, wonde: Recorded, tmp_path: Path, sightline: Callable[..., Said]
):
    home = tmp_path / "home"
    folder = fetch().folder
    sightline("receive", folder, "--home", home)
    september = (folder / "attendance-2024-09.json").read_bytes()
    wonde.lists[ATTENDANCE] = [mark("A900004", "A100002", "2024-10-01", "AM", "A500003")]
    wonde.lists[f"{HERE}/students"] = []
    wonde.lists[f"{HERE}/deletions"] = [{"id": "A900005", "type": "attendance", "deleted_at": MARKS[0]["date"]}]
    done = fetch(now=NOW + timedelta(days=7))
    assert done.since == "2024-10-06 08:00:00" and done.withdrawn == 1
    assert {q["updated_after"] for p, q in wonde.asked[-4:]} == {done.since}
    assert files(folder)["attendance-2024-10.json"] == ["A900004"]
    assert files(folder)["students.json"] == ["A100001", "A100002"]
    assert (folder / "attendance-2024-09.json").read_bytes() == september
    said = sightline("receive", folder, "--home", home, "--json").json()
    attendance = {f["path"].rsplit("/", 1)[1]: f for f in said["files"] if f["kind"] == "wonde-attendance"}
    assert attendance["attendance-2024-09.json"]["status"] == "held"
    assert attendance["attendance-2024-10.json"]["says"].startswith("Received. It takes the place of")
    assert counted(home) == [(4, 2)]


def test_everything_and_a_day_may_be_asked_for(fetch: Callable, wonde: Recorded):
    folder = fetch().folder
    wonde.lists[ATTENDANCE] = [MARKS[0]]
    assert fetch(everything=True).since == ""
    assert files(folder)["attendance-2024-09.json"] == ["A900001"]
    assert "attendance-2024-10.json" not in files(folder)
    assert fetch(since=date(2024, 9, 1)).since == "2024-09-01 00:00:00"


# Patience.


def test_a_busy_service_is_asked_again_as_slowly_as_it_asks(fetch: Callable, wonde: Recorded, pauses: list[float]):
    wonde.trouble[ATTENDANCE, 2] = [(429, {"Retry-After": "30"}, {}), (503, {}, {}), (429, {"Retry-After": "9999"}, {})]
    assert fetch().records["attendance"] == 5
    assert pauses == [30.0, 2.0, 120.0]


def test_a_broken_connection_is_tried_again(fetch: Callable, wonde: Recorded, pauses: list[float]):
    wonde.trouble[ATTENDANCE, 2] = [BREAK, BREAK]
    done = fetch()
    assert done.records["attendance"] == 5 and len(pauses) == 2
    assert files(done.folder)["attendance-2024-10.json"] == ["A900004", "A900005"]


def test_a_fetch_that_stopped_goes_on_where_it_was(fetch: Callable, wonde: Recorded):
    wonde.trouble[ATTENDANCE, 3] = [BREAK] * 6
    with pytest.raises(Unreachable, match="run the same command later to go on"):
        fetch()
    before = len(wonde.asked)
    done = fetch(now=NOW + timedelta(hours=1))
    assert [(p, q.get("page")) for p, q in wonde.asked[before:]] == [
        (ATTENDANCE, "3"), (f"{HERE}/exclusions", None), (f"{HERE}/deletions", None),
    ]  # fmt: skip
    assert done.records["attendance"] == 5
    assert files(done.folder)["attendance-2024-10.json"] == ["A900004", "A900005"]
    # The next is asked for from when this one began, not from when it ended.
    assert fetch(now=NOW + timedelta(days=1)).since == "2024-10-06 08:00:00"


def test_what_stands_half_written_after_a_stop_is_asked_for_again(fetch: Callable, wonde: Recorded, tmp_path: Path):
    wonde.trouble[ATTENDANCE, 2] = [BREAK] * 6
    with pytest.raises(Unreachable):
        fetch()
    part = tmp_path / "home" / "wonde" / SCHOOL / ".fetch" / "parts" / "attendance.jsonl"
    with part.open("a") as out:
        out.write('{"id": "A90')
    assert files(fetch().folder)["attendance-2024-09.json"] == ["A900001", "A900002", "A900003"]


# Refusals.


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [
        (401, {}, "does not know this token"),
        (403, {}, "does not let this token read that"),
        (404, {}, "check the school's id"),
        (422, {"errors": {"updated_after": ["SECRET"]}}, "does not accept the question: updated_after."),
        (302, {}, "answers 302"),
    ],
)
def test_refusals_are_one_sentence(
    fetch: Callable, wonde: Recorded, pauses: list[float], status: int, body: dict, says: str
):
    wonde.trouble[HERE, 1] = [(status, {"Location": "http://127.0.0.1:9/"} if status == 302 else {}, body)]
    with pytest.raises(Unreachable) as refused:
        fetch()
    assert says in str(refused.value) and "SECRET" not in str(refused.value) and TOKEN not in str(refused.value)
    assert not pauses


def test_a_list_the_token_may_not_read_is_named_and_the_others_are_fetched(fetch: Callable, wonde: Recorded):
    wonde.trouble[f"{HERE}/exclusions", 1] = [(403, {}, {})]
    done = fetch()
    assert list(done.refused) == ["exclusions"] and done.records["attendance"] == 5


def test_changes_without_deletions_are_refused(fetch: Callable, wonde: Recorded):
    fetch()
    wonde.trouble[f"{HERE}/deletions", 1] = [(403, {}, {})]
    with pytest.raises(Unreachable, match="fetch with --all"):
        fetch(now=NOW + timedelta(days=1))


def test_the_token_goes_to_one_host_only(fetch: Callable, wonde: Recorded):
    with serving(Recorded({})) as other:
        wonde.next_host = other.url
        with pytest.raises(Unreachable, match="another address than its own"):
            fetch()
        assert other.asked == []
    assert wonde.seen_tokens == {f"Bearer {TOKEN}"}


def test_a_list_that_names_itself_as_next_has_no_end(fetch: Callable, wonde: Recorded):
    address = f"{wonde.url}/attendance-codes?per_page=200"
    wonde.trouble["attendance-codes", 1] = [(200, {}, {"data": [], "meta": {"pagination": {"next": address}}})]
    with pytest.raises(Unreachable, match="no end"):
        fetch()


def test_two_fetches_of_one_school_do_not_mix(fetch: Callable, wonde: Recorded, tmp_path: Path):
    folder = fetch().folder
    with (folder / ".fetch" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(Exception, match="fetching this school"):
            fetch()


# The token.


def test_a_token_comes_from_the_environment_or_a_file_of_its_owner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("SIGHTLINE_WONDE_TOKEN", raising=False)
    with pytest.raises(BadSetting, match="There is no token"):
        wonde_token()
    monkeypatch.setenv("SIGHTLINE_WONDE_TOKEN", " abc ")
    assert wonde_token() == "abc"
    file = tmp_path / "token"
    file.write_text("def\n")
    file.chmod(0o644)
    with pytest.raises(BadSetting, match="Others may read"):
        wonde_token(file)
    file.chmod(0o600)
    assert wonde_token(file) == "def"


@pytest.mark.parametrize("token", ["", "two words", "line\nbreak", "naïve"])
def test_what_cannot_be_a_token_is_refused(token: str):
    with pytest.raises(BadSetting):
        WondeClient("https://api.wonde.com/v1.0", token)


@pytest.mark.parametrize("base", ["http://api.wonde.com/v1.0", "file:///etc", "ftp://127.0.0.1/"])
def test_only_https_or_this_machine(base: str):
    with pytest.raises(BadSetting):
        WondeClient(base, TOKEN)
    assert TOKEN not in repr(WondeClient("https://api.wonde.com/v1.0", TOKEN))


# The command.


def test_the_command(wonde: Recorded, tmp_path: Path, sightline: Callable[..., Said]):
    told = {"SIGHTLINE_WONDE_URL": wonde.url, "SIGHTLINE_WONDE_TOKEN": TOKEN}
    said = sightline("fetch", "wonde", "--school", SCHOOL, "--home", tmp_path, **told)
    assert said.code == 0 and "Now: sightline receive" in said.out and "attendance" in said.out
    state = json.loads((tmp_path / "wonde" / SCHOOL / ".fetch" / "state.json").read_text())
    assert list(state) == ["last"]
    assert TOKEN not in said.out + said.err
    wrong = sightline("fetch", "wonde", "--school", "../../etc", "--home", tmp_path, **told)
    assert wrong.code == 5 and "Wonde's id of a school" in wrong.err
    refused = sightline(
        "fetch", "wonde", "--school", SCHOOL, "--home", tmp_path, **told | {"SIGHTLINE_WONDE_TOKEN": "x"}
    )
    assert refused.code == 8 and "does not know this token" in refused.err
