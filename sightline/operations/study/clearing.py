"""A study's tables through disclosure control: each figure with the children behind it, and what may leave.

Numbers of pupils that tables share are checked together, so that none is given away by another; every other figure is
checked by itself and is hidden with the number it rests on.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final

from sightline import disclosure
from sightline.disclosure import HIDDEN, STANDARD, TOTAL, Policy, Refusal, Released, ReleasedTable, Result
from sightline.disclosure.rounding import to_base
from sightline.evaluation import Cell, Job, Left, Study, Table
from sightline.vocabulary.errors import BadSetting

MODEL: Final = ("estimate", "se", "low", "high", "p")
FOLLOW: Final = ("se", "low", "high", "p", "stars", "df")
"""Statistics that say more of another figure of the same place, and are hidden with it."""
NOTE_COARSE: Final = (
    "Counts are rounded to {}, less than half of the threshold of {}: numbers of samples that differ by missing values "
    "alone are kept apart by rounding and nothing else, so a person must look for small differences between tables."
)
GROUPS: Final = ("Not on a plan", "CIN plan", "CP plan")
STAGES: Final = {61: "KS1", 62: "KS1", 65: "KS2", 66: "KS2", 69: "KS4", 70: "KS4"}
CHANGE: Final = "Change from "
_CHANGE = re.compile(rf"{CHANGE}(\S+) to (\S+) \(%\)")
_PEOPLE = re.compile(r"(\d[\d,]*)(?= (?:pupil|child|row|record|observation|session|cell|week|step|with ))")
_NUMBER = re.compile(
    r"(?<![\w/.,*-])(?<!tage )(?<!= )(?<!than )(?<!than the )(?<!least )(?<!of the )"
    r"(\d(?:[\d,]*\d)?)(?![\w/%*-]|\.\d| place)"
)
"""A number in a sentence that is no part of a name, decimal or level (Key Stage 1, 2017/18, COVID-19), and no least."""
_CERTAIN: Final = (
    (re.compile(r" = \S+ always has outcome [01]"), " tells the outcome for certain"),
    (re.compile(r"[Tt]he outcome is always (?:one|nought)"), "The outcome does not vary"),
)


@dataclass(frozen=True, slots=True)
class KeptBack:
    """One table, or column of one, that may not leave: why, and what to do next."""

    table: str
    reason: str
    next_step: str


@dataclass(frozen=True, slots=True)
class Cleared:
    """What may leave of a study: tables with printed figures, what was kept back, and the record for the checker."""

    tables: tuple[tuple[Job, Table], ...]
    kept_back: tuple[KeptBack, ...]
    released: Released
    policy: Policy

    @property
    def hidden(self) -> int:
        """Figures printed as hidden."""
        return sum(c.value == HIDDEN for _, t in self.tables for c in t.cells)


def policy_of(study: Study) -> Policy:
    """The rules of a study: the usual ones, groups as small as it analyses, and what its [disclosure] says."""
    told: dict[str, Any] = {"group_minimum": study.groups.least, **dict(study.disclosure.rules)}
    known = {rule.name for rule in STANDARD.explain()}
    for name in told:
        if name not in known:
            raise BadSetting(f"'{name}' is no setting of [disclosure]. It has: leave_out, {', '.join(sorted(known))}.")
    return replace(STANDARD, **told)


def clear(study: Study, made: Sequence[tuple[Job, Table]]) -> Cleared:
    """Put every table through the rules of the study. Nothing that could not be checked is in the answer."""
    policy = policy_of(study)
    tables = _left_out(study, made)
    kept: dict[str, KeptBack] = {}
    printed: dict[_At, str] = {}
    records: list[tuple[ReleasedTable, list[_At | None]]] = []
    notes: dict[str, None] = {}
    if 2 * policy.rounding < policy.threshold:
        notes[NOTE_COARSE.format(policy.rounding, policy.threshold)] = None
    for group in _groups(study, tables, kept):
        answer = disclosure.release([r for r, _ in group], policy)
        if isinstance(answer, Refusal):
            for at in (at for _, places in group for at in places.values()):
                name = made[at.table][1].id
                kept.setdefault(name, KeptBack(name, answer.reason, answer.next_step))
            continue
        notes |= dict.fromkeys(answer.notes)
        for table, (_, places) in zip(answer.tables, group, strict=True):
            seen: dict[tuple[str, ...], int] = {}
            stands: list[_At | None] = []
            for cell in table.cells:
                # Several statistics of a model share a key: they come back in the order they were given.
                nth = seen.get(cell.key, 0)
                seen[cell.key] = nth + 1
                where = places.get((cell.key, nth))
                stands.append(where)
                if where is not None:
                    printed[where] = cell.text
            records.append((table, stands))
    whole = {
        place: (job, _printed(place, table, printed, policy)) for place, (job, table) in tables if table.id not in kept
    }
    found = list(whole.values())
    gone = {t.id for _, t in made} - {t.id for _, (_, t) in tables}
    for name in sorted(gone):
        kept[name] = KeptBack(name, "The study leaves it out of what is released.", "See leave_out of [disclosure].")
    names = {t.id for _, t in found}
    figures = {place: {(c.row, c.column, c.statistic): c.value for c in t.cells} for place, (_, t) in whole.items()}
    shown = tuple(
        _as_printed(record, stands, figures)
        for record, stands in records
        if record.name.partition(":")[0] in names | {"numbers"}
    )
    return Cleared(tuple(found), tuple(kept.values()), Released(shown, policy, tuple(notes)), policy)


def _as_printed(
    record: ReleasedTable, stands: Sequence[_At | None], figures: Mapping[int, Mapping[tuple[str, str, str], Any]]
) -> ReleasedTable:
    """The checker's table with what the study's table hides hidden there too: a rule may pass what rests on another."""
    cells = tuple(
        replace(cell, text=HIDDEN)
        if at is not None and figures.get(at.table, {}).get((at.row, at.column, at.statistic), HIDDEN) == HIDDEN
        else cell
        for cell, at in zip(record.cells, stands, strict=True)
    )
    return replace(record, cells=cells)


def _left_out(study: Study, made: Sequence[tuple[Job, Table]]) -> list[tuple[int, tuple[Job, Table]]]:
    """The tables without what the study leaves out of release: whole tables, or 'table: column'."""
    ids = {t.id for _, t in made}
    whole, columns = set(), set()
    for told in study.disclosure.leave_out:
        name, _, column = told.partition(": ")
        if name not in ids:
            continue
        (columns.add((name, column)) if column else whole.add(name))
    found = []
    for place, (job, t) in enumerate(made):
        if t.id in whole:
            continue
        keep = tuple(c for c in t.columns if (t.id, c) not in columns)
        cut = replace(
            t,
            columns=keep,
            cells=tuple(c for c in t.cells if c.column in keep),
            refused=tuple(r for r in t.refused if r[0] in keep or r[0] not in t.columns),
            left=tuple(x for x in t.left if x.column in keep or x.column not in t.columns),
        )
        found.append((place, (job, cut)))
    return found


@dataclass(frozen=True, slots=True)
class _At:
    """Where a figure stands: the place of its table, its row, column and statistic."""

    table: int
    row: str
    column: str
    statistic: str


_Key = tuple[str, ...]
_Places = dict[tuple[_Key, int], _At]
_Shared = tuple[_Key, dict[_Key, tuple[int, _At]]]
"""Dimensions, and by key the number of pupils and where it stands."""


def _groups(
    study: Study, tables: Sequence[tuple[int, tuple[Job, Table]]], kept: dict[str, KeptBack]
) -> list[list[tuple[Result, _Places]]]:
    """What is released together: each family of shared numbers of pupils, then each table's other figures."""
    families: dict[str, dict[str, _Shared]] = {}
    others: list[list[tuple[Result, _Places]]] = []
    said: dict[tuple[str, _Key], int] = {}
    for place, (job, table) in tables:
        figures: list[tuple[disclosure.Cell, _At]] = []
        counts: list[tuple[disclosure.Cell, _At]] = []
        facts = _Facts.of(table)
        for row, column, held in facts.by_place():
            if not any(isinstance(value, int | float) for value in held.values()):
                continue  # Words: they are scrubbed of numbers when the table is printed.
            n = facts.behind(column, held)
            if n is None:
                # Hidden with the rest of what no rule has passed.
                kept.setdefault(
                    f"{table.id} (in part)",
                    KeptBack(
                        f"{table.id} (in part)",
                        f"The number of pupils behind '{row}', {column}, is not in the table, so no rule can pass it.",
                        "A check that did not run is not a check that passed: give the table a row N.",
                    ),
                )
                continue
            numbers = [s for s in ("N", "count") if isinstance(held.get(s), int | float)]
            for s in numbers:
                at = _At(place, row, column, s)
                value = round(float(held[s]))
                family, dims = _family(study, job, table, row, column) if s == "N" else ("", {})
                key = tuple(dims.values())
                if family and said.setdefault((family, key), value) == value:
                    family_of = families.setdefault(family, {})
                    names, known = family_of.setdefault(f"{family}, {', '.join(dims)}", (tuple(dims), {}))
                    if key in known:
                        # The same number in a second table is printed as in the first.
                        known = family_of.setdefault(f"{family} {table.id}", (names, {}))[1]
                    known[key] = (value, at)
                else:
                    counts.append((disclosure.Cell((row, column), value), at))
            df = facts.freedom(column, n)
            model = bool(facts.estimates[column])
            for s, value in held.items():
                if s in ("N", "count", "stars", "df") or not isinstance(value, int | float):
                    continue
                # The error of a share tells how many children it is of, and how many of them: never printed. A change
                # is worked out again from the means as they are printed.
                if ("percent" in held and s != "percent") or row.startswith(CHANGE):
                    continue
                at, number = _At(place, row, column, s), float(value)
                if s == "percent" and 0 <= number <= 100:
                    figures.append((disclosure.Cell((row, column), n, number, "percentage"), at))
                elif s == "mean" and not model:
                    figures.append((disclosure.Cell((row, column), n, number, "mean"), at))
                else:
                    figures.append((disclosure.Cell((row, column), n, number, "model", df=df), at))
        own = [
            _result(f"{table.id}: {word}", cells) for word, cells in (("figures", figures), ("counts", counts)) if cells
        ]
        if own:
            others.append(own)
    return [*([_numbers(study, *one) for one in results.items()] for results in families.values()), *others]


def _numbers(study: Study, name: str, shared: _Shared) -> tuple[Result, _Places]:
    """One family's numbers of pupils as a result; samples by years on a plan lie inside each other."""
    dims, held = shared
    nested = {"years": tuple(study.sample_label(y) for y in sorted(study.groups.years_on_plan))}
    result = Result(
        f"numbers: {name}",
        dims,
        tuple(disclosure.Cell(key, n) for key, (n, _) in held.items()),
        nested=nested if "years" in dims else {},
        group="group" if "group" in dims else "",
    )
    return result, {(key, 0): at for key, (_, at) in held.items()}


def _result(name: str, cells: Sequence[tuple[disclosure.Cell, _At]]) -> tuple[Result, _Places]:
    seen: dict[tuple[str, ...], int] = {}
    places: _Places = {}
    for cell, at in cells:
        nth = seen.get(cell.key, 0)
        seen[cell.key] = nth + 1
        places[cell.key, nth] = at
    about = (("table", name),)
    return Result(name, ("row", "column"), tuple(c for c, _ in cells), about), places


@dataclass(frozen=True, slots=True)
class _Facts:
    """A table read once: its figures by place, and of each column the numbers of pupils and what a model says of it."""

    places: Mapping[tuple[str, str], dict[str, Any]]
    numbers: Mapping[str, list[int]]
    """Numbers of pupils of each column, all rows."""
    beside: Mapping[str, int]
    """The number in the row N, of columns that have one."""
    others: int | None
    """For a column without a number of its own, beside columns with one each: the fewest of theirs."""
    estimates: Counter[str]
    weeks: Mapping[str, int]
    df: Mapping[str, Any]

    @classmethod
    def of(cls, table: Table) -> _Facts:
        places: dict[tuple[str, str], dict[str, Any]] = {}
        numbers: dict[str, list[int]] = {}
        beside: dict[str, int] = {}
        estimates: Counter[str] = Counter()
        weeks: dict[str, int] = {}
        df: dict[str, Any] = {}
        for c in table.cells:
            places.setdefault((c.row, c.column), {})[c.statistic] = c.value
            if c.statistic == "N" and isinstance(c.value, int | float):
                numbers.setdefault(c.column, []).append(round(float(c.value)))
                if c.row == "N":
                    beside[c.column] = round(float(c.value))
            elif c.statistic == "estimate":
                estimates[c.column] += 1
            elif c.statistic == "df":
                df.setdefault(c.column, c.value)
            if c.row in ("Weeks before", "Weeks after"):
                weeks[c.column] = weeks.get(c.column, 0) + (c.value if isinstance(c.value, int) else 0)
        bare = [c for c in table.columns if c not in beside]
        return cls(
            places, numbers, beside, min(beside.values()) if beside and len(bare) == 1 else None, estimates, weeks, df
        )

    def by_place(self) -> Iterable[tuple[str, str, dict[str, Any]]]:
        return ((row, column, held) for (row, column), held in self.places.items())

    def behind(self, column: str, held: Mapping[str, Any]) -> int | None:
        """The pupils behind a figure: the number beside it, else the column's; of a change, the fewest that changed."""
        for s in ("N", "count"):
            if isinstance(held.get(s), int | float):
                return round(float(held[s]))
        if column in self.beside:
            return self.beside[column]
        # A column without a number of its own, beside columns with one, is worked out from theirs: a difference.
        return min(self.numbers[column]) if column in self.numbers else self.others

    def freedom(self, column: str, n: int) -> float:
        """Residual degrees of freedom: those the table states, else observations less estimates.

        Degrees that are no whole number come from a correction for few clusters or weeks; what is left over after the
        estimates is then counted from the weeks, or the pupils.
        """
        told = self.df.get(column)
        if isinstance(told, int | float) and float(told).is_integer():
            return float(told)
        return float(self.weeks.get(column, n) - self.estimates[column] - 1)


def _family(study: Study, job: Job, table: Table, row: str, column: str) -> tuple[str, dict[str, str]]:
    """Which numbers of pupils a number belongs with, and who is counted: by group, year, sex, sample, period, SEND.

    Empty for a number that stands alone: its sample is defined by its own table.
    """
    send = {"SEND": TOTAL if job.send == "all" else job.send}
    group = next((g for g in GROUPS if g in column), TOTAL)
    if table.printed in (53, 57):
        sex = column.rpartition(", ")[2]
        who = {"group": group, "year": row, "sex": TOTAL if sex == "overall" else sex}
        return f"means, {table.printed}", who | send
    if table.printed in (54, 58, 55, 56, 59, 60):
        plan = group if table.printed in (54, 58) else "CP plan" if table.printed in (56, 60) else "CIN plan"
        years = next((study.sample_label(y) for y in study.groups.years_on_plan if study.sample_label(y) in column), "")
        word = "absence" if table.printed in (54, 55, 56) else "suspension"
        return (f"samples, {word}", {"group": plan, "years": years} | send) if years and row == "N" else ("", {})
    stage = STAGES.get(table.printed, row.rpartition(" ")[2] if table.printed == 52 else "")
    if stage in ("KS1", "KS2", "KS4"):
        periods = [study.windows.period_label(after=after) for after in (False, True)]
        return stage, {"group": group, "period": next((p for p in periods if p in column), TOTAL)} | send
    return "", {}


def _printed(place: int, table: Table, printed: Mapping[_At, str], policy: Policy) -> Table:
    """The table as it may be printed: figures from the release, what rests on a hidden number hidden with it."""
    text = {(c.row, c.column, c.statistic): printed.get(_At(place, c.row, c.column, c.statistic)) for c in table.cells}
    gone = {(row, column) for (row, column, s), told in text.items() if told == HIDDEN and s not in FOLLOW}
    columns = {column for row, column in gone if text.get((row, column, "N")) == HIDDEN and row == "N"}
    # A change is worked out from the rows above it.
    changed = {column for row, column in gone if text.get((row, column, "N")) is not None}
    cells = []
    for c in table.cells:
        at = (c.row, c.column)
        hide = at in gone or c.column in columns or (c.row.startswith(CHANGE) and c.column in changed)
        told = _change(c, text) if c.row.startswith(CHANGE) else text[c.row, c.column, c.statistic]
        cells.append(replace(c, value=_value(c, told, hide, policy)))
    return replace(
        table,
        cells=tuple(cells),
        notes=tuple(scrubbed(n, policy) for n in table.notes),
        refused=tuple((column, scrubbed(why, policy, every=True)) for column, why in table.refused),
        left=tuple(_left(x, policy) for x in table.left),
    )


def _change(cell: Cell, text: Mapping[tuple[str, str, str], str | None]) -> str | None:
    """A change in per cent from the two means as they are printed, so that it says no more of them than they do."""
    years = _CHANGE.fullmatch(cell.row)
    ends = [text.get((year, cell.column, "mean")) for year in (years.groups() if years else ())]
    first, last = (Decimal(end) if end not in (None, HIDDEN) else None for end in ends) if ends else (None, None)
    if not first or last is None:
        return None
    return str(round(100 * (last - first) / first, 1))


def _value(cell: Cell, told: str | None, hide: bool, policy: Policy) -> Any:
    if cell.value is None:
        return None
    if cell.statistic == "stars":
        return "" if hide else cell.value
    if cell.statistic == "verdict" and isinstance(cell.value, str):
        return HIDDEN if hide else scrubbed(cell.value, policy)
    if cell.statistic == "df":
        if not isinstance(cell.value, int | float):
            return cell.value
        if hide:
            return HIDDEN
        if not float(cell.value).is_integer():
            # Corrected for few clusters or weeks: it tells no number of pupils.
            return round(float(cell.value), 1)
        few = cell.value < max(policy.residual_df, policy.threshold)
        return HIDDEN if few else to_base(float(cell.value), policy.rounding)
    if isinstance(cell.value, str):
        # A verdict in words says no more than the figures it stands beside.
        return "" if hide else cell.value
    if hide or told is None or told == HIDDEN:
        # What no rule has passed does not leave.
        return HIDDEN
    return int(told) if cell.statistic in ("N", "count") else float(told)


def _left(x: Left, policy: Policy) -> Left:
    return replace(x, count=_count(x.count, policy), why=scrubbed(x.why, policy, every=True))


def _count(n: int | str, policy: Policy) -> int | str:
    return n if isinstance(n, str) else HIDDEN if n < policy.threshold else to_base(float(n), policy.rounding)


def scrubbed(text: str, policy: Policy, *, every: bool = False) -> str:
    """A sentence with its numbers of pupils, rows and the like rounded, or hidden where they are small.

    With `every` each whole number is taken for one that is no year and no least: estimators count in many words. That
    all children of some kind have the same outcome is not said either.
    """

    def one(found: re.Match[str]) -> str:
        number = int(found[1].replace(",", ""))
        if every and 1900 <= number <= 2100 and "," not in found[1] and not _PEOPLE.match(text, found.start()):
            return found[1]
        n = _count(number, policy)
        return f"{n:,}" if isinstance(n, int) else f"fewer than {policy.threshold}"

    for certain, said in _CERTAIN:
        text = certain.sub(said, text)
    return (_NUMBER if every else _PEOPLE).sub(one, text)
