"""Writing the nation out: NPD extracts and CIN censuses as Parquet, the truth beside them, and a study ready to run."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sightline.synthetic.national import attainment, engagement, groups, plans
from sightline.synthetic.national.engagement import Measure, Planted
from sightline.synthetic.national.people import (
    COHORTS,
    ETHNIC,
    FULL_SIZE,
    KINDS,
    REGIONS,
    YEARS,
    Flags,
    Ints,
    Pupils,
)
from sightline.vocabulary.errors import BadSetting
from sightline.vocabulary.report import printed_table

FEWEST, MOST = 2_000, 10_000_000
CHUNK = 250_000


@dataclass(frozen=True)
class National:
    """What was written: rows by file, pupils, and what was planted."""

    rows: dict[str, int]
    pupils: int
    planted: tuple[Planted, ...]


class _Files:
    """Parquet files that grow part by part."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self.open: dict[str, pq.ParquetWriter] = {}
        self.rows: dict[str, int] = {}

    def add(self, name: str, table: pa.Table) -> None:
        if name not in self.open:
            path = self.out / f"{name}.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            self.open[name] = pq.ParquetWriter(path, table.schema, compression="zstd")
        self.open[name].write_table(table)
        self.rows[name] = self.rows.get(name, 0) + table.num_rows

    def close(self) -> None:
        for writer in self.open.values():
            writer.close()


def synthesise_national(
    pupils: int, seed: int, out: Path, *, more_plans: float = 1.0, progress: Callable[[str], None] | None = None
) -> National:
    """Write NPD- and CIN-census-shaped data of `pupils` pupils below `out`, with the report's figures planted.

    `npd/` has census, absence, exclusions, ks1, ks2 and ks4; `cin/` the plans of each CIN census from 2018 to 2023,
    open ones without an end, the last stopping on 31 March 2023. `truth.json` holds what was planted cell by cell, and
    `study.toml` a study ready to run. `more_plans` multiplies the share of pupils on plans, so that a small nation has
    groups large enough to fit. The same seed writes the same bytes.

    Raises BadSetting when there are fewer than 2,000 or more than ten million pupils, or the folder is not empty.
    """
    if not FEWEST <= pupils <= MOST:
        raise BadSetting(f"A nation has from {FEWEST:,} to {MOST:,} pupils, not {pupils:,}.")
    if not 0 < more_plans <= 40:
        raise BadSetting("The share of pupils on plans can be multiplied by up to 40.")
    if out.exists() and any(out.iterdir()):
        raise BadSetting(f"The folder {out} is not empty; give a new one.")
    say = progress or (lambda _: None)
    scale = pupils / FULL_SIZE * more_plans
    files = _Files(out)
    planted: list[Planted] = []
    slopes: attainment.Slopes = {}
    try:
        say("Inventing the pupils on plans for years")
        children = 1
        for send in (False, True):
            rng = np.random.default_rng([seed, 1, int(send)])
            sample = groups.samples(rng, children, scale * (0.6 if send else 1.0), send)
            spells = plans.invent(rng, sample)
            planted += _write(
                rng, files, sample, spells, children, more_plans=more_plans, slopes=slopes, calibrated=not send
            )
            children += sample.n
        rest = pupils - (children - 1)
        each = np.diff(np.linspace(0, max(rest, 0), len(COHORTS) + 1).astype(int))
        for cohort, size in zip(COHORTS, each, strict=True):
            say(f"Inventing the pupils aged {cohort} in 2017")
            for part, n in enumerate(_parts(int(size))):
                rng = np.random.default_rng([seed, 2, cohort, part])
                group = groups.rest(rng, children, n, cohort, more_plans)
                spells = plans.invent(rng, group)
                _write(rng, files, group, spells, children, more_plans=more_plans, slopes=slopes, calibrated=False)
                children += n
    finally:
        files.close()
    planted += _planted_attainment(more_plans, slopes)
    truth: dict[str, Any] = {
        "pupils": children - 1,
        "seed": seed,
        "more_plans": more_plans,
        "planted": [asdict(p) for p in planted],
    }
    (out / "truth.json").write_text(json.dumps(truth, indent=1) + "\n", encoding="utf-8", newline="\n")
    least = 1000 if scale >= 0.9 else max(30, round(1000 * scale))
    (out / "study.toml").write_text(STUDY.format(least=least), encoding="utf-8", newline="\n")
    return National(dict(files.rows), children - 1, tuple(planted))


STUDY: Final = """\
# The report's study on invented data. What is left out keeps the report's choice: sightline evaluate --list
name = "The report's study, on an invented nation"

[data]
npd = "npd"
plans = ["cin/*.parquet"]

[groups]
least = {least}
"""


def _parts(size: int) -> list[int]:
    return [min(CHUNK, size - done) for done in range(0, size, CHUNK)]


def _write(
    rng: np.random.Generator,
    files: _Files,
    pupils: Pupils,
    spells: plans.Spells,
    first: int,
    *,
    more_plans: float,
    slopes: attainment.Slopes,
    calibrated: bool,
) -> list[Planted]:
    seen = pupils.in_school
    _census(rng, files, pupils, seen)
    planted: list[Planted] = []
    with_absence = seen & pupils.absent[:, None]
    absence, found = _sessions(rng, pupils, with_absence, "absence", calibrated)
    planted += found
    suspended, found = _sessions(rng, pupils, seen, "suspension", calibrated)
    planted += found
    _absence(rng, files, pupils, with_absence, absence)
    _suspensions(rng, files, pupils, seen, suspended)
    _attainment(rng, files, pupils, more_plans, slopes)
    for name, table in plans.census_records(rng, pupils, spells, first).items():
        files.add(f"cin/{name}", table)
    return planted


def _sessions(
    rng: np.random.Generator, pupils: Pupils, seen: Flags, measure: Measure, calibrated: bool
) -> tuple[Ints, list[Planted]]:
    if not calibrated:
        return engagement.others(rng, pupils, seen, measure), []
    pupil, year = np.nonzero(seen)
    counts = np.zeros(len(pupil), dtype=np.int64)
    planted: list[Planted] = []
    of = np.array([k.plan for k in KINDS])[pupils.kind]
    for plan in ("CIN plan", "CP plan"):
        mine = seen & (of == plan)[:, None]
        rows = engagement.rows_of(pupils, mine)
        if not len(rows.pupil):
            continue
        counts[mine[pupil, year]], found = engagement.sessions(rng, pupils, rows, measure, plan)
        planted += found
    return counts, planted


def _label(year: Ints) -> pa.Array:
    names = pa.array([f"{y}/{y + 1}" for y in YEARS])
    return pa.DictionaryArray.from_arrays(pa.array(year, pa.int8()), names).cast(pa.string())


def _names(values: Ints, names: tuple[str, ...]) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(values, pa.int8()), pa.array(names)).cast(pa.string())


def _census(rng: np.random.Generator, files: _Files, pupils: Pupils, seen: Flags) -> None:
    pupil, year = np.nonzero(seen)
    age = pupils.age[pupil, year]
    month = pupils.month[pupil]
    # The school year of birth starts in September: a pupil of age a on 31 August 2017 was born in the year before.
    born = 2017 - pupils.cohort[pupil] - (month >= 9)
    files.add(
        "npd/census",
        pa.table(
            {
                "PupilMatchingRefAnonymous": pa.array(pupils.pmr[pupil], pa.int64()),
                "AcademicYear": _label(year),
                "Gender": _names(pupils.girl[pupil].astype(np.int64), ("M", "F")),
                "MonthOfBirth": pa.array(month, pa.int8()),
                "YearOfBirth": pa.array(born, pa.int16()),
                "AgeAtStartOfAcademicYear": pa.array(age, pa.int8()),
                "EthnicGroupMajor": _names(pupils.ethnic[pupil], ETHNIC),
                "FSMeligible": pa.array(pupils.fsm[pupil, year].astype(np.int8)),
                "SENprovision": _names(pupils.send[pupil], ("N", "K", "E")),
                "IDACIScore": pa.array(pupils.idaci[pupil, year]),
                "LA": pa.array(pupils.authority[pupil], pa.int32()),
                "GOR": _names(pupils.authority[pupil] % len(REGIONS), REGIONS),
                "LAEstab": pa.array(pupils.school[pupil] + 40 * (age >= 11), pa.int32()),
            }
        ),
    )


def _absence(rng: np.random.Generator, files: _Files, pupils: Pupils, seen: Flags, sessions: Ints) -> None:
    pupil, year = np.nonzero(seen)
    possible = np.maximum(380 - rng.integers(0, 12, len(pupil)), sessions)
    authorised = rng.binomial(sessions, 0.68)
    files.add(
        "npd/absence",
        pa.table(
            {
                "PupilMatchingRefAnonymous": pa.array(pupils.pmr[pupil], pa.int64()),
                "AcademicYear": _label(year),
                "SessionsPossible_Annual": pa.array(possible, pa.int16()),
                "AuthorisedAbsence_Annual": pa.array(authorised, pa.int16()),
                "UnauthorisedAbsence_Annual": pa.array(sessions - authorised, pa.int16()),
            }
        ),
    )


def _suspensions(rng: np.random.Generator, files: _Files, pupils: Pupils, seen: Flags, sessions: Ints) -> None:
    """One row per suspension: a year's sessions in pieces of at most ten (five school days)."""
    pupil, year = np.nonzero(seen)
    at = np.flatnonzero(sessions > 0)
    pieces = -(-sessions[at] // 10)
    which = np.repeat(at, pieces)
    place = np.arange(len(which)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    last = place == np.repeat(pieces, pieces) - 1
    length = np.where(last, sessions[which] - 10 * place, 10)
    # Each in its own part of the year: two of a pupil alike on one day would be one row given twice.
    part = 300 // np.repeat(pieces, pieces)
    after = place * part + (rng.random(len(which)) * part).astype(np.int64)
    day = np.array([np.datetime64(f"{y}-09-05") for y in YEARS])[year[which]] + after
    files.add(
        "npd/exclusions",
        pa.table(
            {
                "PupilMatchingRefAnonymous": pa.array(pupils.pmr[pupil[which]], pa.int64()),
                "AcademicYear": _label(year[which]),
                "Category": pa.array(np.full(len(which), "SUSP")),
                "StartDate": pa.array(day.astype("datetime64[D]"), pa.date32()),
                "Sessions": pa.array(length, pa.int16()),
            }
        ),
    )


KS1_COLUMNS: Final = {"Reading": "READ", "Writing": "WRIT", "Maths": "MATH", "Science": "SCI"}
KS2_COLUMNS: Final = {"Reading": "READ", "GPS": "GPS", "Maths": "MAT"}
KS4_COLUMNS: Final = {"Attainment 8 score": "ATT8", "Number of passes 9-4": "PASS_94", "Progress 8 score": "P8SCORE"}


def _attainment(
    rng: np.random.Generator, files: _Files, pupils: Pupils, more_plans: float, slopes: attainment.Slopes
) -> None:
    for stage in attainment.STAGES:
        columns: dict[str, pa.Array] = {}
        if stage.name == "ks4":
            pupil, year, results = attainment.scores(rng, pupils, stage)
            for outcome, name in KS4_COLUMNS.items():
                columns[name] = pa.array(results[outcome])
        else:
            pupil, year, reached = attainment.expected_standard(
                rng, pupils, stage, more_plans=more_plans, slopes=slopes
            )
            if stage.name == "ks1":
                for outcome, name in KS1_COLUMNS.items():
                    # Teacher assessment: working towards, expected, greater depth.
                    level = np.where(reached[outcome], 1 + (rng.random(len(pupil)) < 0.3), 0)
                    columns[f"{name}_OUTCOME"] = _names(level, ("WTS", "EXS", "GDS"))
            else:
                marks = attainment.scaled_scores(rng, pupils, pupil, year, reached)
                for outcome, name in KS2_COLUMNS.items():
                    columns[f"{name}EXP"] = pa.array(reached[outcome].astype(np.int8))
                    columns[f"{name}SCORE"] = pa.array(marks[outcome], pa.int16())
        head = {"PupilMatchingRefAnonymous": pa.array(pupils.pmr[pupil], pa.int64()), "ACADYR": _label(year)}
        files.add(f"npd/{stage.name}", pa.table(head | columns))


def _planted_attainment(more_plans: float, slopes: attainment.Slopes) -> list[Planted]:
    """What the expectations hold: a logit's coefficients times the average of p (1-p) over each table's own pupils."""
    found = []
    for stage in attainment.STAGES:
        for outcome in stage.outcomes:
            by_group = slopes.get((stage.name, outcome))
            planted = attainment.coefficients(stage, outcome)
            for number, group in ((stage.cin, 1), (stage.cp, 2)):
                cells = printed_table(number)
                if by_group is not None:
                    total, n = by_group[[0, group]].sum(axis=0)
                    odds = attainment.logit(stage, outcome, more_plans).values
                    planted = {row: value * total / max(n, 1) for row, value in odds.items()}
                for row, value in planted.items():
                    if (row, outcome, "estimate") in cells:
                        printed = cells[row, outcome, "estimate"].value
                        found.append(Planted(number, row, outcome, "estimate", printed, float(value)))
    return found
