"""Findings in brief: what a study's tables say, for whom, how sure, and what they cannot tell, in half a page of words.

Only figures of the tables given are used, so the released report says nothing that was not released. Words claim no
cause: a figure is a difference that goes with a plan, and its interval and verdict stand beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sightline.evaluation.catalogue import Job
from sightline.evaluation.claims import DOMAINS, ENGAGEMENT, after_row
from sightline.evaluation.result import Table, Value
from sightline.evaluation.study import PLANS, Study

SHORT: Final[Mapping[str, str]] = {"CIN plan": "cin", "CP plan": "cp"}
OWN: Final[Mapping[tuple[str, str], Mapping[str, str]]] = {
    (ENGAGEMENT, "CIN plan"): {"Absence": "table-55", "Suspension": "table-59"},
    (ENGAGEMENT, "CP plan"): {"Absence": "table-56", "Suspension": "table-60"},
    ("ks1", "CIN plan"): {"": "table-63-effects"},
    ("ks1", "CP plan"): {"": "table-64-effects"},
    ("ks2", "CIN plan"): {"": "table-67-effects"},
    ("ks2", "CP plan"): {"": "table-68-effects"},
    ("ks4", "CIN plan"): {"": "table-71"},
    ("ks4", "CP plan"): {"": "table-72"},
}
"""The table in which the report's reader finds each claim, by outcome (one for all when the name is empty)."""
VERDICTS: Final[Mapping[str, str]] = {
    "no effect that matters": "any difference is smaller than would matter",
    "an effect, but too small to matter": "a difference, too small to matter",
    "an effect that matters": "a difference large enough to matter",
    "an effect, perhaps too small to matter": "a difference, perhaps too small to matter",
    "cannot tell": "the data are too few to tell",
}
"""The verdicts of the equivalence tests, said without a cause."""
PEOPLE: Final[Mapping[str, str]] = {
    "CIN plan": "Children on a child in need plan",
    "CP plan": "Children on a child protection plan",
}
LEVEL: Final = "Change in level at the start"
"""The row of the weekly series that is read."""
MONTHS: Final = "Average months per year subject to a CIN plan in the period"
"""The row of table 73 that the report reads."""
CAUSE: Final = (
    "Whether the extension caused any of this. It came everywhere at once, in the years after COVID-19, and no group "
    "was left without it."
)
OWN_CAUSE: Final = (
    "Whether the change caused any of this. It came to everybody from one date on, and whatever else changed then "
    "is in the figures too."
)
EXPOSURE: Final = (
    "What the Virtual School did. Months on a plan stand for an exposure that nobody recorded, and families differ "
    "with time on a plan."
)


@dataclass(frozen=True, slots=True)
class Point:
    """One sentence or two, and the tables (by name) that bear it."""

    text: str
    tables: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found, one point for each plan and kind of outcome; how sure; and what cannot be told."""

    whom: str
    found: tuple[Point, ...]
    sure: tuple[Point, ...]
    untold: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class _Claim:
    """One outcome's estimate with its interval, and its verdict where a table of power is there."""

    outcome: str
    estimate: float
    low: float
    high: float
    tables: tuple[str, ...]
    verdict: str = ""

    @property
    def clear(self) -> bool:
        return self.low > 0 or self.high < 0


def findings(study: Study, made: Sequence[tuple[Job, Table]]) -> Findings | None:
    """The findings of the study's first run, from these tables alone; that the data are too few where no claim could be
    estimated; None when no table of a claim is among them.
    """
    held = {t.id: t for job, t in made if job.send == study.sample.send[0]}
    found: list[Point] = []
    every: list[_Claim] = []
    refused: list[str] = []
    weekly = _weekly(held, study.models.level)
    event = "the change" if study.data.home else "the extension"
    for domain in DOMAINS:
        for plan in PLANS:
            claims, missing = _claims(held, domain, plan)
            refused += missing
            every += claims
            if claims:
                found.append(_point(domain, plan, claims, study.models.level, event))
    few = [] if every else _too_few(held)
    found += weekly
    if not found and not few:
        return None
    bearing = [
        *(name for c in every for name in c.tables),
        *(name for point in (*few, *weekly) for name in point.tables),
    ]
    whom = held[bearing[0]].sample.partition(";")[0].partition(",")[0]
    sure = _sure(held, every, study.models.level, event) if every else []
    return Findings(whom, (*few, *found), tuple(sure), tuple(_untold(study, refused if every else [])))


def _too_few(held: Mapping[str, Table]) -> list[Point]:
    """That no claim about plans could be estimated, and why: the reason of each kind of plan's own table."""
    found: list[Point] = []
    for (_, plan), tables in OWN.items():
        names = [name for name in tables.values() if name in held and held[name].refused]
        if names and plan not in "".join(p.text for p in found):
            column, why = held[names[0]].refused[0]
            why = why.rstrip(".").removesuffix("; the data are too few")
            text = (
                f"{PEOPLE[plan]}: the data are too few to conclude anything, either way ({column}: {why}). That "
                "nothing is shown is not a sign that nothing changed."
            )
            found.append(Point(text, (names[0],)))
    return found


def _weekly(held: Mapping[str, Table], level: float) -> list[Point]:
    """The change in weekly absence at the study's day, beside other children where they are there."""
    table = held.get("weekly")
    if table is None or not table.columns:
        return []
    column = next((c for c in table.columns if " less " in c), table.columns[0])
    estimate, low, high = (_number(table.value(LEVEL, column, what)) for what in ("estimate", "low", "high"))
    if estimate is None or low is None or high is None:
        return []
    clear = "A clear change" if low > 0 or high < 0 else "No clear change"

    def points(value: float) -> str:
        return f"{_digits(abs(value))} {'higher' if value > 0 else 'lower'}"

    return [
        Point(
            f"Weekly absence at the start, {column.lower()}: {points(estimate)}, in percentage points of sessions "
            f"({level:.0%} interval: {points(low)} to {points(high)}). {clear} in level; the slope after it is a row "
            "of its own.",
            ("weekly",),
        )
    ]


def _claims(held: Mapping[str, Table], domain: str, plan: str) -> tuple[list[_Claim], list[str]]:
    """The claims of a domain and plan that can be read, and those a table says it could not have."""
    power = held.get(f"detectable-{domain}-{SHORT[plan]}")
    found, missing = [], []
    for key, own in OWN[domain, plan].items():
        table = held.get(own)
        source = power or table
        if source is None:
            continue
        for outcome in [key] if key else dict.fromkeys((*source.columns, *dict(source.refused))):
            named = key or outcome
            if power is not None:
                row, column = "Estimate", named
            elif key:
                row, column = after_row(plan), source.columns[0] if source.columns else ""
            else:
                row = next((r for r in source.rows if r.startswith("Effect on the treated")), "")
                column = outcome
            figures = [_number(source.value(row, column, what)) for what in ("estimate", "low", "high")]
            if any(f is None for f in figures):
                if column in dict(source.refused):
                    missing.append(f"{named or DOMAINS[domain]}, {plan}")
                continue
            estimate, low, high = (float(f or 0.0) for f in figures)
            verdict = str(source.value("Verdict", column, "verdict") or "") if power is not None else ""
            names = tuple(n for n in (own, power.id if power else "") if n in held)
            found.append(_Claim(named, estimate, low, high, names, verdict))
    return found, missing


def _point(domain: str, plan: str, claims: Sequence[_Claim], level: float, event: str) -> Point:
    tables = tuple(dict.fromkeys(name for c in claims for name in c.tables))
    if domain == ENGAGEMENT:
        lead = f"{PEOPLE[plan]}, for each month on the plan after {event}"
    else:
        lead = f"{DOMAINS[domain]}, {_inside(PEOPLE[plan])}, beside how others changed"
    said = "; ".join(_said(c, domain, level if i == 0 else 0.0) for i, c in enumerate(claims))
    return Point(f"{lead}: {said}. {_judged(claims)}", tables)


def _said(c: _Claim, domain: str, level: float) -> str:
    """An estimate and its interval in words, more and fewer or higher and lower in place of signs."""
    scale = 100.0 if domain in ("ks1", "ks2") else 1.0
    more, less = ("more", "fewer") if domain == ENGAGEMENT else ("higher", "lower")

    def one(value: float, unit: str = "") -> str:
        return f"{_digits(abs(value) * scale)}{unit} {more if value > 0 else less}"

    unit = " percentage points" if domain in ("ks1", "ks2") and level else ""
    what = f"{one(c.estimate, unit)}"
    if domain == ENGAGEMENT and level:
        what += " sessions a year"
    interval = f"{level:.0%} interval: " if level else ""
    return f"{_inside(c.outcome)} {what} ({interval}{one(c.low)} to {one(c.high)})"


def _judged(claims: Sequence[_Claim]) -> str:
    """Which intervals are clear of nought, and the verdicts of the equivalence tests."""
    clear = [c.outcome for c in claims if c.clear]
    if not clear:
        text = "No clear difference."
    elif len(clear) == len(claims):
        text = "A clear difference."
    else:
        text = f"A clear difference in {' and '.join(_inside(o) for o in clear)} only."
    of: dict[str, list[str]] = {}
    for c in claims:
        if c.verdict:
            of.setdefault(VERDICTS.get(c.verdict, c.verdict), []).append(_inside(c.outcome))
    if len(of) == 1:
        text += f" By the margins chosen, {next(iter(of))}."
    elif of:
        said = "; ".join(f"{' and '.join(outcomes)}, {words}" for words, outcomes in of.items())
        text += f" By the margins chosen: {said}."
    return text


def _sure(held: Mapping[str, Table], claims: Sequence[_Claim], level: float, event: str) -> list[Point]:
    found = []
    chance = round(1 - level, 6)  # of a difference said to be clear where there is none
    clear = sum(c.clear for c in claims)
    text = f"Of {len(claims)} claims, {clear} {'has' if clear == 1 else 'have'} an interval without nought"
    many = held.get("many-tests")
    if many is not None:
        p = [_number(many.value(row, "Holm", "p")) for row in many.rows]
        left = [v for v in p if v is not None]
        if left:
            kept = sum(v < chance for v in left)
            text += (
                f"; {kept} of {len(left)} {'stays' if kept == 1 else 'stay'} below {chance:g} when the number of tests "
                "is allowed for (Holm)"
            )
    by_chance = f" Chance alone would give about {100 * chance:g} in a hundred." if clear else ""
    found.append(Point(f"{text}.{by_chance}", ("many-tests",) if many is not None else ()))
    apart, asked, seen = 0, 0, []
    for name, table in held.items():
        if name.startswith("event-"):
            p = [_number(table.value("Parallel before: p", column, "p")) for column in table.columns]
            known = [v for v in p if v is not None]
            asked, apart = asked + len(known), apart + sum(v < chance for v in known)
            seen += [name] if known else []
    if asked:
        found.append(
            Point(
                f"The groups already moved apart before {event} (p below {chance:g}) in {apart} of {asked} "
                "comparisons. With few years before, such a test sees little.",
                tuple(seen[:1]),
            )
        )
    before = held.get("table-73")
    p_before = None if before is None else _number(before.value(MONTHS, "before VSH extension", "p"))
    if p_before is not None:
        text = (
            f"Months on a child in need plan already went with absence before {event}, so what goes with months after "
            f"it is not {event}'s alone."
            if p_before < chance
            else f"Before {event}, months on a child in need plan did not clearly go with absence."
        )
        found.append(Point(text, ("table-73",)))
    return found


def _untold(study: Study, refused: Sequence[str]) -> list[Point]:
    found = [Point(text, ()) for text in (OWN_CAUSE if study.data.home else CAUSE, EXPOSURE)]
    if refused:
        listed = "; ".join(refused[:6]) + (f"; and {len(refused) - 6} more" if len(refused) > 6 else "")
        found.append(Point(f"Not estimated, mostly because a group is too small: {listed}. Each table says why.", ()))
    return found


def _number(value: Value) -> float | None:
    """A figure that was released as a number."""
    return float(value) if isinstance(value, int | float) else None


def _digits(value: float) -> str:
    """As many places as a reader can use: two below one, one below a hundred."""
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 1 else f"{value:.2f}"


def _inside(text: str) -> str:
    """Words inside a sentence: GPS keeps its capitals, and so do the names of scores."""
    return text if text[:2].isupper() or text.endswith(" score") else text[0].lower() + text[1:]
