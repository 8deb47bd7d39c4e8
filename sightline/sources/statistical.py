"""Files of Stata, SPSS and SAS turned into Parquet a piece at a time, to be read from there as any other table is.

Codes are kept and value labels are not read; what a file declares missing (`.`, `.a` to `.z`, SPSS's user-missing
values) is nothing; days are days; whole numbers are whole, so that a reference of a pupil has no ".0".
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sightline.vocabulary.errors import UnreadableFile

PROGRAMS: Final[Mapping[str, str]] = {".dta": "Stata", ".sav": "SPSS", ".zsav": "SPSS", ".sas7bdat": "SAS"}
"""Endings of files that are read, and the program whose they are."""
_READERS: Final = {".dta": "read_dta", ".sav": "read_sav", ".zsav": "read_sav", ".sas7bdat": "read_sas7bdat"}
# Values held as Python's own at once: some 400 MB of text.
_CELLS: Final = 4_000_000
_TOLD: Final = b"sightline.statistical"
# Numbers beyond these no longer have a neighbour one apart, so that two references may have become one.
_EXACT: Final[Mapping[str, float]] = {"float": 2.0**24, "double": 2.0**53}
# How each program writes that a number is a day or a moment: help datetime of Stata, the date formats of SPSS and SAS.
_STATA_DAY, _STATA_MOMENT = re.compile(r"%-?t?d"), re.compile(r"%-?t[cC]")
_SPSS_MOMENTS = ("DATE", "ADATE", "EDATE", "JDATE", "SDATE", "DATETIME", "YMDHMS")
_SAS_DAYS = (
    *(order + mark for order in ("DDMMYY", "MMDDYY", "YYMMDD") for mark in ("", *"BCDNPS")),
    *("DATE", "JULIAN", "WEEKDATE", "WEEKDATX", "WORDDATE", "WORDDATX", "E8601DA", "B8601DA", "IS8601DA"),
)
_SAS_MOMENTS = ("DATETIME", "DATEAMPM", "MDYAMPM", "DTDATE", "E8601DT", "B8601DT", "B8601DN", "IS8601DT")
_SECONDS: Final = 86_400.0
_DAY_RANGE: Final = (-719_162, 2_932_896)
"""Days from 1970 that a calendar has: the years 1 to 9999."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a file of a statistics package said beside its values, by column.

    `missing` counts values declared missing beside the plain one; `undated` days that no calendar has; `labels` are the
    words of a number's codes; `blunt` are columns whose numbers are too large for how they were kept.
    """

    missing: Mapping[str, int] = field(default_factory=dict)
    undated: Mapping[str, int] = field(default_factory=dict)
    labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    blunt: Sequence[str] = ()


def is_statistical(path: Path) -> bool:
    """Whether a file's ending is that of a program whose files are read here."""
    return path.suffix.lower() in PROGRAMS


def told(path: Path) -> Told:
    """What the file said from which this Parquet file was made; nothing for one that was made otherwise."""
    held = (pq.read_metadata(path).metadata or {}).get(_TOLD)
    return Told(**json.loads(held)) if held else Told()


def to_parquet(path: Path, target: Path, *, keep: Callable[[str], bool] = lambda _: True) -> None:
    """Write the rows of a .dta, .sav, .zsav or .sas7bdat to one Parquet file, in their order.

    Columns that `keep` does not want are there without values, so that a message can still name them. Text stays text,
    numbers that are whole throughout a column are 64-bit integers, other numbers doubles (one that Stata keeps in
    single precision is the shortest decimal of it: 0.116 and not 0.11599999666), days dates.

    Raises UnreadableFile when the file is damaged, cut short or none of that program; nothing is then left at `target`.
    """
    whole = _Reading(path, keep)
    draft = target.with_name(target.name + ".part")
    try:
        whole.write(draft)
        _settled(draft, target, whole)
    finally:
        draft.unlink(missing_ok=True)


class _Reading:
    """One file being read: its columns and what has been seen in them so far."""

    def __init__(self, path: Path, keep: Callable[[str], bool]) -> None:
        self.path, self.ending = path, path.suffix.lower()
        # Half a second to import, which every command of Sightline would wait for.
        import pyreadstat

        self.reader: Callable[..., Any] = getattr(pyreadstat, _READERS[self.ending])
        self.faults = (pyreadstat.ReadstatError, pyreadstat.PyreadstatError, UnicodeDecodeError)
        self.encoding: str | None = None
        _, self.about = self._ask(metadataonly=True)
        self.names = list(self.about.column_names)
        if not self.names:
            raise UnreadableFile(f"{path.name} has no columns.")
        self.kept = [n for n in self.names if keep(n)]
        self.piece = max(10_000, min(500_000, _CELLS // max(1, len(self.kept))))
        self.fraction: set[str] = set()
        self.blunt: set[str] = set()
        self.missing: dict[str, int] = {}
        self.undated: dict[str, int] = {}

    def _ask(self, **asked: Any) -> tuple[Mapping[str, Sequence[Any]], Any]:
        """The reader's answer; a file without a word on its encoding that is not UTF-8 is Windows'."""
        try:
            held, about = self.reader(
                str(self.path),
                output_format="dict",
                disable_datetime_conversion=True,
                user_missing=True,
                encoding=self.encoding,
                **asked,
            )
        except self.faults as error:
            if self.encoding is None and ("encoding" in str(error) or isinstance(error, UnicodeDecodeError)):
                self.encoding = "WINDOWS-1252"
                return self._ask(**asked)
            # The library's words may hold a name of the file's place, and never help more than this.
            raise UnreadableFile(
                f"{self.path.name} is damaged, cut short or not a file of {PROGRAMS[self.ending]}; save it again."
            ) from None
        return held, about

    def kind(self, name: str) -> str:
        """What a column holds: text, day, moment, float, double or whole."""
        stored = str(self.about.readstat_variable_types[name])
        if stored.startswith("string"):
            return "text"
        form = str(self.about.original_variable_types[name] or "")
        if _is_day(self.ending, form):
            return "day"
        if _is_moment(self.ending, form):
            return "moment"
        return stored if stored in _EXACT else "whole"

    def schema(self) -> pa.Schema:
        types = {"text": pa.string(), "day": pa.date32(), "moment": pa.date32(), "whole": pa.int64()}
        return pa.schema(
            [(n, types.get(self.kind(n), pa.float64()) if n in set(self.kept) else pa.null()) for n in self.names]
        )

    def write(self, draft: Path) -> None:
        """All rows as read, with numbers that may yet prove whole as doubles."""
        schema, piece, done, expected = self.schema(), self.piece, 0, self.about.number_rows
        # Without a column asked for the rows would not be counted.
        asked = self.kept or self.names[:1]
        with pq.ParquetWriter(draft, schema, compression="zstd") as writer:
            while expected is None or done < expected:
                held, about = self._ask(row_offset=done, row_limit=piece, usecols=asked)
                rows = len(held[asked[0]])
                if not rows:
                    break
                columns = [
                    self._column(n, held[n], about) if n in held and n in self.kept else pa.nulls(rows)
                    for n in self.names
                ]
                writer.write_table(pa.table(columns, schema=schema))
                done += rows
                if expected is None and rows < piece:
                    break
        if expected is not None and done != expected:
            raise UnreadableFile(
                f"{self.path.name} says that it has {expected:,} rows, and {done:,} can be read; save it again."
            )

    def _column(self, name: str, values: Sequence[Any], about: Any) -> pa.Array:
        kind, ranges = self.kind(name), about.missing_ranges.get(name, ())
        if kind == "text":
            words = [v or None for v in values]
            gone = {str(r["lo"]) for r in ranges}
            if gone:
                self._count(self.missing, name, sum(v in gone for v in words))
                words = [None if v in gone else v for v in words]
            return pa.array(words, pa.string())
        numbers = self._numbers(name, values, ranges)
        if kind in ("day", "moment"):
            return self._days(name, numbers, moment=kind == "moment")
        empty = np.isnan(numbers)
        if kind == "whole":
            return pa.array(np.where(empty, 0, numbers).astype(np.int64), pa.int64(), mask=empty)
        if kind == "float":
            # Stata's single precision: the shortest decimal that is this number, as its own export writes it.
            single = pa.array(numbers.astype(np.float32), pa.float32(), mask=empty)
            numbers = pc.fill_null(pc.cast(pc.cast(single, pa.string()), pa.float64()), np.nan).to_numpy()
        there = numbers[~empty]
        if not np.all(there == np.floor(there)):
            self.fraction.add(name)
        elif np.any(np.abs(there) > _EXACT[kind]):
            self.blunt.add(name)
        return pa.array(numbers, pa.float64(), mask=empty)

    def _numbers(self, name: str, values: Sequence[Any], ranges: Iterable[Mapping[str, float]]) -> Any:
        """Doubles with NaN for nothing; letters (.a, ._) and values in SPSS's ranges are nothing, and counted."""
        try:
            numbers = np.array(values, dtype=np.float64)
        except ValueError:
            self._count(self.missing, name, sum(isinstance(v, str) for v in values))
            numbers = np.array([None if isinstance(v, str) else v for v in values], dtype=np.float64)
        numbers[~np.isfinite(numbers)] = np.nan
        for told_range in ranges:
            gone = (numbers >= told_range["lo"]) & (numbers <= told_range["hi"])
            self._count(self.missing, name, int(gone.sum()))
            numbers[gone] = np.nan
        return numbers

    def _days(self, name: str, numbers: Any, *, moment: bool) -> pa.Array:
        if PROGRAMS[self.ending] == "SPSS":
            days = np.floor(numbers / _SECONDS) - 141_428  # seconds from 14 October 1582
        elif moment:
            days = np.floor(numbers / (_SECONDS * (1000 if self.ending == ".dta" else 1))) - 3_653
        else:
            days = np.floor(numbers) - 3_653  # days from 1 January 1960
        with np.errstate(invalid="ignore"):
            beyond = (days < _DAY_RANGE[0]) | (days > _DAY_RANGE[1])
        self._count(self.undated, name, int(beyond.sum()))
        empty = np.isnan(days) | beyond
        return pa.array(np.where(empty, 0, days).astype(np.int32), pa.int32(), mask=empty).cast(pa.date32())

    @staticmethod
    def _count(of: dict[str, int], name: str, found: int) -> None:
        if found:
            of[name] = of.get(name, 0) + found

    def told(self) -> Told:
        labels = {
            name: {_code(value): str(text) for value, text in words.items()}
            for name, words in self.about.variable_value_labels.items()
            if name in set(self.kept) and self.kind(name) != "text"
        }
        return Told(self.missing, self.undated, labels, sorted(self.blunt - self.fraction))


def _settled(draft: Path, target: Path, reading: _Reading) -> None:
    """The draft with whole numbers as integers, and what the file said of itself."""
    told_json = json.dumps(asdict(reading.told())).encode()
    with pq.ParquetFile(draft) as held:
        fields = [
            pa.field(f.name, pa.int64())
            if f.type == pa.float64() and f.name not in reading.fraction and f.name not in reading.blunt
            else f
            for f in held.schema_arrow
        ]
        schema = pa.schema(fields, metadata={_TOLD: told_json})
        part = target.with_name(target.name + ".made")
        try:
            with pq.ParquetWriter(part, schema, compression="zstd") as writer:
                for batch in held.iter_batches(batch_size=reading.piece):
                    writer.write_table(pa.Table.from_batches([batch]).cast(schema))
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)


def _is_day(ending: str, form: str) -> bool:
    if ending == ".dta":
        return bool(_STATA_DAY.match(form))
    return ending == ".sas7bdat" and _letters(form) in _SAS_DAYS


def _is_moment(ending: str, form: str) -> bool:
    if ending == ".dta":
        return bool(_STATA_MOMENT.match(form))
    return _letters(form) in (_SPSS_MOMENTS if PROGRAMS[ending] == "SPSS" else _SAS_MOMENTS)


def _letters(form: str) -> str:
    """A format's name without its width: DATE11 and DATETIME22.3 are DATE and DATETIME."""
    return re.sub(r"[\d.]+$", "", form.upper())


def _code(value: Any) -> str:
    number = float(value) if not isinstance(value, str) else None
    return str(value) if number is None else str(int(number)) if number.is_integer() else repr(number)
