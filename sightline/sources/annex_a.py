"""The workbook authorities keep for Ofsted's inspections (Annex A): eleven lists of children, one sheet each.

Sheets are known by their number ("List 6"), or what they are named for ("Referrals"), and columns by their names, so
local additions and orders do no harm. Lists 3 to 8 hold what Sightline needs; 1, 2, 9 and 10 tell of more children; 11
is about adopters and is not read.

What the workbook does not say is not made up, save two things that a note of each reading names: a Child in Need plan
is taken to start with the need itself (list 6 has no other start), and the worker allocated now is taken as allocated
from the day the workbook speaks of, which is the latest day in it on which something happened or a child was seen. It
has no UPN and no names; the child's id is kept as the authority's own (system "annex-a"), and links to other systems'
ids where the birth date agrees.

A later workbook of the same month replaces an earlier one; those of other months stay, as each covers six months only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from pathlib import Path

import pyarrow as pa

from sightline.engine import Database, empty
from sightline.sources.annex_a_cells import case_status, cell, choice, code_of, ethnicity, flag, listed, ref, worker
from sightline.sources.annex_a_lists import ADOPTERS, BY_NUMBER, CHILD, LISTS, PATTERNS, Sheet
from sightline.sources.annex_a_writing import write_workbook
from sightline.sources.base import Context, Head, Reading, Source
from sightline.sources.columns import (
    ABSENT,
    abuse_category,
    bench,
    coded,
    judge_order,
    latest_day,
    list_rows,
    name,
    plain,
    words,
)
from sightline.sources.conform import conform
from sightline.sources.workbook import plain_header, serial_day, sheets_of
from sightline.vocabulary.errors import UnreadableFile
from sightline.vocabulary.findings import Finding, Severity
from sightline.vocabulary.tables import TABLES

KIND = SYSTEM = "annex-a"
ROLE = "allocated worker"
_SHEET = re.compile(r"(?<![a-z])list[\s_.-]*(?:no\.?\s*)?0*([1-9][0-9]?)(?![0-9])", re.IGNORECASE)
# What sheets are called that do not say the number of their list, one by one in this order; a number of their own order
# may stand before.
_SUBJECTS = (
    (9, r"care ?leavers?"),
    (11, r"(prospective )?adopters?"),
    (10, r"adoptions?|children for adoption"),
    (2, r"early help( assessments?)?|eha|caf"),
    (1, r"contacts?"),
    (3, r"referrals?"),
    (5, r"(section|s) ?47s?( enquir(y|ies))?( (and )?(icpcs?|conferences?))?|strategy discussions?"),
    (4, r"(child and family |continuous )?assessments?|c ?(and )?fas?"),
    (8, r"lac|cla|cic|(children )?looked after( children)?|children in care"),
    (7, r"cpp?s?|child(ren)? protection( plans?)?|(children )?(on|subject to) a? ?(child )?protection plans?"),
    (6, r"cin|child(ren)? in need|cin plans?"),
)
_SUBJECT = {n: re.compile(rf"(annex a )?([0-9]{{1,2}} )?({told})( (list|data|cases))?") for n, told in _SUBJECTS}
_TITLES_ABOVE = 8  # rows that may stand above the column names
_IDS = {plain(alias) for alias in CHILD["child_ref"]}

# Where lists disagree about a child, the list worked with most has the word.
_TRUSTED = (6, 7, 8, 3, 4, 5, 9, 10, 1, 2)


def _recognise(head: Head) -> bool:
    """A workbook with at least three sheets named List and a number, or none but such; one of them a list of cases.

    Or with four sheets named for what lists hold ("6. CIN", "Referrals"), three of them lists of cases.
    """
    numbers, cases = set(_numbers(head.sheets).values()), {3, 4, 5, 6, 7, 8}
    if any(map(_number, head.sheets)):
        return (len(numbers) >= 3 or len(numbers) == len(head.sheets)) and bool(numbers & cases)
    return len(numbers) >= 4 and len(numbers & cases) >= 3


def _numbers(sheets: Iterable[str]) -> dict[str, int]:
    """The sheets that are lists, each with the number it says, or, where none says one, of the list it is named for."""
    names = list(sheets)
    said = {name: number for name in names if (number := _number(name)) is not None}
    if said:
        return said
    plain_names = {name: plain(name) for name in names}
    found = (
        (name, next((n for n, told in _SUBJECT.items() if told.fullmatch(plain_names[name])), 0)) for name in names
    )
    return {name: number for name, number in found if number}


def _number(sheet: str) -> int | None:
    found = _SHEET.search(sheet)
    return int(found[1]) if found and int(found[1]) <= ADOPTERS else None


def read_annex_a(path: Path, context: Context) -> Reading:
    """One row per child in `child`; referrals, assessments, enquiries, plans and care as the lists give them.

    A finding's `table` is the list, its `line` the row of the sheet. Raises UnreadableFile when the workbook is
    damaged or none of lists 3 to 8 is there.
    """
    findings: list[Finding] = []
    lists = _received(path, findings)
    if not lists.keys() & {3, 4, 5, 6, 7, 8}:
        raise UnreadableFile("None of lists 3 to 8 of Annex A with a column Child Unique ID is in the workbook.")
    tables: dict[str, pa.Table] = {}
    pieces: dict[str, list[pa.Table]] = {}
    for number, raw in lists.items():
        made = _MADE.get(number)
        with bench(raw) as database:
            for table, rows in (made(database, set(raw.column_names), findings) if made else {}).items():
                pieces.setdefault(table, []).append(rows)
    for table in ("referral", "assessment", "section_47", "cin_plan", "cp_plan", "cp_review", "looked_after"):
        tables[table] = pa.concat_tables(pieces.get(table, [empty(table)]))
    children = _children(lists, findings)
    as_at = _as_at(lists, findings)
    tables |= children | _staff(lists, as_at, findings)
    _judge_statuses(lists, findings)
    return Reading(
        kind=KIND,
        system=SYSTEM,
        period=f"Annex A to {as_at}" if as_at else "Annex A, no dates",
        covers=f"{as_at:%Y-%m}" if as_at else "no dates",
        as_at=as_at.isoformat() if as_at else "",
        tables=tables,
        received={BY_NUMBER[number].title: raw for number, raw in lists.items()},
        findings=findings,
    )


def _received(path: Path, findings: list[Finding]) -> dict[int, pa.Table]:
    """The lists of children there are, as text under our names for the columns, with `line`."""
    lists: dict[int, pa.Table] = {}
    sheets = list(sheets_of(path))
    numbers = _numbers(title for title, _ in sheets)
    for title, rows in sheets:
        number = numbers.get(title)
        if number is None:
            says = f"The sheet '{title[:60]}' is none of the eleven lists; it was not read."
            findings.append(Finding("sheet-not-used", Severity.NOTE, says, right="sheets named List 1 to List 11"))
        elif number != ADOPTERS and number not in lists:
            found = _list(BY_NUMBER[number], rows, findings)
            if found is not None:
                lists[number] = found
        elif number in lists:
            says = f"Two sheets are named List {number}; the first was read."
            findings.append(Finding("repeated-sheet", Severity.QUERY, says, f"List {number}", right="one sheet each"))
    for number in sorted({3, 4, 5, 6, 7, 8} - lists.keys()):
        says = f"List {number} ({BY_NUMBER[number].says}) is not in the workbook, so what it would say is not known."
        findings.append(Finding("missing-sheet", Severity.QUERY, says, f"List {number}", right=f"List {number}"))
    return lists


def _list(sheet: Sheet, rows: list[list[str]], findings: list[Finding]) -> pa.Table | None:
    top = [plain_header(row) for row in rows[: _TITLES_ABOVE + 1]]
    at = next((n for n, row in enumerate(top) if _IDS & set(row)), None)
    if at is None:
        # Above the names of the columns stand titles, of one cell: a row of names has several.
        local = re.compile(PATTERNS[0]["child_ref"])
        at = next((n for n, row in enumerate(top) if sum(map(bool, row)) > 2 and any(map(local.fullmatch, row))), None)
    if at is None:
        if any(any(cell.strip() for cell in row) for row in rows):
            says = f"{sheet.title} has no column Child Unique ID in its first rows, so it was not read."
            right = "a row of column names, Child Unique ID among them"
            findings.append(
                Finding("missing-column", Severity.ERROR, says, sheet.title, "", "Child Unique ID", "", right)
            )
        return None
    places = _places(sheet, top[at])
    for column, names in sheet.names().items():
        if column not in places:
            says = f"{sheet.title} has no column {names[0]}, so what it would say is not known."
            right = "a column named " + " or ".join(names)
            findings.append(
                Finding("missing-column", Severity.QUERY, says, sheet.title, "", names[0], "", right, at + 1)
            )
    days = {"birth_date", *sheet.days}
    kept = []
    first: dict[tuple[str, ...], int] = {}
    for line, row in enumerate(rows[at + 1 :], start=at + 2):
        if not any(cell.strip() for cell in row):
            continue
        before = first.setdefault(tuple(row), line)
        if before == line:
            kept.append((line, row))
            continue
        says = f"The whole row stands on row {before:,} too; it was read once."
        right = "one row for each record"
        findings.append(Finding("repeated-record", Severity.QUERY, says, sheet.title, "", "", "", right, line))
    columns: dict[str, pa.Array] = {}
    for column, place in places.items():
        cells = [row[place] if place < len(row) else "" for _, row in kept]
        columns[column] = pa.array([serial_day(c) for c in cells] if column in days else cells, pa.string())
    columns["line"] = pa.array([line for line, _ in kept], pa.int32())
    return pa.table(columns)


def _places(sheet: Sheet, header: list[str]) -> dict[str, int]:
    """Which column of the sheet holds what: by the usual names, and by how local ones look where there is none."""
    aliases = {plain(alias): column for column, names in sheet.names().items() for alias in names}
    places: dict[str, int] = {}
    for place, told in enumerate(header):
        if told in aliases:
            places.setdefault(aliases[told], place)
    for column, pattern in {**PATTERNS.get(sheet.number, {}), **PATTERNS[0]}.items():
        if column in places or column not in sheet.names():
            continue
        taken, alike = set(places.values()), re.compile(pattern)
        found = next((n for n, told in enumerate(header) if n not in taken and alike.fullmatch(told)), None)
        if found is not None:
            places[column] = found
    return places


def _conformed(
    database: Database, sheet: int, table: str, cells: Mapping[str, str], findings: list[Finding], where: str = "true"
) -> pa.Table:
    """The rows of a list as a vocabulary table; findings name the list and the workbook's own column."""
    found: list[Finding] = []
    selected = ", ".join(f"({x})::TEXT AS {name(column)}" for column, x in cells.items())
    rows = conform(
        database.query(f"SELECT {selected}, line FROM raw WHERE {where} ORDER BY line"), table, findings=found
    )
    usual = {column: names[0] for column, names in BY_NUMBER[sheet].names().items()}
    aliases = {"referral_date": "start_date", "closure_date": "end_date"} if sheet == 6 else {}
    for finding in found:
        own = usual.get(aliases.get(finding.field, finding.field), finding.field)
        findings.append(
            Finding(finding.rule, finding.severity, finding.says, f"List {sheet}", finding.record, own, finding.value,
                    finding.right, finding.line)
        )  # fmt: skip
    return rows


def _referrals(database: Database, present: set[str], findings: list[Finding]) -> dict[str, pa.Table]:
    cells = {
        "child_ref": ref(present),
        "referral_date": cell("referral_date", present),
        "referral_source": code_of(choice("referral_source", present), listed("referral_source"), "referral_source"),
        "no_further_action": flag("no_further_action", present),
        "team_ref": cell("team", present),
        "worker_ref": worker(present),
    }
    return {"referral": _conformed(database, 3, "referral", cells, findings)}


def _assessments(database: Database, present: set[str], findings: list[Finding]) -> dict[str, pa.Table]:
    cells = {"child_ref": ref(present)} | {c: cell(c, present) for c in ("start_date", "end_date")}
    table = _conformed(database, 4, "assessment", cells, findings)
    judge_order(table, "List 4", "child_ref", findings)
    return {"assessment": table}


def _enquiries(database: Database, present: set[str], findings: list[Finding]) -> dict[str, pa.Table]:
    cells = {
        "child_ref": ref(present),
        "start_date": cell("start_date", present),
        "conference_date": cell("conference_date", present),
        "conference_not_required": flag("conference_not_required", present),
    }
    return {"section_47": _conformed(database, 5, "section_47", cells, findings)}


def _needs(database: Database, present: set[str], findings: list[Finding]) -> dict[str, pa.Table]:
    """Every row is an episode of need; one whose status says so is a Child in Need plan as well."""
    need = choice("primary_need", present)
    episode = {
        "child_ref": ref(present),
        "referral_date": cell("start_date", present),
        "primary_need": code_of(need, "N[0-9]", "primary_need", local="[A-Z]{0,2}"),
        "closure_date": cell("end_date", present),
        "closure_reason": code_of(choice("closure_reason", present), "RC[1-9]", "closure_reason"),
    }
    status = case_status(present)
    known = ", ".join(sorted({f"'{code}'" for code in words("case_status").values()}))
    list_rows(
        database,
        f"({status}) IS NOT NULL AND ({status}) NOT IN ({known})",
        rule="case-status",
        severity=Severity.QUERY,
        says="The case status is not one that is known, so whether there is a plan is not known.",
        table="List 6",
        field="Case Status",
        findings=findings,
        value=cell("status", present),
        right="looked after child, child protection plan, child in need plan, open assessment or closed episode",
        record=f"({ref(present)})",
    )
    plan = {
        "child_ref": ref(present),
        "start_date": cell("start_date", present),
        "end_date": cell("end_date", present),
        "team_ref": cell("team", present),
        "worker_ref": worker(present),
    }
    referrals = _conformed(database, 6, "referral", episode, findings)
    # What is wrong with a date or an id has been said of the episode.
    told = len(findings)
    plans = _conformed(database, 6, "cin_plan", plan, findings, f"({status}) = 'CIN'")
    del findings[told:]
    if plans.num_rows:
        says = (
            "List 6 gives the start of need and not of the plan; Child in Need plans were taken to start on that day."
        )
        findings.append(
            Finding("plan-start-is-need-start", Severity.NOTE, says, "List 6", field="CIN Start Date",
                    right="the plan's own start, from another source")
        )  # fmt: skip
    judge_order(plans, "List 6", "child_ref", findings)
    return {"referral": referrals, "cin_plan": plans}


def _protection_plans(database: Database, present: set[str], findings: list[Finding]) -> dict[str, pa.Table]:
    cells = {"child_ref": ref(present)}
    cells["plan_ref"] = f"{ref(present)} || '/' || {cell('start_date', present)}"
    cells |= {c: cell(c, present) for c in ("start_date", "end_date", "previous_plans")}
    for column in ("initial_category", "latest_category"):
        cells[column] = abuse_category(choice(column, present))
    plans = _conformed(database, 7, "cp_plan", cells, findings)
    judge_order(plans, "List 7", "child_ref", findings)
    review = cell("review_date", present)
    reviews = {"child_ref": cells["child_ref"], "plan_ref": cells["plan_ref"], "review_date": review}
    where = f"{review} IS NOT NULL AND {cells['child_ref']} IS NOT NULL"
    return {"cp_plan": plans, "cp_review": _conformed(database, 7, "cp_review", reviews, findings, where)}


def _care(database: Database, present: set[str], findings: list[Finding]) -> dict[str, pa.Table]:
    cells = {"child_ref": ref(present)} | {c: cell(c, present) for c in ("start_date", "end_date")}
    table = _conformed(database, 8, "looked_after", cells, findings)
    judge_order(table, "List 8", "child_ref", findings)
    return {"looked_after": table}


_MADE: Mapping[int, Callable[[Database, set[str], list[Finding]], dict[str, pa.Table]]] = {
    3: _referrals,
    4: _assessments,
    5: _enquiries,
    6: _needs,
    7: _protection_plans,
    8: _care,
}


def _children(lists: Mapping[int, pa.Table], findings: list[Finding]) -> dict[str, pa.Table]:
    """One row per child of any list, and the authority's id of each; lists that disagree are told."""
    pieces = []
    for rank, number in enumerate(_TRUSTED):
        if number not in lists:
            continue
        with bench(lists[number]) as database:
            present = set(lists[number].column_names)
            cells = {
                "child_ref": ref(present),
                "birth_date": cell("birth_date", present),
                "sex": coded(choice("sex", present), words("sex", "sex")),
                "ethnicity": ethnicity(present),
            }
            # A row without an id is told once, by the table the list is for.
            where = f"{cells['child_ref']} IS NOT NULL"
            rows = _conformed(database, number, "child", cells, findings, where)
        pieces.append(
            rows.append_column("rank", pa.repeat(pa.scalar(rank, pa.int32()), rows.num_rows)).append_column(
                "list", pa.repeat(pa.scalar(f"List {number}"), rows.num_rows)
            )
        )
    with bench(pa.concat_tables(pieces)) as database:
        for column, usual in (("birth_date", "Date of Birth"), ("sex", "Gender"), ("ethnicity", "Ethnicity")):
            said = f"any_value({column}) OVER (PARTITION BY child_ref ORDER BY ({column} IS NULL), rank, line)"
            known = f"({column} <> 'U')" if column == "sex" else "true"
            for number in _TRUSTED:
                list_rows(
                    database,
                    f"list = 'List {number}' AND {column} IS DISTINCT FROM said AND {column} IS NOT NULL AND {known}",
                    rule="lists-disagree",
                    severity=Severity.QUERY,
                    says="Another list says something else about this child; that list was followed.",
                    table=f"List {number}",
                    field=usual,
                    findings=findings,
                    value=f"{column}::TEXT",
                    right="the same in every list",
                    record="child_ref",
                    relation=f"(SELECT *, {said} AS said FROM raw)",
                )
        best = ", ".join(
            f"arg_min({c}, (rank, line)) FILTER ({c} IS NOT NULL) AS {c}" for c in ("birth_date", "ethnicity")
        )
        filled = {"child_ref", "birth_date", "ethnicity", "sex", "line"}
        children = database.conformed(
            "child",
            f"""
            SELECT child_ref, {best}, arg_min(sex, (sex = 'U', rank, line)) FILTER (sex IS NOT NULL) AS sex,
                arg_min(line, (rank, line)) AS line, {_nulls("child", filled)}
            FROM raw GROUP BY child_ref ORDER BY min((rank, line))
            """,
        )
    with bench(children) as database:
        ids = database.query("SELECT child_ref AS ref, 'la_child_id' AS kind, upper(child_ref) AS value, line FROM raw")
    return {"child": children, "identifier": conform(ids, "identifier", findings=findings)}


def _nulls(table: str, there: set[str]) -> str:
    return ", ".join(f"NULL AS {name(c.name)}" for c in TABLES[table] if c.name not in there)


def _staff(lists: Mapping[int, pa.Table], as_at: date | None, findings: list[Finding]) -> dict[str, pa.Table]:
    """Workers and teams of lists 3 to 8, and who holds each open case of lists 6, 7 and 8 on the day spoken of."""
    pieces = []
    for rank, number in enumerate(_TRUSTED):
        if number not in lists or not 3 <= number <= 8:
            continue
        present = set(lists[number].column_names)
        ended = cell("end_date", present) if number in (6, 7, 8) else "'not a list of cases'"
        status = f"coalesce({case_status(present)}, '')" if number == 6 else "''"
        with bench(lists[number]) as database:
            pieces.append(
                database.query(
                    f"SELECT {ref(present)} AS child_ref, {cell('team', present)} AS team, "
                    f"{worker(present)} AS worker, ({ended}) IS NULL AND {status} <> 'CLOSED' AS held, "
                    f"{rank} AS rank, line FROM raw"
                )
            )
    with bench(pa.concat_tables(pieces)) as database:
        day = f"'{as_at.isoformat()}'" if as_at else ABSENT
        involved = database.query(
            f"""
            SELECT child_ref, worker AS professional_ref, '{ROLE}' AS role, 'true' AS is_social_worker,
                team AS team_ref, {day} AS start_date, line
            FROM raw WHERE held AND child_ref IS NOT NULL AND (worker IS NOT NULL OR team IS NOT NULL)
            QUALIFY row_number() OVER (PARTITION BY child_ref, worker, team ORDER BY rank, line) = 1
            ORDER BY rank, line
            """
        )
        people = database.query(
            "SELECT worker AS professional_ref, worker AS name, arg_min(team, (rank, line)) AS team_ref, "
            "arg_min(line, (rank, line)) AS line FROM raw WHERE worker IS NOT NULL GROUP BY worker ORDER BY worker"
        )
        teams = database.query(
            "SELECT team AS team_ref, team AS name, arg_min(line, (rank, line)) AS line FROM raw "
            "WHERE team IS NOT NULL GROUP BY team ORDER BY team"
        )
    if involved.num_rows:
        says = "The lists do not say since when a worker is allocated; the day the workbook speaks of was taken."
        findings.append(
            Finding("allocated-since-unknown", Severity.NOTE, says, field="Allocated Worker",
                    right="involvements with dates, from another source")
        )  # fmt: skip
    return {
        "involvement": conform(involved, "involvement", findings=findings),
        "professional": conform(people, "professional", findings=findings),
        "team": conform(teams, "team", findings=findings),
    }


def _as_at(lists: Mapping[int, pa.Table], findings: list[Finding]) -> date | None:
    """The latest event day of any list."""
    pieces = []
    for number, raw in lists.items():
        present = set(raw.column_names)
        for column in BY_NUMBER[number].days:
            if column not in present:
                continue
            with bench(raw) as database:
                found = database.query(f"SELECT {cell(column, present)} AS end_date, 'x' AS child_ref, line FROM raw")
            pieces.append(conform(found, "assessment", findings=[]).select(["end_date", "line"]))
    return latest_day(pa.concat_tables(pieces), ("end_date",), findings) if pieces else None


def _judge_statuses(lists: Mapping[int, pa.Table], findings: list[Finding]) -> None:
    """Case statuses of list 6 that the list they speak of does not bear out."""
    if 6 not in lists:
        return
    present = set(lists[6].column_names)
    with bench(lists[6]) as database:
        for status, number, right in (("CP", 7, "an open protection plan"), ("CLA", 8, "an open period of care")):
            if number not in lists:
                continue
            there = set(lists[number].column_names)
            database.add("others", lists[number])
            # `first` names columns of the list it is told of; an alias keeps the two lists apart.
            open_there = f"(SELECT {ref(there)} AS ref FROM others WHERE {cell('end_date', there)} IS NULL)"
            list_rows(
                database,
                f"({case_status(present)}) = '{status}' AND ({ref(present)}) NOT IN (SELECT ref FROM {open_there} "
                "WHERE ref IS NOT NULL)",
                rule="case-status-without-plan",
                severity=Severity.QUERY,
                says=f"The case status says one thing, but list {number} shows nothing open for this child.",
                table="List 6",
                field="Case Status",
                findings=findings,
                value=cell("status", present),
                right=f"{right} in list {number}, or another status",
                record=ref(present),
            )


def _write(reading: Reading, path: Path) -> list[Path]:
    return write_workbook(reading, path, {sheet.number: sheet.names() for sheet in LISTS})


SOURCES: tuple[Source, ...] = (
    Source(KIND, "Annex A workbook of children's social care (XLSX)", _recognise, read_annex_a, _write),
)
