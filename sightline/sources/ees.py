"""Explore Education Statistics: the CSV of any data set and the file that describes its columns.

Columns are read by name, in any order. Geography and time are the same in every set; of the others, a column is an
indicator when each of its cells is a number or a symbol, and a filter otherwise, unless the describing file came beside
it and says. A filter of nothing but numbers (a year group, an age) is known by its name, or by this: without it, rows
of the same area and period would say different things of the same figure. Data sets that are known by their columns
have a short name; another has the name of its file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa

from sightline.engine import Database
from sightline.sources.base import Context, Head, Reading, Source
from sightline.sources.columns import ABSENT, bench, cell, first, literal, name, target
from sightline.sources.delimited import header_of, read_delimited, write_delimited
from sightline.sources.gathered import fingerprint
from sightline.sources.national import (
    FILTER,
    INDICATOR,
    SYSTEM,
    definitions,
    figures,
    group_definitions,
    judge_coverage,
    period_of,
    span,
    year_of,
)
from sightline.vocabulary.codes import code_list, valid_codes
from sightline.vocabulary.errors import UnreadableFile
from sightline.vocabulary.findings import Finding, Severity

KIND, KIND_META = "ees", "ees-meta"
TIME = ("time_period", "time_identifier")
# Two of them, with the area, tell a file of national figures; what is missing is then asked for by name.
_TELLING = {"time_period", "geographic_level", "time_identifier", "country_code"}
_ENOUGH = 2
# Level in lower case: the columns of its code and of its name, the first that is filled; others are named by the
# smallest of the usual areas that is.
AREAS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "national": (("country_code",), ("country_name",)),
    "regional": (("region_code",), ("region_name",)),
    "local authority": (("new_la_code",), ("la_name",)),
    "local authority district": (
        ("lad_code", "local_authority_district_code"), ("lad_name", "local_authority_district_name")),
    "school": (("school_urn", "school_laestab"), ("school_name",)),
    "mat": (("trust_id",), ("trust_name",)),
    "sponsor": (("sponsor_id",), ("sponsor_name",)),
    "provider": (("provider_ukprn",), ("provider_name",)),
    "institution": (("institution_id",), ("institution_name",)),
    "ward": (("ward_code",), ("ward_name",)),
    "parliamentary constituency": (("pcon_code",), ("pcon_name",)),
    "planning area": (("planning_area_code",), ("planning_area_name",)),
    "police force area": (("pfa_code",), ("pfa_name",)),
    "local skills improvement plan area": (("lsip_code",), ("lsip_name",)),
    "local enterprise partnership": (("local_enterprise_partnership_code",), ("local_enterprise_partnership_name",)),
    "mayoral combined authority": (("mayoral_combined_authority_code",), ("mayoral_combined_authority_name",)),
    "english devolved area": (("english_devolved_area_code",), ("english_devolved_area_name",)),
    "opportunity area": (("opportunity_area_code",), ("opportunity_area_name",)),
    "rsc region": ((), ("rsc_region_lead_name",)),
}  # fmt: skip
# For a level that is none of these, and for a row that leaves its level's own columns empty: code, name.
_USUAL = (
    ("location_code", "school_urn", "lad_code", "new_la_code", "region_code", "country_code"),
    ("location", "school_name", "lad_name", "la_name", "region_name", "country_name"),
)
_SPELT = {"mat": "MAT", "rsc region": "RSC region", "english devolved area": "English devolved area"}
GEOGRAPHY = tuple(
    dict.fromkeys(
        [
            "geographic_level",
            "location_code",
            "location",
            "old_la_code",
            "school_laestab",
            *(column for pair in AREAS.values() for columns in pair for column in columns),
        ]
    )
)
GROUPS = ("social_care_group", "cin_group", "social_care_cohort")
PHASES = ("phase_type_grouping", "education_phase", "phase_of_education", "school_phase", "phase", "school_type")
# Columns that look like figures and are not.
_FILTERS = re.compile(
    r"age|age[_ ]?(group|band|range|years?|at_\w+|start\w*)|ncyear|nc_year\w*|year_group|week\w*|version|"
    r"characteristic\w*|breakdown\w*"
)
# What tools write for nothing: in a column of figures a fault, which does not make the column a filter.
_NOTHING = ("na", "n/a", "#n/a", "nan", "null", "none", "#div/0!", "#value!", "inf", "-inf")
# Known by columns that no other set has.
SETS: Mapping[str, tuple[str, ...]] = {
    "outcomes-absence": ("social_care_group", "absence_terms"),
    "outcomes-ks2": ("social_care_group", "t_rwm_eligible_pupils"),
    "outcomes-ks4": ("social_care_group", "avg_att8"),
    "outcomes-sen": ("social_care_group", "t_all_sen"),
    "cin-children": ("anypoint_episodes", "at31_episodes"),
    "cin-referrals": ("referral_count", "rereferral_count"),
    "cin-subsequent-plans": ("cpp_start", "cpp_subsequent"),
    "cin-plan-duration": ("cpp_at31", "2_years_or_more"),
    "pupil-absence-pru": ("num_schools", "sess_auth_totalreasons", "sess_x_covid"),
    "attendance-year-to-date": ("education_phase", "reason_present_am"),
    "attendance-persistent": ("time_frame", "persistent_absence_percent"),
    "ap-placements": ("setting_type", "pupil_characteristic", "pupils"),
    "exclusions-by-reason": ("perm_physical_pupils", "fixed_physical_pupils"),
    "population-0-17": ("age_group", "population_estimate"),
}
_SPLIT = "; "


def _recognise(head: Head) -> bool:
    return len(_TELLING & set(head.header)) >= _ENOUGH


def _is_meta(header: Sequence[str]) -> bool:
    return {"col_name", "col_type", "label"} <= set(header) and "filter_item" not in header


def read_ees(path: Path, context: Context) -> Reading:
    """One row per figure in `comparator`, and a definition per group met. Raises UnreadableFile when there is none."""
    findings: list[Finding] = []
    raw = read_delimited(path, findings)
    lacks = [column for column in ("time_period", "geographic_level") if column not in raw.column_names]
    if lacks:
        raise UnreadableFile(
            "A file of national figures (Explore Education Statistics) needs the columns time_period and "
            f"geographic_level; this one has no {' and no '.join(lacks)}."
        )
    described = _described(context, raw.column_names)
    shown = context.name or path.name
    dataset = _dataset(raw.column_names, shown)
    with bench(raw) as database:
        filters, indicators = _columns(database, raw.column_names, described, findings)
        table = figures(database, _cells(raw.column_names, filters, indicators, dataset), findings)
    judge_coverage(table, findings)
    rows = group_definitions(table, dataset, findings)
    rows += [row | {"dataset": dataset} for row in described.values()]
    return Reading(
        kind=KIND,
        system=SYSTEM,
        period=f"{dataset}, {span(table)}",
        covers=f"{dataset} {fingerprint(set(raw.column_names) - {'line'})}",
        tables={"comparator": table, "comparator_definition": definitions(rows)},
        received={KIND: raw},
        findings=findings,
    )


def _dataset(columns: Sequence[str], shown: str) -> str:
    present = set(columns)
    for known, telling in SETS.items():
        if set(telling) <= present:
            return known
    return re.sub(r"[^a-z0-9]+", "-", Path(shown).stem.lower()).strip("-") or "data-set"


def _described(context: Context, columns: Sequence[str]) -> dict[str, dict[str, object]]:
    """What a describing file received beside this one says of its columns, by name: the fullest that fits."""
    found: dict[str, dict[str, object]] = {}
    for path in context.beside:
        with path.open("rb") as file:
            if not _is_meta(header_of(file.read(2**16))):
                continue
        rows = _meta_rows(read_delimited(path, []), [])
        told = {str(row["name"]): row for row in rows}
        if len(told) > len(found) and told.keys() <= set(columns):
            found = told
    return found


def _columns(
    database: Database, columns: Sequence[str], described: Mapping[str, Mapping[str, object]], findings: list[Finding]
) -> tuple[list[str], list[str]]:
    """The names of the filters and of the indicators, in file order."""
    symbols = ", ".join(literal(code) for code in (*valid_codes("statistic_symbol"), *_NOTHING))
    again = {c for c in columns if (twice := re.fullmatch(r"(.+) \(\d+\)", c)) and twice[1] in columns}
    own = [
        c for c in columns if c not in (*TIME, *GEOGRAPHY, "line") and c not in again and not c.startswith("unnamed ")
    ]
    if not own:
        raise UnreadableFile("The file has areas and periods but no figures.")
    asked = ", ".join(
        f"count({cell(c)}), count(*) FILTER ({cell(c)} IS NOT NULL AND lower({cell(c)}) NOT IN ({symbols}) "
        f"AND try_cast(replace({cell(c)}, ',', '') AS DOUBLE) IS NULL)"
        for c in own
    )
    counts = database.rows(f"SELECT {asked} FROM raw")[0]
    filters: list[str] = []
    indicators: list[str] = []
    empty: list[str] = []
    untold: list[str] = []
    for place, column in enumerate(own):
        filled, words = counts[2 * place : 2 * place + 2]
        kind = described.get(column, {}).get("kind")
        if not filled:
            empty.append(column)
        elif kind == FILTER or (kind != INDICATOR and (words > 0 or _FILTERS.fullmatch(column))):
            # A few cells that are no figures in a column of figures are faults in it, not a filter.
            (indicators if kind is None and 0 < words < 0.02 * filled and not _FILTERS.fullmatch(column)
             else filters).append(column)  # fmt: skip
        elif described and kind is None:
            untold.append(column)
        else:
            indicators.append(column)
    if empty:
        says = f"Columns without a single value, of which nothing is known: {', '.join(empty)}."
        findings.append(Finding("empty-column", Severity.NOTE, says, "comparator", line=1))
    if untold:
        says = (
            f"The file that describes the columns says nothing of {', '.join(untold[:12])}, which hold numbers "
            "(perhaps of schools or days); they were not read as figures."
        )
        findings.append(
            Finding("column-not-described", Severity.QUERY, says, "comparator", field=untold[0], line=1,
                    right="every figure's column in the .meta.csv")
        )  # fmt: skip
    if not described:
        told = _filters_of_numbers(database, columns, filters, indicators, findings)
        filters, indicators = filters + told, [c for c in indicators if c not in told]
    if not indicators:
        raise UnreadableFile("No column of the file holds figures only, so nothing could be read from it.")
    return filters, indicators


def _filters_of_numbers(
    database: Database,
    columns: Sequence[str],
    filters: Sequence[str],
    indicators: Sequence[str],
    findings: list[Finding],
) -> list[str]:
    """The columns of whole numbers without which rows could not be told apart: they are filters, not indicators.

    Where more than one would do, none is taken, and a finding asks for the file that says which it is.
    """
    grain = [name(c) for c in (*TIME, *GEOGRAPHY, *filters) if c in columns]
    rows, distinct = database.rows(f"SELECT count(*), count(DISTINCT row({', '.join(grain)}, 0)) FROM raw")[0]
    if rows == distinct:
        return []
    digits = "regexp_full_match({}, '[0-9]{{1,4}}')"
    whole = [
        c
        for c in indicators
        if not database.one(f"SELECT count(*) FROM raw WHERE ({digits.format(cell(c))}) IS NOT TRUE")
    ]
    would = [
        c for c in whole
        if database.one(f"SELECT count(DISTINCT row({', '.join(grain)}, {name(c)})) FROM raw") == rows
    ]  # fmt: skip
    if len(would) == 1 and len(indicators) > 1:
        says = (
            f"Column {would[0]} holds nothing but numbers and was taken for a filter, as rows of the same area and "
            "period differ in it."
        )
        findings.append(Finding("filter-of-numbers", Severity.NOTE, says, "comparator", field=would[0], line=1))
        return would
    if would:
        says = (
            f"Rows of the same area and period can be told apart by {', '.join(would[:6])}, so one of these is a "
            "filter of numbers; which one cannot be told, and all were read as figures."
        )
        findings.append(
            Finding("filter-not-told", Severity.QUERY, says, "comparator", field=would[0], line=1,
                    right="the data set's .meta.csv, received together with it")
        )  # fmt: skip
    return []


def _cells(columns: Sequence[str], filters: Sequence[str], indicators: Sequence[str], dataset: str) -> str:
    present = set(columns)
    # A row that names a school is a school's, whatever its level says.
    school = f"{first(('school_urn',), present)} IS NOT NULL"
    low = f"CASE WHEN {school} THEN 'school' ELSE lower({cell('geographic_level')}) END"
    spelt = ", ".join(f"{literal(key)}: {literal(word)}" for key, word in _SPELT.items())
    level = f"coalesce((MAP {{{spelt}}})[{low}], upper(({low})[1]) || ({low})[2:], 'Unknown')"

    def of_area(place: int) -> str:
        whens = " ".join(
            f"WHEN ({low}) = {literal(key)} THEN {first(pair[place], present)}" for key, pair in AREAS.items()
        )
        usual = _USUAL[place]
        return f"coalesce(CASE {whens} END, {first(usual, present)})"

    group = next((c for c in GROUPS if c in filters), "")
    phase = next((c for c in PHASES if c in filters), "")
    others = sorted(c for c in filters if c not in (group, phase))
    parts = ", ".join(f"{literal(c + ': ')} || {cell(c)}" for c in others)
    period = period_of(cell("time_period"))
    # The publisher's table tool gives an authority by its national code alone.
    coded = ", ".join(f"{literal(gss)}: {literal(a.code)}" for a in code_list("authority") if (gss := a.more["gss"]))
    number = f"coalesce({first(('old_la_code',), present)}, (MAP {{{coded}}})[{of_area(0)}])"
    authority = f"CASE WHEN ({low}) IN ('local authority', 'school') THEN {number} END"
    kept = ", ".join(name(c) for c in indicators)
    order = ", ".join(f"{literal(c)}: {place}" for place, c in enumerate(indicators))
    return f"""
        SELECT {literal(dataset)} AS dataset, {period} AS period, {first(("time_identifier",), present)} AS period_kind,
            {year_of(period)} AS year, {level} AS level, {of_area(0)} AS area_code, {authority} AS authority,
            {of_area(1)} AS area_name, {cell(group) if group else ABSENT} AS child_group,
            {cell(phase) if phase else ABSENT} AS phase,
            {f"nullif(concat_ws('{_SPLIT}', {parts}), '')" if parts else ABSENT} AS breakdown,
            indicator, cell, line, (MAP {{{order}}})[indicator] AS place
        FROM raw UNPIVOT (cell FOR indicator IN ({kept}))
    """


def read_meta(path: Path, context: Context) -> Reading:
    """One definition per column that the describing file names."""
    findings: list[Finding] = []
    raw = read_delimited(path, findings)
    if not _is_meta(raw.column_names):
        raise UnreadableFile("A file that describes a data set needs the columns col_name, col_type and label.")
    rows = _meta_rows(raw, findings)
    dataset = re.sub(r"\.meta$", "", Path(context.name or path.name).stem.lower())
    dataset = re.sub(r"[^a-z0-9]+", "-", dataset).strip("-")
    return Reading(
        kind=KIND_META,
        system=SYSTEM,
        period=f"columns of {dataset}",
        covers=f"columns {fingerprint(str(row['name']) for row in rows)}",
        tables={"comparator_definition": definitions(row | {"dataset": dataset} for row in rows)},
        received={KIND_META: raw},
        findings=findings,
    )


def _meta_rows(raw: pa.Table, findings: list[Finding]) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for row in raw.to_pylist():
        tidy = {key: value.strip() or None for key, value in row.items() if isinstance(value, str)}
        kind = (tidy["col_type"] or "").lower()
        if not tidy["col_name"] or kind not in (FILTER, INDICATOR):
            says = "The row does not name a column and say whether it is a filter or an indicator; it was left out."
            findings.append(
                Finding("column-not-described", Severity.ERROR, says, "comparator_definition", tidy["col_name"] or "",
                        "col_type", tidy["col_type"] or "", "Filter or Indicator", row["line"])
            )  # fmt: skip
            continue
        hint = "; ".join(str(tidy[k]) for k in ("filter_hint", "filter_grouping_column") if tidy.get(k))
        rows.append({"kind": kind, "name": tidy["col_name"].lower(), "label": tidy["label"],
                     "unit": tidy.get("indicator_unit"), "definition": hint or None, "line": row["line"]})  # fmt: skip
    return rows


def write_ees(reading: Reading, path: Path) -> list[Path]:
    """One CSV in the publisher's layout: a row per area, period, group, phase and breakdown, a column per indicator."""
    with Database.of({"comparator": reading.tables["comparator"]}, complete=False) as database:
        indicators = _in_order(database)
        filters = _filters(database)
        wide = ", ".join(
            f"max(coalesce(symbol, {_number('figure')})) FILTER (indicator = {literal(i)}) AS {name(i)}"
            for i in indicators
        )
        grain = "period, period_kind, level, area_code, authority, area_name, child_group, phase, breakdown"
        split = ", ".join(
            f"nullif(regexp_extract({literal(_SPLIT)} || breakdown || {literal(_SPLIT)}, "
            f"{literal(_SPLIT + re.escape(f) + ': (.*?)' + _SPLIT)}, 1), '') AS {name(f)}"
            for f in filters
        )
        table = database.query(
            f"""
            SELECT replace(period, '/', '') AS time_period, period_kind AS time_identifier, level AS geographic_level,
                authority AS old_la_code, {_areas(database)},
                child_group AS social_care_group, phase AS phase_type_grouping{"," if split else ""} {split}, {wide}
            FROM comparator GROUP BY {grain} ORDER BY min(line), {grain}
            """
        )
    return [write_delimited(table, target(path, f"{_stem(reading)}.csv"))]


def _stem(reading: Reading) -> str:
    return reading.period.split(",")[0] or "data-set"


def _number(x: str) -> str:
    return f"CASE WHEN {x} = floor({x}) AND abs({x}) < 1e15 THEN {x}::BIGINT::TEXT ELSE {x}::TEXT END"


def _areas(database: Database) -> str:
    """SQL of the columns of area: code and name of the levels that always stand in a file, and of those met."""
    met = {str(level).lower() for (level,) in database.rows("SELECT DISTINCT level FROM comparator")}
    made = []
    for level, pair in AREAS.items():
        if level in met or level in ("national", "regional", "local authority"):
            made += [
                f"CASE WHEN lower(level) = {literal(level)} THEN area_{part} END AS {columns[0]}"
                for part, columns in zip(("code", "name"), pair, strict=True)
                if columns
            ]
    return ", ".join(made)


def _in_order(database: Database) -> list[str]:
    rows = database.query("SELECT indicator FROM comparator")["indicator"].to_pylist()
    return list(dict.fromkeys(rows))


def _filters(database: Database) -> list[str]:
    found: set[str] = set()
    for (breakdown,) in database.rows("SELECT DISTINCT breakdown FROM comparator WHERE breakdown IS NOT NULL"):
        found |= {part.partition(": ")[0] for part in breakdown.split(_SPLIT)}
    return sorted(found)


def write_meta(reading: Reading, path: Path) -> list[Path]:
    """The file that describes a data set's columns."""
    rows = [row for row in reading.tables["comparator_definition"].to_pylist() if row["kind"] in (FILTER, INDICATOR)]
    if not rows:
        rows = reading.tables["comparator_definition"].to_pylist()
    names = ("col_name", "col_type", "label", "indicator_grouping", "indicator_unit", "indicator_dp", "filter_hint",
             "filter_grouping_column")  # fmt: skip
    made = [
        {"col_name": row["name"], "col_type": str(row["kind"]).capitalize(), "label": row["label"],
         "indicator_unit": row["unit"], "filter_hint": row["definition"]}
        for row in rows
    ]  # fmt: skip
    table = pa.table({n: pa.array([row.get(n) for row in made], pa.string()) for n in names})
    return [write_delimited(table, target(path, "data-set.meta.csv"))]


SOURCES: tuple[Source, ...] = (
    Source(KIND, "National figures (Explore Education Statistics, CSV)", _recognise, read_ees, write_ees),
    Source(
        KIND_META,
        "Description of a set of national figures (Explore Education Statistics, CSV)",
        lambda head: _is_meta(head.header),
        read_meta,
        write_meta,
    ),
)
