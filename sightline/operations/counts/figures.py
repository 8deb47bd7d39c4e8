"""Figures that disagree: any two counts of children side by side, and their difference split by cause.

A side is written KIND:WHAT@DATE: `dashboard:on-plan@2024-11-18`; `return:cin-census:cin-plan@2024-03-31`, a return by
its system; `list:FILE:on-plan@2024-11-18`, another system's printout with its children;
`number:171:on-plan@2024-11-18`, a total that was only told. Without a date a side speaks of the newest day it can.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

from sightline import cohort
from sightline.operations.opened import Opened, Scope
from sightline.reconciliation import differ
from sightline.reconciliation.differ import WHATS, Cause, Count, Known, OnDay, Period, What, what_named
from sightline.sources.delimited import read_delimited
from sightline.sources.workbook import sheets_of
from sightline.vocabulary.ages import compulsory_school_age
from sightline.vocabulary.dates import day_in_words, typed_day
from sightline.vocabulary.errors import BadSetting, UnreadableFile

CIN_CENSUS, SCHOOL_CENSUS = "cin-census", "school-census"
# What each return counts, and the table and kind of plan it counts it from.
RETURNS: Final[Mapping[str, tuple[str, ...]]] = {
    CIN_CENSUS: ("cin-plan", "cp-plan", "on-plan", "known"),
    SCHOOL_CENSUS: ("on-roll", "ehc-plan"),
}
RETURN_NAMES: Final = {CIN_CENSUS: "CIN census", SCHOOL_CENSUS: "School census"}
_MOST_ROWS: Final = 200_000
_LEAST_KNOWN: Final = 0.3  # share of a column's values that must be known for it to be the one that names children


@dataclass(frozen=True, slots=True)
class Side:
    """One side as asked: its kind, what is counted, the day (None: the newest), and its system, file or number."""

    kind: str
    what: str = "on-plan"
    day: date | None = None
    system: str = ""
    path: Path | None = None
    number: int | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """Two figures and the causes of their difference. `causes`: one row per cause with group, says, first, second and
    net (null first and second where only a number was told); the nets add up to `second - first`. `nearest`: where a
    number was told, our own figures closest to it. `children`: one row per child counted on one side alone: child_id,
    counted_in (the side's label), group and says."""

    first_label: str
    second_label: str
    first: int
    second: int
    causes: tuple[dict[str, Any], ...]
    nearest: tuple[dict[str, Any], ...] = ()
    children: tuple[dict[str, Any], ...] = ()

    def as_json(self) -> dict[str, Any]:
        return {
            "first": {"label": self.first_label, "number": self.first},
            "second": {"label": self.second_label, "number": self.second},
            "difference": self.second - self.first,
            "causes": list(self.causes),
            "nearest": list(self.nearest),
        }


def side_of(text: str) -> Side:
    """A side as it is written (see the module). Raises BadSetting with what would be right."""
    kind, _, rest = text.partition(":")
    rest, at, told = rest.rpartition("@") if "@" in rest else (rest, "", "")
    day = typed_day(told) if at else None
    if at and day is None:
        raise BadSetting(f"{told} is not a date: write it as 2024-09-02.")
    if kind == "dashboard":
        return Side(kind, rest or "on-plan", day)
    if kind == "return":
        system, _, what = rest.partition(":")
        return Side(kind, what or RETURNS.get(system, ("on-plan",))[0], day, system=system)
    if kind == "list":
        path, _, what = rest.rpartition(":")
        if not path or what not in {w.code for w in WHATS}:
            path, what = rest, "on-plan"
        return Side(kind, what, day, path=Path(path))
    if kind == "number":
        number, _, what = rest.partition(":")
        plain = number.replace(",", "").strip()
        if not (plain.isascii() and plain.isdigit()):
            raise BadSetting(f"{number or 'Nothing'} is not a number of children.")
        return Side(kind, what or "on-plan", day, number=int(plain))
    raise BadSetting(f"A figure begins with dashboard:, return:, list: or number:, not {kind!r}.")


def returns_held(opened: Opened) -> list[dict[str, Any]]:
    """One row per return in force, newest first: system, day, files."""
    rows = opened.database.rows(
        "SELECT system, as_at, count(*) FROM delivery WHERE system IN (?, ?) AND as_at IS NOT NULL GROUP BY ALL "
        "ORDER BY as_at DESC, system",
        [CIN_CENSUS, SCHOOL_CENSUS],
    )
    return [{"system": system, "day": day, "files": int(files)} for system, day, files in rows]


@dataclass(frozen=True, slots=True)
class _View:
    """A snapshot seen through a scope, and what the dashboard says on each day asked about, worked out once."""

    opened: Opened
    scope: Scope
    days: dict[date, dict[str, OnDay]] = field(default_factory=dict)

    @property
    def seen(self) -> str:
        """SQL: the children in scope."""
        return f"SELECT child_id FROM {self.opened.within(self.scope)}"

    def on(self, day: date) -> dict[str, OnDay]:
        """What the dashboard says of each child with a status on a day."""
        if day not in self.days:
            self.days[day] = _on_day(self.opened, self.scope, day)
        return self.days[day]


def compare_returns(opened: Opened, scope: Scope) -> list[dict[str, Any]]:
    """One row per return in force and thing it counts: its number, the dashboard's on its day, their difference, and
    the gap by cause in words. A CIN census counts plans on its last day, a school census who is on a roll on its day.
    """
    rows, view = [], _View(opened, scope)
    for held in returns_held(opened):
        for what in RETURNS[held["system"]]:
            returned = Side("return", what, held["day"], system=held["system"])
            told = _compare(view, returned, Side("dashboard", what, held["day"]))
            gaps = [c for c in _grouped(told.causes) if c["net"]]
            rows.append(
                {
                    "system": held["system"], "day": held["day"], "what": what, "says": what_named(what).says,
                    "files": held["files"], "returned": told.first, "dashboard": told.second,
                    "difference": told.second - told.first,
                    "causes": "; ".join(f"{c['net']:+,} {c['group'].lower()}" for c in gaps),
                }
            )  # fmt: skip
    return rows


def _grouped(causes: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    sums: dict[str, int] = {}
    for cause in causes:
        sums[cause["group"]] = sums.get(cause["group"], 0) + cause["net"]
    return [{"group": group, "net": net} for group, net in sums.items()]


def compare(opened: Opened, scope: Scope, first: Side, second: Side) -> Difference:
    """Two figures side by side, with the difference split by cause. Only children in scope are counted.

    Raises BadSetting for a figure there is not, UnreadableFile for a list that names nobody whom a source knows.
    """
    return _compare(_View(opened, scope), first, second)


def _compare(view: _View, first: Side, second: Side) -> Difference:
    for side in (first, second):
        _check(side)
    if first.kind == "number" and second.kind == "number":
        raise BadSetting("One of the two must be ours, a return or a list: two numbers alone say nothing of children.")
    if first.kind == "number":
        turned = _compare(view, second, first)
        back = tuple({**c, "net": -c["net"], "at": None} for c in turned.causes)
        return replace(
            turned, first_label=turned.second_label, second_label=turned.first_label, first=turned.second,
            second=turned.first, causes=back,
        )  # fmt: skip
    one = _count(view, first)
    if second.kind == "number":
        return _told(view, one, second)
    two = _count(view, second)
    children = one.children | two.children
    known = _known(view, children, {one.day, two.day})
    causes = differ.split(one, two, known)
    return Difference(
        one.label, two.label, one.number, two.number, tuple(map(_row, causes)),
        children=tuple(
            {"child_id": child, "counted_in": one.label if child in one.children else two.label, "group": cause.group,
             "says": cause.says}
            for cause in causes for child in cause.children
        ),
    )  # fmt: skip


def _row(cause: Cause) -> dict[str, Any]:
    return {"group": cause.group, "says": cause.says, "first": cause.first, "second": cause.second, "net": cause.net}


def _check(side: Side) -> None:
    try:
        what_named(side.what)
    except KeyError as error:
        raise BadSetting(str(error.args[0])) from error
    if side.kind == "return":
        if side.system not in RETURNS:
            raise BadSetting(f"There is no return of {side.system!r}. There are: {', '.join(RETURNS)}.")
        if side.what not in RETURNS[side.system]:
            raise BadSetting(f"The {RETURN_NAMES[side.system]} counts: {', '.join(RETURNS[side.system])}.")


def _told(view: _View, one: Count, told: Side) -> Difference:
    """The way from a figure whose children are known to a number that was only told."""
    assert told.number is not None
    day, what = told.day or one.day, what_named(told.what)
    label = f"{told.number:,} told for {_words(what, day)}"
    ours = _figures(view, {one.day, day})
    same_day = ours[one.what.code, day] if one.kind == "dashboard" else one.number
    same_what = ours[what.code, day]
    if one.kind != "dashboard":
        # A return or list has no figure of its own on another day: the way leads over the dashboard's.
        same_day = ours[one.what.code, one.day]
    steps = differ.walk(one.number, same_day, same_what, told.number, label=label)
    causes = tuple(
        {"group": s.group, "says": s.says, "first": None, "second": None, "net": s.net, "at": s.at} for s in steps
    )
    days = sorted({day, one.day, *(day - timedelta(weeks=n) for n in (1, 2, 4, 13)), view.opened.as_at})
    every = _figures(view, set(days))
    offered = [(_words(w, d), every[w.code, d]) for w in WHATS for d in days]
    closest = differ.nearest(offered, told.number)
    near = tuple({"says": says, "number": number, "difference": gap} for says, number, gap in closest)
    return Difference(one.label, label, one.number, told.number, causes, near)


def _figures(view: _View, days: Iterable[date]) -> dict[tuple[str, date], int]:
    """Our own figure for everything that can be counted, on some days."""
    held: dict[tuple[str, date], int] = {}
    for day in days:
        on = view.on(day)
        for what in WHATS:
            held[what.code, day] = sum(differ.counts(what, o) for o in on.values())
    return held


def _words(what: What, day: date) -> str:
    return f"{what.says[:1].lower()}{what.says[1:]} on {day_in_words(day)}"


def _count(view: _View, side: Side) -> Count:
    what = what_named(side.what)
    if side.kind == "dashboard":
        day = side.day or view.opened.as_at
        on = view.on(day)
        return Count(
            f"The dashboard: {_words(what, day)}", "dashboard", what, day,
            frozenset(c for c, o in on.items() if differ.counts(what, o)),
        )  # fmt: skip
    if side.kind == "return":
        return _return(view, side, what)
    return _list(view, side, what)


def _on_day(opened: Opened, scope: Scope, day: date) -> dict[str, OnDay]:
    """What the dashboard says of each child with a status on a day."""
    within = opened.within(scope)
    rows = cohort.status_on(opened.database, day, within=within).select(["child_id", "status", "urn"]).to_pylist()
    with_plan = {
        child
        for (child,) in opened.database.rows(
            """
            SELECT child_id FROM (
                SELECT l.child_id, arg_max(c.sen_provision, c.as_at) AS provision
                FROM characteristic c JOIN link l ON l.system = c.system AND l.ref = c.pupil_ref
                WHERE c.as_at <= ? AND c.sen_provision IS NOT NULL GROUP BY l.child_id
            ) WHERE provision = ?
            """,
            [day, differ.EHC_PLAN],
        )
    }
    return {r["child_id"]: OnDay(r["status"], r["urn"], r["child_id"] in with_plan) for r in rows}


_OPEN: Final = "t.start_date <= $day AND (t.end_date IS NULL OR t.end_date >= $day)"  # as received: the last day is in
_RETURNED: Final[Mapping[str, str]] = {
    "cin-plan": f"SELECT system, child_ref, delivery FROM cin_plan t WHERE {_OPEN}",
    "cp-plan": f"SELECT system, child_ref, delivery FROM cp_plan t WHERE {_OPEN}",
    "known": "SELECT system, child_ref, delivery FROM referral WHERE referral_date <= $day "
    "AND (closure_date IS NULL OR closure_date > $day) AND no_further_action IS NOT true",
}


def _return(view: _View, side: Side, what: What) -> Count:
    """The children a return counts, by its own files alone."""
    held = [r for r in returns_held(view.opened) if r["system"] == side.system]
    days = [r["day"] for r in held]
    if not days:
        raise BadSetting(f"No {RETURN_NAMES[side.system]} is in force.")
    day = side.day or days[0]
    if day not in days:
        there, kind = ", ".join(map(day_in_words, days)), RETURN_NAMES[side.system]
        raise BadSetting(f"There is no {kind} of {day_in_words(day)}. There are those of: {there}.")
    label = f"{RETURN_NAMES[side.system]}: {_words(what, day)}"
    files = "(SELECT delivery FROM delivery WHERE system = $system AND as_at = $day)"
    seen = view.seen
    given = {"system": side.system, "day": day}
    if side.system == CIN_CENSUS:
        codes = ("cin-plan", "cp-plan") if what.code == "on-plan" else (what.code,)
        rows = " UNION ".join(f"({_RETURNED[code]})" for code in codes)
        found = view.opened.database.rows(
            f"""
            SELECT DISTINCT l.child_id FROM ({rows}) r JOIN link l ON l.system = r.system AND l.ref = r.child_ref
            WHERE r.delivery IN {files} AND l.child_id IN ({seen})
            """,
            given,
        )
        return Count(label, "return", what, day, frozenset(c for (c,) in found), system=side.system)
    joined = "JOIN link l ON l.system = t.system AND l.ref = t.pupil_ref"
    if what.ehc_plan:
        sql = f"SELECT l.child_id, NULL FROM characteristic t {joined} WHERE t.sen_provision = '{differ.EHC_PLAN}'"
    else:
        sql = (
            f"SELECT l.child_id, t.school_ref FROM enrolment t {joined} WHERE (t.entry_date IS NULL OR "
            "t.entry_date <= $day) AND (t.leaving_date IS NULL OR t.leaving_date >= $day)"
        )
    found = view.opened.database.rows(f"{sql} AND t.delivery IN {files} AND l.child_id IN ({seen})", given)
    on = view.on(day)
    # A census holds every pupil: those are counted here whom the dashboard has in the cohort on that day.
    children = frozenset(c for c, _ in found if on.get(c, OnDay()).status in what.statuses)
    schools = view.opened.database.rows(
        f"SELECT DISTINCT e.urn FROM enrolment_period e WHERE e.urn IS NOT NULL AND e.delivery IN {files} "
        "UNION SELECT DISTINCT s.urn FROM enrolment t JOIN school s ON t.school_ref IN (s.urn, s.laestab) "
        f"WHERE t.delivery IN {files}",
        given,
    )
    urns = frozenset(str(u) for (u,) in schools)
    return Count(label, "return", what, day, children, system=side.system, schools=urns)


def _list(view: _View, side: Side, what: What) -> Count:
    """The children a file lists, found by the column whose values most often are an identifier that a source knows."""
    assert side.path is not None
    day = side.day or view.opened.as_at
    header, rows = _table(side.path)
    held = _by_identifier(view)
    cells = [[_plain(row[n]) if n < len(row) else "" for row in rows] for n in range(len(header))]
    shares = [sum(v in held for v in c) / max(1, sum(bool(v) for v in c)) for c in cells]
    best = max(range(len(header)), key=lambda n: shares[n], default=-1)
    if best < 0 or shares[best] < _LEAST_KNOWN:
        raise UnreadableFile(
            f"No column of {side.path.name} names children: it should hold UPNs or a care or school system's own ids."
        )
    values = [v for v in cells[best] if v]
    distinct = set(values)
    children = {held[v] for v in distinct if v in held}
    unknown = sum(v not in held for v in distinct)
    return Count(
        f"The list {side.path.name} (by its column {header[best]!r}): {_words(what, day)}", "list", what, day,
        frozenset(children), unknown=unknown, repeated=len(values) - unknown - len(children),
    )  # fmt: skip


def _plain(identifier: str) -> str:
    return identifier.strip().upper().replace(" ", "")


def _table(path: Path) -> tuple[list[str], list[list[str]]]:
    if not path.is_file():
        raise BadSetting(f"There is no file at {path}.")
    with path.open("rb") as file:
        workbook = file.read(2) == b"PK"
    if workbook:
        sheets = [rows for _, rows in sheets_of(path) if rows]
        if not sheets:
            raise UnreadableFile(f"{path.name} has no sheet with rows.")
        header, rows = [str(c) for c in sheets[0][0]], [[str(c or "") for c in row] for row in sheets[0][1:]]
    else:
        read = read_delimited(path, [])
        header = [n for n in read.column_names if n != "line"]
        rows = [[r[n] or "" for n in header] for r in read.to_pylist()]
    if len(rows) > _MOST_ROWS:
        raise UnreadableFile(f"{path.name} has more than {_MOST_ROWS:,} rows.")
    return header, rows


def _by_identifier(view: _View) -> dict[str, str]:
    """The child of each identifier, in capitals without spaces; one that is two children's is left out."""
    rows = view.opened.database.rows(
        f"""
        SELECT value, min(child_id) FROM (
            SELECT upper(replace(ref, ' ', '')) AS value, child_id FROM link
            UNION SELECT upper(replace(i.value, ' ', '')), l.child_id
            FROM identifier i JOIN link l ON l.system = i.system AND l.ref = i.ref
            UNION SELECT upper(replace(upn, ' ', '')), child_id FROM person WHERE upn IS NOT NULL
        ) WHERE child_id IN ({view.seen})
        GROUP BY value HAVING count(DISTINCT child_id) = 1
        """
    )
    return {str(value): str(child) for value, child in rows}


def _known(view: _View, children: Iterable[str], days: Iterable[date]) -> dict[str, Known]:
    """What the causes are told from, of these children."""
    by_day = {day: view.on(day) for day in days}
    wanted = sorted(children)
    given = {"children": wanted}
    periods: dict[str, list[Period]] = {}
    for child, *held in view.opened.database.rows(
        "SELECT s.child_id, s.status, s.start_date, s.end_date, coalesce(s.presumed, false), "
        "coalesce(s.other_authority, false), coalesce(d.system, ''), d.as_at FROM status_period s "
        "LEFT JOIN delivery d USING (delivery) WHERE list_contains($children, s.child_id)",
        given,
    ):
        periods.setdefault(str(child), []).append(Period(*held))
    systems: dict[str, set[str]] = {}
    for child, system in view.opened.database.rows(
        "SELECT DISTINCT child_id, system FROM link WHERE list_contains($children, child_id)", given
    ):
        systems.setdefault(str(child), set()).add(str(system))
    day = max(by_day)
    ages: dict[str, tuple[str | None, date | None]] = {}
    for child, born, died in view.opened.database.rows(
        "SELECT child_id, birth_date, death_date FROM person WHERE list_contains($children, child_id)", given
    ):
        ages[str(child)] = (_school_age(born, day), died)
    return {
        child: Known(
            {d: on.get(child, OnDay()) for d, on in by_day.items()},
            tuple(periods.get(child, ())),
            frozenset(systems.get(child, ())),
            *ages.get(child, (None, None)),
        )
        for child in wanted
    }


def _school_age(born: date | None, day: date) -> str | None:
    if born is None:
        return None
    first, after = compulsory_school_age(born)
    return "below" if day < first else "above" if day >= after else "of"
