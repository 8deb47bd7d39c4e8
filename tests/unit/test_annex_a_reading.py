"""Reading the inspection workbook (Annex A): lists by number, local spellings, and what is wrong with its place."""

from __future__ import annotations

import zipfile
from collections import Counter
from datetime import date
from pathlib import Path

import pytest
import xlsxwriter

from sightline.sources import recognise
from sightline.sources.annex_a import SOURCES, read_annex_a
from sightline.sources.annex_a_lists import LISTS
from sightline.sources.base import Context, Reading
from sightline.sources.workbook import sheets_of
from sightline.vocabulary.errors import UnreadableFile

USUAL = {sheet.number: [names[0] for names in sheet.names().values()] for sheet in LISTS}


def workbook(path: Path, lists: dict[str, list[list[object]]]) -> Path:
    book = xlsxwriter.Workbook(str(path))
    dated = book.add_format({"num_format": "dd/mm/yyyy"})
    for title, rows in lists.items():
        sheet = book.add_worksheet(title)
        for line, row in enumerate(rows):
            for place, value in enumerate(row):
                if isinstance(value, date):
                    sheet.write_datetime(line, place, value, dated)
                elif value is not None:
                    sheet.write(line, place, value)
    book.close()
    return path


def need(**cells: object) -> list[object]:
    """A row of list 6."""
    given = {"child_ref": "C1", "sex": "b) Female", "ethnicity": "a) WBRI", "birth_date": date(2012, 3, 4)} | cells
    return [given.get(column) for column in LISTS[5].names()]


@pytest.fixture
def read(tmp_path: Path):
    def _read(lists: dict[str, list[list[object]]]) -> Reading:
        return read_annex_a(workbook(tmp_path / "a.xlsx", lists), Context())

    return _read


def rules(reading: Reading) -> Counter[str]:
    return Counter(finding.rule for finding in reading.findings)


def test_the_published_sample(real: Path):
    """Counts of the workbook published with the sector's own tools."""
    path = real / "csc" / "annex_a" / "Annex_A_2024_Jan.xlsx"
    assert recognise(path).kind == "annex-a"
    reading = recognise(path).read(path, Context())
    assert {name: table.num_rows for name, table in reading.tables.items()} == {
        "child": 48,
        "identifier": 48,
        "referral": 11,
        "assessment": 5,
        "section_47": 5,
        "cin_plan": 5,
        "cp_plan": 7,
        "cp_review": 5,
        "looked_after": 5,
        "involvement": 6,
        "professional": 19,
        "team": 12,
    }
    assert (reading.system, reading.as_at, reading.covers) == ("annex-a", "2021-03-15", "2021-03")
    assert rules(reading) == {
        "unknown-code": 1,
        "lists-disagree": 10,
        "plan-start-is-need-start": 1,
        "allocated-since-unknown": 1,
    }
    wrong = next(f for f in reading.findings if f.rule == "unknown-code")
    assert (wrong.table, wrong.field, wrong.record, wrong.line) == ("List 6", "Primary Need Code", "12598894", 2)
    names = reading.tables["professional"]["name"].to_pylist()
    assert "Dustin Hazlett" in names, "written with a non-breaking space in the file"
    assert set(reading.tables["child"]["sex"].to_pylist()) == {"M", "F", "U"}


@pytest.mark.parametrize(
    ("status", "on_a_plan"),
    [
        ("c) Child in need plan", True),
        ("CiN", True),
        ("CiN Plan", True),
        ("Child in Need", True),
        ("b) Child Protection plan", False),
        ("CP Ext", False),
        ("CLA&CP", False),
        ("d) Open assessment", False),
        ("Closed - stepdown", False),
        ("Care leaver", False),
        ("c)\u00a0Child in need\u00a0plan", True),
        ("CIN - Open", True),
        ("Child Protection Plan (neglect)", False),
        ("LAC - S20", False),
        ("CIN assessment", False),
        ("Stepped sideways", None),
        ("No longer CIN", None),
        ("Child Protection enquiry", None),
    ],
)
def test_local_spellings_of_the_case_status(read, status, on_a_plan):
    reading = read({"List 6": [USUAL[6], need(start_date=date(2024, 1, 8), status=status)]})
    assert reading.tables["cin_plan"].num_rows == (on_a_plan is True)
    assert ("case-status" in rules(reading)) is (on_a_plan is None)
    assert reading.tables["referral"].num_rows == 1


def test_names_choices_numbers_and_dates_as_people_write_them(read):
    row = need(
        child_ref=1234567.0,
        start_date=45299,
        status="CIN",
        primary_need="N3 - Parental illness",
        worker="Robin\u00a0 Fen ",
        team="#N/A",
        birth_date="04/03/2012",
        sex="Female",
        ethnicity="White British",
    )
    reading = read({"List 06 - CIN": [["Children in need"], [], [h.upper() + " " for h in USUAL[6]], row]})
    (plan,) = reading.tables["cin_plan"].to_pylist()
    assert (plan["child_ref"], plan["start_date"], plan["line"]) == ("1234567", date(2024, 1, 8), 4)
    assert (plan["worker_ref"], plan["team_ref"]) == ("Robin Fen", None)
    (child,) = reading.tables["child"].to_pylist()
    assert (child["birth_date"], child["sex"], child["ethnicity"]) == (date(2012, 3, 4), "F", "WBRI")
    assert reading.tables["referral"]["primary_need"].to_pylist() == ["N3"]
    (held,) = reading.tables["involvement"].to_pylist()
    assert (held["professional_ref"], held["is_social_worker"]) == ("Robin Fen", True)


def test_what_is_wrong_has_its_list_row_and_column(read):
    rows = [
        USUAL[6],
        need(start_date="soon", status="CIN"),
        need(child_ref=None, start_date=date(2024, 1, 1), status="CIN"),
        need(child_ref="C2", start_date=date(2024, 2, 1), status="CP"),
        need(child_ref="C3", start_date=date(2024, 2, 1), end_date=date(2024, 1, 1), status="CIN"),
    ]
    plans = [USUAL[7], ["C9", "a) Male", "a) WBRI", date(2010, 1, 1), date(2024, 1, 1), "Neglect", "Neglect/Emotional"]]
    reading = read({"List 6": rows, "List 7": plans, "Notes": [["hello"]]})
    found = {(f.rule, f.table, f.field, f.record, f.line) for f in reading.findings}
    assert ("not-a-date", "List 6", "CIN Start Date", "C1", 2) in found
    assert ("missing-value", "List 6", "Child Unique ID", "", 3) in found
    assert ("case-status-without-plan", "List 6", "Case Status", "C2", 4) in found
    assert ("ends-before-it-starts", "List 6", "end_date", "C3", 5) in found
    assert rules(reading)["sheet-not-used"] == 1
    assert rules(reading)["missing-sheet"] == 4
    assert all("C2" not in f.says for f in reading.findings)
    (plan,) = reading.tables["cp_plan"].to_pylist()
    assert (plan["initial_category"], plan["latest_category"]) == ("NEG", "MUL")


def test_lists_that_disagree_are_told_and_the_first_followed(read):
    care = [USUAL[8], ["C1", "b) Female", "a) WBRI", date(2011, 3, 4), date(2024, 1, 1)]]
    reading = read({"List 6": [USUAL[6], need(start_date=date(2023, 1, 1), status="LAC")], "List 8": care})
    assert reading.tables["child"]["birth_date"].to_pylist() == [date(2012, 3, 4)]
    (told,) = [f for f in reading.findings if f.rule == "lists-disagree"]
    assert (told.table, told.field, told.value, told.line) == ("List 8", "Date of Birth", "2011-03-04", 2)


def test_a_closed_case_holds_nobody(read):
    rows = [
        USUAL[6],
        need(start_date=date(2024, 1, 1), end_date=date(2024, 2, 1), status="CIN", worker="Robin Fen"),
        need(child_ref="C2", start_date=date(2024, 1, 1), status="Closed", worker="Robin Fen"),
        need(child_ref="C3", start_date=date(2024, 1, 1), status="CIN", worker="Robin Fen"),
    ]
    assert read({"List 6": rows}).tables["involvement"]["child_ref"].to_pylist() == ["C3"]


def test_a_workbook_that_is_not_this_is_left_alone(tmp_path: Path):
    for lists in ({"Sheet1": [["upn"]]}, {"List 1": [[]], "List 2": [[]]}):
        path = workbook(tmp_path / "x.xlsx", lists)
        with pytest.raises(UnreadableFile, match="Excel workbook"):
            recognise(path)
    path = workbook(tmp_path / "x.xlsx", {f"List {n}": [["nothing"]] for n in range(1, 12)})
    with pytest.raises(UnreadableFile, match="Child Unique ID"):
        recognise(path).read(path, Context())


def test_a_workbook_made_to_do_harm_is_refused(tmp_path: Path):
    good = workbook(tmp_path / "good.xlsx", {"List 6": [USUAL[6], need()]})
    cut = tmp_path / "cut.xlsx"
    cut.write_bytes(good.read_bytes()[:-200])
    sparse = workbook(tmp_path / "sparse.xlsx", {"List 6": [USUAL[6]]})
    with zipfile.ZipFile(good) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    far = b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
    parts["xl/worksheets/sheet1.xml"] = parts["xl/worksheets/sheet1.xml"].replace(b"</sheetData>", far)
    swollen = tmp_path / "swollen.xlsx"
    for path, extra in ((sparse, b""), (swollen, b" " * 80_000_000)):
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
            for name, content in parts.items():
                new.writestr(name, content)
            if extra:
                new.writestr("xl/media/extra.xml", extra)
    for path, says in ((cut, "damaged"), (sparse, "far apart"), (swollen, "swells")):
        with pytest.raises(UnreadableFile, match=says):
            list(sheets_of(path))


def test_the_sample_reads_back_from_what_is_written(real: Path, tmp_path: Path):
    reading = read_annex_a(real / "csc" / "annex_a" / "Annex_A_2024_Jan.xlsx", Context())
    (path,) = SOURCES[0].write(reading, tmp_path)
    again = read_annex_a(path, Context())
    for name in reading.tables.keys() - {"professional", "team", "involvement"}:
        rows = [sorted(map(str, r.tables[name].drop_columns(["line"]).to_pylist())) for r in (reading, again)]
        assert rows[0] == rows[1], name


def test_local_names_of_sheets_and_columns(read):
    """Names that no list of ours holds are told by how they look; what looks like nothing of ours is left."""
    reading = read(
        {
            "AnnexA_List_06_CIN": [
                ["Children in need on 1 October"],
                ["Mosaic ID", "Gender at birth", "Ethnic group", "Child DOB", "Case opened date", "Case close date",
                 "CIN reason for closure", "Open case status", "Social Worker", "SW Team", "Last visit note"],
                ["C1", "1 - Male", "(A.A1) White - British", date(2012, 3, 4), date(2024, 1, 8), None, None, "CIN - Open",
                 "Robin Fen", "East", "x"],
                ["C2", "F", "Black - African", date(2013, 3, 4), date(2023, 5, 1), date(2024, 2, 2), "RC7 - ceased",
                 "Closed", "Unallocated", "East", "x"],
            ],
            "List 7 - CP": [
                ["Child's unique reference", "CPP start date", "CPP end date", "Current category", "Category (initial)"],
                ["C3", date(2024, 2, 1), None, "Emotional abuse only", "Likelihood of Neglect"],
            ],
            "list 3": [
                ["Child unique ID number", "Referral date", "Source of referral", "No further action (Y/N)"],
                ["C1", date(2024, 1, 2), "21) Other internal dept", "No further action"],
                ["C2", date(2023, 4, 2), "2A - Schools", "b. No"],
            ],
        }
    )  # fmt: skip
    child = {row["child_ref"]: row for row in reading.tables["child"].to_pylist()}
    assert (child["C1"]["sex"], child["C1"]["ethnicity"], child["C1"]["birth_date"]) == ("M", "WBRI", date(2012, 3, 4))
    assert child["C2"]["ethnicity"] == "BAFR"
    (plan,) = reading.tables["cin_plan"].to_pylist()
    assert (plan["child_ref"], plan["start_date"], plan["end_date"]) == ("C1", date(2024, 1, 8), None)
    assert (plan["worker_ref"], plan["team_ref"]) == ("Robin Fen", "East")
    assert reading.tables["professional"]["name"].to_pylist() == ["Robin Fen"]
    (protection,) = reading.tables["cp_plan"].to_pylist()
    assert (protection["start_date"], protection["initial_category"]) == (date(2024, 2, 1), "NEG")
    assert protection["latest_category"] == "EMO"
    referrals = [r for r in reading.tables["referral"].to_pylist() if r["no_further_action"] is not None]
    assert {r["child_ref"]: r["no_further_action"] for r in referrals} == {"C1": True, "C2": False}
    assert {r["child_ref"]: r["referral_source"] for r in referrals} == {"C1": "21) Other internal dept", "C2": "2A"}


def test_a_row_that_stands_twice_is_read_once_and_told(read):
    row = need(start_date=date(2024, 1, 8), status="CIN")
    reading = read({"List 6": [USUAL[6], row, row, need(start_date=date(2024, 3, 8), status="CIN")]})
    assert reading.tables["cin_plan"].num_rows == 2
    (told,) = [f for f in reading.findings if f.rule == "repeated-record"]
    assert (told.table, told.line, "row 2 too" in told.says) == ("List 6", 3, True)


def test_a_workbook_of_one_list_is_known(tmp_path: Path):
    path = workbook(tmp_path / "cin.xlsx", {"List 6": [USUAL[6], need(start_date=date(2024, 1, 8), status="CIN")]})
    assert recognise(path).kind == "annex-a"
    assert recognise(path).read(path, Context()).tables["cin_plan"].num_rows == 1


def spellings(schema: str, column: str) -> list[tuple[str, str]]:
    """Each spelling that the sector's schema lists for a column, and the choice (a, b, c ...) it stands for."""
    block = schema.partition(f"        {column}: &")[2].partition("            canbeblank")[0]
    found: list[tuple[str, str]] = []
    code = ""
    for line in block.splitlines()[1:]:
        mark, _, text = line.strip().partition("   ")
        text = text.strip().strip("'")
        if text.startswith("code: "):
            code = text.removeprefix("code: ").strip("'")[0]
        elif mark == "-":
            found.append((text, code))
    return found


def test_spellings_of_the_sectors_own_schema(real: Path, read):
    """Every case status and category of abuse that the sector's schema lists means here what it means there."""
    schema = (real / "csc" / "annex_a" / "Annex_A_schema.yml").read_text(encoding="utf-8")
    listed = spellings(schema, "Case Status")
    rows = [need(child_ref=f"C{n}", start_date=date(2024, 1, 8), status=word) for n, (word, _) in enumerate(listed)]
    abuse = spellings(schema, "Initial Category of Abuse")
    plans = [["Child Unique ID", "Child Protection Plan Start Date", "Initial Category of Abuse"]]
    plans += [[f"P{n}", date(2024, 1, 8), word] for n, (word, _) in enumerate(abuse)]
    reading = read({"List 6": [USUAL[6], *rows], "List 7": plans})
    assert (len(listed), len(abuse)) == (33, 142)
    assert "case-status" not in rules(reading)
    on_plan = {f"C{n}" for n, (_, choice) in enumerate(listed) if choice == "c"}
    assert set(reading.tables["cin_plan"]["child_ref"].to_pylist()) == on_plan
    means = dict(zip("abcde", ("NEG", "PHY", "SAB", "EMO", "MUL"), strict=True))
    got = dict(zip(*(reading.tables["cp_plan"][c].to_pylist() for c in ("child_ref", "initial_category")), strict=True))
    differ = {word: got[f"P{n}"] for n, (word, choice) in enumerate(abuse) if got[f"P{n}"] != means[choice]}
    # One is no word, and one names three kinds where the schema takes the first.
    assert differ == {"PA": "PA", "Neglect, Physical and Emotional": "MUL"}
