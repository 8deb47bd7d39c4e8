"""Finding a child by name, pupil number or date of birth, within a scope and nowhere else."""

from __future__ import annotations

import re
from datetime import date

import pyarrow as pa

from sightline.operations.opened import Opened, Scope
from sightline.vocabulary.dates import typed_day

MOST = 50  # children a search names; more is not a search
_UPN = re.compile(r"[A-Z][0-9]{11}[0-9A-Z]")


def find_children(opened: Opened, scope: Scope, words: str) -> pa.Table:
    """One row per child in scope, known to social care or Early Help, whom the words name: child_id, surname, forename,
    birth_date, in order of name; at most `MOST` and one more, which says that there are more.

    Words are a pupil number (13 characters, exactly), a date of birth (see `typed_day`), or a name:
    every word begins a word of the surname or first name, whatever its capitals and accents. Nothing is found by
    fewer than two letters.
    """
    said = " ".join(words.split())
    number, day = said.replace(" ", "").upper(), typed_day(said)
    door = opened.children
    values: list[str | date]
    if _UPN.fullmatch(number):
        where, values = "upper(trim(upn)) = ?", [number]
    elif day is not None:
        where, values = "birth_date = ?", [day]
    else:
        parts = [part for part in re.split(r"[\s,]+", said) if part]
        if sum(map(len, parts)) < 2:
            where, values = "false", []
        else:
            name = "' ' || strip_accents(lower(concat_ws(' ', surname, forename)))"
            # A name in two parts is found by either: a hyphen begins a word too.
            name = f"replace({name}, '-', ' ')"
            where = " AND ".join([f"contains({name}, ' ' || strip_accents(lower(replace(?, '-', ' '))))"] * len(parts))
            values = list(parts)
    return door.query(
        f"""
        SELECT child_id, surname, forename, birth_date
        FROM person
        WHERE (known_to_care OR child_id IN (SELECT child_id FROM early_help_period))
            AND child_id IN (SELECT child_id FROM {opened.within(scope, door)}) AND {where}
        ORDER BY surname NULLS LAST, forename NULLS LAST, child_id LIMIT {MOST + 1}
        """,
        values,
    )
