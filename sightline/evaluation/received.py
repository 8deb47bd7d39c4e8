"""NPD extracts and plans as researchers receive them: which column is which, and what its values mean.

Columns are known by the field references of the NPD data tables, with the collection's prefix and year taken off:
`PupilMatchingRefAnonymous_SPR18` and `KS2_PupilMatchingRefAnonymous` are one name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sightline.vocabulary.errors import UnreadableFile


@dataclass(frozen=True, slots=True)
class Column:
    """One column wanted: its names as received, SQL of its value from the text {x}, and whether it may be absent."""

    names: tuple[str, ...]
    sql: str
    needed: bool = True
    kind: str = "VARCHAR"


_PMR = Column(("pupilmatchingrefanonymous", "pmr", "pupilmatchingref", "pupilid"), "nullif(trim({x}), '')")
# 2017/2018, 2017/18, 201718, or the year it ends in.
_YEAR = Column(
    ("academicyear", "acadyr", "timeperiod"),
    "CASE WHEN regexp_matches({x}, '^\\d{{4}}[/-]?\\d{{2}}') THEN TRY_CAST(left({x}, 4) AS INTEGER) "
    "ELSE TRY_CAST({x} AS INTEGER) - 1 END",
    kind="INTEGER",
)
_NUMBER = "TRY_CAST({x} AS DOUBLE)"
_DAY = "coalesce(TRY_CAST({x} AS DATE), TRY_CAST(try_strptime({x}, '%d/%m/%Y') AS DATE))"
_FLAG = (
    "CASE WHEN lower({x}) IN ('1', '1.0', 'true', 'y', 'yes') THEN 1 "
    "WHEN lower({x}) IN ('0', '0.0', 'false', 'n', 'no') THEN 0 END"
)
# Teacher assessment: the expected standard or greater depth; absent, disapplied and unknown are no result.
_REACHED = (
    "CASE WHEN upper({x}) IN ('EXS', 'GDS') THEN 1 "
    "WHEN upper({x}) IN ('WTS', 'HNM', 'BLW', 'PKF', 'PKG', 'PKE', 'PK1', 'PK2', 'PK3', 'PK4') THEN 0 END"
)


def _flag(*names: str) -> Column:
    return Column(names, _FLAG, kind="INTEGER")


def _number(*names: str, needed: bool = True) -> Column:
    return Column(names, _NUMBER, needed, kind="DOUBLE")


_CENSUS = Column(
    ("censusyear", "collectionyear", "acadyr", "academicyear"),
    "CASE WHEN regexp_matches({x}, '^\\d{{4}}[/-]?\\d{{2}}') THEN TRY_CAST(left({x}, 4) AS INTEGER) + 1 "
    "ELSE TRY_CAST({x} AS INTEGER) END",
    needed=False,
    kind="INTEGER",
)
TABLES: Final[Mapping[str, Mapping[str, Column]]] = {
    "census": {
        "pupil": _PMR,
        "year": _YEAR,
        "female": Column(
            ("gender", "sex"),
            "CASE upper(left({x}, 1)) WHEN 'F' THEN 1 WHEN '2' THEN 1 WHEN 'M' THEN 0 WHEN '1' THEN 0 END",
            kind="INTEGER",
        ),
        "age": _number("ageatstartofacademicyear", "age"),
        "ethnicity": Column(("ethnicgroupmajor", "ethnicity"), "nullif(upper(trim({x})), '')"),
        "fsm": _flag("fsmeligible", "fsm"),
        "send": Column(
            ("senprovision", "senprovisionmajor", "primarysentype"),
            "CASE WHEN upper(trim({x})) IN ('N', '0', '') THEN 0 WHEN {x} IS NOT NULL THEN 1 END",
            kind="INTEGER",
        ),
        "idaci": _number("idaciscore", "idaci"),
        "authority": Column(("la", "lacode", "la9code", "onrollla"), "nullif(trim({x}), '')", needed=False),
        "region": Column(("gor", "region"), "nullif(trim({x}), '')", needed=False),
        "school": Column(("laestab", "urn"), "nullif(trim({x}), '')", needed=False),
        "upn": Column(("upn",), "nullif(upper(trim({x})), '')", needed=False),
    },
    "absence": {
        "pupil": _PMR,
        "year": _YEAR,
        "possible": _number("sessionspossibleannual", "sessionspossible6halfterms", "sessionspossible"),
        "authorised": _number("authorisedabsenceannual", "authorisedabsence6halfterms", "authorisedabsence"),
        "unauthorised": _number("unauthorisedabsenceannual", "unauthorisedabsence6halfterms", "unauthorisedabsence"),
    },
    "exclusions": {
        "pupil": _PMR,
        "year": _YEAR,
        "category": Column(("category", "exclusiontype"), "upper(trim({x}))"),
        "started": Column(("startdate",), _DAY, needed=False, kind="DATE"),
        "sessions": _number("sessions", "exclusionsessions"),
    },
    "ks1": {
        "pupil": _PMR,
        "year": _YEAR,
        "reading": Column(("readoutcome",), _REACHED, kind="INTEGER"),
        "writing": Column(("writoutcome",), _REACHED, kind="INTEGER"),
        "maths": Column(("mathoutcome", "matoutcome"), _REACHED, kind="INTEGER"),
        "science": Column(("scioutcome",), _REACHED, kind="INTEGER"),
    },
    "ks2": {
        "pupil": _PMR,
        "year": _YEAR,
        "reading": _flag("readexp"),
        "gps": _flag("gpsexp"),
        "maths": _flag("matexp", "mathexp"),
        "reading_score": _number("readscore", needed=False),
        "gps_score": _number("gpsscore", needed=False),
        "maths_score": _number("matscore", "mathscore", needed=False),
    },
    "ks4": {
        "pupil": _PMR,
        "year": _YEAR,
        "attainment_8": _number("att8"),
        "passes": _number("pass94", "passes94"),
        "progress_8": _number("p8score", "p8"),
    },
    "weekly": {
        "week": Column(("week", "weekstart", "weekcommencing", "monday"), _DAY, kind="DATE"),
        "grp": Column(("group", "grp"), "nullif(trim({x}), '')", needed=False),
        "possible": _number("sessionspossible", "possible"),
        "missed": _number("sessionsmissed", "missed", "absent"),
    },
    "cin_plan": {
        "pupil": _PMR,
        "authority": Column(("la", "cinla"), "nullif(trim({x}), '')", needed=False),
        "child": Column(("lachildid",), "nullif(trim({x}), '')", needed=False),
        "start": Column(("cinplanstartdate",), _DAY, kind="DATE"),
        "last": Column(("cinplanenddate",), _DAY, kind="DATE"),
        "census": _CENSUS,
    },
    "cp_plan": {
        "pupil": _PMR,
        "authority": Column(("la", "cinla"), "nullif(trim({x}), '')", needed=False),
        "child": Column(("lachildid",), "nullif(trim({x}), '')", needed=False),
        "start": Column(("cppstartdate",), _DAY, kind="DATE"),
        "last": Column(("cppenddate",), _DAY, kind="DATE"),
        "census": _CENSUS,
    },
}
NPD: Final = ("census", "absence", "exclusions", "ks1", "ks2", "ks4", "weekly")
"""Extracts looked for in the study's folder; `weekly` is a local authority's own, for the interrupted time series."""
SUSPENDED: Final = ("SUSP", "FIXD", "FIXED", "SUSPENSION")
_PREFIX = re.compile(r"^(ks[1245]|cin)_")
_SUFFIX = re.compile(r"_(?:ab|ex|aut|spr|sum|ad|census)?\d{2}$")


def plain_names(name: str) -> tuple[str, str]:
    """A column's field reference in lower case without prefix and punctuation: as it is, and without its year.

    PASS_94 keeps its number; FSMeligible_SPR18 loses it.
    """
    text = _PREFIX.sub("", name.strip().lower()).removeprefix("s.")
    return re.sub(r"[^a-z0-9]", "", text), re.sub(r"[^a-z0-9]", "", _SUFFIX.sub("", text))


def _by_name(columns: Sequence[str]) -> dict[str, str]:
    """Columns by each of their names, a name as it stands before one with the year taken off."""
    found: dict[str, str] = {}
    for place in (0, 1):
        for column in columns:
            found.setdefault(plain_names(column)[place], column)
    return found


def wanted(table: str, columns: Sequence[str]) -> dict[str, str]:
    """The columns received that a table takes, by our names."""
    by_name = _by_name(columns)
    found = {name: [by_name[n] for n in spec.names if n in by_name] for name, spec in TABLES[table].items()}
    return {name: held[0] for name, held in found.items() if held}


def projection(
    table: str,
    columns: Sequence[str],
    source: str,
    file: str,
    *,
    pupil: str = "VARCHAR",
    quicker: Mapping[str, str] | None = None,
) -> str:
    """SQL over `source` that gives a table's columns, one row per row received; `pupil` is the references' type.

    `quicker` has SQL to use for some columns (by our names) in place of that which works from text.

    Raises UnreadableFile naming a needed column that is not there, and the columns that are.
    """
    held = wanted(table, columns)
    parts = []
    for name, spec in TABLES[table].items():
        found = held.get(name)
        if found is None and spec.needed:
            raise UnreadableFile(
                f"{file} has no column for {name} of {table} (looked for {', '.join(spec.names)}). "
                f"It has: {', '.join(columns)}."
            )
        if name == "pupil" and found is not None and pupil != "VARCHAR":
            parts.append(f"CAST({_quoted(found)} AS {pupil}) AS {name}")
            continue
        value = "NULL" if found is None else spec.sql.format(x=f"CAST({_quoted(found)} AS VARCHAR)")
        value = (quicker or {}).get(name, value)
        parts.append(f"CAST({value} AS {spec.kind}) AS {name}")
    return f"SELECT {', '.join(parts)} FROM {source}"


def reference_column(columns: Sequence[str]) -> str | None:
    """The column that holds pupil matching references; None when there is none."""
    by_name = _by_name(columns)
    return next((by_name[n] for n in _PMR.names if n in by_name), None)


def empty_received(table: str, *, pupil: str = "VARCHAR") -> str:
    """SQL of a table with no rows, for an extract that was not received."""
    parts = (
        f"CAST(NULL AS {pupil if name == 'pupil' else spec.kind}) AS {name}" for name, spec in TABLES[table].items()
    )
    return f"SELECT {', '.join(parts)} WHERE false"


def kind_of_plans(columns: Sequence[str]) -> str | None:
    """Whether a file of plans has CIN plans or CP plans, by its columns; None when it has neither."""
    names = set(_by_name(columns))
    for table in ("cin_plan", "cp_plan"):
        if names & set(TABLES[table]["start"].names):
            return table
    return None


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
