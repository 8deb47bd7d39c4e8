"""A local authority's own study: the extracts a study reads, made from the current snapshot of a home.

Pupils get numbers of their own, in no order that says who they are: no identifier of a child is in what is written.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Final

from sightline.engine import Database
from sightline.evaluation import NPD, Study
from sightline.evaluation.study import REPORT_PLANS_TO
from sightline.operations.home import Home
from sightline.operations.opened import opened
from sightline.operations.study.study_files import Found
from sightline.vocabulary.errors import NothingHeld
from sightline.vocabulary.periods import year_label

GROUPS: Final = ("Children on a plan", "Other children")


@dataclass(frozen=True, slots=True)
class Local:
    """What a home gives a study: its files, the study with the day the plans reach, and steps counted on the way."""

    found: Found
    study: Study
    steps: tuple[tuple[str, int], ...]


def from_home(study: Study, base: Path, folder: Path) -> Local:
    """Write the extracts of a study from the home it names, below `folder`; the same snapshot gives the same bytes.

    Raises NothingHeld when there is no home there, or nothing has been received into it.
    """
    place = (base / study.data.home).resolve()
    if not (place / "store").is_dir():
        raise NothingHeld(f"There is no Sightline home at {place} (data.home of the study).")
    snapshot = opened(Home.open(place))
    database = snapshot.database
    if not database.one("SELECT count(*) FROM register_week"):
        raise NothingHeld(f"The home at {place} holds no attendance, so there is nothing to study.")
    folder.mkdir(parents=True, exist_ok=True)
    if study.windows.plans_to == REPORT_PLANS_TO:
        # The report's day is no day of this authority's: its plans reach as far as its care data do.
        study = replace(study, windows=replace(study.windows, plans_to=snapshot.as_at))
    _pupils(database)
    _years(database, study)
    files = {name: folder / f"{name}.parquet" for name in ("census", "absence", "exclusions", "weekly")}
    without = _census(database, files["census"])
    _absence(database, files["absence"])
    _exclusions(database, files["exclusions"])
    _weekly(database, files["weekly"])
    plans = tuple(
        _plans(database, folder / f"{name}.parquet", status, columns, snapshot.as_at)
        for name, status, columns in (
            ("cin", "CIN plan", ("CINPlanStartDate", "CINPlanEndDate")),
            ("cpp", "CP plan", ("CPPstartDate", "CPPendDate")),
        )
    )
    steps = (
        ("Children and pupils known", int(database.one("SELECT count(*) FROM study_pupil"))),
        ("Pupils and years whose free school meals are not known", without["fsm"]),
        ("Pupils and years whose area's deprivation is not known", without["idaci"]),
        (
            "Of these, taken as one value because it is known of nobody, so that IDACI drops out of the models",
            without["idaci"] if without["idaci"] == without["all"] else 0,
        ),
    )
    npd: dict[str, tuple[Path, ...]] = {name: (files[name],) if name in files else () for name in NPD}
    return Local(Found(npd, plans, None), study, steps)


def _pupils(database: Database) -> None:
    """A number for each child: by the order of a digest of the id, which says nothing of who was known first."""
    database.execute(
        "CREATE OR REPLACE TEMP TABLE study_pupil AS SELECT child_id, "
        "row_number() OVER (ORDER BY md5(child_id), child_id) AS pupil FROM person"
    )


def _years(database: Database, study: Study) -> None:
    rows = ", ".join(
        f"({y}, '{year_label(y)}', DATE '{date(y, 9, 1)}', DATE '{date(y + 1, 9, 1)}')" for y in study.windows.years
    )
    database.execute(
        f"CREATE OR REPLACE TEMP TABLE school_year AS SELECT * FROM (VALUES {rows}) AS t(year, label, first, next)"
    )


def _census(database: Database, path: Path) -> dict[str, int]:
    """One row per pupil and year with a day on a school's roll: who they are, as last known in the year."""
    database.execute(
        """
        CREATE OR REPLACE TEMP TABLE study_census AS
        WITH on_roll AS (
            SELECT e.child_id, y.year, y.label, y.first, y.next, e.urn,
                least(coalesce(e.end_date, y.next), y.next) - greatest(coalesce(e.start_date, y.first), y.first) AS days
            FROM enrolment_period AS e JOIN school_year AS y
                ON coalesce(e.start_date, y.first) < y.next AND coalesce(e.end_date, y.next) > y.first
        ), school AS (
            SELECT child_id, year, label, first, next, arg_max(urn, (days, urn)) AS urn FROM on_roll GROUP BY ALL
        ), known AS (
            SELECT l.child_id, c.as_at, c.fsm, c.sen_provision FROM characteristic AS c
            JOIN delivery AS d USING (delivery) JOIN link AS l ON l.system = d.system AND l.ref = c.pupil_ref
        ), said AS (
            SELECT s.child_id, s.year, arg_max(k.fsm, k.as_at) FILTER (k.fsm IS NOT NULL) AS fsm,
                arg_max(k.sen_provision, k.as_at) FILTER (k.sen_provision IS NOT NULL) AS sen
            FROM school AS s JOIN known AS k ON k.child_id = s.child_id AND k.as_at < s.next GROUP BY ALL
        )
        SELECT i.pupil AS PupilMatchingRefAnonymous, s.label AS AcademicYear, p.sex AS Gender,
            -- Completed years on the last day of August before the year.
            s.year - year(p.birth_date) - CAST(month(p.birth_date) > 8 AS INTEGER) AS AgeAtStartOfAcademicYear,
            left(p.ethnicity, 1) AS EthnicGroupMajor, CAST(v.fsm AS INTEGER) AS FSMeligible,
            v.sen AS SENprovision, a.idaci_score AS IDACIScore, s.urn AS URN
        FROM school AS s JOIN study_pupil AS i USING (child_id) JOIN person AS p USING (child_id)
        LEFT JOIN said AS v ON v.child_id = s.child_id AND v.year = s.year
        LEFT JOIN circumstance AS a ON a.child_id = s.child_id
        """
    )
    every, fsm, idaci = database.rows(
        "SELECT count(*), count(*) FILTER (FSMeligible IS NULL), count(*) FILTER (IDACIScore IS NULL) FROM study_census"
    )[0]
    score = "CAST(0 AS DOUBLE)" if idaci == every else "IDACIScore"
    database.write_parquet(
        f"SELECT * REPLACE ({score} AS IDACIScore) FROM study_census ORDER BY PupilMatchingRefAnonymous, AcademicYear",
        path,
    )
    return {"all": int(every), "fsm": int(fsm), "idaci": int(idaci)}


def _absence(database: Database, path: Path) -> None:
    database.write_parquet(
        """
        SELECT i.pupil AS PupilMatchingRefAnonymous, y.label AS AcademicYear,
            sum(r.possible) AS SessionsPossible_Annual, sum(r.authorised) AS AuthorisedAbsence_Annual,
            sum(r.unauthorised) AS UnauthorisedAbsence_Annual
        FROM register_week AS r JOIN study_pupil AS i USING (child_id)
        JOIN school_year AS y ON r.week >= y.first - 6 AND r.week < y.next - 6
        WHERE r.possible > 0 GROUP BY ALL ORDER BY ALL
        """,
        path,
    )


def _exclusions(database: Database, path: Path) -> None:
    database.write_parquet(
        """
        SELECT i.pupil AS PupilMatchingRefAnonymous, y.label AS AcademicYear, x.category AS Category,
            x.start_date AS StartDate, x.sessions AS Sessions
        FROM exclusion AS x JOIN study_pupil AS i USING (child_id)
        JOIN school_year AS y ON x.start_date >= y.first AND x.start_date < y.next ORDER BY ALL
        """,
        path,
    )


def _weekly(database: Database, path: Path) -> None:
    """Sessions of every week of the study's years, of children with a plan on its Monday and of the others.

    A year between the windows counts too: a series has no use for a gap that need not be. A week in which a group had
    less than half of its usual sessions is a holiday for most of it, and says little of the rest: it is left out.
    """
    database.write_parquet(
        f"""
        WITH summed AS (
            SELECT r.week AS Week, CASE WHEN p.child_id IS NULL THEN '{GROUPS[1]}' ELSE '{GROUPS[0]}' END AS "Group",
                sum(r.possible) AS SessionsPossible, sum(r.authorised + r.unauthorised) AS SessionsMissed
            FROM register_week AS r LEFT JOIN (
                SELECT DISTINCT w.week, s.child_id FROM (SELECT DISTINCT week FROM register_week) AS w
                JOIN status_period AS s ON s.status IN ('CIN plan', 'CP plan') AND s.start_date <= w.week
                    AND (s.end_date IS NULL OR s.end_date > w.week)
            ) AS p ON p.week = r.week AND p.child_id = r.child_id
            WHERE r.possible > 0 AND r.week >= (SELECT min(first) FROM school_year) - 6
                AND r.week < (SELECT max(next) FROM school_year)
            GROUP BY ALL
        )
        SELECT * FROM summed
        QUALIFY SessionsPossible >= 0.5 * median(SessionsPossible) OVER (PARTITION BY "Group") ORDER BY ALL
        """,
        path,
    )


def _plans(database: Database, path: Path, status: str, columns: tuple[str, str], as_at: date) -> Path:
    """Plans as the census has them: their last day, and the year of the census the care data stand in."""
    census = as_at.year + (as_at >= date(as_at.year, 4, 1))
    database.write_parquet(
        f"""
        SELECT i.pupil AS PupilMatchingRefAnonymous, s.start_date AS {columns[0]},
            CAST(s.end_date - 1 AS DATE) AS {columns[1]}, {census} AS CensusYear
        FROM status_period AS s JOIN study_pupil AS i USING (child_id)
        WHERE s.status = '{status}' AND s.start_date IS NOT NULL ORDER BY ALL
        """,
        path,
    )
    return path
