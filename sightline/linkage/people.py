"""Lists of people made comparable: one row per record, every column tidied the same way on both sides."""

from __future__ import annotations

from collections.abc import Collection

from sightline.engine import Database
from sightline.linkage.names import forms

# What a list of people may say of each: text as received, except `row` (a whole number) and `birth_date` (a date).
COLUMNS = ("surname", "forename", "birth_date", "sex", "postcode", "school", "upn", "nhs_number")
# What any file of people may say besides.
EXTRAS = ("address", "town", "phone", "email")
# A number on more records than this names nobody (two registrations of one pupil are common, five are not).
MOST_SHARED = 4
# Names that files hold where there is none.
_STREETS = {"street": "st", "road": "rd", "avenue": "ave", "lane": "ln", "close": "cl", "drive": "dr", "flat": "",
            "court": "ct", "crescent": "cres", "place": "pl", "gardens": "gdns", "terrace": "ter"}  # fmt: skip
_FORMS = ", ".join(f"('{name}', {list(known)})" for name, known in forms().items())
_NO_NAME = "('unknown', 'unborn', 'baby', 'na', 'none', 'notknown', 'unnamed', 'nfn', 'nfa', 'test')"


def plain(x: str) -> str:
    """SQL for a name without case, accents, spaces and punctuation; null when nothing is left."""
    return f"nullif(regexp_replace(lower(strip_accents({x})), '[^a-z]', '', 'g'), '')"


def _named(x: str) -> str:
    return f"CASE WHEN {plain(x)} NOT IN {_NO_NAME} THEN {plain(x)} END"


def _squeezed(x: str) -> str:
    return f"nullif(regexp_replace(upper({x}), '[^A-Z0-9]', '', 'g'), '')"


def _lines(x: str) -> str:
    """SQL for an address without its postcode, case and punctuation, the commonest words of streets shortened."""
    tidy = f"regexp_replace(lower(strip_accents({x})), '[a-z]{{1,2}}[0-9][a-z0-9]? ?[0-9][a-z]{{2}}', ' ', 'g')"
    tidy = f"' ' || trim(regexp_replace({tidy}, '[^a-z0-9]+', ' ', 'g')) || ' '"
    for word, short in _STREETS.items():
        tidy = f"replace({tidy}, ' {word} ', ' {short} ')"
    return f"nullif(trim({tidy}), '')"


def standardise(database: Database, source: str, made: str, *, present: Collection[str] = COLUMNS) -> None:
    """Make the table `made`, one row per row of the SQL `source`, ready to be compared.

    `source` has `row` and the columns in `present`. Adds `given` (every given name), `initial`, `forms` (what names the
    first name is a form of), `sector` and `district` of the postcode, and `twin`: another record of the list has the
    same birth date and postcode and another first name or none, so that nothing but the first name tells the two apart.
    """
    has = {name: name if name in present else ("NULL::DATE" if name == "birth_date" else "NULL::TEXT")
           for name in (*COLUMNS, *EXTRAS)}  # fmt: skip
    forename = f"regexp_replace({has['forename']}, '\\(.*?\\)', ' ', 'g')"
    surname = f"regexp_replace({has['surname']}, '\\(.*?\\)', ' ', 'g')"
    first = f"regexp_extract(trim({forename}), '^[^\\s]+')"
    school = f"regexp_replace(lower(strip_accents({has['school']})), '[^a-z0-9]+', ' ', 'g')"
    numbers = ", ".join(
        f"CASE WHEN count(*) OVER (PARTITION BY {n}) <= {MOST_SHARED} THEN {n} END AS {n}"
        for n in ("upn", "nhs_number")
    )
    database.execute(
        f"""
        CREATE OR REPLACE TABLE {made} AS
        WITH tidy AS (
            SELECT row::BIGINT AS row, {_named(surname)} AS surname,
                {_named(first)} AS forename,
                list_filter(
                    list_transform(regexp_split_to_array(trim({forename}), '[\\s-]+'), lambda x: {plain("x")}),
                    lambda x: length(x) > 1) AS given,
                CASE WHEN {has["birth_date"]} NOT IN (DATE '1900-01-01', DATE '1901-01-01') THEN {has["birth_date"]} END
                    AS birth_date,
                CASE WHEN {has["sex"]} IN ('M', 'F') THEN {has["sex"]} END AS sex,
                {_squeezed(has["postcode"])} AS postcode,
                nullif(trim({school}), '') AS school,
                {_squeezed(has["upn"])} AS upn, {_squeezed(has["nhs_number"])} AS nhs_number,
                {_lines(has["address"])} AS address, {plain(has["town"])} AS town,
                nullif(right(regexp_replace({has["phone"]}, '[^0-9]', '', 'g'), 9), '') AS phone,
                nullif(lower(trim({has["email"]})), '') AS email
            FROM ({source})
        ),
        kept AS (
            SELECT * REPLACE (
                -- One letter says too little to be compared as a name.
                CASE WHEN length(forename) > 1 THEN forename END AS forename,
                CASE WHEN length(postcode) BETWEEN 4 AND 9 AND regexp_matches(postcode, '[0-9]') THEN postcode END
                    AS postcode,
                CASE WHEN length(phone) > 5 THEN phone END AS phone,
                CASE WHEN length(address) > 5 THEN address END AS address,
                CASE WHEN length(upn) BETWEEN 11 AND 15 THEN upn END AS upn,
                CASE WHEN length(nhs_number) = 10 THEN nhs_number END AS nhs_number),
                left(forename, 1) AS initial
            FROM tidy
        ),
        numbered AS (SELECT * REPLACE ({numbers}) FROM kept)
        SELECT numbered.*, forms, left(postcode, length(postcode) - 2) AS sector,
            left(postcode, length(postcode) - 3) AS district,
            birth_date IS NOT NULL AND postcode IS NOT NULL AND coalesce(
                min(forename) OVER home <> max(forename) OVER home
                OR count(forename) OVER home < count(*) OVER home AND count(*) OVER home > 1, false) AS twin
        FROM numbered LEFT JOIN (VALUES {_FORMS}) known (written, forms) ON written = forename
        WINDOW home AS (PARTITION BY birth_date, postcode)
        ORDER BY row
        """
    )


def filled(database: Database, table: str) -> set[str]:
    """The columns of a standardised table that hold any value at all."""
    named = (*COLUMNS, *EXTRAS)
    counts = ", ".join(f"count({name})" for name in named)
    return {name for name, n in zip(named, database.rows(f"SELECT {counts} FROM {table}")[0], strict=True) if n}
