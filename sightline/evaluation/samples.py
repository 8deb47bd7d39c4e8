"""Samples and cells of the linked data set, as the models take them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
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
ENGAGED: Final[Mapping[str, str]] = {
    "Sessions missed due to absence": "missed",
    "Sessions missed due to suspension": "suspended",
    "Persistent absence": "persistent",
}
"""Outcomes of pupils' years in the cross-sectional models; the key stages' are in OUTCOMES."""
ASKED_AS: Final[Mapping[str, str]] = {"missed": "absence", "persistent": "absence", "suspended": "suspension"}
"""What a study calls the outcomes of pupils' years."""
ROWS: Final[Mapping[str, str]] = {
    "age": "Age",
    "fsm": "Eligible for FSM",
    "idaci": "IDACI score",
    "female": "Female",
}
"""The row of each covariate of a study."""
PERIOD: Final = "Period after COVID-19 / VSH extension"


@dataclass(frozen=True, slots=True)
class Frame:
    """The linked data of a study, for one run: children without SEND, with SEND, or all."""

    database: Database
    study: Study
    send: str

    def outcomes(self, stage: str) -> Mapping[str, str]:
        """The study's outcomes of a key stage, or of pupils' years ("engagement"), by the words of their column."""
        asked = self.study.outcomes
        if stage == "engagement":
            return {w: name for w, name in ENGAGED.items() if ASKED_AS[name] in asked.engagement}
        return {w: name for w, name in OUTCOMES[stage].items() if name in getattr(asked, stage)}

    def send_sql(self, alias: str = "") -> str:
        """The condition on SEND, on a table with send and send_ever."""
        column = f"{alias}{'send_ever' if self.study.sample.send_rule == 'ever' else 'send'}"
        return {"without": f"{column} = 0", "with": f"{column} = 1", "all": "true"}[self.send]

    def by_pupil(self, alias: str = "") -> str:
        """SQL that orders by pupil: references that are numbers stand in one order, be they kept as numbers or as text.

        Random draws go by this order, and an extract as text must give the figures of the same one as Parquet.
        """
        column = f"{alias}pupil"
        kind = self.database.one("SELECT column_type FROM (DESCRIBE SELECT pupil FROM pupil_year)")
        return f"length({column}), {column}" if kind == "VARCHAR" else column

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


def _whole(columns: Iterable[F]) -> NDArray[np.bool_]:
    """Rows where every column is known; one column at a time, since a nation's together would be half a gigabyte."""
    masks = map(np.isfinite, columns)
    keep = next(masks)
    for mask in masks:
        keep &= mask
    return keep


@dataclass(frozen=True, eq=False)
class Panel:
    """One row per pupil and year of a plan's engagement sample with the outcome; `pupil` numbers pupils from 1."""

    plan: str
    measure: str
    columns: Mapping[str, F]
    left: tuple[Left, ...]
    authorities: tuple[str, ...] = ()
    """Names of the authorities that the column of that name numbers from 1."""
    covariates: tuple[str, ...] = tuple(ROWS)
    """What the study controls for."""

    def at_least(self, years: int) -> Panel:
        """Only pupils with a plan in at least this many years."""
        return self.where(self.columns["years"] >= years)

    @property
    def pupils(self) -> int:
        return len(np.unique(self.columns["pupil"]))

    @property
    def outcome(self) -> F:
        return self.columns[self.measure]

    def entering(self, outcome: F) -> int:
        """Pupils of whom a model of this outcome takes a row: with the outcome, and nothing else missing."""
        whole = _whole([*self.regressors().values(), outcome])
        return len(np.unique(self.columns["pupil"][whole]))

    def where(self, keep: NDArray[np.bool_]) -> Panel:
        """Only the rows where the mask is true."""
        return replace(self, columns={name: v[keep] for name, v in self.columns.items()})

    @property
    def home(self) -> F:
        """Each row's authority, that of the pupil's first year: a pupil who moves stays with the first."""
        _, first, place = np.unique(self.columns["pupil"], return_index=True, return_inverse=True)
        return np.asarray(self.columns["authority"][first][place.reshape(-1)])

    def missed_more_than(self, share: float) -> F:
        """Whether more than this share of possible sessions was missed, by row; not a number where not known."""
        possible = self.columns["possible"]
        rate = np.divide(self.columns["missed"], possible, out=np.full(len(possible), np.nan), where=possible > 0)
        return np.where(np.isfinite(rate), (rate > share).astype(float), np.nan)

    def regressors(self) -> dict[str, F]:
        """The regressors of tables 55, 56, 59 and 60, by row."""
        c = self.columns
        return {
            f"Months subject to a {self.plan} after VSH extension": c["months"] * c["post"],
            f"Months subject to a {self.plan} before VSH extension": c["months"] * (1 - c["post"]),
            PERIOD: c["post"],
            **self.controls(),
        }

    def controls(self) -> dict[str, F]:
        """The covariates that change within a pupil, by row."""
        return {ROWS[name]: self.columns[name] for name in WITHIN if name in self.covariates}

    def design(self) -> dict[str, F]:
        """The same columns with those of the plan last: one that adds nothing to the others leaves, named, not they.

        With months alike in every year after, the months cannot be told from the period, and must not take its place.
        """
        columns = self.regressors()
        plain = {name: values for name, values in columns.items() if not name.startswith("Months")}
        return plain | {name: columns[name] for name in reversed(columns) if name not in plain}


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
        SELECT dense_rank() OVER (ORDER BY {frame.by_pupil("p.")}) AS pupil, p.year, s.years, p.post,
            p.{short}_months AS months, p.age, p.fsm, p.idaci, p.female, p.missed, p.suspended, p.possible,
            CASE WHEN p.authority IS NOT NULL THEN dense_rank() OVER (ORDER BY CAST(p.authority AS VARCHAR)) END
                AS authority, CAST(p.authority AS VARCHAR) AS place
        FROM pupil_year AS p JOIN ({sample_sql(frame, plan)}) AS s USING (pupil)
        WHERE {frame.send_sql("p.")} AND p.{measure} IS NOT NULL ORDER BY 1, 2
        """
    )
    columns = {name: numbers(found, name) for name in found.column_names if name != "place"}
    places = sorted({place for place in pc.unique(found["place"]).to_pylist() if place is not None})
    left, covariates = _flow(frame, plan, measure), frame.study.models.covariates
    return Panel(plan, measure, columns, left, tuple(places), covariates)


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
            f"of these, {frame.whom[0].lower()}{frame.whom[1:]}",
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


WITHIN: Final = ("age", "fsm", "idaci")
"""Covariates that change within a pupil."""
WORDS: Final[Mapping[str, str]] = {"age": "age", "fsm": "FSM", "idaci": "IDACI", "female": "female"}


def controls_told(frame: Frame, of: Collection[str] = tuple(WORDS)) -> str:
    """The study's covariates as a formula adds them: " + age + FSM + IDACI"."""
    return "".join(f" + {WORDS[name]}" for name in WORDS if name in of and name in frame.study.models.covariates)


def did_rows(plan: str, covariates: Collection[str] = tuple(ROWS)) -> tuple[str, ...]:
    """The rows of tables 63 to 72, in their order; a covariate that is not among these takes its products with it."""
    two, three = did_terms(plan)
    products, without = did_products(plan), {ROWS[name] for name in ROWS if name not in covariates}
    every = (
        PERIOD,
        f"Subject to a {plan}",
        "Eligible for FSM",
        f"Ever FSM * {PERIOD}",
        two,
        f"Subject to a {plan} * Eligible FSM",
        three,
        "IDACI score",
        f"IDACI score * {PERIOD}",
        "Female",
        f"Female * {PERIOD}",
    )
    return tuple(row for row in every if row not in without and not without & set(products.get(row, ())))


def did_terms(plan: str) -> tuple[str, str]:
    """The two plan x period rows: for children not eligible for FSM, and what being eligible adds."""
    return f"Subject to a {plan} * {PERIOD} (DID)", f"Subject to a {plan} * Eligible FSM * {PERIOD}"


def did_products(plan: str) -> dict[str, tuple[str, ...]]:
    """Which rows are products of which."""
    on = f"Subject to a {plan}"
    fsm = "Eligible for FSM"
    two, three = did_terms(plan)
    return {
        f"Ever FSM * {PERIOD}": (fsm, PERIOD),
        two: (on, PERIOD),
        f"{on} * Eligible FSM": (on, fsm),
        three: (on, fsm, PERIOD),
        f"IDACI score * {PERIOD}": ("IDACI score", PERIOD),
        f"Female * {PERIOD}": ("Female", PERIOD),
    }


@dataclass(frozen=True, eq=False)
class Grouped:
    """Identical rows of two groups counted together, ready for each outcome's cells. `clusters` names their codes."""

    plan: str
    columns: Mapping[str, F]
    names: tuple[str, ...]
    pupils: Mapping[str, int]
    clusters: tuple[str, ...] = ()

    def cells(self, outcome: str, names: tuple[str, ...] | None = None) -> Cells:
        """Cells of one outcome (a column of the key stage), with these regressors; those of the report by default."""
        return cells_from(self.columns, outcome, self.names if names is None else names)

    def cluster_names(self, outcome: str, names: tuple[str, ...] | None = None) -> tuple[str, ...]:
        """The clusters that `cells` of this outcome numbers from nought, in that order."""
        used = [*(self.names if names is None else names), "cluster"]
        keep = _whole([self.columns[name] for name in used])
        keep &= self.columns[f"n_{outcome}"] > 0
        return tuple(self.clusters[int(code)] for code in np.unique(self.columns["cluster"][keep]))

    def entering(self, outcome: str) -> dict[str, int]:
        """Pupils of each group that a model of this outcome takes: with the outcome, and nothing else missing."""
        keep = _whole([self.columns[name] for name in self.names])
        n, on = self.columns[f"n_{outcome}"], self.columns[f"Subject to a {self.plan}"]
        return {group: int(n[keep & (on == k)].sum()) for group, k in ((self.plan, 1.0), (NO_PLAN, 0.0))}

    def where(self, keep: NDArray[np.bool_]) -> Grouped:
        """Only the cells where the mask is true; columns that no longer vary stay, for the estimators to name."""
        return Grouped(self.plan, {k: v[keep] for k, v in self.columns.items()}, self.names, self.pupils, self.clusters)

    def starting(self, word: str) -> tuple[str, ...]:
        """The control columns whose name starts so: Ethnic group, Region, Age."""
        return tuple(name for name in self.names if name.startswith(word))


def share_of_fsm(cells: Cells, plan: str) -> float:
    """The share eligible for FSM among the rows on the plan in the period after; not a number where there is none."""
    if "Eligible for FSM" not in cells.regressors:
        return float("nan")
    treated = (cells.regressors[f"Subject to a {plan}"] == 1) & (cells.regressors[PERIOD] == 1)
    n = cells.n[treated]
    return float(cells.regressors["Eligible for FSM"][treated] @ n / n.sum()) if n.sum() else float("nan")


def treated_form(cells: Cells, plan: str) -> Cells:
    """The same model written so that the row marked DID is the average effect on the treated.

    b2 DID + b3 DID x FSM = (b2 + b3 s) DID + b3 (DID x FSM - s DID), s the treated's share eligible for FSM.
    """
    two, three = did_terms(plan)
    share = share_of_fsm(cells, plan)
    if three not in cells.regressors or not np.isfinite(share):
        return cells
    columns = dict(cells.regressors) | {three: cells.regressors[three] - share * cells.regressors[two]}
    return Cells(columns, cells.n, cells.total, cells.squares, cells.cluster, cells.dropped)


def rows_sql(frame: Frame, stage: str, plan: str) -> str:
    """SQL of the rows of a comparison: those on this plan, or on none, in the year; the other plan's are left out."""
    if stage == "engagement":
        limit = frame.study.outcomes.persistent / 100
        source = f"""(
            SELECT p.*, coalesce(s.grp, '{NO_PLAN}') AS grp,
                CASE WHEN possible > 0 AND missed IS NOT NULL THEN CAST(missed > {limit} * possible AS TINYINT) END
                AS persistent
            FROM pupil_year AS p LEFT JOIN status AS s USING (pupil, year))"""
    else:
        source = f"{stage}_linked"
    return f"{source} WHERE {frame.send_sql()} AND grp IN ('{plan}', '{NO_PLAN}')"


def grouped(
    frame: Frame, stage: str, plan: str, cluster: str | None, *, by_year: bool = False, coarse: bool = False
) -> Grouped:
    """The pupils of a key stage on this plan, or on none, in the year they took it; the other plan's are left out.

    stage "engagement": pupils' years of the census instead, with age besides. `by_year` keeps the year as a column.
    `coarse` takes IDACI to the study's cell_places, for keys that hold the cluster or the year too.
    """
    models = frame.study.models
    outcomes = list(frame.outcomes(stage).values())
    places = min(models.cell_places, models.idaci_places) if coarse else models.idaci_places
    sums = []
    for name in outcomes:
        # Exact decimals: the order of adding cannot change a digit.
        y = f"CAST({name} AS DECIMAL(12, 4))"
        sums += [
            f"count({name}) AS n_{name}",
            f"coalesce(CAST(sum({y}) AS DOUBLE), 0) AS total_{name}",
            f"coalesce(CAST(sum(CAST({y} * {y} AS DECIMAL(20, 6))) AS DOUBLE), 0) AS squares_{name}",
        ]
    words = [name for name in ("ethnicity", "region") if getattr(models, name)]
    keys = ["post", f"CAST(grp = '{plan}' AS INTEGER) AS \"on\"", "fsm", "female", f"round(idaci, {places}) AS idaci"]
    keys += [f"coalesce(CAST({name} AS VARCHAR), 'NOT KNOWN') AS {name}" for name in words]
    keys += ["age"] if stage == "engagement" else []
    keys += ["year"] if by_year else []
    keys += [f'CAST({cluster} AS VARCHAR) AS "cluster"'] if cluster else []
    source = rows_sql(frame, stage, plan)
    found = frame.database.query(
        f"SELECT {', '.join(keys)}, count(*) AS n, {', '.join(sums)} FROM {source} GROUP BY ALL ORDER BY ALL"
    )
    named = {
        PERIOD: numbers(found, "post"),
        f"Subject to a {plan}": numbers(found, "on"),
        "Eligible for FSM": numbers(found, "fsm"),
        "IDACI score": numbers(found, "idaci"),
        "Female": numbers(found, "female"),
    }
    for product, factors in did_products(plan).items():
        named[product] = np.prod([named[f] for f in factors], axis=0)
    columns: dict[str, F] = {row: named[row] for row in did_rows(plan, models.covariates)}
    if stage == "engagement" and "age" in models.covariates:
        columns["Age"] = numbers(found, "age")
    weights = numbers(found, "n")
    for name in words:
        columns |= _levels({"ethnicity": "Ethnic group", "region": "Region"}[name], found[name], weights)
    names = tuple(columns)
    # Groups are compared by sex and by FSM whether or not a model has them.
    columns |= {row: named[row] for row in ("Female", "Eligible for FSM")}
    extra = ["n", *(f"{k}_{name}" for name in outcomes for k in ("n", "total", "squares"))]
    columns |= {name: numbers(found, name) for name in (*extra, *(["year"] if by_year else []))}
    clusters: tuple[str, ...] = ()
    if cluster:
        held = found["cluster"].combine_chunks()
        clusters = tuple(sorted(c for c in pc.unique(held).to_pylist() if c is not None))
        place = pc.index_in(held, value_set=pa.array(clusters, held.type))
        columns["cluster"] = place.cast(pa.float64()).to_numpy(zero_copy_only=False)
    pupils = dict(frame.database.rows(f"SELECT grp, count(*) FROM {source} GROUP BY ALL ORDER BY ALL"))
    return Grouped(plan, columns, names, pupils, clusters)


def _levels(word: str, values: pa.ChunkedArray, weights: F) -> dict[str, F]:
    """A column of noughts and ones for each level but the largest, which is the baseline the constant stands for."""
    held = values.combine_chunks().dictionary_encode()
    code, names = held.indices.to_numpy(), held.dictionary.to_pylist()
    size = np.bincount(code, weights=weights, minlength=len(names))
    levels = sorted(range(len(names)), key=lambda i: (-float(size[i]), names[i]))
    return {f"{word} {names[i]}": (code == i).astype(float) for i in levels[1:]}


FEW_AUTHORITIES: Final = 10
"""With fewer authorities than this, rows are clustered by school: clustered errors need many clusters."""


def cluster_of(frame: Frame) -> str:
    """What rows of a cross-section are clustered by: the authority, or the school where there are few authorities."""
    ((rows, held),) = frame.database.rows("SELECT count(*), count(DISTINCT authority) FROM pupil_year")
    return "authority" if held >= FEW_AUTHORITIES or not rows else "school"
