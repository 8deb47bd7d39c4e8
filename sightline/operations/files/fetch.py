"""Fetch: ask a live source for what a school lets us read, and keep it as files that `receive` reads.

Per school there is one folder of the home. It always holds the whole of what is known: students, marks month by month,
exclusions. A fetch asks for everything, or for what changed since the last one; withdrawn records are taken out. Each
page is on disk before the next is asked for, so a fetch that stops goes on where it was.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final, TextIO

from sightline.operations.home import Home
from sightline.sources.wonde_client import Client, Refused
from sightline.sources.wonde_json import Record, records_of, text, write_page
from sightline.vocabulary.errors import BadSetting, SightlineError, Unreachable

TOKEN: Final = "SIGHTLINE_WONDE_TOKEN"  # noqa: S105  the name of the variable, not what it holds
_OVERLAP: Final = timedelta(days=1)  # asked for again, because clocks differ
_MOST_PAGES: Final = 100_000
_PROGRESS: Final = ".fetch"  # hidden, so that nobody receives what is half done
_INCLUDE: Final = {"include": "education_details,extended_details"}


@dataclass(frozen=True, slots=True)
class _List:
    """One list of records: its name, its path below the interface's address, and how it is asked for."""

    name: str
    path: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    dated: bool = True  # may be asked for what changed


_LISTS: Final = (
    _List("school", "schools/{school}", dated=False),
    _List("codes", "attendance-codes", dated=False),
    _List("students", "schools/{school}/students", _INCLUDE),
    _List("leavers", "schools/{school}/students-leaver", _INCLUDE),
    _List("attendance", "schools/{school}/attendance/session"),
    _List("exclusions", "schools/{school}/exclusions"),
    _List("deletions", "schools/{school}/deletions"),
)


@dataclass(frozen=True, slots=True)
class Fetched:
    """What one fetch of one school brought: where its files are, `since` when ("" for everything), the records that
    came of each list, how many were withdrawn, what the token may not read, and how often the service was asked."""

    school: str
    folder: Path
    since: str
    records: Mapping[str, int]
    withdrawn: int
    refused: Mapping[str, str]
    asked: int


def wonde_token(token_file: Path | None = None) -> str:
    """The token: the first line of a file that only its owner may read, else of the environment. Raises BadSetting."""
    if token_file is None:
        told = os.environ.get(TOKEN, "").strip()
        if not told:
            raise BadSetting(f"There is no token: put it into {TOKEN}, or into a file and name it with --token-file.")
        return told
    if not token_file.is_file():
        raise BadSetting(f"There is no file at {token_file}.")
    if os.name == "posix" and token_file.stat().st_mode & 0o077:
        raise BadSetting(
            f"Others may read {token_file}: let only its owner read it (chmod 600), and ask for a new token."
        )
    return token_file.read_text(encoding="utf-8").strip().partition("\n")[0].strip()


def fetch_wonde(
    home: Home,
    schools: Sequence[str],
    *,
    client: Client,
    now: datetime,
    since: date | None = None,
    everything: bool = False,
    progress: Callable[[str], None] | None = None,
) -> Iterator[Fetched]:
    """Fetch one school after another into `wonde/` in the home, yielding each when its files are whole.

    Without `since` a school is asked for what changed since the last fetch that came to its end, or for everything the
    first time and with `everything`. A fetch that stopped goes on as it began. Raises BadSetting for what is no id of a
    school, Refused and Unreachable as the client does, SightlineError when the school is being fetched already.
    """
    wrong = [school for school in schools if not re.fullmatch(r"A\d{6,20}", school)]
    if wrong:
        raise BadSetting(f"{wrong[0]} is not Wonde's id of a school, which is the letter A and digits: A1930499544.")
    for school in dict.fromkeys(schools):
        folder = home.path / "wonde" / school
        with _alone(folder):
            yield _School(folder, school, client, now, progress or _silent).fetch(since, everything)


def _silent(_: str) -> None:
    """No progress is shown."""


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    place = folder / _PROGRESS
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (place / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as busy:
            raise SightlineError("Another process is fetching this school. Try again later.") from busy
        yield


class _School:
    """One school's folder and what is on the way into it. `state` is on disk after every page."""

    def __init__(
        self, folder: Path, school: str, client: Client, now: datetime, progress: Callable[[str], None]
    ) -> None:
        self.folder, self.school, self.client, self.now, self.progress = folder, school, client, now, progress
        self.parts = folder / _PROGRESS / "parts"
        self.place = folder / _PROGRESS / "state.json"
        self.state: dict[str, Any] = json.loads(self.place.read_text("utf-8")) if self.place.is_file() else {}

    def fetch(self, since: date | None, everything: bool) -> Fetched:
        asked = self.client.asked
        self._begin(since, everything)
        for each in _LISTS:
            if each.name not in self.state["came"] and each.name not in self.state["refused"]:
                self._download(each)
        self.progress(f"{self.school}: writing files")
        withdrawn = self._merge()
        came, refused, told = self.state["came"], self.state["refused"], self.state["since"]
        shutil.rmtree(self.parts)
        self.state = {"last": self.state["started"]}
        self._save()
        return Fetched(self.school, self.folder, told, came, withdrawn, refused, self.client.asked - asked)

    def _begin(self, since: date | None, everything: bool) -> None:
        """Go on with a fetch that stopped, unless something else is asked for now; else begin one."""
        if everything:
            told = ""
        elif since is not None:
            told = f"{since} 00:00:00"
        elif "since" in self.state:
            return
        else:
            last = self.state.get("last", "")
            told = f"{datetime.fromisoformat(last) - _OVERLAP:%Y-%m-%d %H:%M:%S}" if last else ""
        if self.state.get("since") == told:
            return
        shutil.rmtree(self.parts, ignore_errors=True)
        self.parts.mkdir()
        self.state = {
            "last": self.state.get("last", ""),
            "since": told,
            "started": self.now.isoformat(timespec="seconds"),
            "came": {},
            "refused": {},
        }
        self._save()

    def _save(self) -> None:
        built = self.place.with_suffix(".new")
        built.write_text(json.dumps(self.state), encoding="utf-8")
        built.replace(self.place)

    def _download(self, each: _List) -> None:
        """Every page of one list, one record to a line, from the page the state names."""
        parameters = dict(each.parameters)
        if each.dated and self.state["since"]:
            parameters["updated_after"] = self.state["since"]
        current = self.state.get("current", {})
        if current.get("name") != each.name:
            address = self.client.address(each.path.format(school=self.school), parameters)
            current = {"name": each.name, "next": address, "bytes": 0, "records": 0, "pages": 0}
        with (self.parts / f"{each.name}.jsonl").open("ab") as out:
            out.truncate(current["bytes"])  # what came after the state was kept is asked for again
            out.seek(current["bytes"])
            while current["next"]:
                self.progress(f"{self.school}: {each.name}, {current['records']:,} records")
                try:
                    page = self.client.page(current["next"])
                except Refused as refused:
                    if not self._may_lack(each, refused):
                        raise
                    self.state["refused"][each.name] = str(refused)
                    self._save()
                    return
                records = _records(page)
                out.write("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in records).encode())
                out.flush()
                os.fsync(out.fileno())
                following = self.client.after(page, current["next"])
                current = {
                    "name": each.name,
                    "next": following,
                    "bytes": out.tell(),
                    "records": current["records"] + len(records),
                    "pages": current["pages"] + 1,
                }
                if current["pages"] > _MOST_PAGES:
                    raise Unreachable(f"Wonde's list of {each.name} has over {_MOST_PAGES:,} pages; it was given up.")
                self.state["current"] = current
                self._save()
        self.state["came"][each.name] = current["records"]
        self.state.pop("current", None)
        self._save()

    def _may_lack(self, each: _List, refused: Refused) -> bool:
        """Whether a fetch goes on without a list that the token may not read.

        Not without the school itself; and what changed is worth nothing without what was withdrawn.
        """
        if refused.status not in (403, 404) or each.name == "school":
            return False
        if each.name == "deletions" and self.state["since"]:
            raise Unreachable(
                "Wonde does not let this token read the deletions, so what was withdrawn since the last fetch would "
                "stay. Ask the school for that permission, or fetch with --all."
            ) from refused
        return True

    # From pages to whole files.

    def _merge(self) -> int:
        """Put what came together with what is there, without what was withdrawn; returns how many were withdrawn.

        May be done twice: a fetch that stops here starts here again.
        """
        gone = {text(r.get("id")) for r in self._came("deletions")} - {""}
        withdrawn = 0
        for name, usual in (("school", "schools"), ("codes", "attendance_codes")):
            self._write(f"{usual}.json", self._came(name), name)
        for names, usual in ((("leavers", "students"), "students"), (("exclusions",), "exclusions")):
            if not any(name in self.state["came"] for name in names):
                continue
            records, lost = self._together(f"{usual}.json", (r for name in names for r in self._came(name)), gone)
            withdrawn += lost
            self._write(f"{usual}.json", records, usual)
        if "attendance" in self.state["came"]:
            withdrawn += self._months(gone)
        return withdrawn

    def _months(self, gone: set[str]) -> int:
        """Marks, a file to a month. A month in which nothing changed keeps its bytes, so that it need not be read."""
        months = self.parts / "months"
        shutil.rmtree(months, ignore_errors=True)
        months.mkdir()
        with ExitStack() as stack:
            outs: dict[str, TextIO] = {}
            for record in self._came("attendance"):
                dated = re.match(r"\d{4}-\d\d", text(record.get("date")))
                month = dated[0] if dated else "undated"
                if month not in outs:
                    outs[month] = stack.enter_context((months / f"{month}.jsonl").open("w", encoding="utf-8"))
                outs[month].write(json.dumps(record, ensure_ascii=False) + "\n")
        held = {p.stem.removeprefix("attendance-") for p in self.folder.glob("attendance-*.json")}
        came = {p.stem for p in months.iterdir()}
        withdrawn = 0
        for month in sorted(held | came):
            file = f"attendance-{month}.json"
            records, lost = self._together(file, _lines(months / f"{month}.jsonl"), gone)
            withdrawn += lost
            before = {text(r.get("id")): r for r in self._held(file)}
            if {text(r.get("id")): r for r in records} != before:
                self._write(file, records, f"attendance {month}")
        return withdrawn

    def _together(self, file: str, came: Iterable[Record], gone: set[str]) -> tuple[list[Record], int]:
        """The records of a file as they are now, by id, and how many of it were withdrawn.

        When everything was asked for, what did not come is not there any more.
        """
        held = {text(r.get("id")): r for r in self._held(file)} if self.state["since"] else {}
        lost = held.keys() & gone
        held |= {text(r.get("id")): r for r in came}
        return [held[key] for key in sorted(held) if key not in gone], len(lost)

    def _held(self, file: str) -> list[Record]:
        path = self.folder / file
        return records_of(path)[0] if path.is_file() else []

    def _came(self, name: str) -> Iterator[Record]:
        yield from _lines(self.parts / f"{name}.jsonl") if name in self.state["came"] else ()

    def _write(self, file: str, records: Iterable[Record], what: str) -> None:
        """A whole file in place of the one before; none where there is no record, which no reader could know."""
        records = list(records)
        path = self.folder / file
        if not records:
            path.unlink(missing_ok=True)
            return
        built = self.folder / _PROGRESS / "file.new"
        write_page(records, self.now.date().isoformat(), built, complete=f"{self.school} {what}")
        built.replace(path)


def _records(page: Mapping[str, Any]) -> list[Record]:
    data = page["data"]
    return [r for r in (data if isinstance(data, list) else [data]) if isinstance(r, dict)]


def _lines(path: Path) -> Iterator[Record]:
    if path.is_file():
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                yield json.loads(line)
