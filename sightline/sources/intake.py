"""From the paths a person gives to single files, safely; and from a file to the kind of source that reads it.

Kinds are told by content and never by name. Whatever is wrong with one file is one sentence attached to that file.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from sightline.sources.base import Head, Source
from sightline.sources.layout import HEAD, header_of
from sightline.sources.looks import looks_like, utf16
from sightline.sources.not_needed import not_needed
from sightline.sources.workbook import sheet_names, write_sheets
from sightline.vocabulary.errors import NotNeeded, UnreadableFile

_PIECE = 2**20
_GZIP = b"\x1f\x8b"
_ZIP = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_SPREADSHEETS = ("an Excel workbook", "an OpenDocument spreadsheet")
# Left by desktops in folders and archives; never what a person means to send.
# A folder that holds a file of this name is passed over: the truth about an invented authority, say.
NOT_FOR_RECEIPT = ".not-for-receipt"
_LITTER = ("__MACOSX", "Thumbs.db", "desktop.ini")
KINDS = (
    "Sightline reads the CIN census, the Standard Safeguarding Dataset, Annex A, the looked after children return, the "
    "school census, Common Transfer Files, session marks, school rolls, suspensions and other lists of pupils, the "
    "register of schools, Wonde's answers and national statistics"
)


@dataclass(frozen=True, slots=True)
class Limits:
    """How far an archive may swell: bytes for one file and for everything, times its packed size, and files.

    The ratio is judged only above `small` bytes. Real exports of marks pack to a fiftieth; a bomb to a thousandth.
    """

    member: int = 16 * 2**30
    total: int = 64 * 2**30
    ratio: int = 250
    small: int = 64 * 2**20
    members: int = 20_000


@dataclass(frozen=True, slots=True)
class Received:
    """One row per single file found: the path shown to people ("a.zip/inner.xml"), where its bytes are, their number.

    `error` says why it cannot be received; `path` is then None.
    """

    shown: str
    path: Path | None
    size: int = 0
    error: UnreadableFile | None = None


def unpack(
    paths: Sequence[Path],
    folder: Path,
    *,
    limits: Limits | None = None,
    whole: Callable[[Head], bool] = lambda _: False,
) -> Iterator[Received]:
    """One row per single file at or below these paths, in a steady order; archives are unpacked into `folder`.

    A spreadsheet is opened as an archive of its sheets, each a table in delimited text whose lines are the sheet's
    rows, but for one that `whole` knows as a kind of its own. Sheets that are hidden or hold no table are passed over.

    Folders are walked in order of name, hidden files and desktop litter skipped, links leading out of the folder
    refused, folders marked as not for receipt passed over. A .zip or .gz, told by content, is opened; an archive
    inside an archive is opened too, and one inside that is refused. Nothing is raised for a bad file: it comes with its
    `error`, and the others follow.
    """
    yield from _Unpacking(folder, limits or Limits(), whole).all(paths)


def head(path: Path) -> Head:
    """What recognition looks at: both ends (64 KiB), a delimited file's column names and a workbook's sheets."""
    with path.open("rb") as file:
        start = file.read(HEAD)
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - HEAD))
        end = file.read(HEAD)
    sheets = sheet_names(path) if start.startswith(_ZIP) else ()
    return Head(path.name, start, header_of(start), end, sheets)


def recognise_among(path: Path, sources: Sequence[Source]) -> Source:
    """The first of `sources`, which stand from the most specific to the least, that knows the file by its content.

    Raises UnreadableFile with one sentence on what the file looks like and what would be right, NotNeeded when it is of
    a kind that is known and not used.
    """
    seen = head(path)
    if not seen.start.strip(b"\x00 \t\r\n\xef\xbb\xbf\xff\xfe"):
        raise UnreadableFile("The file is empty. Please export it again and send it.")
    for source in sources:
        if source.recognise(seen):
            return source
    unused = not_needed(seen)
    if unused:
        raise NotNeeded(unused)
    raise UnreadableFile(_unknown(path, seen))


def _unknown(path: Path, seen: Head) -> str:
    """What an unrecognised file looks like and what would be right. Quotes nothing that may be a child's record."""
    known = looks_like(seen.start)
    if seen.start.startswith(_ZIP):
        known = _office(path) or known
    if known == "a Parquet file":
        return (
            "The file is a Parquet file that does not say which of Sightline's tables it holds; "
            "write it with the metadata sightline.table and sightline.system."
        )
    if known.endswith("with a password"):
        return f"The file looks like {known}; please save it without one and send that."
    if "Excel" in known or "spreadsheet" in known:
        newer = "save it as .xlsx, or " if "old" in known else ""
        return f"The file looks like {known}; please {newer}save the sheet as CSV (UTF-8) and send that."
    if known.startswith(("a Stata", "an SPSS", "a SAS")):
        return (
            f"The file looks like {known}. Extracts for a study are read as they are by `sightline evaluate`; to "
            "receive it here, please save it as CSV (UTF-8)."
        )
    if known == "a web page":
        return "The file is a web page, perhaps an error or sign-in page saved by mistake; please download it again."
    if known:
        return f"The file looks like {known}. {KINDS}: please send one of those."
    text = seen.start.decode(utf16(seen.start) or "utf-8", errors="replace").lstrip("\ufeff \t\r\n")
    root = re.search(r"<([A-Za-z_][\w.\-]*:)?([A-Za-z_][\w.\-]*)", text) if text.startswith("<") else None
    if root and root[2] == "Message":
        if "<!DOCTYPE" in text:
            return (
                "The file has a document type (DOCTYPE), as no CIN census has; it may be made to do harm. Not opened."
            )
        return (
            "The file begins with <Message> as a CIN census and a school census do, but its start names neither, nor "
            "a child or a pupil; please export it again."
        )
    if root and root[2].lower() == "schema":
        return "The file is the description of a format (an XML schema), not a file of that format; send one of those."
    if root:
        return (
            f"The file is XML beginning with <{root[2][:40]}>, which Sightline does not read; a CIN or school census "
            "begins with <Message>, a Common Transfer File with <CTfile>, the looked after children return <SSDA903>."
        )
    if re.match(r'[\[\s]*\{\s*"data"\s*:\s*\[\s*\]', text):
        return "The file is an answer without a single record, so what it answers cannot be told; nothing was lost."
    if text[:1] in ("{", "[") and len(seen.start) < HEAD and not _whole_json(text):
        return "The file is not whole JSON: it is damaged or was cut short. Please save it again."
    if text[:1] in ("{", "["):
        return (
            "The file is JSON, but none that Sightline reads: the children's social care payload, Wonde's answers (an "
            "object with data and meta) and the figures of Explore Education Statistics."
        )
    if len(seen.header) > 1 and _people(seen.header):
        return (
            f"The file is a list of people in {len(seen.header)} columns, which says neither what they attend nor what "
            "they receive; `sightline match` links it with another list, and `sightline mapping` agrees its columns."
        )
    if len(seen.header) > 1:
        return (
            f"The file is a table of {len(seen.header)} columns, but their names are not those of any kind Sightline "
            "knows; check that the first line holds the column names, or agree a column mapping for this sender."
        )
    return f"The file is text, but not a table with column names. {KINDS}: please send one of those."


def _whole_json(text: str) -> bool:
    """Whether text, if of one object to a line, is JSON to its end."""
    try:
        for line in text.splitlines() if "\n{" in text and not text.startswith("[") else [text]:
            json.loads(line or "null")
    except (ValueError, RecursionError):
        return False
    return True


def _people(header: Sequence[str]) -> bool:
    """Whether columns name people: a surname and a date of birth."""
    names = {re.sub(r"[^a-z]", "", name) for name in header}
    return bool(names & {"surname", "lastname", "familyname"} and names & {"dob", "dateofbirth", "birthdate"})


def _office(path: Path) -> str:
    """Which office document a zip archive is; empty for a plain archive."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
            mime = archive.read("mimetype")[:100] if "mimetype" in names and _small(archive, "mimetype") else b""
    except (zipfile.BadZipFile, OSError, NotImplementedError, RuntimeError, zlib.error, EOFError):
        return ""
    if mime.startswith(b"application/vnd.oasis.opendocument"):
        return "an OpenDocument spreadsheet" if b"spreadsheet" in mime else "an OpenDocument document"
    if "[Content_Types].xml" not in names:
        return ""
    for part, says in (("xl/", "an Excel workbook"), ("word/", "a Word document"), ("ppt/", "a PowerPoint document")):
        if any(name.startswith(part) for name in names):
            return says
    return "a Microsoft Office document"


def _small(archive: zipfile.ZipFile, name: str) -> bool:
    return archive.getinfo(name).file_size < 1000


def _hidden(name: str) -> bool:
    return name.startswith((".", "~$")) or name in _LITTER


class _Unpacking:
    """One call of `unpack`: what has been unpacked so far counts against the limit for everything."""

    def __init__(self, folder: Path, limits: Limits, whole: Callable[[Head], bool]) -> None:
        self.folder = folder
        self.limits = limits
        self.whole = whole
        self.total = 0
        self.files = 0

    def all(self, paths: Sequence[Path]) -> Iterator[Received]:
        for path in paths:
            if path.is_dir():
                yield from self.walked(path)
            else:
                yield from self.opened(path, path.name, 0)

    def walked(self, top: Path) -> Iterator[Received]:
        inside = top.resolve()
        unlisted: list[OSError] = []
        for here, folders, names in os.walk(top, onerror=unlisted.append):
            at = Path(here)
            if NOT_FOR_RECEIPT in names:
                folders.clear()
                continue
            folders[:] = sorted(name for name in folders if not _hidden(name))
            for name in [name for name in folders if (at / name).is_symlink()]:
                folders.remove(name)
                if not (at / name).resolve().is_relative_to(inside):
                    yield _refused((at / name).relative_to(top.parent).as_posix(), _LINK)
            for name in sorted(name for name in names if not _hidden(name)):
                path = at / name
                shown = path.relative_to(top.parent).as_posix()
                if not path.is_symlink():
                    yield from self.opened(path, shown, 0)
                elif not path.resolve().is_relative_to(inside):
                    yield _refused(shown, _LINK)
                # A link to a file inside the folder needs nothing: the file itself is met on the way.
        for error in unlisted:
            yield _refused(Path(error.filename).name, "This folder may not be read; please check who may open it.")

    def opened(self, path: Path, shown: str, depth: int) -> Iterator[Received]:
        """The file itself, or what is in it when it is an archive."""
        try:
            about = path.stat()
            if not stat.S_ISREG(about.st_mode):
                yield _refused(shown, "This is not a file (it is a device, pipe or socket).")
                return
            with path.open("rb") as file:
                start = file.read(4)
        except OSError as error:
            yield _refused(shown, f"The file cannot be opened: {error.strerror or 'the system refuses it'}.")
            return
        if not about.st_size:
            yield _refused(shown, "The file is empty (0 bytes). Please export it again and send it.")
        elif start.startswith(_ZIP) and not _office(path):
            yield from self.unzipped(path, shown, about.st_size, depth)
        elif start.startswith(_GZIP):
            yield from self.ungzipped(path, shown, about.st_size, depth)
        elif start.startswith(_ZIP) and _office(path) in _SPREADSHEETS:
            yield from self.sheets(path, shown, about.st_size)
        else:
            yield Received(shown, path, about.st_size)

    def unzipped(self, path: Path, shown: str, size: int, depth: int) -> Iterator[Received]:
        if depth > 1:
            yield _refused(shown, _NESTED)
            return
        try:
            archive = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError, NotImplementedError, ValueError, EOFError):
            with path.open("rb") as file:
                start = file.read(HEAD)
            book = b"xl/" in start or b"[Content_Types].xml" in start
            says = (
                "The workbook is damaged or cut short; please save it again."
                if book
                else "The zip archive is damaged or cut short; please make it again."
            )
            yield _refused(shown, says)
            return
        with archive:
            members = sorted(
                (m for m in archive.infolist() if not m.is_dir() and not _litter(m.filename)), key=lambda m: m.filename
            )
            swollen = sum(m.file_size for m in members)
            if not members:
                yield _refused(shown, "The zip archive holds no files.")
            elif len(members) > self.limits.members:
                yield _refused(shown, f"The zip archive holds more than {self.limits.members:,} files.")
            elif swollen > self.limits.small and swollen > self.limits.ratio * size:
                yield _refused(shown, _BOMB)
            else:
                for member in members:
                    yield from self.member(archive, member, f"{shown}/{_plain(member.filename)}", depth)

    def member(self, archive: zipfile.ZipFile, member: zipfile.ZipInfo, shown: str, depth: int) -> Iterator[Received]:
        wrong = _bad_member(member)
        if wrong:
            yield _refused(shown, wrong)
            return
        target = self.target(member.filename)
        try:
            with archive.open(member) as packed:
                self.copy(packed, target, max(member.compress_size, 1))
        except UnreadableFile as error:
            target.unlink(missing_ok=True)
            yield Received(shown, None, error=error)
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError, ValueError):
            target.unlink(missing_ok=True)
            yield _refused(
                shown, "This file in the archive is damaged or packed in an unknown way; please pack it again."
            )
        else:
            yield from self.opened(target, shown, depth + 1)

    def sheets(self, path: Path, shown: str, size: int) -> Iterator[Received]:
        """The sheets of a spreadsheet that hold tables; the file itself when none does, or when it is read whole."""
        if self.whole(head(path)):
            yield Received(shown, path, size)
            return
        try:
            tables = write_sheets(path, lambda name: self.target(f"{name}.csv"))
        except UnreadableFile as error:
            yield Received(shown, None, error=error)
            return
        for name, table in tables:
            yield Received(f"{shown}/{_plain(name)}", table, table.stat().st_size)
        if not tables:
            yield Received(shown, path, size)

    def ungzipped(self, path: Path, shown: str, size: int, depth: int) -> Iterator[Received]:
        if depth > 1:
            yield _refused(shown, _NESTED)
            return
        inner = PurePosixPath(shown).name
        inner = inner[:-3] if inner.lower().endswith(".gz") else f"{inner} (unpacked)"
        target = self.target(inner)
        try:
            with gzip.open(path) as packed:
                self.copy(packed, target, size)
        except UnreadableFile as error:
            target.unlink(missing_ok=True)
            yield Received(shown, None, error=error)
        except (gzip.BadGzipFile, zlib.error, EOFError, OSError):
            target.unlink(missing_ok=True)
            yield _refused(shown, "The gzip file is damaged or cut short; please make it again.")
        else:
            yield from self.opened(target, f"{shown}/{inner}", depth + 1)

    def target(self, name: str) -> Path:
        """A place of our own for an unpacked file: never a name that the archive chose, save its harmless ending."""
        self.files += 1
        ending = re.fullmatch(r".*?(\.[A-Za-z0-9]{1,8})", PurePosixPath(_plain(name)).name)
        self.folder.mkdir(parents=True, exist_ok=True)
        return self.folder / f"{self.files:06}{ending[1].lower() if ending else ''}"

    def copy(self, packed: IO[bytes] | gzip.GzipFile, target: Path, size: int) -> None:
        """Unpack, counting what comes out: what an archive declares of itself may be false."""
        written = 0
        with target.open("wb") as out:
            while piece := packed.read(_PIECE):
                written += len(piece)
                self.total += len(piece)
                if written > self.limits.small and written > self.limits.ratio * size:
                    raise UnreadableFile(_BOMB)
                if written > self.limits.member or self.total > self.limits.total:
                    raise UnreadableFile(
                        "What is packed here is larger than Sightline unpacks in one go; please send it in parts."
                    )
                out.write(piece)


_LINK = "This is a link to a place outside the folder; please send the file itself."
_NESTED = "This is an archive inside an archive inside an archive; please send its files packed once."
_BOMB = (
    "What is packed here swells to hundreds of times its size, as an archive made to do harm does; it was not opened."
)


def _refused(shown: str, says: str) -> Received:
    return Received(shown, None, error=UnreadableFile(says))


def _litter(name: str) -> bool:
    return any(_hidden(part) for part in PurePosixPath(name.replace("\\", "/")).parts if part not in (".", ".."))


def _plain(name: str) -> str:
    """A member's name fit to be shown: no control characters."""
    return re.sub(r"[\x00-\x1f\x7f]", "?", name.replace("\\", "/"))


def _bad_member(member: zipfile.ZipInfo) -> str:
    name = member.filename.replace("\\", "/")
    if name.startswith("/") or re.match(r"[A-Za-z]:", name) or ".." in PurePosixPath(name).parts:
        return "The name of this file points outside its archive; it was not opened."
    if stat.S_ISLNK(member.external_attr >> 16):
        return "This is a link inside an archive; please pack the file itself."
    if member.flag_bits & 0x1:
        return "This file in the archive is protected by a password; please send it without one."
    return ""
