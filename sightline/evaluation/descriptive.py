"""Descriptive tables: sizes, means by year, summaries of the samples, attainment by group and period."""

from __future__ import annotations

from typing import Final

import numpy as np

from sightline.evaluation.linked import PRECISE
from sightline.evaluation.result import Builder, Table
from sightline.evaluation.samples import (
    ASKED_AS,
    MEASURES,
    Frame,
    Panel,
    groups_sql,
    panel,
)
from sightline.evaluation.study import NO_PLAN, PLANS
from sightline.statistics import percentage_change
from sightline.vocabulary.dates import day_in_words
from sightline.vocabulary.periods import year_label

GROUPS: Final = (*PLANS, NO_PLAN)
SEXES: Final = (("overall", "true"), ("boys", "female = 0"), ("girls", "female = 1"))
NOT_CAUSAL = "Means and shares describe who is in each group; they do not say what the extension did."


NO_DATA: Final = "no data"


def coverage(frame: Frame, table_id: str) -> Table:
    """Table 51: what was received of each year, whoever the samples take; a year without a record of it has no data."""
    b = Builder()
    windows = frame.study.windows
    counted = {
        "Pupils with a CIN plan": "SELECT year, count(*) FROM exposure WHERE plan = 'CIN plan' GROUP BY ALL",
        "Pupils with a CP plan": "SELECT year, count(*) FROM exposure WHERE plan = 'CP plan' GROUP BY ALL",
        "School census: pupils": "SELECT year, count(*) FROM pupil_year GROUP BY ALL",
        "Absence: pupils": "SELECT year, count(missed) FROM pupil_year GROUP BY ALL",
        "Suspensions: pupils suspended": "SELECT year, count(*) FROM pupil_year WHERE suspended > 0 GROUP BY ALL",
        **{
            f"Key stage {stage[2]}: pupils": f"SELECT year, count(*) FROM {stage}_linked GROUP BY ALL"
            for stage in ("ks1", "ks2", "ks4")
        },
    }
    for year in windows.years:
        b.put("Period", year_label(year), verdict="before" if year in windows.before else "after")
    for row, sql in counted.items():
        found = dict(frame.database.rows(sql))
        for year in windows.years:
            b.put(row, year_label(year), N=found.get(year) or NO_DATA)
    return b.table(
        table_id,
        "Data received by academic year",
        sample="Every pupil received, with and without SEND, once linked",
        estimator="Counts of pupils",
        notes=(
            "Years outside the windows are in no table. In the report's study those between them had no data, because "
            "of COVID-19.",
            "A year without a single record of an extract has no outcome for anybody, and not an outcome of nought.",
        ),
        printed=51,
        source="Table 51",
    )


def sizes(frame: Frame, table_id: str) -> Table:
    """Table 52: pupils by outcome and group."""
    b = Builder()
    for measure, word in MEASURES.items():
        if ASKED_AS[measure] not in frame.study.outcomes.engagement:
            continue
        row = word.capitalize()
        total = 0
        for plan in PLANS:
            p = panel(frame, plan, measure)
            b.put(row, plan, N=p.pupils)
            total += p.pupils
        b.columns += [NO_PLAN] if NO_PLAN not in b.columns else []
        b.put(row, "Total", N=total)
    for stage in ("ks1", "ks2", "ks4"):
        if not frame.outcomes(stage):
            continue
        row = f"Educational attainment in {stage.upper()}"
        found = dict(
            frame.database.rows(
                f"SELECT grp, count(*) FROM {stage}_linked WHERE {frame.send_sql()} GROUP BY ALL ORDER BY ALL"
            )
        )
        for group in GROUPS:
            b.put(row, group, N=found.get(group, 0))
        b.put(row, "Total", N=sum(found.values()))
    return b.table(
        table_id,
        "Sample sizes by outcome",
        sample=frame.whom,
        estimator="Counts of pupils",
        notes=("Engagement: the widest sample of each plan, pupils with the outcome in at least one year. A pupil may "
               "be in the samples of both plans. Attainment: pupils with any record of the key stage.",),
        printed=52,
        source="Table 52",
    )  # fmt: skip


def means_by_year(frame: Frame, table_id: str, measure: str) -> Table:
    """Tables 53 and 57: mean sessions missed by year, group and sex, with percentage changes (figures 13 and 14)."""
    b = Builder()
    y = f"CAST({measure} AS {PRECISE})"
    sums = ", ".join(
        f"count({measure}) FILTER ({where}), CAST(sum({y}) FILTER ({where}) AS DOUBLE), "
        f"CAST(sum(CAST({y} * {y} AS DECIMAL(30, 6))) FILTER ({where}) AS DOUBLE)"
        for _, where in SEXES
    )
    found = {
        (row[0], row[1]): row[2:]
        for row in frame.database.rows(
            f"""
            SELECT g.grp, p.year, {sums} FROM ({groups_sql(frame)}) AS g JOIN pupil_year AS p USING (pupil)
            WHERE {frame.send_sql("p.")} GROUP BY ALL ORDER BY ALL
            """
        )
    }
    first, last = frame.study.windows.years[0], frame.study.windows.years[-1]
    change = f"Change from {year_label(first)} to {year_label(last)} (%)"
    seen = 0
    for year in frame.study.windows.years:
        for group in GROUPS:
            figures = found.get((group, year))
            for i, (sex, _) in enumerate(SEXES):
                if figures is None or not figures[3 * i]:
                    continue
                n, total, squares = figures[3 * i : 3 * i + 3]
                mean = total / n
                spread = (squares - n * mean * mean) / (n - 1) if n > 1 else float("nan")
                b.put(year_label(year), f"{group}, {sex}", mean=mean, se=(max(spread, 0.0) / n) ** 0.5, N=n)
                seen += n if sex == "overall" else 0
    for group in GROUPS:
        for i, (sex, _) in enumerate(SEXES):
            before, after = found.get((group, first)), found.get((group, last))
            if before and after and before[3 * i] and after[3 * i] and before[3 * i + 1]:
                m0, m1 = before[3 * i + 1] / before[3 * i], after[3 * i + 1] / after[3 * i]
                b.put(change, f"{group}, {sex}", percent=percentage_change(m0, m1).estimate)
    word = MEASURES[measure]
    return b.table(
        table_id,
        f"Mean sessions missed due to {word}, by group and academic year",
        sample=f"{frame.whom}. CIN and CP plan: the widest sample of each. {NO_PLAN}: never in the study's years.",
        estimator="Means over pupils with the outcome in the year",
        notes=(f"Observations: {seen:,} pupil-years.", NOT_CAUSAL),
        printed=53 if measure == "missed" else 57,
        source="Tables 53 and 57; figures 9, 11, 13 and 14",
    )


def _complete(p: Panel) -> Panel:
    """The rows a model would use: nothing missing."""
    held = np.isfinite(np.array([*p.regressors().values(), p.outcome])).all(axis=0)
    return p.where(held)


def sample_summary(frame: Frame, table_id: str, measure: str) -> Table:
    """Tables 54 and 58: what the nested samples are like."""
    b = Builder()
    for plan in PLANS:
        widest = panel(frame, plan, measure)
        b.left += [type(x)(plan, x.kind, x.name, x.count, x.why) for x in widest.left]
        for years in frame.study.groups.years_on_plan:
            column = f"{plan}: {frame.study.sample_label(years)}"
            p = _complete(widest.at_least(years))
            if p.pupils < frame.study.groups.least:
                b.refuse(column, f"{p.pupils:,} pupils, fewer than the {frame.study.groups.least:,} the study asks for")
                continue
            c = p.columns
            after = c["post"] == 1

            def put(row: str, values: np.ndarray, share: bool = False, column: str = column) -> None:
                if len(values):
                    factor = 100 if share else 1
                    se = float(values.std(ddof=1) / len(values) ** 0.5) if len(values) > 1 else float("nan")
                    b.put(row, column, **{"percent" if share else "mean": factor * values.mean(), "se": factor * se})

            put(f"Annual sessions missed due to {MEASURES[measure]}", p.outcome)
            put("Average months a year subject to a plan after extension", c["months"][after])
            put("Average months a year subject to a plan before extension", c["months"][~after])
            put("Average age", c["age"])
            put("Average proportion of time eligible for FSM", c["fsm"], share=True)
            put("Average IDACI score", c["idaci"])
            b.put("N", column, N=p.pupils)
            b.put("Pupil-years", column, N=len(p.outcome))
    return b.table(
        table_id,
        f"Summary of the samples for {MEASURES[measure]}, by plan and number of years subject to one",
        sample=frame.whom,
        estimator="Means over pupil-years with nothing missing; months over the years after, and before",
        notes=(*_seen(frame), NOT_CAUSAL),
        printed=54 if measure == "missed" else 58,
        source="Tables 54 and 58",
    )


def _seen(frame: Frame) -> tuple[str, ...]:
    to = frame.study.windows.plans_to
    last = frame.study.windows.start(frame.study.windows.years[-1] + 1)
    if to is None or to >= last:
        return ()
    return (f"Plans are known to {day_in_words(to)}: months of the last year after that day are not in any average.",)


def key_stage_summary(frame: Frame, table_id: str, stage: str, printed: int) -> Table:
    """Tables 61, 65 and 69: who took the key stage, by group."""
    b = Builder()
    d = f"CAST(idaci AS {PRECISE})"
    for group, n, female, girls, placed, total, squares, fsm, eligible in frame.database.rows(
        f"""
        SELECT grp, count(*), count(female), coalesce(sum(female), 0), count(idaci),
            CAST(coalesce(sum({d}), 0) AS DOUBLE), CAST(coalesce(sum(CAST({d} * {d} AS DECIMAL(30, 12))), 0) AS DOUBLE),
            count(fsm), coalesce(sum(fsm), 0)
        FROM {stage}_linked WHERE {frame.send_sql()} GROUP BY grp ORDER BY list_position({list(GROUPS)}, grp)
        """
    ):
        for row, k, yes in (("% Female", female, girls), ("% Eligible for FSM", fsm, eligible)):
            if k:
                b.put(row, group, percent=100 * yes / k, se=100 * (yes / k * (1 - yes / k) / k) ** 0.5)
        if placed:
            mean = total / placed
            spread = max(squares - placed * mean * mean, 0.0) / max(placed - 1, 1)
            b.put("Average IDACI score", group, mean=mean, se=(spread / placed) ** 0.5)
        b.put("N", group, N=n)
    return b.table(
        table_id,
        f"Summary of the {stage.upper()} sample, by group",
        sample=f"{frame.whom}, with a record of the key stage; group in the academic year of the key stage",
        estimator="Means and shares of pupils",
        notes=(NOT_CAUSAL,),
        printed=printed,
        source=f"Table {printed}",
    )


SCORES: Final = {"Reading score": "reading_score", "Maths score": "maths_score", "GPS score": "gps_score"}


def key_stage_results(frame: Frame, table_id: str, stage: str, printed: int) -> Table:
    """Tables 62, 66 and 70: attainment by group and period."""
    b = Builder()
    wanted = {row.replace("9-4", "9 - 4"): name for row, name in frame.outcomes(stage).items()}
    held = {r[0] for r in frame.database.rows(f"SELECT column_name FROM (DESCRIBE {stage}_linked)")}
    scores = {row: name for row, name in SCORES.items() if stage == "ks2" and name in held}
    parts = []
    for name in [*wanted.values(), *scores.values()]:
        y = f"CAST({name} AS DECIMAL(12, 4))"
        parts.append(f"count({name}), CAST(sum({y}) AS DOUBLE), CAST(sum(CAST({y} * {y} AS DECIMAL(20, 6))) AS DOUBLE)")
    for group, post, n, *figures in frame.database.rows(
        f"SELECT grp, post, count(*), {', '.join(parts)} FROM {stage}_linked WHERE {frame.send_sql()} "
        f"GROUP BY grp, post ORDER BY list_position({list(GROUPS)}, grp), post"
    ):
        column = f"{group}, {frame.study.windows.period_label(after=bool(post))}"
        for i, row in enumerate([*wanted, *scores]):
            k, total, squares = figures[3 * i : 3 * i + 3]
            if not k:
                continue
            mean = total / k
            se = (max((squares - k * mean * mean) / max(k - 1, 1), 0.0) / k) ** 0.5
            if row in wanted and stage != "ks4":
                b.put(row, column, percent=100 * mean, se=100 * se)
            else:
                b.put(row, column, mean=mean, se=se)
        b.put("N", column, N=n)
    return b.table(
        table_id,
        {
            "ks1": "Percentage of children reaching the expected standard at KS1, by group",
            "ks2": "Attainment at KS2, by group",
            "ks4": "Attainment at KS4, by group",
        }[stage],
        sample=f"{frame.whom}, with a record of the key stage; group in the academic year of the key stage",
        estimator="Shares and means of pupils with the result",
        notes=(NOT_CAUSAL,),
        printed=printed,
        source=f"Table {printed}",
    )
