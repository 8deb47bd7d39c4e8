"""Search everything a home holds for words: raw, decompressed, inside archives and inside Parquet.

The proof of a removal, and its means: what is found here is what a thief of the disk could read.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from sightline.operations.home import Home

LEAST = 5  # a shorter number or name stands in every file by chance
_PIECE = 1 << 20
_WORD = re.compile(rb"[0-9a-z]+")
_NESTED = 4  # archives within archives are opened this far; deeper ones are searched as bytes
_ROWS = 65_536


@dataclass(frozen=True, slots=True)
class Found:
    """One row per file that holds one of the words: its path in the home, and in which form it was read."""

    file: str
    form: str


@dataclass(frozen=True, slots=True)
class Search:
    """What a search read and found. `files` and `bytes` count what was read, each form once; `words` what was looked
    for and `too_short` what was left out because it has fewer than five letters."""

    files: int
    bytes: int
    words: int
    too_short: int
    found: tuple[Found, ...]


class Words:
    """Words to look for, whatever their capitals: whole words, never parts of longer ones."""

    def __init__(self, words: Iterable[str]) -> None:
        told = {word.strip().casefold() for word in words if word.strip()}
        kept = {word.encode() for word in told if len(word) >= LEAST}
        self.too_short = len(told) - len(kept)
        self.single = frozenset(word for word in kept if _WORD.fullmatch(word))
        self.phrases = tuple(
            re.compile(rb"(?<![0-9a-z])" + re.escape(word) + rb"(?![0-9a-z])") for word in kept - self.single
        )
        self.longest = max((len(word) for word in kept), default=0)

    def __len__(self) -> int:
        return len(self.single) + len(self.phrases)

    def within(self, data: bytes) -> bool:
        """Whether any of the words stands in these bytes (as UTF-8, or as text of two bytes a letter)."""
        low = _low(data)
        return self._within(low) or (b"\0" in low and self._within(low.replace(b"\0", b"")))

    def _within(self, low: bytes) -> bool:
        if self.single and not self.single.isdisjoint(_WORD.findall(low)):
            return True
        return any(phrase.search(low) for phrase in self.phrases)


def search(home: Home, words: Words, *, also: Iterable[Path] = (), but: Iterable[str] = ()) -> Search:
    """Look for words in every file of a home (and of `also`); files named in `but` are not read."""
    left_out = set(but)
    read = [0, 0]
    found: list[Found] = []
    roots = [home.path, *also]
    for root in roots:
        for path in sorted(p for p in root.rglob("*") if p.is_file()):
            shown = str(path.relative_to(root))
            if path.name in left_out:
                continue
            for form, data in _forms(path):
                read[0] += form == "as stored"
                read[1] += len(data)
                if words.within(data):
                    found.append(Found(shown, form))
    return Search(read[0], read[1], len(words), words.too_short, tuple(dict.fromkeys(found)))


def holds(stream: IO[Any], name: str, words: Words) -> bool:
    """Whether an open file holds one of the words, in any form."""
    return any(words.within(data) for _, data in _of_stream(stream, name, 0))


def _forms(path: Path) -> Iterator[tuple[str, bytes]]:
    with path.open("rb") as stream:
        yield from (("as stored", piece) for piece in _pieces(stream))
    if path.suffix == ".zst":
        with pa.CompressedInputStream(pa.OSFile(str(path)), "zstd") as unpacked:
            yield from _of_stream(unpacked, path.stem, 0)
        return
    with path.open("rb") as stream:
        yield from _inside(stream, 0)


def _of_stream(stream: IO[Any], name: str, depth: int) -> Iterator[tuple[str, bytes]]:
    """What an unpacked file holds: its bytes, and what is inside it when it is an archive or a Parquet file."""
    first = stream.read(4)
    if first[:2] == b"PK" or first == b"PAR1" or first[:2] == b"\x1f\x8b":
        held = io.BytesIO(first + stream.read())
        yield from (("unpacked", piece) for piece in _pieces(held))
        held.seek(0)
        yield from _inside(held, depth)
        return
    yield from (("unpacked", piece) for piece in _pieces(stream, first))


def _inside(stream: IO[bytes], depth: int) -> Iterator[tuple[str, bytes]]:
    """The parts of an archive, and the columns of a Parquet file; nothing of any other file."""
    first = stream.read(4)
    stream.seek(0)
    if first == b"PAR1":
        yield from _columns(stream)
    elif first[:2] == b"\x1f\x8b" and depth < _NESTED:
        with pa.CompressedInputStream(pa.PythonFile(stream), "gzip") as unpacked:
            yield from _of_stream(unpacked, "", depth + 1)
    elif first[:2] == b"PK" and depth < _NESTED and zipfile.is_zipfile(stream):
        with zipfile.ZipFile(stream) as archive:
            for part in archive.infolist():
                yield "inside an archive", part.filename.encode()
                with archive.open(part) as inner:
                    yield from _of_stream(inner, part.filename, depth + 1)


def _columns(stream: IO[bytes]) -> Iterator[tuple[str, bytes]]:
    """Every value of every column of text, each once for each batch of rows."""
    file = pq.ParquetFile(stream)
    texts = [f.name for f in file.schema_arrow if _is_text(f.type)]
    if not texts:
        return
    for batch in file.iter_batches(batch_size=_ROWS, columns=texts):
        for column in batch.columns:
            values = column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
            yield "as a table", "\n".join(str(v) for v in values.unique().to_pylist() if v is not None).encode()


def _is_text(kind: pa.DataType) -> bool:
    plain = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(plain) or pa.types.is_large_string(plain) or pa.types.is_binary(plain))


def _pieces(stream: IO[Any], first: bytes = b"") -> Iterator[bytes]:
    """A file in pieces, each with the end of the one before it, so that no word is cut in two."""
    before = first
    while piece := stream.read(_PIECE):
        data = before + bytes(piece)
        yield data
        before = data[-1024:]
    if before == first and first:
        yield first


def _low(data: bytes) -> bytes:
    """Small letters, also beyond ASCII where the bytes are text."""
    if data.isascii():
        return data.lower()
    return data.decode("utf-8", "surrogateescape").casefold().encode("utf-8", "surrogateescape")
