"""What a file looks like from its first bytes, in words, so that a refusal can say what it is."""

from __future__ import annotations

import re

# The container of old Office files, and of new ones with a password, which hold a part of this name.
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
# (place, bytes, what it is). The signatures are those published by each format's own specification.
_SIGNATURES: tuple[tuple[int, bytes, str], ...] = (
    (0, b"%PDF-", "a PDF document"),
    (0, b"\x89PNG\r\n\x1a\n", "a PNG image"),
    (0, b"\xff\xd8\xff", "a JPEG image"),
    (0, b"GIF87a", "a GIF image"),
    (0, b"GIF89a", "a GIF image"),
    (0, b"BM", "a bitmap image"),
    (0, b"II*\x00", "a TIFF image"),
    (0, b"MM\x00*", "a TIFF image"),
    (8, b"WEBP", "a WebP image"),
    (0, _OLE, "an old Microsoft Office file (Excel 97-2003, Word or an e-mail)"),
    (0, b"{\\rtf", "a rich text document"),
    (0, b"SQLite format 3\x00", "an SQLite database"),
    (0, b"PAR1", "a Parquet file"),
    (0, b"<stata_dta>", "a Stata file"),
    # Before release 117: 113 to 115, the order of bytes, 1 and nothing.
    *((0, bytes((release, order, 1, 0)), "a Stata file") for release in (113, 114, 115) for order in (1, 2)),
    (0, b"$FL2@(#)", "an SPSS file"),
    (0, b"$FL3@(#)", "an SPSS file"),
    (12, b"\xc2\xea\x81\x60\xb3\x14\x11\xcf\xbd\x92\x08\x00\x09\xc7\x31\x8c\x18\x1f\x10\x11", "a SAS file"),
    (0, b"HEADER RECORD*******LIB", "a SAS transport file"),
    (0, b"\x1f\x8b", "a gzip file"),
    (0, b"PK\x03\x04", "a zip archive"),
    (0, b"PK\x05\x06", "an empty zip archive"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (0, b"Rar!\x1a\x07", "a RAR archive"),
    (0, b"BZh", "a bzip2 file"),
    (0, b"\xfd7zXZ\x00", "an xz file"),
    (0, b"\x28\xb5\x2f\xfd", "a Zstandard file"),
    (257, b"ustar", "a tar archive"),
    (4, b"Standard Jet DB", "a Microsoft Access database"),
    (4, b"Standard ACE DB", "a Microsoft Access database"),
    (0, b"MZ", "a Windows program"),
    (0, b"\x7fELF", "a program"),
    (4, b"ftyp", "a video or sound file"),
    (0, b"ID3", "a sound file"),
)
# Two letters may begin ordinary text ("BMI,..."), so these also need a byte that text never holds.
_SHORT = 2
_HTML = re.compile(rb"^\s*(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL)
_CONTROL = bytes(set(range(32)) - {9, 10, 12, 13, 26, 27})
_UTF8_MARK = b"\xef\xbb\xbf"


def looks_like(start: bytes) -> str:
    """What the first bytes of a file show it to be, in words ("a PDF document"); empty for text and for the unknown.

    A web page counts (an error page saved under a file's name is common), plain XML, JSON and delimited text do not.
    """
    if start.startswith(_OLE) and _ENCRYPTED in start:
        return "a Microsoft Office file with a password"
    for place, mark, says in _SIGNATURES:
        if start[place : place + len(mark)] == mark and (len(mark) > _SHORT or place or is_binary(start)):
            return says
    if _HTML.match(start.removeprefix(_UTF8_MARK)[:4096]):
        return "a web page"
    if is_binary(start):
        return "a binary file, not text"
    return ""


def utf16(start: bytes) -> str:
    """The byte order of UTF-16 text ("utf-16-le", "utf-16-be"), with or without a mark; empty when it is not that."""
    if start.startswith(b"\xff\xfe"):
        return "utf-16-le"
    if start.startswith(b"\xfe\xff"):
        return "utf-16-be"
    sample = start[:4096]
    if len(sample) < 4:
        return ""
    # English text in UTF-16 has a NUL in nearly every other byte; binary files have them anywhere.
    even, odd = sample[0::2], sample[1::2]
    if odd.count(0) > 0.7 * len(odd) and even.count(0) < 0.05 * len(even):
        return "utf-16-le"
    if even.count(0) > 0.7 * len(even) and odd.count(0) < 0.05 * len(odd):
        return "utf-16-be"
    return ""


def is_binary(start: bytes) -> bool:
    """Whether the bytes hold what no text holds: a NUL, or more than a few control characters."""
    if utf16(start):
        return False
    sample = start[:65536]
    if b"\x00" in sample:
        return True
    control = len(sample) - len(sample.translate(None, _CONTROL))
    return control > max(2, len(sample) // 200)
