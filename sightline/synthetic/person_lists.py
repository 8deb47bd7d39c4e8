"""Two lists of people for linkage: an authority's social care children and its pupils, with who is who.

The lists hold what the systems hold, planted faults included. Further damage may be done to the children's side, at
the rates the measured experiments assumed; a rate is for damage 1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from sightline.synthetic.authority import Invented
from sightline.synthetic.faults import child_key
from sightline.synthetic.names import boys, girls, postcodes, surnames
from sightline.synthetic.people import day_number

# How often each part of a child's record is wrong, missing or out of date on the social care side.
RATES = {
    "upn missing": 0.20, "upn mistyped": 0.015, "upn of another": 0.005,
    "forename mistyped": 0.04, "forename shortened": 0.03, "forename other": 0.015,
    "surname mistyped": 0.03, "surname changed": 0.06, "surname double": 0.02, "names exchanged": 0.01,
    "birth date wrong": 0.012, "birth date missing": 0.004,
    "postcode moved": 0.15, "postcode mistyped": 0.02, "postcode missing": 0.03,
}  # fmt: skip
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class PersonLists:
    """`care` and `pupils`: one row per record, with row (from 1), surname, forename, birth_date, sex, postcode, school,
    upn and nhs_number; `care_child` and `pupil_child`: the true child of each row."""

    care: pa.Table
    pupils: pa.Table
    care_child: tuple[str, ...]
    pupil_child: tuple[str, ...]

    def true_pairs(self) -> set[tuple[int, int]]:
        """Every pair of rows (care, pupils) of one child."""
        where: dict[str, list[int]] = {}
        for row, child in enumerate(self.pupil_child, start=1):
            where.setdefault(child, []).append(row)
        return {(row, other) for row, c in enumerate(self.care_child, start=1) for other in where.get(c, ())}

    def score(self, accepted: set[tuple[int, int]]) -> tuple[float, float, int]:
        """Precision, recall and the number of false links. Recall is of children in both lists, each counted once."""
        true = self.true_pairs()
        false = len(accepted - true)
        wanted = {self.care_child[left - 1] for left, _ in true}
        found = {self.care_child[left - 1] for left, _ in accepted & true}
        precision = 1 - false / len(accepted) if accepted else 1.0
        return precision, len(found) / len(wanted) if wanted else 1.0, false


def person_lists(
    invented: Invented, *, damage: float = 0.0, random: np.random.Generator, until: date | None = None
) -> PersonLists:
    """The children in the case system's extract, and the pupils on roll on the last day or in the five years before.

    `damage` multiplies `RATES`: 0 leaves the planted faults alone, 2.2 is the experiments' hard case.
    """
    day = until or invented.until
    extract = invented.care_system.extract(day)
    rows: dict[str, dict[str, Any]] = {}
    for name in ("ssd_person", "ssd_address"):
        for row in extract[name].tables["child"].to_pylist():
            kept = rows.setdefault(row["child_ref"], {})
            kept.update({k: v for k, v in row.items() if v is not None})
    for row in extract["ssd_person"].tables["identifier"].to_pylist():
        if row["kind"] in ("upn", "nhs_number"):
            rows[row["ref"]][row["kind"]] = row["value"]
    ids = invented.care_system.ids.person
    care, care_child = [], []
    for record in invented.care_system.records:
        held = rows[ids[record.place]]
        care.append({name: held.get(name) for name in _COLUMNS})
        care_child.append(child_key(record.child))
    pupils, pupil_child = _pupils(invented, day)
    if damage:
        _damage(care, invented, damage, random)
    return PersonLists(_table(care), _table(pupils), tuple(care_child), tuple(pupil_child))


_COLUMNS = ("surname", "forename", "birth_date", "sex", "postcode", "school", "upn", "nhs_number")


def _table(rows: list[dict[str, Any]]) -> pa.Table:
    fields = [(name, pa.date32() if name == "birth_date" else pa.string()) for name in _COLUMNS]
    table = pa.Table.from_pylist(rows, schema=pa.schema(fields))
    return table.add_column(0, "row", pa.array(range(1, len(rows) + 1), pa.int64()))


def _pupils(invented: Invented, day: date) -> tuple[list[dict[str, Any]], list[str]]:
    """One row per pupil ever on roll in the five years to a day, as the last school has them."""
    systems, world = invented.schools_system, invented.world
    e = world.enrolments
    here = np.flatnonzero((e.start <= day_number(day)) & (e.end >= day_number(day) - 5 * 365) & ~e.subsidiary)
    last: dict[int, int] = {}
    for row in here[np.argsort(e.start[here], kind="stable")].tolist():
        last[int(e.person[row])] = row
    person = np.array(sorted(last), dtype=np.int64)
    columns = systems.pupil_columns(person)
    table = pa.table(columns).to_pylist()
    codes, sites = postcodes(), world.schools.sites
    for i, row in zip(person.tolist(), table, strict=True):
        row["postcode"] = codes[world.people.postcode[i]]
        row["school"] = sites[e.site[last[i]]].name
        row["upn"] = systems.upn[i] or None
        row["nhs_number"] = None
    return table, [child_key(i) for i in person.tolist()]


def _damage(rows: list[dict[str, Any]], invented: Invented, damage: float, random: np.random.Generator) -> None:
    others = [u for u in invented.world.numbers.upn if u]
    draws = {name: random.random(len(rows)) < rate * damage for name, rate in RATES.items()}

    def one(choices: Any) -> Any:
        return choices[int(random.integers(len(choices)))]

    def change(name: str, field: str, make: Callable[[Any], Any]) -> None:
        for n in np.flatnonzero(draws[name]).tolist():
            if rows[n][field]:
                rows[n][field] = make(rows[n][field])

    change("upn mistyped", "upn", lambda v: _swap(v, int(random.integers(1, 12)), str(int(random.integers(10)))))
    change("upn of another", "upn", lambda _: one(others))
    change("upn missing", "upn", lambda _: None)
    for name in ("forename", "surname"):
        change(f"{name} mistyped", name, lambda v: _mistyped(v, random))
    change("forename shortened", "forename", lambda v: v[:3])
    for n in np.flatnonzero(draws["forename other"]).tolist():
        rows[n]["forename"] = one(girls() if rows[n]["sex"] in ("F", "2") else boys())
    change("surname changed", "surname", lambda _: one(surnames()))
    change("surname double", "surname", lambda v: f"{v}-{one(surnames())}")
    for n in np.flatnonzero(draws["names exchanged"]).tolist():
        rows[n]["surname"], rows[n]["forename"] = rows[n]["forename"], rows[n]["surname"]
    change("birth date wrong", "birth_date", lambda v: _wrong_day(v, random))
    change("birth date missing", "birth_date", lambda _: None)
    change("postcode mistyped", "postcode", lambda v: _swap(v, int(random.integers(2, len(v))), one("0123456789ABDEF")))
    change("postcode moved", "postcode", lambda _: one(postcodes()))
    change("postcode missing", "postcode", lambda _: None)


def _swap(text: str, at: int, letter: str) -> str:
    return text[:at] + letter + text[at + 1 :]


def _mistyped(name: str, random: np.random.Generator) -> str:
    """A letter changed, left out, added, or exchanged with the next."""
    at, letter = int(random.integers(1, len(name))), _LETTERS[int(random.integers(26))]
    kind = int(random.integers(4))
    if kind == 0:
        return _swap(name, at, letter)
    if kind == 1:
        return name[:at] + name[at + 1 :]
    if kind == 2:
        return name[:at] + letter + name[at:]
    return name[: at - 1] + name[at] + name[at - 1] + name[at + 1 :]


def _wrong_day(day: date, random: np.random.Generator) -> date:
    """Day and month exchanged where that is a day, a day out, or another year or month."""
    kind = int(random.integers(4))
    if kind == 0 and day.day <= 12:
        return day.replace(month=day.day, day=day.month)
    if kind == 1:
        return day + timedelta(days=1)
    if kind == 2:
        return day.replace(year=day.year - 1, day=min(day.day, 28))
    return day.replace(month=day.month % 12 + 1, day=min(day.day, 28))
