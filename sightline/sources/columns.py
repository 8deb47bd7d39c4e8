"""What the readers of one-table CSV files share: cells tidied, words made codes, values judged; all of it in SQL.

A reader opens the received text with `bench`, says in SQL what each vocabulary column is, and gives the answer to
`conform`. The functions that return SQL take SQL; `"raw"` is the received table, in the order of its lines.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import date
from functools import cache
from importlib import resources
from pathlib import Path

import pyarrow as pa

from sightline.engine import Database
from sightline.sources.conform import MOST_FINDINGS_OF_ONE_KIND
from sightline.vocabulary.codes import code_list
from sightline.vocabulary.dates import DATE_FORMATS, NO_DATE
from sightline.vocabulary.findings import Finding, Severity
from sightline.vocabulary.identifiers import nhs_number_fault, upn_fault

_SPACE = "' ' || chr(9) || chr(10) || chr(13) || chr(160)"
_FORMATS = "[" + ", ".join(f"'{f}'" for f in DATE_FORMATS) + "]"
ABSENT = "NULL::TEXT"  # SQL of a column the file does not have
_UPN_LETTERS = "ABCDEFGHJKLMNPQRTUVWXYZ"


def bench(raw: pa.Table) -> Database:
    """A database with the received table as `raw`. Use it in a `with` statement."""
    database = Database()
    database.execute("SET preserve_insertion_order = true")
    database.add("raw", raw)
    return database


def name(column: str) -> str:
    """A column's name as SQL."""
    return '"' + column.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as SQL."""
    return "'" + text.replace("'", "''") + "'"


def cell(column: str) -> str:
    """The trimmed text of a received column; null when there is nothing in it."""
    return f"nullif(trim({name(column)}, {_SPACE}), '')"


def first(names: Sequence[str], present: Collection[str], *, nothing: Sequence[str] = ()) -> str:
    """The first of these columns that is present and filled, row by row; `nothing` are texts that mean no value."""
    cells = [cell(n) for n in names if n in present]
    for word in nothing:
        cells = [f"nullif({c}, {literal(word)})" for c in cells]
    return f"coalesce({', '.join(cells)})" if cells else ABSENT


def squeezed(x: str) -> str:
    """Upper case without spaces: how identifiers are kept."""
    return f"upper(regexp_replace({x}, '[\\s\\x{{00A0}}]', '', 'g'))"


def postcode(x: str) -> str:
    """A postcode as `identifiers.normalise_postcode` writes it: upper case, one space before the last three."""
    s = squeezed(x)
    spaced = f"upper(regexp_replace(trim({x}), '[\\s\\x{{00A0}}]+', ' ', 'g'))"
    return f"CASE WHEN length({s}) BETWEEN 5 AND 7 THEN {s}[:-4] || ' ' || {s}[-3:] ELSE {spaced} END"


def day(x: str) -> str:
    """A received date as a date; null when it is none (`conform` says so where the column is one of its own)."""
    stamp = f"try_strptime({x}, {_FORMATS})"
    return f"nullif(CASE WHEN year({stamp}) BETWEEN 1900 AND 2199 THEN {stamp}::DATE END, DATE '{NO_DATE}')"


def plain(text: str) -> str:
    """A word or phrase as word lists hold it: lower case letters and digits, single spaces."""
    return re.sub(r"[^a-z0-9]+", " ", text.lower()).strip()


def plain_sql(x: str) -> str:
    """The same in SQL."""
    return f"trim(regexp_replace(lower({x}), '[^a-z0-9]+', ' ', 'g'))"


@cache
def words(listed: str, codes: str = "") -> Mapping[str, str]:
    """Every way of writing a code: the code, its meaning in the code list `codes`, and `data/words.csv` of `listed`."""
    found: dict[str, str] = {}
    for code in code_list(codes) if codes else ():
        found.setdefault(plain(code.meaning), code.code)
        found[plain(code.code)] = code.code
    with (resources.files("sightline.sources") / "data" / "words.csv").open(encoding="utf-8") as lines:
        found |= {plain(row["word"]): row["code"] for row in csv.DictReader(lines) if row["list"] == listed}
    return found


def coded(x: str, codes: Mapping[str, str]) -> str:
    """The code of a word, or the text as received when the word is in no list (`conform` then reports it)."""
    return f"coalesce({coded_only(x, codes)}, {x})"


def coded_only(x: str, codes: Mapping[str, str]) -> str:
    """The code of a word; null when the word is in no list."""
    pairs = ", ".join(f"{literal(word)}: {literal(code)}" for word, code in codes.items())
    return f"(MAP {{{pairs}}})[{plain_sql(x)}]"


def abuse_category(x: str) -> str:
    """The category of abuse in words as a code: two or more categories, and "Multiple: ...", are MUL."""
    p = plain_sql(x)
    kinds = {"neglect": "NEG", "emotional": "EMO", "physical": "PHY", "sexual": "SAB"}
    named = " + ".join(f"({p} LIKE '%{kind}%')::INT" for kind in kinds)
    one = "".join(f" WHEN {p} LIKE '%{kind}%' THEN {literal(code)}" for kind, code in kinds.items())
    known = coded_only(x, words("abuse_category", "abuse_category"))
    told = f"coalesce({known}, CASE{one} ELSE {x} END)"
    return f"CASE WHEN {p} LIKE 'multiple%' OR {named} > 1 THEN 'MUL' ELSE {told} END"


def counted(count: int, what: str = "row") -> str:
    """A count with its noun: "1 row", "2,000 rows"."""
    return f"{count:,} {what}" + ("" if count == 1 else "s")


def judge_columns(
    present: Collection[str],
    wanted: Mapping[str, Sequence[str]],
    *,
    known: Iterable[str] = (),
    spared: Collection[str] = (),
    table: str,
    findings: list[Finding],
) -> None:
    """Findings for the columns of a file: `missing-column` for each wanted one, `extra-column` for those unknown.

    `wanted` gives for each vocabulary column the names it may have; `spared` ones are missing without a word, as
    their absence is spoken of elsewhere. `known` columns belong to the format and are not used.
    """
    for column, names in wanted.items():
        if column in spared or any(n in present for n in names):
            continue
        findings.append(
            Finding(
                "missing-column",
                Severity.QUERY,
                f"The file has no column {names[0]}, so what it would say is not known.",
                table,
                field=names[0],
                right="a column named " + " or ".join(names),
                line=1,
            )
        )
    ours = {n for names in wanted.values() for n in names} | set(known) | {"line"}
    extra = sorted(c for c in present if c not in ours)
    if extra:
        shown = ", ".join(extra[:12]) + (f" and {len(extra) - 12} more" if len(extra) > 12 else "")
        says = f"{counted(len(extra), 'column')} not of this format, and not used: {shown}."
        findings.append(Finding("extra-column", Severity.NOTE, says, table, line=1))


def list_rows(
    database: Database,
    where: str,
    *,
    rule: str,
    severity: Severity,
    says: str,
    table: str,
    field: str,
    findings: list[Finding],
    value: str = "''",
    right: str = "",
    record: str = "''",
    relation: str = "raw",
) -> int:
    """One finding per row of `relation` for which `where` is true, at most 1,000 and then a count; returns the count.

    `says` is a sentence, or SQL for one when it begins with an opening bracket.
    """
    found = int(database.one(f"SELECT count(*) FROM {relation} WHERE {where}"))
    if not found:
        return 0
    sentence = says if says.startswith("(") else literal(says)
    rows = database.rows(
        f"SELECT {sentence}, coalesce({record}, ''), coalesce({value}, ''), coalesce(line, 0) FROM {relation} "
        f"WHERE {where} ORDER BY line LIMIT {MOST_FINDINGS_OF_ONE_KIND}"
    )
    findings += [Finding(rule, severity, text, table, who, field, seen, right, at) for text, who, seen, at in rows]
    if found > len(rows):
        more = f"{counted(found - len(rows), 'more row')} with the same kind of fault."
        findings.append(Finding(rule, severity, more, table, field=field, right=right))
    return found


def judge_values(
    database: Database,
    relation: str,
    column: str,
    fault: Callable[[str], str | None],
    *,
    doubtful: str = "true",
    rule: str,
    severity: Severity,
    table: str,
    right: str,
    record: str,
    findings: list[Finding],
    field: str = "",
) -> int:
    """One finding per row whose value `fault` finds wrong, in its sentence. Only `doubtful` values are asked about."""
    quoted = name(column)
    seen = database.rows(f"SELECT DISTINCT {quoted} FROM {relation} WHERE {quoted} IS NOT NULL AND ({doubtful})")
    wrong = {value: sentence for (value,) in seen if (sentence := fault(value))}
    if not wrong:
        return 0
    database.add("faults", pa.table({"bad": list(wrong), "why": list(wrong.values())}))
    return list_rows(
        database,
        "true",
        rule=rule,
        severity=severity,
        says="(why)",
        table=table,
        field=field or column,
        findings=findings,
        value=quoted,
        right=right,
        record=record,
        relation=f"(SELECT * FROM {relation} JOIN faults ON bad = {quoted})",
    )


def doubtful_upn(x: str) -> str:
    """True unless the value is a permanent UPN with the right check letter. For whole columns; not a full judgement."""
    weighed = " + ".join(f"try_cast({x}[{place}] AS INT) * {place}" for place in range(2, 14))
    shape = f"regexp_full_match({x}, '[A-HJ-NP-RT-Z][0-9]{{12}}')"
    return f"NOT ({shape} AND '{_UPN_LETTERS}'[({weighed}) % 23 + 1] = {x}[1])"


def judge_identifiers(identifiers: pa.Table, findings: list[Finding]) -> None:
    """Findings for malformed UPNs, former UPNs and NHS numbers of an `identifier` table; the values are kept."""
    upn = ("the UPN of the school's register", doubtful_upn("value"), upn_fault)
    nhs = ("ten digits with the right check digit", "true", nhs_number_fault)
    with bench(identifiers) as database:
        for kind, (right, doubtful, fault) in (("upn", upn), ("former_upn", upn), ("nhs_number", nhs)):
            judge_values(
                database,
                f"(FROM raw WHERE kind = '{kind}')",
                "value",
                fault,
                doubtful=doubtful,
                rule=kind.replace("_", "-"),
                severity=Severity.ERROR,
                table="identifier",
                field=kind,
                right=right,
                record="ref",
                findings=findings,
            )


def judge_days(
    database: Database, columns: Mapping[str, str], *, table: str, record: str, findings: list[Finding]
) -> None:
    """`not-a-date` findings for received columns a reader works out itself (name as received: SQL of its cell)."""
    for column, x in columns.items():
        list_rows(
            database,
            f"{x} IS NOT NULL AND try_strptime({x}, {_FORMATS}) IS NULL",
            rule="not-a-date",
            severity=Severity.ERROR,
            says=f"{column}: this is not a date. The value was left out.",
            table=table,
            field=column,
            findings=findings,
            value=x,
            right="a date such as 2024-09-02 or 02/09/2024",
            record=record,
        )


def judge_order(table: pa.Table, name_of_table: str, record: str, findings: list[Finding]) -> None:
    """`ends-before-it-starts` findings of a table with start_date and end_date."""
    with bench(table) as database:
        list_rows(
            database,
            "end_date < start_date",
            rule="ends-before-it-starts",
            severity=Severity.QUERY,
            says="The end is before the start.",
            table=name_of_table,
            field="end_date",
            findings=findings,
            value="end_date::TEXT",
            right="an end on or after the start",
            record=name(record),
        )


def judge_codes_on(
    table: pa.Table,
    columns: Sequence[str],
    codes: str,
    on: str,
    *,
    name_of_table: str,
    record: str,
    findings: list[Finding],
) -> None:
    """`code-not-valid-then`: a code of the list that was not in use on the row's own day (`on`, as SQL)."""
    listed = code_list(codes)
    spans = pa.table(
        {
            "code": [c.code for c in listed],
            "since": pa.array([c.valid_from or date.min for c in listed], pa.date32()),
            "until": pa.array([c.valid_to or date.max for c in listed], pa.date32()),
        }
    )
    with bench(table) as database:
        database.add("spans", spans)
        for column in columns:
            c = name(column)
            list_rows(
                database,
                f"{c} IN (SELECT code FROM spans) AND ({on}) IS NOT NULL AND NOT EXISTS (SELECT 1 FROM spans "
                f"WHERE spans.code = raw.{c} AND ({on}) >= since AND ({on}) < until)",
                rule="code-not-valid-then",
                severity=Severity.QUERY,
                says="The code was not in use at the time this row speaks of.",
                table=name_of_table,
                field=column,
                findings=findings,
                value=c,
                right="a code that was in use then",
                record=name(record),
            )


def latest_day(
    table: pa.Table,
    columns: Sequence[str],
    findings: list[Finding],
    *,
    name_of_table: str = "",
    until: date | None = None,
) -> date | None:
    """The latest day in these columns, leaving out days over a year after the 99th percentile (mistyped years).

    Each day left out is a `date-far-ahead` finding. A `line` column, where there is one, gives its place. Days after
    `until`, the day of receipt, are plans for later and tell nothing of the day of the file.
    """
    if not columns:
        return None
    line = "line" if "line" in table.column_names else "0"
    parts = " UNION ALL ".join(
        f"SELECT {name(c)} AS day, {literal(c)} AS field, {line} AS line FROM raw WHERE {name(c)} IS NOT NULL"
        for c in columns
    )
    with bench(table) as database:
        usual = database.one(f"SELECT quantile_disc(day, 0.99) FROM ({parts})")
        if usual is None:
            return None
        far = f"day > DATE '{usual}' + 366"
        list_rows(
            database,
            far,
            rule="date-far-ahead",
            severity=Severity.QUERY,
            says="The date is over a year after nearly all others of the file; is the year mistyped?",
            table=name_of_table,
            field=", ".join(columns),
            findings=findings,
            value="day::TEXT",
            right="the right year",
            relation=f"({parts})",
        )
        past = f" AND day <= DATE '{until}'" if until else ""
        last: date | None = database.one(f"SELECT max(day) FROM ({parts}) WHERE NOT {far}{past}")
    return last


def target(path: Path, usual: str) -> Path:
    """The file to write: the path itself, or the usual name when the path is a folder."""
    return path / usual if path.is_dir() else path
