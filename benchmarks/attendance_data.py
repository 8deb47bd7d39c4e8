"""An invented authority's registers in two layouts, made by DuckDB alone: the same numbers give the same files."""

from __future__ import annotations

import time
from datetime import date, timedelta
from pathlib import Path

from sightline.engine import Database
from sightline.measures.marks import COUNTS, days_sql

WEEKS = 38
SESSIONS = WEEKS * 10
PUPILS_A_SCHOOL = 1000
NEW_EACH_YEAR = 0.065  # of a year's pupils, so that six years hold about 132,500
# Weeks after the first Monday of September in which schools are closed: autumn, Christmas, spring, Easter, May.
CLOSED = (7, 15, 16, 23, 30, 31, 38)
# Cumulative shares of the marks that begin a spell away from the desk, and how long such a spell lasts on average.
SPELLS = (("I", 0.50, 4.6), ("M", 0.60, 1.0), ("O", 0.74, 3.6), ("C", 0.79, 3.0), ("G", 0.83, 8.0), ("N", 0.87, 1.5),
          ("U", 0.90, 1.0), ("E", 0.905, 5.0), ("L", 0.96, 1.0), ("V", 0.99, 2.0), ("B", 1.00, 6.0))  # fmt: skip
MEAN_SPELLS = 11.3


def mondays(year: int) -> list[date]:
    """The Mondays of the 38 school weeks of an academic year."""
    first = date(year, 9, 1)
    first += timedelta(days=-first.weekday() % 7)
    open_weeks = [n for n in range(WEEKS + len(CLOSED)) if n not in CLOSED]
    return [first + timedelta(weeks=n) for n in open_weeks]


def make(folder: Path, pupils: int, years: range) -> None:
    """Write `weeks_<year>.parquet` and `sessions_<year>.parquet` for each year that is not there already."""
    for year in years:
        if not (folder / f"sessions_{year}.parquet").exists():
            began = time.perf_counter()
            _make_year(folder, pupils, year, first_pupil=int(pupils * NEW_EACH_YEAR) * (year - years[0]))
            print(f"Made {year}/{(year + 1) % 100:02d} in {time.perf_counter() - began:.0f} s", flush=True)


def _make_year(folder: Path, pupils: int, year: int, first_pupil: int) -> None:
    slots = ", ".join(f"coalesce(max(code) FILTER (slot = {n}), '{'/' if n % 2 == 0 else chr(92)}')" for n in range(10))
    counts = ", ".join(f"({days_sql(count, 'marks', 'week')})::SMALLINT AS {count}" for count in COUNTS)
    code = " ".join(f"WHEN which < {share} THEN '{mark}'" for mark, share, _ in SPELLS)
    length = " ".join(f"WHEN which < {share} THEN {mean}" for _, share, mean in SPELLS)
    schools = max(1, pupils // PUPILS_A_SCHOOL)
    with Database() as database:
        database.execute("SET preserve_insertion_order = true")
        for statement in (
            # hash() is the same on every machine; its high bits make a fraction from 0 to 1.
            "CREATE MACRO chance(a, b, c) AS (hash(a, b, c) >> 11)::DOUBLE / 9007199254740992.0",
            f"""CREATE TABLE pupils AS
                SELECT n, format('C{{:07d}}', n) AS child_id,
                    (100000 + hash(n, ({year} + n % 7) // 7) % {schools})::VARCHAR AS urn,
                    -- A few are away far more than most: the leaning is a skewed one with mean 1.
                    power(-ln(1 - chance(n, 0, 'leaning')), 2) / 2 AS leaning
                FROM range({first_pupil}, {first_pupil + pupils}) AS r(n)""",
            "CREATE TABLE weeks (w INTEGER, week DATE)",
            "INSERT INTO weeks VALUES "
            + ", ".join(f"({n}, DATE '{monday}')" for n, monday in enumerate(mondays(year))),
            f"""CREATE TABLE away AS
                SELECT n, (session // 10)::INTEGER AS w, session % 10 AS slot, min(code) AS code
                FROM (
                    SELECT n, code, unnest(range(start, least(start + long, {SESSIONS}))) AS session
                    FROM (
                        SELECT n, CASE {code} END AS code,
                            floor(chance(n, k, 'start{year}') * {SESSIONS})::BIGINT AS start,
                            1 + floor(-ln(1 - chance(n, k, 'long{year}')) * ((CASE {length} END) - 0.5))::BIGINT AS long
                        FROM (
                            SELECT n, k, chance(n, k, 'which{year}') AS which
                            FROM pupils, range(round(leaning * {MEAN_SPELLS})::BIGINT) AS r(k)
                        )
                    )
                )
                GROUP BY ALL""",
            f"CREATE TABLE changed AS SELECT n, w, concat({slots}) AS marks FROM away GROUP BY n, w",
            f"""CREATE TABLE counted AS
                SELECT marks, {counts} FROM (
                    SELECT DISTINCT marks, DATE '{mondays(year)[-1]}' AS week FROM changed
                    UNION SELECT '{"/" + chr(92)}' || repeat('/{chr(92)}', 4), DATE '{mondays(year)[-1]}'
                )""",
        ):
            database.execute(statement)
        columns = ", ".join(COUNTS)
        database.write_parquet(
            f"""SELECT child_id, urn, week, marks, {columns}, strftime(week, 'd%Y%m%d') AS delivery,
                    (n - {first_pupil} + 2)::INTEGER AS line
                FROM (
                    SELECT n, child_id, urn, week, coalesce(changed.marks, repeat('/{chr(92)}', 5)) AS marks
                    FROM pupils CROSS JOIN weeks LEFT JOIN changed USING (n, w)
                ) JOIN counted USING (marks)
                ORDER BY child_id, week, urn""",
            folder / f"weeks_{year}.parquet",
        )
        database.add_parquet("week_rows", [folder / f"weeks_{year}.parquet"])
        database.write_parquet(
            """SELECT child_id, urn, (week + (slot // 2)::INTEGER)::DATE AS day, (slot % 2)::TINYINT AS session,
                    substr(marks, slot + 1, 1) AS code
                FROM (SELECT *, unnest(range(10))::INTEGER AS slot FROM week_rows)""",
            folder / f"sessions_{year}.parquet",
        )
