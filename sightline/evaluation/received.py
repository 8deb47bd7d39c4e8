"""NPD extracts and plans as researchers receive them: which column is which, and what its values mean.

Columns are known by the field references of the NPD data tables, with the collection's prefix and year taken off:
`PupilMatchingRefAnonymous_SPR18` and `KS2_PupilMatchingRefAnonymous` are one name. Names cut to Stata's 32 characters
are known too (`UNAUTHABSENCE_6HTERM_AB16`).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sightline.vocabulary.errors import UnreadableFile


@dataclass(frozen=True, slots=True)
class Column:
    """One column wanted: its names as received, SQL of its value from the text {x}, and whether it may be absent.

    Of several names that are there the first is taken; with `together`, in each row the first that has a value.
    `parts` are columns that come to this one where no name of it is there (the terms of a year). `instead` is another
    of our columns that does in its place. `codes` says that some values are meant to mean nothing, so that one without
    a meaning is no fault.
    """

    names: tuple[str, ...]
    sql: str
    needed: bool = True
    kind: str = "VARCHAR"
    together: bool = False
    parts: tuple[str, ...] = ()
    instead: str = ""
    codes: bool = False


_PMR = Column(("pupilmatchingrefanonymous", "pmr", "pupilmatchingref", "pupilid"), "nullif(trim({x}), '')")
# 2017/2018, 2017/18, 201718, or the year it ends in.
_YEAR = Column(
    ("academicyear", "acadyr", "timeperiod"),
    "CASE WHEN regexp_matches({x}, '^\\d{{4}}[/-]?\\d{{2}}') THEN TRY_CAST(left({x}, 4) AS INTEGER) "
    "ELSE TRY_CAST({x} AS INTEGER) - 1 END",
    kind="INTEGER",
)
_NUMBER = "TRY_CAST({x} AS DOUBLE)"
# 2018-03-05 (a time of day after it or not), 05/03/2018, 05-03-2018, 05MAR2018 as SAS writes it, 5 Mar 2018.
_DAY = (
    "coalesce(TRY_CAST({x} AS DATE), TRY_CAST(try_strptime({x}, "
    "['%d/%m/%Y', '%d/%m/%Y %H:%M:%S', '%d/%m/%Y %H:%M', '%d-%m-%Y', '%d%b%Y', '%d-%b-%Y', '%d %b %Y', "
    "'%d%b%Y:%H:%M:%S']) AS DATE))"
)
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


def _outcome(*names: str) -> Column:
    return Column(names, _REACHED, kind="INTEGER", codes=True)


_TERMS: Final = ("autumn", "spring", "summer", "summer6th")


def _sessions(*words: str, instead: str = "", needed: bool = True) -> Column:
    """Sessions of a year. Annual figures are those of special schools alone, so they come last and fill what is left.

    NPD data tables, Pupil Absence: "6HalfTerms ... based on termly sessions for all schools except special schools for
    which annual sessions data will be used"; "Annual ... will only be populated for special schools".
    """
    spans = ("6halfterms", "6hterm", "3term", "5halfterms", "5hterm", "annual", "")
    names = tuple(word + span for span in spans for word in words)
    parts = tuple(words[0] + term for term in _TERMS)
    return Column(names, _NUMBER, needed, "DOUBLE", together=True, parts=parts, instead=instead)


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
        # N or a letter of provision; of the major groups 1_NON is none and 4_UNCL not known.
        "send": Column(
            ("senprovision", "senprovisionmajor", "senstatus"),
            "CASE WHEN upper(trim({x})) IN ('N', '0', '', '1_NON', 'NONE') THEN 0 "
            "WHEN upper(trim({x})) IN ('4_UNCL', 'UNCL') THEN NULL WHEN {x} IS NOT NULL THEN 1 END",
            kind="INTEGER",
            codes=True,
        ),
        # The score of the newest index that the row has: the census of a year often carries more than one.
        "idaci": Column(
            (
                "idaciscore25",
                "idaciscore19",
                "idaciscore15",
                "idaciscore",
                "idaciscore10",
                "idaciscore07",
                "idaci",
                "idacis",
            ),
            _NUMBER,
            kind="DOUBLE",
            together=True,
        ),
        "authority": Column(("la", "lacode", "la9code", "onrollla"), "nullif(trim({x}), '')", needed=False),
        "region": Column(("gor", "region"), "nullif(trim({x}), '')", needed=False),
        "school": Column(("laestab", "urn"), "nullif(trim({x}), '')", needed=False),
        "upn": Column(("upn",), "nullif(upper(trim({x})), '')", needed=False),
    },
    "absence": {
        "pupil": _PMR,
        "year": _YEAR,
        "possible": _sessions("sessionspossible"),
        "authorised": _sessions("authorisedabsence", "authabsence", instead="overall"),
        "unauthorised": _sessions("unauthorisedabsence", "unauthabsence", instead="overall"),
        "overall": _sessions("overallabsence", needed=False),
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
        "reading": _outcome("readoutcome"),
        "writing": _outcome("writoutcome"),
        "maths": _outcome("mathoutcome", "matoutcome"),
        "science": _outcome("scioutcome"),
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
        "start": Column(
            (
                "cinplanstartdate",
                "cinplanstart",
            ),
            _DAY,
            kind="DATE",
        ),
        "last": Column(
            (
                "cinplanenddate",
                "cinplanend",
            ),
            _DAY,
            kind="DATE",
        ),
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
_PREFIX = re.compile(r"^(ks[1245]|cin|pru|ap)_")
_SUFFIX = re.compile(r"_((?:ab|ex|aut|spr|sum|ad|census)?)\d{2}$")


def plain_names(name: str) -> tuple[str, str]:
    """A column's field reference in lower case without prefix and punctuation: as it is, and without its year.

    PASS_94 keeps its number; FSMeligible_SPR18 loses it.
    """
    text = _PREFIX.sub("", name.strip().lower()).removeprefix("s.")
    return _letters(text), _letters(_SUFFIX.sub("", text))


def _letters(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text)


def _by_name(columns: Sequence[str]) -> dict[str, str]:
    """Columns by each of their names, a name as it stands before one with the year taken off."""
    found: dict[str, str] = {}
    for place in (0, 1):
        for column in columns:
            found.setdefault(plain_names(column)[place], column)
    return found


def wanted(table: str, columns: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The columns received that a table takes, by our names: one, or several of which a row takes the first it has."""
    by_name = _by_name(columns)
    found = {
        name: tuple(dict.fromkeys(by_name[n] for n in spec.names if n in by_name))
        for name, spec in TABLES[table].items()
    }
    return {n: held if TABLES[table][n].together else held[:1] for n, held in found.items() if held}


def _terms(table: str, columns: Sequence[str]) -> dict[str, list[str]]:
    """By our names, the columns of terms that come to a year, where the three terms are there."""
    by_name = _by_name(columns)
    found = {
        name: [by_name[n] for n in spec.parts if n in by_name] for name, spec in TABLES[table].items() if spec.parts
    }
    return {name: held for name, held in found.items() if len(held) >= len(_TERMS) - 1}


def by_year(table: str, columns: Sequence[str]) -> tuple[str, ...]:
    """Columns that are one field of several years side by side (FSMeligible_SPR18, FSMeligible_SPR19); () when none."""
    seen: dict[tuple[str, str], str] = {}
    names = {n for spec in TABLES[table].values() for n in (*spec.names, *spec.parts)}
    for column in columns:
        whole, plain = plain_names(column)
        told = _SUFFIX.search(column.strip().lower())
        if told is None or whole in names or plain not in names:
            continue
        other = seen.setdefault((plain, told[1]), column)
        if other != column:
            return other, column
    return ()


def projection(
    table: str,
    columns: Sequence[str],
    source: str,
    file: str,
    *,
    pupil: str = "VARCHAR",
    quicker: Mapping[str, str] | None = None,
    spared: Collection[str] = (),
) -> str:
    """SQL over `source` that gives a table's columns, one row per row received; `pupil` is the references' type.

    `quicker` has SQL to use for some columns (by our names) in place of that which works from text. Those `spared` may
    be absent, because the study does not ask for them.

    Raises UnreadableFile naming a needed column that is not there, and the columns that are.
    """
    side = by_year(table, columns)
    if side:
        raise UnreadableFile(
            f"{file} has one field for several years side by side ({', '.join(side)}). Give one row per pupil and "
            "year, or a file for each year."
        )
    held = wanted(table, columns)
    if table == "exclusions" and not {"category", "sessions"} <= held.keys():
        whole = _exclusions_of_a_pupil(columns, source, held, pupil)
        if whole:
            return whole
    terms = _terms(table, columns)
    parts = []
    for name, spec in TABLES[table].items():
        found = held.get(name, ())
        there = found or name in terms or (spec.instead and (spec.instead in held or spec.instead in terms))
        if spec.needed and not there and name not in spared:
            known = [*spec.names[:3], *([" and ".join(spec.parts[:3])] if spec.parts else [])]
            raise UnreadableFile(
                f"{file} has no column for {name} of {table} (looked for {', '.join(known)}). "
                f"It has: {', '.join(columns)}."
            )
        if name == "pupil" and found and pupil != "VARCHAR":
            parts.append(f"CAST({_quoted(found[0])} AS {pupil}) AS {name}")
            continue
        value = _value(spec, found, terms.get(name, ()))
        value = (quicker or {}).get(name, value)
        parts.append(f"CAST({value} AS {spec.kind}) AS {name}")
    return f"SELECT {', '.join(parts)} FROM {source}"


def _value(spec: Column, found: Sequence[str], terms: Sequence[str]) -> str:
    """SQL of a column's value from the columns received that hold it."""
    given = [_meant(spec, column) for column in (found or terms)]
    if not given:
        return "NULL"
    if found:
        return given[0] if len(given) == 1 else f"coalesce({', '.join(given)})"
    return (
        f"CASE WHEN coalesce({', '.join(given)}) IS NOT NULL THEN {' + '.join(f'coalesce({g}, 0)' for g in given)} END"
    )


def _meant(spec: Column, column: str) -> str:
    return spec.sql.format(x=f"CAST({_quoted(column)} AS VARCHAR)")


EMPTY: Final = ("", ".", "NA", "N/A", "NULL", "NAN")
"""How statistics packages write that there is no value."""


def unread(table: str, columns: Sequence[str]) -> dict[str, tuple[str, str]]:
    """By column received: SQL that there is a value, and that it means nothing to us."""
    empty = ", ".join(f"'{word}'" for word in EMPTY)
    terms, held = _terms(table, columns), wanted(table, columns)
    found = {}
    for name, spec in TABLES[table].items():
        if spec.kind == "VARCHAR" or spec.codes:
            continue
        for column in (*held.get(name, ()), *(() if name in held else terms.get(name, ()))):
            text = f"upper(trim(CAST({_quoted(column)} AS VARCHAR)))"
            found[column] = (f"{text} NOT IN ({empty})", f"({_meant(spec, column)}) IS NULL")
    return found


def _exclusions_of_a_pupil(
    columns: Sequence[str], source: str, held: Mapping[str, tuple[str, ...]], pupil: str
) -> str | None:
    """SQL for an extract of one row per pupil or enrolment: exclusions numbered across it, or their total.

    NPD data tables, Exclusions, tables 2 and 3: Category_[n], StartDate_[n], Sessions_[n] up to 40; TotalFixedSessions.
    None when it is no such extract.
    """
    by_name, spec = _by_name(columns), TABLES["exclusions"]
    if not {"pupil", "year"} <= held.keys():
        return None
    who = f"CAST({_quoted(held['pupil'][0]) if pupil != 'VARCHAR' else _value(_PMR, held['pupil'], ())} AS {pupil})"
    when = f"CAST({_value(_YEAR, held['year'], ())} AS INTEGER)"
    numbers = [n for n in range(1, 100) if f"category{n}" in by_name and f"sessions{n}" in by_name]
    if numbers:
        each = []
        for n in numbers:
            started = by_name.get(f"startdate{n}")
            each.append(
                f"{{'category': {_meant(spec['category'], by_name[f'category{n}'])}, "
                f"'started': {_meant(spec['started'], started) if started else 'CAST(NULL AS DATE)'}, "
                f"'sessions': {_meant(spec['sessions'], by_name[f'sessions{n}'])}}}"
            )
        return (
            f"SELECT pupil, year, x.category AS category, x.started AS started, x.sessions AS sessions FROM (SELECT "
            f"{who} AS pupil, {when} AS year, unnest([{', '.join(each)}]) AS x FROM {source}) "
            "WHERE nullif(x.category, '') IS NOT NULL"
        )
    total = by_name.get("totalfixedsessions")
    if total is None:
        return None
    return (
        f"SELECT * FROM (SELECT {who} AS pupil, {when} AS year, '{SUSPENDED[1]}' AS category, CAST(NULL AS DATE) AS "
        f"started, {_meant(spec['sessions'], total)} AS sessions FROM {source}) WHERE sessions > 0"
    )


_NUMBERED = re.compile(r"(category|startdate|sessions)\d+")
_ASKED_BESIDE: Final = ("totalfixedsessions", "lachildid", "cindetailsid", "upn")


def may_want(column: str) -> bool:
    """Whether any table could take a column of this name."""
    return any(name in _ASKED_BESIDE or name in _NAMES or _NUMBERED.fullmatch(name) for name in plain_names(column))


_NAMES: Final = frozenset(n for table in TABLES.values() for spec in table.values() for n in (*spec.names, *spec.parts))


def taken(table: str, columns: Sequence[str]) -> dict[str, Column]:
    """By column received that a table reads: what is wanted of it; exclusions numbered across a row too."""
    held, terms, specs = wanted(table, columns), _terms(table, columns), TABLES[table]
    found = {column: name for name, given in held.items() for column in given}
    found |= {column: name for name, given in terms.items() if name not in held for column in given}
    if table == "exclusions":
        for column in columns:
            numbered = _NUMBERED.fullmatch(plain_names(column)[1])
            if numbered:
                found[column] = "started" if numbered[1] == "startdate" else numbered[1]
    return {column: specs[name] for column, name in found.items()}


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


def kinds_of_plans(columns: Sequence[str]) -> tuple[str, ...]:
    """Whether a file of plans has CIN plans, CP plans or, as the flat extract of the CIN census, both side by side."""
    names = set(_by_name(columns))
    return tuple(table for table in ("cin_plan", "cp_plan") if names & set(TABLES[table]["start"].names))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
