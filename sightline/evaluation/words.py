"""How a table and what it left out are said, the same in every form they are written in."""

from __future__ import annotations

from typing import Final

from sightline.evaluation.result import Left, Table


def table_name(table: Table) -> str:
    """A table's name as people say it: Table 55; Poisson absence CIN."""
    for kind in ("table", "figure"):
        number = table.id.removeprefix(f"{kind}-")
        if number != table.id:
            return f"{kind.capitalize()} {number.replace('-', ', ')}"
    words = [w.upper() if w in SHORT or w[:2] == "ks" else w for w in table.id.split("-")]
    name = " ".join(words)
    return name[0].upper() + name[1:]


SHORT: Final = ("cin", "cp", "send")


def clause(text: str) -> str:
    """A sentence as the end of another, with a full stop."""
    text = text.strip().rstrip(".")
    return (text if text[:2].isupper() or not text else text[0].lower() + text[1:]) + "."


def left_out(x: Left) -> str:
    """One thing counted or left out, as a sentence."""
    where = f"{x.column}: " if x.column else ""
    count = f"{x.count:,}" if isinstance(x.count, int) else str(x.count)
    if x.kind == "pupils":
        return f"{where}{count} {x.why}"
    what = {"rows": "rows", "groups": f"{x.name}s", "column": f"the column {x.name}, on rows"}.get(x.kind, x.kind)
    name = f" ({x.name})" if x.kind == "rows" else ""
    return f"{where}{count} {what}{name} left out: {x.why}"
