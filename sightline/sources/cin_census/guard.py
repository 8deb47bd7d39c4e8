"""What keeps a damaged or hostile file from doing harm, and the sentence a person reads about it."""

from __future__ import annotations

import re
from typing import Any, BinaryIO

from lxml import etree

from sightline.vocabulary.errors import UnreadableFile

MOST_BYTES_IN_A_CHILD = 16 * 2**20

_E = etree.ErrorTypes
_CUT_SHORT = {
    _E.ERR_TAG_NOT_FINISHED,
    _E.ERR_GT_REQUIRED,
    _E.ERR_LTSLASH_REQUIRED,
    _E.ERR_LT_REQUIRED,
    _E.ERR_NAME_REQUIRED,
    _E.ERR_ATTRIBUTE_NOT_FINISHED,
    _E.ERR_ATTRIBUTE_NOT_STARTED,
    _E.ERR_COMMENT_NOT_FINISHED,
    _E.ERR_CDATA_NOT_FINISHED,
    _E.ERR_PI_NOT_FINISHED,
    _E.ERR_DOCUMENT_EMPTY,
    _E.ERR_INTERNAL_ERROR,
}
_ENTITIES = {_E.ERR_UNDECLARED_ENTITY, _E.WAR_UNDECLARED_ENTITY, _E.ERR_ENTITY_LOOP}
_ENCODINGS = {_E.ERR_INVALID_ENCODING, _E.ERR_UNKNOWN_ENCODING, _E.ERR_UNSUPPORTED_ENCODING, _E.I18N_CONV_FAILED}


class Guarded:
    """The file, refusing to hand over more than one child's worth of bytes without a child."""

    __slots__ = ("ended", "file", "since", "start")

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.since = 0
        self.start = b""
        self.ended = False

    def read(self, size: int) -> bytes:
        piece = self.file.read(size)
        self.start = self.start or piece[:200]
        self.ended = not piece
        self.since += len(piece)
        if self.since > MOST_BYTES_IN_A_CHILD:
            raise UnreadableFile(
                f"The file goes on for over {MOST_BYTES_IN_A_CHILD // 2**20} MB without the end of a Child element, "
                "so it is not a CIN census that can be read."
            )
        return piece


def refuse_document_type(tree: Any) -> None:
    """Refuse a file with a DOCTYPE: no census has one, and entities declared there make a small file fill a machine."""
    if tree.docinfo.internalDTD is not None:
        raise UnreadableFile(
            "The file has a document type (DOCTYPE), which no CIN census has and through which XML can be made to do "
            "harm; it was not read."
        )


def sentence(error: etree.XMLSyntaxError, log: Any, file: Guarded) -> str:
    """What is wrong with a file that is not XML, in one sentence that quotes nothing of it."""
    # The log has the line of an undeclared entity, which the error itself has not.
    line = error.lineno or next((entry.line for entry in log if entry.line), 0)
    at = f"line {line:,}" if line else "its first line"
    codes = {error.code} | {entry.type for entry in log}
    if not file.start.strip(b"\x00 \t\r\n\xef\xbb\xbf"):
        return "The file is empty."
    if codes & _ENTITIES or (error.code == _E.ERR_RESOURCE_LIMIT and "ntity" in (error.msg or "")):
        return f"The file uses XML entities (at {at}), which no CIN census does; it was not read."
    if error.code == _E.ERR_RESOURCE_LIMIT:
        return f"The file's elements are nested too deeply or a value is too long (at {at}); it was not read."
    if error.code in _ENCODINGS or re.search(rb"encoding\s*=\s*[\"'](?i:utf-16|ucs)", file.start):
        return f"The file is not in the encoding its first line names (found at {at}); save it as UTF-8."
    if error.code == _E.ERR_INVALID_CHAR:
        return f"The file holds a character that XML does not allow (at {at}), so nothing was read."
    if b"<" not in file.start:
        return "The file is not XML."
    if error.code == _E.ERR_RESERVED_XML_NAME:
        return f"The XML declaration stands at {at} and not at the very beginning; take out what stands before it."
    if file.ended and error.code in _CUT_SHORT and _at_the_end(error, file):
        return f"The file stops at {at} before its last element is closed: it was cut short, so nothing was read."
    if error.code == _E.ERR_NAME_REQUIRED:
        return (
            f"The file is not well-formed XML: a & or < at {at} begins nothing. In a value they are written &amp; and "
            "&lt;; the system that wrote the file did not."
        )
    if error.code == _E.ERR_TAG_NAME_MISMATCH:
        return f"The file is not well-formed XML: an element is closed at {at} that was not the last one opened."
    if error.code == _E.ERR_DOCUMENT_END:
        return f"The file goes on after its last element is closed (at {at}), so nothing was read."
    return f"The file is not well-formed XML (at {at}), so nothing was read."


def _at_the_end(error: etree.XMLSyntaxError, file: Guarded) -> bool:
    """Whether the fault stands at the end of the last line that holds anything: there a file was cut, not miswritten.

    Where the lines of the file cannot be counted by their bytes (UTF-16) it is taken to be so.
    """
    if b"\x00" in file.start:
        return True
    file.file.seek(0)
    lines, last, at = 0, b"", 0
    while piece := file.file.read(2**20):
        for text in piece.splitlines(keepends=True):
            last = last + text if not last.endswith(b"\n") else text
            if last.strip():
                at = lines + 1
            lines += last.endswith(b"\n")
    line, column = error.position
    return bool(line > at or (line == at and column >= len(last.rstrip()) - 1))
