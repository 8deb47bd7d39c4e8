"""School census tables written as relational CSV: the columns that are read, under the census's own names."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from sightline.engine import Database
from sightline.sources.columns import literal
from sightline.sources.school_census_terms import Collection

_DAY = "strftime({}, '%Y-%b-%d 00:00:00')"
_COUNT = "{}::DOUBLE::TEXT"  # the census writes 134 as 134.0


def written(
    tables: Mapping[str, pa.Table], shape: str, name: str, pupil: str, collection: Collection | None
) -> pa.Table:
    """The rows of one census table as text. `pupil` is the column of the pupil's table id."""
    with Database.of(tables) as database:
        database.execute("SET preserve_insertion_order = true")
        key = f'SELECT pupil_ref AS {pupil}, {{school}} AS "NativeId", row_number() OVER () AS {name}orderseqcolumn, '
        if shape == "pupils":
            return database.query(_pupils(name, pupil, collection))
        return database.query(key.format(school=_SCHOOL[shape]) + _ROWS[shape].format(day=_on(collection)))


def _on(collection: Collection | None) -> str:
    return f"DATE '{collection.day}'" if collection else "NULL::DATE"


_SCHOOL = {
    "sessions": "school_ref",
    "exclusions": "school_ref",
    "meals": "NULL::TEXT",
    "needs": "NULL::TEXT",
    "addresses": "NULL::TEXT",
}
# A period open on census day, or one that ended the day before.
_MEALS_FROM = "CASE WHEN fsm THEN {day} ELSE {day} - 1 END"
_MEALS_TO = "CASE WHEN NOT fsm THEN coalesce({day}, DATE '2000-01-02') - 1 END"
_ROWS = {
    "sessions": f"{_COUNT.format('sessions')} AS sessions, code AS attendancereason "
    "FROM termly_attendance WHERE code IS NOT NULL ORDER BY line",
    "exclusions": f"{_DAY.format('start_date')} AS startdate, {_COUNT.format('sessions')} AS sessions, "
    "reason1, reason2, reason3, category FROM suspension ORDER BY line",
    "meals": f"{_DAY.format(_MEALS_FROM)} AS fsmstartdate, {_DAY.format(_MEALS_TO)} AS fsmenddate, "
    "'ENG' AS ukcountry FROM characteristic WHERE fsm IS NOT NULL ORDER BY line",
    "needs": "'1.0' AS sentyperank, sen_primary AS sentype FROM characteristic WHERE sen_primary IS NOT NULL "
    "ORDER BY line",
    "addresses": "postcode FROM pupil WHERE postcode IS NOT NULL ORDER BY line",
}


def _pupils(name: str, pupil: str, collection: Collection | None) -> str:
    """SQL of a table of pupils: one row per registration. Only the columns of the census's own term are there."""
    on_roll = name == "pupilonroll"
    term = collection.term if collection else "summer"
    columns = [
        f"e.pupil_ref AS {pupil}",
        'e.school_ref AS "NativeId"',
        f"row_number() OVER () AS {name}orderseqcolumn",
        f"{_DAY.format('p.birth_date')} AS dob",
        "p.surname",
        "p.forename",
        "ids.upn",
        "ids.formerupn",
        "ids.uniquelearnernumber",
        "p.sex",
        f"{_DAY.format('e.entry_date')} AS entrydate",
        "e.boarder",
        f"{_COUNT.format('possible.whole')} AS termlysessionspossible",
    ]
    if on_roll:
        columns += ["e.status AS enrolstatus", "e.year_group AS ncyearactual", "c.senprovision", "c.language"]
    else:
        columns += [f"{_DAY.format('e.leaving_date')} AS leavingdate", "e.year_group AS ncyearleaving"]
    if term == "autumn":
        columns.append(f"{_COUNT.format('possible.half')} AS summerhalfterm2sessionspossible")
    elif term == "spring":
        columns += ["p.ethnicity", *(["c.youngcarer"] if on_roll else [])]
    second = "NULL::DATE"
    if collection and term == "autumn":
        second = "DATE " + literal(collection.attendance_span(second_half=True)[0].isoformat())
    return f"""
        WITH p AS (FROM pupil QUALIFY row_number() OVER (PARTITION BY pupil_ref ORDER BY line) = 1),
        c AS (
            SELECT pupil_ref, any_value(sen_provision) AS senprovision, any_value(language) AS language,
                any_value(young_carer) AS youngcarer
            FROM characteristic GROUP BY pupil_ref
        ),
        ids AS (
            SELECT ref, min(value) FILTER (kind = 'upn') AS upn, min(value) FILTER (kind = 'former_upn') AS formerupn,
                min(value) FILTER (kind = 'uln') AS uniquelearnernumber
            FROM identifier GROUP BY ref
        ),
        possible AS (
            SELECT pupil_ref, school_ref, line,
                max(sessions) FILTER (term_start IS DISTINCT FROM {second} OR {second} IS NULL) AS whole,
                max(sessions) FILTER (term_start = {second}) AS half
            FROM termly_attendance WHERE code IS NULL GROUP BY ALL
        )
        SELECT {", ".join(columns)}
        FROM enrolment e
        LEFT JOIN p ON p.pupil_ref = e.pupil_ref
        LEFT JOIN c ON c.pupil_ref = e.pupil_ref
        LEFT JOIN ids ON ids.ref = e.pupil_ref
        LEFT JOIN possible ON possible.pupil_ref = e.pupil_ref
            AND possible.school_ref IS NOT DISTINCT FROM e.school_ref AND possible.line IS NOT DISTINCT FROM e.line
        ORDER BY e.line, e.pupil_ref
    """
