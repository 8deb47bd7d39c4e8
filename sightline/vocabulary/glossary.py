"""The glossary page, made from the words the code uses: tables, columns, code lists, settings and limits."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from sightline.vocabulary.codes import Code, code_list, list_names
from sightline.vocabulary.limits import LIMITS
from sightline.vocabulary.settings import Settings
from sightline.vocabulary.tables import TABLES, Column, Table, Type

_OPENING = """# Glossary

Every word Sightline stores, with its meaning and source. This page is made from the code: change the word there.

Spans are closed-open: the first day is in, the end is the first day out. Tables as received keep the end the sender
gave, which may be the last day in; tables made from them do not. A missing value is unknown, never a no.
"""


def glossary_markdown() -> str:
    """One Markdown page: every table and column, every code list and code, every setting, every limit.

    The same code always gives the same page.
    """
    facts = [table for table in TABLES.values() if not table.derived]
    derived = [table for table in TABLES.values() if table.derived]
    parts = [
        _OPENING,
        "## Tables as received\n",
        *map(_table, facts),
        "## Tables made from them\n",
        *map(_table, derived),
        "## Code lists\n",
        *map(_code_list, list_names()),
        "## Settings\n",
        "An authority may choose these in its settings file.\n",
        _rows(
            ("setting", "usual value", "unit", "what it does", "source"),
            ((f"`{s.name}`", _value(s.value), s.unit, s.says, s.source) for s in Settings().explain()),
        ),
        "## Limits\n",
        "The law or a national definition sets these.\n",
        _rows(
            ("limit", "value", "unit", "what it means", "source"),
            ((limit.name, str(limit.value), limit.unit, limit.says, limit.source) for limit in LIMITS),
        ),
    ]
    return "\n".join(parts)


def _table(table: Table) -> str:
    names = ("column", "meaning", "type", "unit", "codes", "sensitivity", "source")
    return f"### {table.name}\n\n{table.grain}\n\n" + _rows(names, map(_column, table))


def _column(column: Column) -> tuple[str, ...]:
    return (
        f"`{column.name}`" + (" (required)" if column.required else ""),
        column.says,
        "true or false" if column.type is Type.FLAG else column.type.value,
        column.unit,
        f"[{column.codes}](#codes-{column.codes.replace('_', '-')})" if column.codes else "",
        column.sensitivity.value,
        column.source,
    )


def _code_list(name: str) -> str:
    codes = code_list(name)
    extras = tuple(codes[0].more)
    heading = f'<a id="codes-{name.replace("_", "-")}"></a>\n\n### Codes: {name}\n\n'
    return heading + _rows(
        ("code", "meaning", "valid", *extras, "source"),
        ((f"`{c.code}`", c.meaning, _valid(c), *(c.more[extra] for extra in extras), c.source) for c in codes),
    )


def _valid(code: Code) -> str:
    """The span of a code in words; empty when it always held."""
    words = (_dated("from", code.valid_from), _dated("until", code.valid_to))
    return " ".join(word for word in words if word)


def _dated(word: str, day: date | None) -> str:
    return f"{word} {day.isoformat()}" if day else ""


def _value(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return str(value) if value != "" else "(none)"


def _rows(heading: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table. A bar within a cell is escaped, since it would end the cell."""
    heading = tuple(heading)
    lines = [_line(heading), _line("---" for _ in heading), *(_line(map(_cell, row)) for row in rows)]
    return "\n".join(lines) + "\n"


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
