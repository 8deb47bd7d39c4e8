"""Explore Education Statistics' API as saved JSON: the results of a query, and the meta that explains their ids.

Results speak in ids. They are explained by the meta beside them: in the same document under "meta", in another JSON
received together with it, or in the results themselves where the query asked for labels (debug), as "id :: label".
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from sightline.engine import Database
from sightline.sources.base import Context, Head, Reading, Source
from sightline.sources.columns import bench, target
from sightline.sources.ees import GROUPS, PHASES, SETS
from sightline.sources.gathered import fingerprint
from sightline.sources.looks import utf16
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
from sightline.vocabulary.errors import UnreadableFile
from sightline.vocabulary.findings import Finding, Severity

KIND, KIND_META = "ees-json", "ees-json-meta"
MOST_BYTES = 512 * 2**20
# The API's codes, in the words of its CSV files. Others are kept as they are.
LEVELS: Mapping[str, str] = {
    "NAT": "National", "REG": "Regional", "LA": "Local authority", "LAD": "Local authority district", "SCH": "School",
    "PCON": "Parliamentary constituency", "WARD": "Ward", "INST": "Institution", "PROV": "Provider",
    "MAT": "MAT", "SPON": "Sponsor", "PA": "Planning area", "PFA": "Police force area", "OA": "Opportunity area",
    "LSIP": "Local skills improvement plan area", "LEP": "Local enterprise partnership", "RSC": "RSC region",
    "MCA": "Mayoral combined authority", "EDA": "English devolved area",
}  # fmt: skip
PERIODS: Mapping[str, str] = {
    "AY": "Academic year", "CY": "Calendar year", "FY": "Financial year", "RY": "Reporting year", "TY": "Tax year",
    "T1": "Autumn term", "T2": "Spring term", "T3": "Summer term", "T1T2": "Autumn and spring term",
}  # fmt: skip
_LABELLED = " :: "


@dataclass(slots=True)
class _Meta:
    """What the ids of one data set mean."""

    filters: dict[str, tuple[str, dict[str, str]]] = field(default_factory=dict)  # id: column, options by id
    indicators: dict[str, str] = field(default_factory=dict)  # id: column
    places: dict[str, dict[str, Any]] = field(default_factory=dict)  # id: option
    rows: list[dict[str, Any]] = field(default_factory=list)


def _start(head: Head) -> str:
    text = head.start.decode(utf16(head.start) or "utf-8", errors="replace").lstrip("\ufeff \t\r\n")
    return text if text.startswith("{") else ""


def _recognise(head: Head) -> bool:
    text = _start(head)
    # The description of the API ("openapi") names all that its answers hold.
    return (
        '"results"' in text
        and '"openapi"' not in text
        and ('"geographicLevel"' in text or '"timePeriod"' in text or '"geographicLevels"' in text)
    )


def _recognise_meta(head: Head) -> bool:
    text = _start(head)
    return '"geographicLevels"' in text and '"indicators"' in text and not ('"results"' in text or '"openapi"' in text)


def _loaded(path: Path) -> dict[str, Any]:
    if path.stat().st_size > MOST_BYTES:
        raise UnreadableFile("The JSON is over 512 MB; a page of results is far smaller, so it was not read.")
    raw = path.read_bytes()
    try:
        document = json.loads(raw.decode(utf16(raw[:65536]) or "utf-8").removeprefix("\ufeff"))
    except (ValueError, RecursionError):
        raise UnreadableFile("The file is not whole JSON: it is damaged or was cut short.") from None
    if not isinstance(document, dict):
        raise UnreadableFile("The JSON is not an answer of the statistics API, which is an object.")
    return document


def _objects(held: Any) -> Iterator[dict[str, Any]]:
    for each in held if isinstance(held, list) else []:
        if isinstance(each, dict):
            yield each


def _text(value: Any) -> str | None:
    return None if value is None or isinstance(value, (dict, list)) else str(value).strip() or None


def _meta_of(document: Mapping[str, Any]) -> _Meta:
    meta = _Meta()
    for each in _objects(document.get("filters")):
        column = (_text(each.get("column")) or _text(each.get("label")) or "").lower()
        options = {str(o.get("id")): _text(o.get("label")) or "" for o in _objects(each.get("options"))}
        meta.filters[str(each.get("id"))] = (column, options)
        meta.rows.append({"kind": FILTER, "name": column, "label": _text(each.get("label")),
                          "definition": _text(each.get("hint"))})  # fmt: skip
    for each in _objects(document.get("indicators")):
        column = (_text(each.get("column")) or _text(each.get("label")) or "").lower()
        meta.indicators[str(each.get("id"))] = column
        meta.rows.append({"kind": INDICATOR, "name": column, "label": _text(each.get("label")),
                          "unit": _text(each.get("unit"))})  # fmt: skip
    for group in _objects(document.get("locations")):
        meta.places |= {str(option.get("id")): option for option in _objects(group.get("options"))}
    meta.rows = [row for row in meta.rows if row["name"]]
    return meta


def read_results(path: Path, context: Context) -> Reading:
    """One row per figure. Raises UnreadableFile when there are no results, or their ids cannot be told."""
    findings: list[Finding] = []
    document = _loaded(path)
    meta = _meta_of(document["meta"]) if isinstance(document.get("meta"), dict) else _beside(context, document)
    results = list(_objects(document.get("results")))
    if not results:
        raise UnreadableFile("The answer holds no results, so there is nothing to read; ask the API again.")
    cells: list[dict[str, Any]] = []
    for line, result in enumerate(results, start=1):
        cells += _cells(result, meta, line, findings)
    if not cells:
        raise UnreadableFile(
            "The results speak in ids that nothing explains; save the data set's meta beside them, or ask with labels."
        )
    _judge_paging(document, len(results), findings)
    names = ("time", "period_kind", "level", "area_code", "authority", "area_name", "child_group", "phase", "breakdown",
             "indicator", "cell")  # fmt: skip
    columns = {n: pa.array([c[n] for c in cells], pa.string()) for n in names}
    columns |= {n: pa.array([c[n] for c in cells], pa.int32()) for n in ("line", "place")}
    indicators = {c["indicator"] for c in cells} | {f for c in cells for f in c["filters"]}
    dataset = next((known for known, telling in SETS.items() if set(telling) <= indicators), "")
    dataset = dataset or f"api-{fingerprint(indicators)}"
    period = period_of("time")
    with bench(pa.table(columns)) as database:
        table = figures(
            database,
            f"SELECT '{dataset}' AS dataset, {period} AS period, {year_of(period)} AS year, * EXCLUDE (time) FROM raw",
            findings,
        )
    judge_coverage(table, findings)
    rows = group_definitions(table, dataset, findings) + [row | {"dataset": dataset} for row in meta.rows]
    page = document.get("paging")
    number = page.get("page") if isinstance(page, dict) else 1
    return Reading(
        kind=KIND,
        system=SYSTEM,
        period=f"{dataset}, {span(table)}",
        covers=f"{dataset} {fingerprint(indicators)}, page {number or 1}",
        tables={"comparator": table, "comparator_definition": definitions(rows)},
        received={KIND: pa.table({"json": [json.dumps(r) for r in results], "line": range(1, len(results) + 1)})},
        findings=findings,
    )


def _beside(context: Context, document: Mapping[str, Any]) -> _Meta:
    """The meta received together with these results that knows the ids of the first of them."""
    first = next(_objects(document.get("results")), {})
    values = first.get("values")
    wanted = {str(key) for key in values} if isinstance(values, dict) else set()
    for path in context.beside:
        with path.open("rb") as file:
            start = file.read(2**16)
        if _recognise_meta(Head("", start)):
            meta = _meta_of(_loaded(path))
            if wanted <= meta.indicators.keys():
                return meta
    return _Meta()


def _told(key: str, known: Mapping[str, str]) -> str | None:
    """What an id means: as the meta says, or as the results themselves do."""
    if key in known:
        return known[key]
    return key.partition(_LABELLED)[2].strip() or None if _LABELLED in key else None


def _cells(result: Mapping[str, Any], meta: _Meta, line: int, findings: list[Finding]) -> list[dict[str, Any]]:
    time = result.get("timePeriod")
    when: Mapping[str, Any] = time if isinstance(time, dict) else {}
    level = str(result.get("geographicLevel") or "")
    code, name, authority = _place(result, level, meta)
    filters: dict[str, str] = {}
    given = result.get("filters")
    for key, option in (given if isinstance(given, dict) else {}).items():
        column, options = meta.filters.get(str(key), (_told(str(key), {}) or str(key), {}))
        filters[column.lower()] = _told(str(option), options) or str(option)
    group = next((c for c in GROUPS if c in filters), None)
    phase = next((c for c in PHASES if c in filters), None)
    others = [f"{c}: {filters[c]}" for c in sorted(filters) if c not in (group, phase)]
    period = _text(when.get("code")) or ""
    made = []
    values = result.get("values")
    for place, (key, cell) in enumerate((values if isinstance(values, dict) else {}).items()):
        indicator = _told(str(key), meta.indicators)
        if indicator is None:
            says = "Nothing explains this indicator's id, so its figure was left out."
            findings.append(
                Finding("id-not-explained", Severity.ERROR, says, "comparator", field="values", value=str(key)[:60],
                        right="the data set's meta beside the results", line=line)
            )  # fmt: skip
            continue
        made.append({
            "time": _text(when.get("period")), "period_kind": PERIODS.get(period, period) or None,
            "level": LEVELS.get(level, level) or None, "area_code": code, "authority": authority, "area_name": name,
            "child_group": filters.get(group) if group else None, "phase": filters.get(phase) if phase else None,
            "breakdown": "; ".join(others) or None, "indicator": indicator.lower(), "cell": _text(cell), "line": line,
            "place": place, "filters": list(filters),
        })  # fmt: skip
    return made


def _place(result: Mapping[str, Any], level: str, meta: _Meta) -> tuple[str | None, str | None, str | None]:
    """Code, name and authority number of the area a result is about."""
    held = result.get("locations")
    key = str((held if isinstance(held, dict) else {}).get(level) or "")
    option = meta.places.get(key)
    if option is None:
        # "id :: label (code = E09000001, oldCode = 201)"
        label = key.partition(_LABELLED)[2]
        name, _, codes = label.partition(" (")
        found = dict(p.split(" = ", 1) for p in codes.rstrip(")").split(", ") if " = " in p)
        option = {"label": name, "code": found.get("code"), "oldCode": found.get("oldCode")} if label else {}
    code = next((t for k in ("code", "urn", "ukprn", "laEstab") if (t := _text(option.get(k)))), None)
    return code, _text(option.get("label")), _text(option.get("oldCode")) if level == "LA" else None


def _judge_paging(document: Mapping[str, Any], held: int, findings: list[Finding]) -> None:
    page = document.get("paging")
    total = page.get("totalResults") if isinstance(page, dict) else None
    if isinstance(total, int) and total > held:
        says = f"The answer is one page: {held:,} of {total:,} results."
        findings.append(
            Finding("one-page-of-several", Severity.NOTE, says, "comparator", right="every page, received together")
        )


def read_meta(path: Path, context: Context) -> Reading:
    """One definition per filter and indicator of a data set."""
    document = _loaded(path)
    meta = _meta_of(document)
    if not meta.rows:
        raise UnreadableFile("The meta names no filter and no indicator, so nothing could be read from it.")
    columns = {str(row["name"]) for row in meta.rows}
    dataset = next((known for known, telling in SETS.items() if set(telling) <= columns), f"api-{fingerprint(columns)}")
    return Reading(
        kind=KIND_META,
        system=SYSTEM,
        period=f"columns of {dataset}",
        covers=f"columns {fingerprint(columns)}",
        tables={"comparator_definition": definitions(row | {"dataset": dataset} for row in meta.rows)},
        received={KIND_META: pa.table({"json": [json.dumps(document)], "line": [1]})},
    )


def write_results(reading: Reading, path: Path) -> list[Path]:
    """One document with results and the meta that explains them; an id is the word it stands for."""
    with Database.of({"comparator": reading.tables["comparator"]}, complete=False) as database:
        rows = database.query("FROM comparator ORDER BY line").to_pylist()
    levels = {word: code for code, word in LEVELS.items()}
    kinds = {word: code for code, word in PERIODS.items()}
    results: dict[tuple[Any, ...], dict[str, Any]] = {}
    places: dict[tuple[str, str], dict[str, Any]] = {}
    filters: dict[str, set[str]] = {}
    for row in rows:
        level = levels.get(row["level"], row["level"] or "")
        key = f"{row['area_code'] or ''} {row['area_name'] or ''}".strip()
        places[level, key] = {
            "id": key,
            "label": row["area_name"],
            "code": row["area_code"],
            "oldCode": row["authority"],
        }
        held = dict(part.split(": ", 1) for part in (row["breakdown"] or "").split("; ") if ": " in part)
        held |= {n: row[c] for n, c in ((GROUPS[0], "child_group"), (PHASES[0], "phase")) if row[c] is not None}
        for name, option in held.items():
            filters.setdefault(name, set()).add(option)
        grain = (row["period"], row["period_kind"], level, key, tuple(sorted(held.items())))
        result = results.setdefault(grain, {
            "timePeriod": {"code": kinds.get(row["period_kind"], row["period_kind"]), "period": row["period"]},
            "geographicLevel": level, "locations": {level: key}, "filters": held, "values": {},
        })  # fmt: skip
        figure = row["figure"]
        result["values"][row["indicator"]] = row["symbol"] or (None if figure is None else repr(figure))
    meta = _written_meta(reading, filters, dict.fromkeys(row["indicator"] for row in rows), places)
    document = {
        "paging": {"page": 1, "pageSize": len(results), "totalResults": len(results), "totalPages": 1},
        "meta": meta, "results": list(results.values()), "warnings": [],
    }  # fmt: skip
    return [_saved(document, target(path, "results.json"))]


def _written_meta(
    reading: Reading,
    filters: Mapping[str, set[str]],
    indicators: Mapping[str, None],
    places: Mapping[tuple[str, str], Any],
) -> dict[str, Any]:
    told = {row["name"]: row for row in reading.tables["comparator_definition"].to_pylist()}
    groups: dict[str, list[Any]] = {}
    for (level, _), option in places.items():
        groups.setdefault(level, []).append(option)

    def about(name: str) -> dict[str, Any]:
        return {"id": name, "column": name, "label": (told.get(name) or {}).get("label") or name}

    return {
        "filters": [
            about(name) | {"hint": (told.get(name) or {}).get("definition") or "",
                           "options": [{"id": o, "label": o} for o in sorted(options)]}
            for name, options in sorted(filters.items())
        ],
        "indicators": [about(name) | {"unit": (told.get(name) or {}).get("unit") or ""} for name in indicators],
        "geographicLevels": [{"code": level, "label": LEVELS.get(level, level)} for level in groups],
        "locations": [{"level": {"code": level}, "options": options} for level, options in groups.items()],
        "timePeriods": [],
    }  # fmt: skip


def write_meta(reading: Reading, path: Path) -> list[Path]:
    """The meta of a data set; an id is the name of its column."""
    rows = reading.tables["comparator_definition"].to_pylist()
    filters: list[dict[str, Any]] = []
    indicators: list[dict[str, Any]] = []
    for row in rows:
        about = {"id": row["name"], "column": row["name"], "label": row["label"] or row["name"]}
        if row["kind"] == FILTER:
            filters.append(about | {"hint": row["definition"] or "", "options": []})
        else:
            indicators.append(about | {"unit": row["unit"] or ""})
    document = {
        "filters": filters,
        "indicators": indicators,
        "geographicLevels": [],
        "locations": [],
        "timePeriods": [],
    }
    return [_saved(document, target(path, "meta.json"))]


def _saved(document: Mapping[str, Any], path: Path) -> Path:
    path.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return path


SOURCES: tuple[Source, ...] = (
    Source(KIND, "National figures (Explore Education Statistics API, JSON)", _recognise, read_results, write_results),
    Source(
        KIND_META,
        "Description of a set of national figures (Explore Education Statistics API, JSON)",
        _recognise_meta,
        read_meta,
        write_meta,
    ),
)
