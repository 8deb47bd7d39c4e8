"""What readers of national figures share: `comparator` made of cells, symbols kept apart, gaps in coverage told.

A symbol (c, x, z, low, u, -) is never a number: `figure` is null and `symbol` holds it. A blank cell says nothing and
makes no row. Figures are never rounded or filled in.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date

import pyarrow as pa

from sightline.engine import Database, arrow_schema
from sightline.sources.columns import bench, counted, list_rows, literal
from sightline.vocabulary.codes import code_list, valid_codes
from sightline.vocabulary.findings import Finding, Severity

SYSTEM = "national"
# Below this share of authorities a file is an extract of some, whose silence about the others means nothing.
WHOLE = 0.5
_AUTHORITY = "Local authority"
GROUP, INDICATOR, FILTER = "group", "indicator", "filter"


def period_of(text: str) -> str:
    """SQL: a published period as people write it: 202324 is 2023/24, 2024 stays; "2023/2024" is 2023/24."""
    return f"""CASE
        WHEN regexp_full_match({text}, '(19|20)[0-9]{{4}}') THEN {text}[:4] || '/' || {text}[5:]
        WHEN regexp_full_match({text}, '(19|20)[0-9]{{2}}/(19|20)[0-9]{{2}}') THEN {text}[:5] || {text}[8:]
        ELSE {text} END"""


def year_of(period: str) -> str:
    """SQL: the first calendar year of a period in words; null when it names none."""
    return f"try_cast(nullif(regexp_extract({period}, '^((19|20)[0-9]{{2}})($|[^0-9].*)', 1), '') AS INTEGER)"


def figures(database: Database, cells: str, findings: list[Finding]) -> pa.Table:
    """One row per cell that holds something, in the vocabulary's `comparator`.

    `cells` is SQL with the columns of `comparator` but figure and symbol, and `cell`, the text as received; the order
    is that of `line` and then `place`. Cells that are neither number nor symbol are told, and left without either;
    a second figure of the same grain is told and left out.
    """
    symbols = ", ".join(literal(code) for code in valid_codes("statistic_symbol"))
    groups = {code.code.lower(): code.code for code in code_list("social_care_group")}
    known = ", ".join(f"{literal(low)}: {literal(code)}" for low, code in groups.items())
    number = "try_cast(replace(trim(cell), ',', '') AS DOUBLE)"
    database.execute(
        f"""
        CREATE TEMP TABLE said AS
        SELECT * EXCLUDE (child_group), coalesce((MAP {{{known}}})[lower(child_group)], child_group) AS child_group,
            CASE WHEN isfinite({number}) THEN {number} END AS figure,
            CASE WHEN lower(trim(cell)) IN ({symbols}) THEN lower(trim(cell)) END AS symbol
        FROM ({cells}) WHERE trim(cell) <> ''
        """
    )
    list_rows(
        database,
        "figure IS NULL AND symbol IS NULL",
        rule="not-a-figure",
        severity=Severity.ERROR,
        says="This is neither a number nor one of the publisher's symbols; it was left out, and not read as nought.",
        table="comparator",
        field="figure",
        findings=findings,
        value="cell",
        right="a number or one of " + ", ".join(valid_codes("statistic_symbol")),
        record="indicator",
        relation="said",
    )
    grain = (
        "dataset, period, period_kind, level, area_code, authority, area_name, child_group, phase, breakdown, indicator"
    )
    again = f"row_number() OVER (PARTITION BY {grain} ORDER BY line, place)"
    list_rows(
        database,
        "true",
        rule="repeated-figure",
        severity=Severity.QUERY,
        says="The same figure of the same area and period stands on an earlier row too; the earlier one was kept.",
        table="comparator",
        field="figure",
        findings=findings,
        value="cell",
        right="one row for each figure",
        record="indicator",
        relation=f"(FROM said QUALIFY {again} > 1)",
    )
    names = ", ".join(f'"{n}"' for n in arrow_schema("comparator").names)
    return database.conformed("comparator", f"SELECT {names} FROM said QUALIFY {again} = 1 ORDER BY line, place")


def definitions(rows: Iterable[Mapping[str, object]]) -> pa.Table:
    """The vocabulary's `comparator_definition` of these rows."""
    return pa.Table.from_pylist(list(rows), schema=arrow_schema("comparator_definition"))


def group_definitions(table: pa.Table, dataset: str, findings: list[Finding]) -> list[dict[str, object]]:
    """A definition per social care group met in a `comparator` table; groups not known, and CINO, are told."""
    known = valid_codes("social_care_group")
    with bench(table) as database:
        met = database.rows(
            "SELECT child_group, min(line), count(*) FROM raw WHERE child_group IS NOT NULL GROUP BY 1 ORDER BY 1"
        )
    rows: list[dict[str, object]] = []
    for group, line, count in met:
        if group not in known:
            says = f"{counted(count, 'figure')} of a group whose definition is not known."
            findings.append(
                Finding("group-not-known", Severity.QUERY, says, "comparator", field="child_group", value=group,
                        right="one of " + ", ".join(known), line=line)
            )  # fmt: skip
            continue
        code = known[group]
        warning = code.more["warning"] or None
        rows.append({"dataset": dataset, "kind": GROUP, "name": group, "label": group, "definition": code.meaning,
                     "warning": warning})  # fmt: skip
        if warning and group.startswith("CINO"):
            says = f"{group}: {warning}."
            findings.append(
                Finding(
                    "group-is-wider", Severity.NOTE, says, "comparator", field="child_group", value=group, line=line
                )
            )
    return rows


def judge_coverage(table: pa.Table, findings: list[Finding]) -> None:
    """Findings for authorities and years that a set should hold and does not, and for symbols in place of figures.

    `missing-authority`: no row though the authority existed then; `no-figures`: rows, but symbols only;
    `missing-period`: a year between the first and the last that no area has; `part-of-the-country`: fewer than half of
    the authorities, so nothing is concluded of the others; `hardly-any-figures`: a period with symbols for nearly all;
    `symbols`: how many figures are symbols, by symbol.
    """
    with bench(table) as database:
        counts = database.rows(
            "SELECT symbol, count(*) FROM raw WHERE symbol IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1"
        )
        periods = database.rows(
            "SELECT period, min(year), min(line) FROM raw WHERE year IS NOT NULL GROUP BY 1 ORDER BY 2, 1"
        )
        held = database.rows(
            f"SELECT period, authority, count(figure), string_agg(DISTINCT symbol, ', ' ORDER BY symbol) FROM raw "
            f"WHERE level = {literal(_AUTHORITY)} AND authority IS NOT NULL AND year IS NOT NULL GROUP BY 1, 2"
        )
    if counts:
        meaning = {code.code: code.meaning for code in code_list("statistic_symbol")}
        shown = "; ".join(f"{symbol} ({meaning[symbol].lower()}) {count:,}" for symbol, count in counts)
        says = f"Figures given as a symbol, which are not nought: {shown}."
        findings.append(Finding("symbols", Severity.NOTE, says, "comparator", field="symbol"))
    _judge_years(periods, findings)
    _judge_authorities([(period, year) for period, year, _ in periods], held, findings)


def _judge_years(periods: Sequence[tuple[str, int, int]], findings: list[Finding]) -> None:
    years = {year for _, year, _ in periods}
    gaps = sorted(set(range(min(years, default=0), max(years, default=0))) - years)
    if gaps:
        says = f"No area has figures for {_listed(map(str, gaps))}, between the first and the last year."
        findings.append(Finding("missing-period", Severity.QUERY, says, "comparator", field="period",
                                right="every year from the first to the last"))  # fmt: skip


def _judge_authorities(
    periods: Sequence[tuple[str, int]], held: Sequence[tuple[str, str, int, str | None]], findings: list[Finding]
) -> None:
    rows = {(period, authority): (count, symbols or "") for period, authority, count, symbols in held}
    there: dict[str, set[str]] = {}
    for period, authority, *_ in held:
        there.setdefault(period, set()).add(authority)
    missing: dict[str, list[str]] = {}
    silent: dict[str, list[str]] = {}
    partial: list[str] = []
    empty: list[str] = []
    for period, year in periods:
        if period not in there:
            continue
        expected = _expected(_last_day(period, year))
        if len(there[period] & expected) < WHOLE * len(expected):
            partial.append(f"{period} ({len(there[period])} of {len(expected)})")
            continue
        if sum(not rows[period, authority][0] for authority in there[period]) > WHOLE * len(there[period]):
            empty.append(period)
            continue
        for authority in sorted(expected):
            if authority not in there[period]:
                missing.setdefault(authority, []).append(period)
            elif not rows[period, authority][0]:
                silent.setdefault(authority, []).append(period)
    names = {code.code: code.meaning for code in code_list("authority")}
    for rule, found, says in (
        ("missing-authority", missing, "has no row for"),
        ("no-figures", silent, "has symbols in place of every figure for"),
    ):
        for authority, without in found.items():
            findings.append(
                Finding(rule, Severity.QUERY, f"{names[authority]} {says} {_listed(without)}.", "comparator", authority,
                        "authority", authority, "a figure, or nothing concluded from its absence")
            )  # fmt: skip
    if empty:
        says = (
            f"Most authorities have symbols in place of every figure for {_listed(empty)}: hardly any were published."
        )
        findings.append(Finding("hardly-any-figures", Severity.QUERY, says, "comparator", field="period"))
    if partial:
        says = f"Only some authorities have figures for {_listed(partial)}; nothing is concluded of the others."
        findings.append(Finding("part-of-the-country", Severity.NOTE, says, "comparator", field="authority"))


def _expected(day: date) -> set[str]:
    """The authorities of England on a day. (Forces schools overseas have a number too, and no children's services.)"""
    return {code.code for code in valid_codes("authority", day).values() if code.more["gss"]}


def _last_day(period: str, year: int) -> date:
    """The day on which authorities are asked for: 31 March of the period's last year."""
    return date(year + (re.fullmatch(r"\d{4}/\d\d", period) is not None), 3, 31)


def _listed(words: Iterable[str]) -> str:
    held = list(words)
    return ", ".join(held[:12]) + (f" and {len(held) - 12} more" if len(held) > 12 else "")


def span(table: pa.Table) -> str:
    """The periods a table speaks of, in words."""
    with bench(table) as database:
        first, last = database.rows(
            "SELECT arg_min(period, (year, period)), arg_max(period, (year, period)) FROM raw WHERE year IS NOT NULL"
        )[0]
    return "no periods" if first is None else first if first == last else f"{first} to {last}"
