"""XML read one record at a time, with everything off through which XML can do harm: entities, document types, the
network, endless records and deep nesting. The settings are those of the CIN census."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from lxml import etree

from sightline.sources.cin_census.guard import Guarded, sentence
from sightline.sources.looks import utf16
from sightline.vocabulary.errors import UnreadableFile

MOST_BYTES_IN_A_RECORD = 16 * 2**20
# libxml2 keeps 16 bits for an element's line; from here on it answers with the line of the text inside instead.
_SHORT_LINE = 65_535
_CENSUS = "no CIN census"


class _Fed(Guarded):
    """The file, refusing to hand over more than one record's worth of bytes without the end of a record."""

    __slots__ = ("what",)

    def __init__(self, file: BinaryIO, what: str) -> None:
        super().__init__(file)
        self.what = what

    def read(self, size: int) -> bytes:
        piece = self.file.read(size)
        self.start = self.start or piece[:200]
        self.ended = not piece
        self.since += len(piece)
        if self.since > MOST_BYTES_IN_A_RECORD:
            raise UnreadableFile(
                f"The file goes on for over {MOST_BYTES_IN_A_RECORD // 2**20} MB without the end of a record, so it is "
                f"not a {self.what} that can be read."
            )
        return piece


def text_of(start: bytes) -> str:
    """The start of a file as text when it may be XML, else empty."""
    text = start.decode(utf16(start) or "utf-8", errors="replace").lstrip("\ufeff \t\r\n\u00a0")
    return text if text.startswith("<") else ""


def records(path: Path, tags: Sequence[str], what: str) -> Iterator[Any]:
    """Each element of these names (whatever their namespace), complete, in file order; it is emptied afterwards.

    An element inside another of these names comes first. Raises UnreadableFile, in one sentence that quotes nothing,
    when the file is not well-formed, is hostile or cut short.
    """
    with path.open("rb") as file:
        fed = _Fed(file, what)
        events = etree.iterparse(
            fed,
            events=("end",),
            tag=tuple(f"{{*}}{tag}" for tag in tags),
            resolve_entities=False,
            load_dtd=False,
            no_network=True,
            huge_tree=False,
            remove_comments=True,
            remove_pis=True,
        )
        checked = False
        try:
            for _, element in events:
                if not checked:
                    _refuse_document_type(element, what)
                    checked = True
                yield element
                fed.since = 0
                element.clear(keep_tail=True)
            _refuse_document_type(events.root, what)
        except etree.XMLSyntaxError as error:
            says = sentence(error, events.error_log, fed).replace(_CENSUS, f"no {what}")
            raise UnreadableFile(says) from None


def _refuse_document_type(element: Any, what: str) -> None:
    if element.getroottree().docinfo.internalDTD is not None:
        raise UnreadableFile(
            f"The file has a document type (DOCTYPE), which no {what} has and through which XML can be made to do "
            "harm; it was not read."
        )


def local(element: Any) -> str:
    """An element's name without its namespace."""
    return str(element.tag).rpartition("}")[2]


def value(element: Any, *names: str) -> str | None:
    """The text of the first of these elements directly inside that has any, trimmed; None when there is none."""
    for name in names:
        for inner in element.iterchildren(f"{{*}}{name}"):
            text = " ".join((inner.text or "").split())
            if text:
                return text
    return None


def inside(element: Any, *path: str) -> Iterator[Any]:
    """The elements at this path of names below an element, in file order."""
    found = [element]
    for name in path:
        found = [inner for outer in found for inner in outer.iterchildren(f"{{*}}{name}")]
    yield from found


def line_of(element: Any) -> int:
    """The line on which an element starts (past line 65,535, as near as the parser tells)."""
    line = int(element.sourceline or 0)
    if line < _SHORT_LINE:
        return line
    if element.text:
        return line - int(element.text.count("\n"))
    return line_of(element[0]) if len(element) else line


def add(parent: Any, name: str, text: str | None) -> None:
    """An element with this text inside another; nothing when there is no text."""
    if text is not None:
        etree.SubElement(parent, name).text = "".join(c for c in text if c.isprintable() or c in "\t\n")


def save(root: Any, path: Path) -> Path:
    etree.indent(root)
    path.write_bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8") + b"\n")
    return path
