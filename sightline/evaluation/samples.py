"""Samples and cells of the linked data set, as the models take them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sightline.engine import Database
from sightline.evaluation.result import Left
from sightline.evaluation.study import NO_PLAN, PLANS, Study
from sightline.statistics import Cells, cells_from

F = NDArray[np.float64]
MEASURES: Final[Mapping[str, str]] = {"missed": "absences", "suspended": "suspensions"}
SHORT: Final[Mapping[str, str]] = {"CIN plan": "cin", "CP plan": "cp"}
OUTCOMES: Final[Mapping[str, Mapping[str, str]]] = {
    "ks1": {"Reading": "reading", "Writing": "writing", "Maths": "maths", "Science": "science"},
    "ks2": {"Reading": "reading", "GPS": "gps", "Maths": "maths"},
    "ks4": {
        "Attainment 8 score": "attainment_8",
        "Number of passes 9-4": "passes",
        "Progress 8 score": "progress_8",
    },
}
PERIOD: Final = "Period after COVID-19 / VSH extension"


@dataclass(frozen=True, slots=True)
class Frame:
    """The linked data of a study, for one run: children without SEND, with SEND, or all."""

    database: Database
    study: Study
    send: str

    def send_sql(self, alias: str = "") -> str:
        """The condition on SEND, on a table with send and send_ever."""
        column = f"{alias}{'send_ever' if self.study.sample.send_rule == 'ever' else 'send'}"
        return {"without": f"{column} = 0", "with": f"{column} = 1", "all": "true"}[self.send]

    @property
    def whom(self) -> str:
        """The run in words."""
        rule = "in any year of the study" if self.study.sample.send_rule == "ever" else "in the year of the outcome"
        return {
            "without": f"Children without SEND {rule}",
            "with": f"Children with SEND {rule}",
            "all": "All children, with and without SEND",
        }[self.send]


def numbers(table: pa.Table, name: str) -> F:
    """A column as doubles, nothing as not-a-number."""
    column = table[name].cast(pa.float64()).combine_chunks()
    return np.asarray(column.to_numpy(zero_copy_only=False), dtype=float)


@dataclass(frozen=True, eq=False)
class Panel:
    """One row per pupil and year of a plan's engagement sample with the outcome; `pupil` numbers pupils from 1."""

    plan: str
    measure: str
    columns: Mapping[str, F]
    left: tuple[Left, ...]

    def at_least(self, years: int) -> Panel:
        """Only pupils with a plan in at least this many years."""
        keep = self.columns["years"] >= years
        return Panel(self.plan, self.measure, {name: v[keep] for name, v in self.columns.items()}, self.left)

    @property
    def pupils(self) -> int:
        return len(np.unique(self.columns["pupil"]))

    @property
    def outcome(self) -> F:
        return self.columns[self.measure]

    def regressors(self) -> dict[str, F]:
        """The regressors of tables 55, 56, 59 and 60, by row."""
        c = self.columns
        return {
            f"Months subject to a {self.plan} after VSH extension": c["months"] * c["post"],
            f"Months subject to a {self.plan} before VSH extension": c["months"] * (1 - c["post"]),
            PERIOD: c["post"],
            "Age": c["age"],
            "Eligible for FSM": c["fsm"],
            "IDACI score": c["idaci"],
        }


def sample_sql(frame: Frame, plan: str, years: int | None = None) -> str:
    """SQL of the pupils of a plan's sample: pupil, years."""
    groups = frame.study.groups
    least = min(groups.years_on_plan) if years is None else years
    both = "AND before AND after" if groups.both_periods else ""
    return f"SELECT pupil, years FROM pupil_plan WHERE plan = '{plan}' AND years >= {least} {both}"


def panel(frame: Frame, plan: str, measure: str) -> Panel:
    """The widest sample of a plan, with how many pupils each condition leaves out."""
    database = frame.database
    short = SHORT[plan]
    found = database.query(
        f"""
        SELECT dense_rank() OVER (ORDER BY p.pupil) AS pupil, p.year, s.years, p.post, p.{short}_months AS months,
            p.age, p.fsm, p.idaci, p.female, p.missed, p.suspended, p.possible,
            dense_rank() OVER (ORDER BY p.authority) AS authority
        FROM pupil_year AS p JOIN ({sample_sql(frame, plan)}) AS s USING (pupil)
        WHERE {frame.send_sql("p.")} AND p.{measure} IS NOT NULL ORDER BY 1, 2
        """
    )
    return Panel(
        plan, measure, {name: numbers(found, name) for name in found.column_names}, _flow(frame, plan, measure)
    )


def _flow(frame: Frame, plan: str, measure: str) -> tuple[Left, ...]:
    """Pupils at each step from a plan in a year to the sample, and rows with something missing."""
    groups = frame.study.groups
    least = min(groups.years_on_plan)
    sample = sample_sql(frame, plan)
    here = f"({sample}) SEMI JOIN pupil_year USING (pupil)"
    unknown = "send_ever" if frame.study.sample.send_rule == "ever" else "send"
    steps = [
        (f"pupils with a {plan} in a year of the study", f"SELECT count(*) FROM pupil_plan WHERE plan = '{plan}'", ""),
        (
            f"of these, with one in at least {least} years" + (", before and after" if groups.both_periods else ""),
            f"SELECT count(*) FROM ({sample})",
            "",
        ),
        ("of these, in a census of the study", f"SELECT count(*) FROM {here}", ""),
        (
            f"of these, {frame.whom.lower()}",
            f"SELECT count(DISTINCT pupil) FROM pupil_year SEMI JOIN ({sample}) USING (pupil) WHERE {frame.send_sql()}",
            "",
        ),
        (
            "left out because SEND is not known",
            f"SELECT count(DISTINCT pupil) FROM pupil_year SEMI JOIN ({sample}) USING (pupil) WHERE {unknown} IS NULL",
            "",
        ),
        (
            f"of these, with data on {MEASURES[measure]} in at least one year",
            f"SELECT count(DISTINCT pupil) FROM pupil_year SEMI JOIN ({sample}) USING (pupil) "
            f"WHERE {frame.send_sql()} AND {measure} IS NOT NULL",
            "",
        ),
    ]
    return tuple(Left("", "pupils", "", int(frame.database.one(sql)), says) for says, sql, _ in steps)


def groups_sql(frame: Frame) -> str:
    """SQL of pupil and group for the means by year: the samples of each plan, and pupils never on either."""
    parts = [f"SELECT pupil, '{plan}' AS grp FROM ({sample_sql(frame, plan)})" for plan in PLANS]
    parts.append(f"SELECT DISTINCT pupil, '{NO_PLAN}' AS grp FROM pupil_year ANTI JOIN pupil_plan USING (pupil)")
    return " UNION ALL ".join(parts)


def did_rows(plan: str) -> tuple[str, ...]:
    """The rows of tables 63 to 72, in their order."""
    return (
        PERIOD,
        f"Subject to a {plan}",
        "Eligible for FSM",
        f"Ever FSM * {PERIOD}",
        f"Subject to a {plan} * {PERIOD} (DID)",
        f"Subject to a {plan} * Eligible FSM",
        f"Subject to a {plan} * Eligible FSM * {PERIOD}",
        "IDACI score",
        f"IDACI score * {PERIOD}",
        "Female",
        f"Female * {PERIOD}",
    )


def did_products(plan: str) -> dict[str, tuple[str, ...]]:
    """Which rows are products of which."""
    on = f"Subject to a {plan}"
    fsm = "Eligible for FSM"
    return {
        f"Ever FSM * {PERIOD}": (fsm, PERIOD),
        f"{on} * {PERIOD} (DID)": (on, PERIOD),
        f"{on} * Eligible FSM": (on, fsm),
        f"{on} * Eligible FSM * {PERIOD}": (on, fsm, PERIOD),
        f"IDACI score * {PERIOD}": ("IDACI score", PERIOD),
        f"Female * {PERIOD}": ("Female", PERIOD),
    }


@dataclass(frozen=True, eq=False)
class Grouped:
    """Identical rows of a key stage's two groups counted together, ready for each outcome's cells."""

    plan: str
    columns: Mapping[str, F]
    names: tuple[str, ...]
    pupils: Mapping[str, int]

    def cells(self, outcome: str) -> Cells:
        """Cells of one outcome (a column of the key stage)."""
        return cells_from(self.columns, outcome, self.names)


def grouped(frame: Frame, stage: str, plan: str, cluster: str | None) -> Grouped:
    """The pupils of a key stage on this plan, or on none, in the year they took it; the other plan's are left out."""
    outcomes = list(OUTCOMES[stage].values())
    places = frame.study.models.idaci_places
    ethnic = "coalesce(CAST(ethnicity AS VARCHAR), 'NOT KNOWN')" if frame.study.models.ethnicity else "''"
    sums = []
    for name in outcomes:
        # Exact decimals: the order of adding cannot change a digit.
        y = f"CAST({name} AS DECIMAL(12, 4))"
        sums += [
            f"count({name}) AS n_{name}",
            f"coalesce(CAST(sum({y}) AS DOUBLE), 0) AS total_{name}",
            f"coalesce(CAST(sum(CAST({y} * {y} AS DECIMAL(20, 6))) AS DOUBLE), 0) AS squares_{name}",
        ]
    key = f', CAST({cluster} AS VARCHAR) AS "cluster"' if cluster else ""
    source = f"{stage}_linked WHERE {frame.send_sql()} AND grp IN ('{plan}', '{NO_PLAN}')"
    found = frame.database.query(
        f"""
        SELECT post, CAST(grp = '{plan}' AS INTEGER) AS "on", fsm, female, round(idaci, {places}) AS idaci,
            {ethnic} AS ethnic{key}, count(*) AS n, {", ".join(sums)}
        FROM {source} GROUP BY ALL ORDER BY ALL
        """
    )
    base = {name: numbers(found, name) for name in ("post", "on", "fsm", "female", "idaci")}
    named = {
        PERIOD: base["post"],
        f"Subject to a {plan}": base["on"],
        "Eligible for FSM": base["fsm"],
        "IDACI score": base["idaci"],
        "Female": base["female"],
    }
    for product, factors in did_products(plan).items():
        named[product] = np.prod([named[f] for f in factors], axis=0)
    columns: dict[str, F] = {row: named[row] for row in did_rows(plan)}
    words = np.asarray(found["ethnic"].to_pylist(), dtype=object)
    weights = numbers(found, "n")
    if frame.study.models.ethnicity and len(words):
        levels = sorted(set(words), key=lambda w: (-float(weights[words == w].sum()), w))
        # The largest group is the baseline, so that the constant is its.
        for level in levels[1:]:
            columns[f"Ethnic group {level}"] = (words == level).astype(float)
    names = tuple(columns)
    extra = ["n", *(f"{k}_{name}" for name in outcomes for k in ("n", "total", "squares"))]
    columns |= {name: numbers(found, name) for name in extra}
    if cluster:
        codes = np.asarray([v if v is not None else None for v in found["cluster"].to_pylist()], dtype=object)
        order = {v: float(i) for i, v in enumerate(sorted({c for c in codes if c is not None}))}
        columns["cluster"] = np.array([order.get(c, np.nan) for c in codes])
    pupils = dict(frame.database.rows(f"SELECT grp, count(*) FROM {source} GROUP BY ALL ORDER BY ALL"))
    return Grouped(plan, columns, names, pupils)
