"""Which column of a sender's list means what: told by agreement, by name, and by what it holds. All kinds of list.

Suspensions, part-time timetables, children missing education, home education, provision elsewhere, attainment, early
help, youth justice and pupils on roll: one row per record, no national layout. Files of marks are told by `mapping`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial

import pyarrow as pa

from sightline.sources import attainment, early_help, education_registers, school_roll, suspensions, youth_justice
from sightline.sources.child_lists import WHO
from sightline.sources.columns import plain, words
from sightline.sources.layout import normal_name
from sightline.sources.mapping import share_of_upns
from sightline.sources.pupil_lists import IDENTITY, PUPIL
from sightline.sources.registers import FIRST_DAY, LAST_DAY, days_of
from sightline.vocabulary.errors import UnreadableFile
from sightline.vocabulary.identifiers import laestab_fault, urn_fault

_MOST = 0.9  # of a column's values that must be what is looked for
_SCHOOL_AGE_DAYS = 4 * 365  # a birth lies at least this long before what a list is about
_POSTCODE = re.compile(r"[A-Z]{1,2}[0-9][A-Z0-9]? ?[0-9][A-Z]{2}", re.IGNORECASE)
Fits = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class ListKind:
    """One kind of list: what its columns may mean, how names tell them, what it cannot do without, what values tell.

    `needs` are meanings one of which must be there, each with its words. `days` are the meanings of dates that values
    may tell, earliest first; `words` those of codes. `results` is true of a header whose own columns are results.
    """

    kind: str
    says: str
    meanings: tuple[str, ...]
    named: Callable[[Sequence[str]], dict[str, list[str]]]
    needs: tuple[tuple[frozenset[str], str], ...]
    days: tuple[str, ...] = ()
    words: Mapping[str, Fits] = field(default_factory=dict)
    results: Callable[[Sequence[str], Mapping[str, list[str]]], bool] = lambda header, found: False


def _word_of(listed: str) -> Fits:
    return lambda value: plain(value) in words(listed, listed)


_A_PUPIL = (frozenset(PUPIL), "a UPN or a pupil id")
_A_START = (frozenset({"start_date"}), "a first day")
_SUSPENSIONS = ListKind(
    suspensions.KIND,
    "a list of suspensions",
    tuple(suspensions.ALIASES),
    suspensions.columns_of,
    (_A_PUPIL, _A_START, (frozenset({"category"}), "a category")),
    ("start_date", "end_date"),
    {"category": _word_of("exclusion_category"), "reason1": _word_of("exclusion_reason")},
)
_REGISTERS = tuple(
    ListKind(
        register.kind,
        f"a list of {register.says.removesuffix(' (CSV)')[0].lower()}{register.says.removesuffix(' (CSV)')[1:]}",
        (*IDENTITY, *(c for c in register.columns if c not in IDENTITY)),
        partial(education_registers.found_in, register),
        (_A_PUPIL, _A_START),
        ("start_date", "end_date"),
        {"arrangement": _word_of("provision_kind")} if "arrangement" in register.columns else {},
    )
    for register in education_registers.REGISTERS
)
_ATTAINMENT = ListKind(
    attainment.KIND,
    "a list of results",
    (*IDENTITY, *attainment.COLUMNS),
    attainment.found_in,
    (_A_PUPIL, (frozenset({"subject"}), "a subject"), (frozenset({"result"}), "a result")),
    words={"subject": _word_of("subject"), "stage": _word_of("assessment_stage")},
    results=attainment.has_results,
)
_OF_CHILDREN = tuple(
    ListKind(
        each.kind,
        each.says[0].lower() + each.says[1:],
        (*each.columns, *WHO),
        each.found_in,
        ((frozenset({"child_ref", "upn"}), "a child's id or a UPN"), _A_START),
        ("start_date", "end_date"),
        {column: _word_of(listed) for column, listed in each.codes.items()},
    )
    for each in (early_help.LIST, youth_justice.LIST)
)
_ROLL = ListKind(
    school_roll.KIND,
    "a list of pupils on roll",
    (*IDENTITY, *school_roll.COLUMNS),
    school_roll.found_in,
    (_A_PUPIL, (frozenset({"year_group"}), "a year group")),
    ("entry_date", "leaving_date"),
    {
        "year_group": lambda value: (
            re.fullmatch(r"(y|yr|year)\s*0?([1-9]|1[0-4]|r)|reception", value.lower()) is not None
        ),
        "sen_provision": lambda value: value.upper() in ("N", "K", "E", "EHCP", "SEN SUPPORT", "NO SEN"),
        "ethnicity": _word_of("ethnicity_school"),
        "postcode": lambda value: _POSTCODE.fullmatch(value) is not None,
    },
)
LISTS: Mapping[str, ListKind] = {
    each.kind: each for each in (_SUSPENSIONS, *_REGISTERS, _ATTAINMENT, *_OF_CHILDREN, _ROLL)
}
_IDENTITY_FITS: Mapping[str, Fits] = {
    "upn": lambda value: share_of_upns([value]) == 1,
    "urn": lambda value: urn_fault(value) is None,
    "laestab": lambda value: laestab_fault(value) is None,
}


def propose_list(
    kind: ListKind, table: pa.Table, agreed: Mapping[str, str] | None = None
) -> tuple[dict[str, str], str]:
    """What each column of a list of this kind means, and what the list still lacks, in words (empty: nothing).

    As agreed, else by its name, else by the values of these rows where they can be nothing else; two columns that
    would do are a question for a person. `table` is the list or its first rows, all text. Raises UnreadableFile when
    the agreement names an unknown meaning or a column that is not there.
    """
    names = [name for name in table.column_names if name != "line"]
    told = _as_agreed(kind, names, agreed or {})
    found = {what: column for what, columns in kind.named(names).items() if (column := columns[0])}
    columns = {what: column for what, column in found.items() if column not in told.values()} | told
    held = {
        name: values
        for name in names
        if name not in columns.values()
        and (values := [value.strip() for value in table[name].to_pylist() if value and value.strip()])
    }
    for what, fits in {**_IDENTITY_FITS, **kind.words}.items():
        if what in columns or what not in kind.meanings or (what == "upn" and set(PUPIL) & columns.keys()):
            continue
        fitting = [name for name, values in held.items() if sum(map(fits, values)) >= _MOST * len(values)]
        if len(fitting) == 1:
            columns[what] = fitting[0]
            del held[fitting[0]]
    if kind.days:
        _dates(held, columns, kind.days)
    lacks = [word for meanings, word in kind.needs if not meanings & columns.keys()]
    if kind.results(names, {what: [column] for what, column in columns.items()}):
        lacks = [word for word in lacks if word == _A_PUPIL[1]]
    return {what: columns[what] for what in dict.fromkeys(kind.meanings) if what in columns}, ", ".join(lacks)


def _as_agreed(kind: ListKind, header: Sequence[str], agreed: Mapping[str, str]) -> dict[str, str]:
    found = {}
    for what, column in agreed.items():
        if what == "kind":  # which source reads the file
            continue
        if what not in kind.meanings:
            raise UnreadableFile(f"The agreed mapping has '{what}', which is none of: {', '.join(kind.meanings)}.")
        if normal_name(column) not in header:
            raise UnreadableFile(f"The agreed mapping names the column '{column}' for {what}, which the file lacks.")
        found[what] = normal_name(column)
    return found


def _dates(held: dict[str, list[str]], columns: dict[str, str], meanings: tuple[str, ...]) -> None:
    """Give the meanings of dates still missing to columns of days: births long before, a first day, and a last day."""
    first, last = meanings
    if first in columns:
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
    if len(recent) == 1 or (len(recent) == 2 and last not in columns):
        columns.update(zip((first, last), recent, strict=False))
