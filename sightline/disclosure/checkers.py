"""Released tables in the layout of acro 1.0.2, so that output checkers can open them in the viewer they know.

A folder with `results.json`, one CSV file per table, and `checksums/`. Only printed figures are in it: neither the
unrounded numbers nor which figures were small and which were hidden to keep those.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from sightline import __version__
from sightline.disclosure.cells import TOTAL
from sightline.disclosure.release import HIDDEN, PASSED, STRUCTURAL, Released, ReleasedTable
from sightline.engine import harmless

LAYOUT: Final = "1.0.2"
"""The version of acro whose layout this is; its own reader refuses another."""

HIDDEN_WORD: Final = "suppressed; "
"""A hidden figure, as acro words an outcome."""


_TOOL: Final = {"@type": "SoftwareApplication", "name": "Sightline", "version": __version__}
"""What wrote the file, in the words of schema.org that acro uses."""


def write_results(
    released: Released, folder: Path, *, made: datetime, command: str = "sightline release"
) -> list[Path]:
    """Write the released tables for an output checker, with `made` as their time; the files written, in order.

    Raises FileExistsError when the folder holds results already: what a checker has seen is not written over.
    """
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / "results.json"
    if target.exists():
        raise FileExistsError(f"'{folder.name}' holds results already; give another folder.")
    written, results = [], {}
    for number, table in enumerate(released.tables):
        uid = f"output_{number}"
        grid = _grid(table)
        path = folder / f"{uid}_0.csv"
        path.write_bytes(_csv(grid).encode())
        written.append(path)
        results[uid] = _record(uid, table, grid, released, made, command)
    told = {"version": LAYOUT, "tool": _TOOL, "results": results}
    target.write_text(json.dumps(told, indent=4, ensure_ascii=False) + "\n", "utf-8")
    written.append(target)
    sums = folder / "checksums"
    sums.mkdir(exist_ok=True)
    for path in tuple(written):
        note = sums / f"{path.name}.txt"
        note.write_text(hashlib.sha256(path.read_bytes()).hexdigest(), "utf-8")
        written.append(note)
    return written


def _grid(table: ReleasedTable) -> list[list[str]]:
    """A header and one row per row label: the last dimension runs across, the others and the kind run down."""
    across = list(dict.fromkeys(c.key[-1] if c.key else TOTAL for c in table.cells))
    kinds = {c.kind for c in table.cells}
    rows: dict[str, dict[str, str]] = {}
    for cell in table.cells:
        label = " | ".join([*cell.key[:-1], *([cell.kind] if len(kinds) > 1 else [])]) or table.name
        place = rows.setdefault(label, {})
        column = cell.key[-1] if cell.key else TOTAL
        # Several estimates of one model share a key; each stands in the same place, one after the other.
        place[column] = f"{place[column]}; {cell.text}" if column in place else cell.text
    head = " | ".join(table.result.dimensions[:-1]) or table.name
    return [[head, *across], *([label, *(found.get(c, "") for c in across)] for label, found in rows.items())]


def _csv(grid: list[list[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([[_plain(v) for v in row] for row in grid])
    return text.getvalue()


def _plain(text: str) -> str:
    # A number below nought is no formula.
    return text if text[:1] == "-" and text[1:].replace(".", "", 1).isdigit() else str(harmless(text))


def _record(
    uid: str, table: ReleasedTable, grid: list[list[str]], released: Released, made: datetime, command: str
) -> dict[str, Any]:
    hidden = [[r, c] for r, row in enumerate(grid[1:]) for c, text in enumerate(row[1:]) if HIDDEN in text.split("; ")]
    outcome = {
        column: {row[0]: HIDDEN_WORD if HIDDEN in row[at].split("; ") else "ok" for row in grid[1:]}
        for at, column in enumerate(grid[0])
        if at
    }
    regression = all(c.kind == "model" for c in table.cells)
    passed = all(a.rule in (PASSED, STRUCTURAL) for a in table.apart)
    names = ("negative", "missing", "threshold", "p-ratio", "nk-rule", "all-values-are-same")
    sdc = {
        "summary": {"suppressed": bool(hidden)} | {n: len(hidden) if n == "threshold" else 0 for n in names},
        # Every hidden figure stands under "threshold": to name the rule would tell small counts from the rest.
        "cells": {n: hidden if n == "threshold" else [] for n in names},
    }
    summary = "pass" if passed else f"review; {len(hidden)} cells suppressed by Sightline's rules"
    return {
        "uid": uid,
        "status": "pass" if passed else "review",
        "type": "regression" if regression else "table",
        "properties": {"method": "ols" if regression else "crosstab"},
        "files": [{"name": f"{uid}_0.csv", "sdc": {} if regression else sdc}],
        "outcome": outcome,
        "command": command,
        "summary": summary,
        "timestamp": made.isoformat(),
        "comments": [table.name, *released.notes, *(f"{r.name} = {r.value}" for r in released.policy.explain())],
        "exception": "",
        # Where acro says what the variables of a regression are. Its reader asks for the key.
        "fair": {},
    }
