"""What a sender asks to be purged leaves the facts: earlier files of the same sender are read on without it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from sightline.engine import Database
from sightline.operations.home import Home
from sightline.store import Delivery, TableFile
from sightline.vocabulary.tables import WITHDRAWN_CHILD, WITHDRAWN_DETAILS

TABLE = "withdrawal"
_DETAILS = ("child", "identifier", "disability")


def without_withdrawn(home: Home, delivery: Delivery, in_force: list[Delivery], work: Path) -> list[Delivery]:
    """The deliveries in force with what this one withdraws taken out of those of the same system before it.

    A delivery that held some of it is put in force under a new id, with tables that lack those rows; its bytes stay as
    they came. Call inside `writing()`.
    """
    file = delivery.tables.get(TABLE)
    if file is None or not file.rows:
        return in_force
    with Database() as database:
        database.add_parquet(TABLE, [home.store.path_of(file)])
        asked = database.query(f"SELECT DISTINCT ref, part, value FROM {TABLE} ORDER BY ALL")
    mark = hashlib.sha256(str(asked.to_pylist()).encode()).hexdigest()
    return [_without(home, each, asked, mark, work) if each.system == delivery.system else each for each in in_force]


def _without(home: Home, old: Delivery, asked: pa.Table, mark: str, work: Path) -> Delivery:
    identity = hashlib.sha256(f"{old.id} {mark}".encode()).hexdigest()[:12]
    tables: dict[str, TableFile] = {}
    gone = 0
    with Database() as database:
        database.execute("SET preserve_insertion_order = true")
        database.add("asked", asked)
        for name, file in old.tables.items():
            database.add_parquet("held", [home.store.path_of(file)])
            columns = database.query("SELECT * FROM held LIMIT 0").column_names
            where = _asked_of(name, columns)
            if not where:
                tables[name] = file
                continue
            left = database.query(f"SELECT * FROM held h WHERE NOT EXISTS (SELECT 1 FROM asked a WHERE {where})")
            gone += file.rows - left.num_rows
            at = left.column_names.index("delivery")
            left = left.set_column(at, left.schema.field(at), pa.repeat(pa.scalar(identity), left.num_rows))
            tables[name] = home.store.keep_arrow(left, work)
    if not gone:
        return old
    kept = replace(old, id=identity, tables=tables)
    home.store.keep_delivery(kept, work)
    return kept


def _asked_of(table: str, columns: Iterable[str]) -> str:
    """SQL that is true of a row `h` of a table that a request `a` speaks of; empty for a table that names no child."""
    present = set(columns)
    ref = next((c for c in ("child_ref", "ref") if c in present), "")
    if not ref or table == TABLE:
        return ""
    parts = [f"a.part = '{WITHDRAWN_CHILD}'"]
    if table in _DETAILS:
        parts.append(f"a.part = '{WITHDRAWN_DETAILS}'")
    parts += [
        f"(a.part = '{c}' AND a.value = h.\"{c}\")"
        for c in ("referral_ref", "plan_ref", "enquiry_ref", "assessment_ref")
        if c in present
    ]
    return f"a.ref = h.{ref} AND ({' OR '.join(parts)})"
