"""Small files of Stata and SPSS, written byte by byte from the published layouts: what their own programs would save.

`write_stata` and `write_spss` take columns by name. A column is text, numbers or days; None is the system's missing
value, and in Stata a letter is an extended one (.a).
"""

import struct
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

Columns = Mapping[str, Sequence[Any]]
Labels = Mapping[str, Mapping[int, str]]

# Stata 14 and later: help dta, section "Variable types": code, struct's letter, the value of "." and the step to ".a".
_STATA: dict[str, tuple[int, str]] = {
    "byte": (65530, "b"), "int": (65529, "h"), "long": (65528, "i"), "float": (65527, "f"), "double": (65526, "d")
}  # fmt: skip


def _stata_missing(kind: str, letter: str) -> bytes:
    step = ord(letter) - 96 if letter else 0
    match kind:
        case "byte":
            return struct.pack("<b", 101 + step)
        case "int":
            return struct.pack("<h", 32741 + step)
        case "long":
            return struct.pack("<i", 2147483621 + step)
        case "float":
            return struct.pack("<I", 0x7F000000 + step * 0x800)
    return struct.pack("<Q", 0x7FE0000000000000 + step * 0x10000000000)


def write_stata(
    path: Path, columns: Columns, *, kinds: Mapping[str, str] | None = None, labels: Labels | None = None
) -> None:
    """A .dta of release 118. `kinds` has a numeric column's storage type; double where it is not told."""
    kinds, labels = kinds or {}, labels or {}
    rows = len(next(iter(columns.values())))
    types, formats, cells = [], [], []
    for name, values in columns.items():
        held = [v for v in values if v is not None]
        if any(isinstance(v, str) and len(v) > 1 for v in held) or (held and all(isinstance(v, str) for v in held)):
            width = max((len(v.encode()) for v in held), default=1)
            types.append(width)
            formats.append(f"%{width}s")
            cells.append([(v or "").encode().ljust(width, b"\0") for v in values])
            continue
        days = any(isinstance(v, date) for v in held)
        kind = kinds.get(name, "long" if days else "double")
        code, letter = _STATA[kind]
        types.append(code)
        formats.append("%td" if days else "%10.0g")
        cells.append(
            [
                _stata_missing(kind, v or "")
                if v is None or isinstance(v, str)
                else struct.pack("<" + letter, (v - date(1960, 1, 1)).days if isinstance(v, date) else v)
                for v in values
            ]
        )
    names = list(columns)
    tables = b""
    for name, told in labels.items():
        texts = [text.encode() + b"\0" for text in told.values()]
        places = [sum(map(len, texts[:n])) for n in range(len(texts))]
        body = struct.pack("<ii", len(told), sum(map(len, texts)))
        body += struct.pack(f"<{len(told)}i", *places) + struct.pack(f"<{len(told)}i", *told) + b"".join(texts)
        tables += b"<lbl>" + struct.pack("<i", len(body)) + _field(name, 129) + b"\0\0\0" + body + b"</lbl>"
    parts = [
        ("map", b"\0" * 14 * 8),
        ("variable_types", struct.pack(f"<{len(types)}H", *types)),
        ("varnames", b"".join(_field(n, 129) for n in names)),
        ("sortlist", b"\0\0" * (len(names) + 1)),
        ("formats", b"".join(_field(f, 57) for f in formats)),
        ("value_label_names", b"".join(_field(n if n in labels else "", 129) for n in names)),
        ("variable_labels", b"\0" * 321 * len(names)),
        ("characteristics", b""),
        ("data", b"".join(b"".join(column[n] for column in cells) for n in range(rows))),
        ("strls", b""),
        ("value_labels", tables),
    ]
    out = (
        b"<stata_dta><header><release>118</release><byteorder>LSF</byteorder><K>"
        + struct.pack("<H", len(names))
        + b"</K><N>"
        + struct.pack("<Q", rows)
        + b"</N><label>\0\0</label><timestamp>\0</timestamp></header>"
    )
    places = [0]
    for tag, content in parts:
        places.append(len(out))
        out += f"<{tag}>".encode() + content + f"</{tag}>".encode()
    places += [len(out), len(out) + len(b"</stata_dta>")]
    out += b"</stata_dta>"
    at = out.index(b"<map>") + len(b"<map>")
    path.write_bytes(out[:at] + struct.pack("<14Q", *places) + out[at + 14 * 8 :])


def _field(text: str, width: int) -> bytes:
    return text.encode().ljust(width, b"\0")


_SPSS_MISSING = struct.pack("<d", -1.7976931348623157e308)


def write_spss(
    path: Path, columns: Columns, *, labels: Labels | None = None, missing: Mapping[str, Sequence[float]] | None = None
) -> None:
    """An uncompressed .sav with long names, in UTF-8. `missing` declares up to three values of a column as missing."""
    labels, missing = labels or {}, missing or {}
    rows = len(next(iter(columns.values())))
    records, cells, place, where = b"", [], 1, {}
    for n, (name, values) in enumerate(columns.items()):
        held = [v for v in values if v is not None]
        width = max((len(v.encode()) for v in held), default=1) if held and isinstance(held[0], str) else 0
        days = bool(held) and isinstance(held[0], date)
        form = (1 << 16 | width << 8) if width else (20 << 16 | 11 << 8) if days else (5 << 16 | 12 << 8 | 2)
        told = missing.get(name, ())
        records += struct.pack("<6i", 2, width, 0, len(told), form, form) + f"V{n}".encode().ljust(8)
        records += struct.pack(f"<{len(told)}d", *told)
        where[name] = place
        pieces = max(1, -(-width // 8))
        place += pieces
        records += (struct.pack("<6i", 2, -1, 0, 0, 0, 0) + b" " * 8) * (pieces - 1)
        if width:
            cells.append([(v or "").encode().ljust(8 * pieces) for v in values])
        else:
            cells.append([_SPSS_MISSING if v is None else struct.pack("<d", _spss_number(v)) for v in values])
    for name, told in labels.items():
        records += struct.pack("<2i", 3, len(told))
        for value, text in told.items():
            room = -(-(len(text.encode()) + 1) // 8) * 8 - 1
            records += struct.pack("<dB", value, len(text.encode())) + text.encode().ljust(room)
        records += struct.pack("<3i", 4, 1, where[name])
    for subtype, text in (
        (13, "\t".join(f"V{n}={name}" for n, name in enumerate(columns))),
        (20, "UTF-8"),
    ):
        records += struct.pack("<4i", 7, subtype, 1, len(text)) + text.encode()
    head = b"$FL2" + b"@(#) SPSS DATA FILE".ljust(60) + struct.pack("<5id", 2, place - 1, 0, 0, rows, 100.0)
    head += b"01 Jan 2600:00:00" + b" " * 64 + b"\0" * 3
    data = b"".join(b"".join(column[n] for column in cells) for n in range(rows))
    path.write_bytes(head + records + struct.pack("<2i", 999, 0) + data)


def _spss_number(value: float | date) -> float:
    return (value - date(1582, 10, 14)).days * 86400.0 if isinstance(value, date) else float(value)
