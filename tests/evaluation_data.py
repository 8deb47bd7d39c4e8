"""A small linked data set of invented children in memory, for tests that ask what a study does with a hard case."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa

from sightline.engine import Database
from sightline.evaluation import Frame, Study, Table, spec

CIN, NONE = "CIN plan", "Not on a plan"
YEARS = (2017, 2018, 2021, 2022)
STAGES = {"ks1": ("reading", "writing", "maths", "science"), "ks2": ("reading", "gps", "maths"),
          "ks4": ("attainment_8", "passes", "progress_8")}  # fmt: skip
Rows = dict[str, np.ndarray]


def pupils(seed: int = 1, n: int = 240, places: int = 12) -> Rows:
    """One row per pupil and year; the first half on a CIN plan in every year, the others on none."""
    rng = np.random.default_rng(seed)
    pupil = np.repeat(np.arange(n), 4)
    year = np.tile(YEARS, n)
    post = (year >= 2021).astype(int)
    on = (pupil < n // 2).astype(int)
    age = np.repeat(rng.integers(5, 12, n), 4) + np.tile([0, 1, 4, 5], n)
    months = np.where(on == 1, rng.integers(1, 13, 4 * n), 0)
    missed = np.round(np.clip(5 + rng.normal(0, 3, 4 * n) + 3 * post - 0.3 * months * post, 0, None), 1)
    return {
        "pupil": pupil,
        "year": year,
        "post": post,
        "on": on,
        "female": np.repeat(rng.integers(0, 2, n), 4),
        "age": age,
        "fsm": rng.integers(0, 2, 4 * n),
        "idaci": np.round(rng.beta(1.5, 6, 4 * n), 2),
        "ethnicity": np.repeat(rng.choice(["A", "B"], n), 4),
        "authority": np.repeat(rng.integers(0, places, n), 4).astype(str),
        "region": np.repeat(rng.choice(["North", "South"], n), 4),
        "school": np.repeat(rng.integers(0, 40, n), 4).astype(str),
        "send": np.zeros(4 * n, dtype=int),
        "missed": missed,
        "suspended": rng.poisson(0.5 + 0.3 * post),
        "months": months,
    }


def linked(rows: Rows, results: Callable[[Rows, np.random.Generator], dict[str, Any]] | None = None) -> Database:
    """The linked tables of these pupils: a CIN plan where `on`, and a result of each key stage in the pupil's last row.

    `results` gives outcome columns by name for the rows it gets; by default reading and the rest are drawn evenly.
    """
    rng = np.random.default_rng(7)
    held = Database()
    frame = {k: pa.array([None if v != v else v for v in values.tolist()]) for k, values in rows.items()}
    held.add("given", pa.table(frame))
    held.execute(
        """
        CREATE TABLE pupil_year AS SELECT CAST(pupil AS VARCHAR) AS pupil, year, post, female, age, fsm,
            CAST(idaci AS DECIMAL(9, 6)) AS idaci, ethnicity, authority, region, school, send, send AS send_ever,
            CAST(missed AS DECIMAL(9, 2)) AS missed, 90.0 AS possible, CAST(suspended AS DECIMAL(9, 2)) AS suspended,
            CAST(months AS DECIMAL(9, 6)) AS cin_months, CAST(0 AS DECIMAL(9, 6)) AS cp_months, "on"
        FROM given
        """
    )
    held.execute(
        f"""
        CREATE TABLE exposure AS SELECT pupil, '{CIN}' AS plan, year, cin_months AS months FROM pupil_year WHERE "on" = 1;
        CREATE TABLE pupil_plan AS SELECT pupil, '{CIN}' AS plan, CAST(count(*) AS INTEGER) AS years,
            bool_or(post = 0) AS before, bool_or(post = 1) AS after FROM pupil_year WHERE "on" = 1 GROUP BY pupil;
        CREATE TABLE status AS SELECT pupil, year, plan AS grp FROM exposure;
        CREATE TABLE week (grp VARCHAR, monday DATE, possible DOUBLE, missed DOUBLE);
        """
    )
    last = dict(rows)
    for stage, names in STAGES.items():
        told = results(last, rng) if results else {}
        columns = {n: told.get(n, _drawn(stage, n, last, rng)) for n in names}
        listed = {
            n: pa.array([None if v is None or v != v else v for v in np.asarray(c).tolist()])
            for n, c in columns.items()
        }
        held.add(
            f"{stage}_given", pa.table({**listed, "pupil": pa.array(rows["pupil"].astype(str)), "year": frame["year"]})
        )
        held.execute(
            f"""
            CREATE TABLE {stage}_linked AS SELECT p.*, {", ".join(f"r.{n}" for n in names)},
                if(p."on" = 1, '{CIN}', '{NONE}') AS grp
            FROM pupil_year AS p JOIN {stage}_given AS r USING (pupil, year)
            """
        )
    return held


def _drawn(stage: str, name: str, rows: Rows, rng: np.random.Generator) -> np.ndarray:
    n = len(rows["on"])
    if stage == "ks4":
        return np.round(50 - 8 * rows["on"] + rng.normal(0, 10, n), 1)
    return (rng.random(n) < 0.7 - 0.15 * rows["on"]).astype(int)


def study(**told: Any) -> Study:
    """The report's study on few children: no least group, few draws; settings by part: models={...}."""
    base = Study()
    parts = {"groups": {"least": 20}, "beyond": {"draws": 49, "permutations": 19, "authority_least": 5}}
    for part, values in told.items():
        parts[part] = {**parts.get(part, {}), **values}
    return replace(base, **{part: replace(getattr(base, part), **values) for part, values in parts.items()})


def made(database: Database, name: str, **told: Any) -> Table:
    """One table of the catalogue on these linked tables."""
    return spec(name).make(Frame(database, study(**told), "without"), name)
