"""Which column of a sender's list of suspensions means what: told by agreement, by name, and by what it holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date

import pyarrow as pa

from sightline.sources.columns import plain, words
from sightline.sources.mapping import share_of_upns
from sightline.sources.registers import FIRST_DAY, LAST_DAY, days_of
from sightline.sources.suspensions import ALIASES, as_agreed, columns_of
from sightline.vocabulary.identifiers import laestab_fault, urn_fault

_MOST = 0.9  # of a column's values that must be what is looked for
_WHO = ("upn", "pupil_id", "admission")
_SCHOOL_AGE_DAYS = 4 * 365  # a birth lies at least this long before a suspension


def propose_suspensions(table: pa.Table, agreed: Mapping[str, str] | None = None) -> tuple[dict[str, str], str]:
    """What each column of a list of suspensions means, and what the list still lacks, in words (empty: nothing).

    As agreed, else by its name, else by the values of these rows where they can be nothing else; two columns that
    would do are a question for a person. `table` is the list or its first rows, all text. Raises UnreadableFile when
    the agreement names an unknown meaning or a column that is not there.
    """
    names = [name for name in table.column_names if name != "line"]
    columns = {what: found[0] for what, found in (columns_of(names) | as_agreed(names, agreed or {})).items()}
    held = {
        name: values
        for name in names
        if name not in columns.values()
        and (values := [value.strip() for value in table[name].to_pylist() if value and value.strip()])
    }
    for what, fits in _BY_VALUE.items():
        if what in columns or (what == "upn" and set(_WHO) & columns.keys()):
            continue
        found = [name for name, values in held.items() if sum(map(fits, values)) >= _MOST * len(values)]
        if len(found) == 1:
            columns[what] = found[0]
            del held[found[0]]
    _dates(held, columns)
    lacks = [] if set(_WHO) & columns.keys() else ["a UPN or a pupil id"]
    lacks += [word for what, word in (("start_date", "a first day"), ("category", "a category")) if what not in columns]
    return {what: columns[what] for what in ALIASES if what in columns}, ", ".join(lacks)


def _word_of(listed: str) -> Callable[[str], bool]:
    return lambda value: plain(value) in words(listed, listed)


_BY_VALUE: Mapping[str, Callable[[str], bool]] = {
    "upn": lambda value: share_of_upns([value]) == 1,
    "category": _word_of("exclusion_category"),
    "reason1": _word_of("exclusion_reason"),
    "urn": lambda value: urn_fault(value) is None,
    "laestab": lambda value: laestab_fault(value) is None,
}


def _dates(held: dict[str, list[str]], columns: dict[str, str]) -> None:
    """Give the meanings of dates still missing to columns of days: births long before, a first day, and a last day."""
    if "start_date" in columns:
        return
    days: dict[str, list[date]] = {}
    for name, values in held.items():
        found = days_of(values)
        told = [day for value in values if (day := found[value]) is not None]
        if len(told) >= _MOST * len(values):
            days[name] = sorted(told)
    middle = {name: told[len(told) // 2] for name, told in days.items()}
    latest = max(middle.values(), default=FIRST_DAY)
    recent = sorted(
        (
            name
            for name, day in middle.items()
            if (latest - day).days < _SCHOOL_AGE_DAYS and FIRST_DAY <= day <= LAST_DAY
        ),
        key=lambda name: (sum(day.toordinal() for day in days[name]) / len(days[name]), name),
    )
    births = [name for name in middle if name not in recent]
    if len(births) == 1:
        columns.setdefault("birth_date", births[0])
    if len(recent) == 1 or (len(recent) == 2 and "end_date" not in columns):
        columns.update(zip(("start_date", "end_date"), recent, strict=False))
