"""A nation's extracts and plans in the shapes researchers receive, made in bulk: for the speed of linking alone.

One row per pupil and year of census and absence (31 million for 8 million pupils), 4 million plans in six censuses, a
key stage for a quarter of the pupils, suspensions for one in thirty. Nothing is planted: for known effects there is
`sightline synthesise --national`.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

YEARS = (2017, 2018, 2021, 2022)
PLANS_FOR_EACH = 0.5


def write(folder: Path, pupils: int) -> None:
    """Write `npd/*.parquet`, `cin/*.parquet` and `study.toml` below the folder."""
    for part in ("npd", "cin"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    db = duckdb.connect(config={"memory_limit": "3GB", "preserve_insertion_order": "false"})
    db.execute("SET enable_progress_bar = false")
    db.execute(f"SET temp_directory = '{folder}'")
    # Draws by hashing, so that every table knows the same pupil: u(i, k) is from 0 to 1.
    db.execute("CREATE MACRO u(i, k) AS (hash(i * 1000003 + k) % 1000003) / 1000003.0")
    db.execute("CREATE MACRO pmr(i) AS (i * 7368787 + 1299709) % 10000000019 + 10000000000")
    years = ", ".join(f"({y}, '{y}/{y + 1}')" for y in YEARS)
    db.execute(f"CREATE TABLE y AS SELECT * FROM (VALUES {years}) AS t(year, label)")
    # Three in a hundred pupils and years are missing, and one in a thousand has a second school's record.
    seen = f"FROM range({pupils}) AS p(i), y WHERE u(i, year) >= 0.03"
    _copy(
        db,
        folder / "npd" / "census.parquet",
        f"""
        SELECT pmr(i) AS PupilMatchingRefAnonymous, label AS AcademicYear,
            CASE WHEN u(i, 1) < 0.51 THEN 'F' ELSE 'M' END AS Gender,
            CAST(4 + i % 11 AS TINYINT) AS AgeAtStartOfAcademicYear,
            ['WHIT', 'ASIA', 'BLAC', 'MIXD', 'AOEG', 'UNCL'][1 + CAST(floor(u(i, 2) ** 2 * 6) AS INTEGER)]
                AS EthnicGroupMajor,
            CAST(u(i, year + 3) < 0.22 AS TINYINT) AS FSMeligible,
            CASE WHEN u(i, 4) < 0.85 THEN 'N' WHEN u(i, 4) < 0.96 THEN 'K' ELSE 'E' END AS SENprovision,
            round(u(i, 5) ** 2 * 0.97, 3) AS IDACIScore, CAST(101 + i % 152 AS INTEGER) AS LA,
            'Region ' || chr(CAST(65 + i % 9 AS INTEGER)) AS GOR,
            CAST((101 + i % 152) * 10000 + 2000 + i % 110 AS INTEGER) AS LAEstab
        FROM (SELECT i, year, label {seen} UNION ALL SELECT i, year, label {seen} AND u(i, year + 9) < 0.001)
        """,
    )
    _copy(
        db,
        folder / "npd" / "absence.parquet",
        f"""
        SELECT pmr(i) AS PupilMatchingRefAnonymous, label AS AcademicYear,
            CAST(368 + i % 12 AS SMALLINT) AS SessionsPossible_Annual,
            CAST(floor(u(i, year + 11) ** 4 * 60) AS SMALLINT) AS AuthorisedAbsence_Annual,
            CAST(floor(u(i, year + 12) ** 8 * 80) AS SMALLINT) AS UnauthorisedAbsence_Annual
        {seen}
        """,
    )
    _copy(
        db,
        folder / "npd" / "exclusions.parquet",
        f"""
        SELECT pmr(i) AS PupilMatchingRefAnonymous, label AS AcademicYear, 'SUSP' AS Category,
            CAST(make_date(year, 9, 5) + CAST(floor(u(i, 13) * 300) AS INTEGER) AS DATE) AS StartDate,
            CAST(1 + floor(u(i, 14) * 9) AS SMALLINT) AS Sessions
        {seen} AND u(i, year + 15) < 0.034
        """,
    )
    grade = "['WTS', 'EXS', 'GDS'][1 + CAST(floor(u(i, {k}) * 3) AS INTEGER)]"
    for stage, age, columns in (
        ("ks1", 6, ", ".join(f"{grade.format(k=k)} AS {n}_OUTCOME" for k, n in
                             enumerate(("READ", "WRIT", "MATH", "SCI"), 20))),
        ("ks2", 10, ", ".join(f"CAST(u(i, {k}) < 0.7 AS TINYINT) AS {n}EXP, CAST(80 + floor(u(i, {k}) * 40) AS "
                              f"SMALLINT) AS {n}SCORE" for k, n in enumerate(("READ", "GPS", "MAT"), 30))),
        ("ks4", 14, "round(u(i, 40) * 90, 2) AS ATT8, CAST(floor(u(i, 41) * 14) AS DOUBLE) AS PASS_94, "
                    "round(u(i, 42) * 4 - 2, 3) AS P8SCORE"),
    ):  # fmt: skip
        _copy(
            db,
            folder / "npd" / f"{stage}.parquet",
            f"SELECT pmr(i) AS PupilMatchingRefAnonymous, label AS ACADYR, {columns} {seen} "
            f"AND i % 15 = {age} AND u(i, 50) < 0.99",
        )
    # Each plan starts in a day of ten years and lasts five months on average; three in ten overlap the one before.
    episodes = int(pupils * PLANS_FOR_EACH)
    db.execute(
        f"""
        CREATE TABLE episode AS
        SELECT CAST(floor(u(k, 60) ** 2 * {pupils}) AS BIGINT) AS i, u(k, 61) < 0.8 AS cin,
            DATE '2013-04-01' + CAST(floor(u(k, 62) * 3600) AS INTEGER) AS first,
            DATE '2013-04-01' + CAST(floor(u(k, 62) * 3600 + 1 - ln(1 - u(k, 63)) * 150) AS INTEGER) AS last
        FROM range({episodes}) AS e(k)
        """
    )
    for census in range(2014, 2024):
        for name, kind, start, end in (
            ("cin", "cin", "CINPlanStartDate", "CINPlanEndDate"),
            ("cpp", "NOT cin", "CPPstartDate", "CPPendDate"),
        ):
            _copy(
                db,
                folder / "cin" / f"{name}_{census}.parquet",
                f"""
                SELECT pmr(i) AS PupilMatchingRefAnonymous, first AS {start},
                    CASE WHEN last < make_date({census}, 4, 1) THEN last END AS {end}
                FROM episode WHERE {kind} AND first < make_date({census}, 4, 1)
                    AND last >= make_date({census - 1}, 4, 1)
                """,
            )
    db.close()
    (folder / "study.toml").write_text(
        'name = "Linking a nation"\n\n[data]\nnpd = "npd"\nplans = ["cin/*.parquet"]\n', encoding="utf-8"
    )


def _copy(db: duckdb.DuckDBPyConnection, path: Path, sql: str) -> None:
    db.execute(f"COPY ({sql}) TO '{path}' (FORMAT parquet, COMPRESSION zstd)")
