"""The youth justice service's list: how it is known, what is read of it, and what is wrong in it."""

from __future__ import annotations

from collections import Counter
from datetime import date

import pyarrow as pa
import pytest

from sightline.engine import arrow_schema
from sightline.sources import recognise
from sightline.sources.base import Context, Reading
from sightline.sources.list_mapping import LISTS, propose_list
from sightline.sources.youth_justice import LIST
from sightline.vocabulary.codes import code_list
from sightline.vocabulary.errors import UnreadableFile
from sightline.vocabulary.identifiers import make_upn

UPN = make_upn("301", "2001", 9, 1)


def read(tmp_path, text):
    path = tmp_path / "list.csv"
    path.write_text(text.strip() + "\n", encoding="utf-8")
    source = recognise(path)
    assert source.kind == "youth-justice"
    return source.read(path, Context())


@pytest.mark.parametrize(
    ("text", "ref", "code", "hours"),
    [
        ("YJS ID,Start date,Disposal\n7,01/02/2024,Youth Caution", "7", "YC", None),
        ("Young person id,UPN,Lead professional,Date opened,Type of intervention,YOT team,ETE hours\n"
         f"7,{UPN.lower()},Kit Marsh,1-Feb-24,Turnaround,East,12.5", "7", "PREV", 12.5),
        (f"UPN,From,To,Out of court outcome\n{UPN},2024-02-01,,O22", UPN, "DIV", None),
        ("ChildView ID,Programme,Start\n7,YRO with ISS,01/02/2024", "7", "YRO", None),
    ],
)  # fmt: skip
def test_services_write_it_in_their_own_words(tmp_path, text, ref, code, hours):
    (row,) = read(tmp_path, text).tables["youth_justice"].to_pylist()
    assert (row["child_ref"], row["start_date"], row["involvement"], row["education_hours"]) == (
        ref, date(2024, 2, 1), code, hours,
    )  # fmt: skip


def test_what_is_wrong_is_told_and_every_row_is_kept(tmp_path):
    reading = read(
        tmp_path,
        f"""
YJS ID,UPN,Surname,DOB,Start date,End date,Disposal,Hours
1,A1,Marsh,08/01/2010,01/02/2024,01/01/2024,Youth caution,60
2,{UPN},Elmby,08/01/2010,01/02/2009,,A talk,
2,{UPN},Elmby,09/01/2010,,,Youth caution,x
3,,Ashby,31/02/2010,01/02/2024,,,
""",
    )
    assert reading.tables["youth_justice"].num_rows == 4
    assert set(reading.tables) == {"youth_justice"}, "who the child is stands in no table that others read"
    assert Counter(f.rule for f in reading.findings) == {
        "upn": 1, "ends-before-it-starts": 1, "hours-out-of-range": 1, "starts-before-birth": 1, "unknown-code": 1,
        "two-birth-dates": 2, "period-without-start": 1, "not-a-number": 1, "not-a-date": 1,
    }  # fmt: skip


def test_what_is_written_reads_back_the_same(tmp_path):
    rows = [
        {"child_ref": f"Y{n}", "upn": UPN if n % 2 else None, "surname": "O'Ash, Elm" if n % 3 else None, "sex": "F",
         "birth_date": date(2009, 3, 4), "postcode": "ZZ1 1ZZ", "start_date": date(2024, 1, 1 + n), "line": n + 2,
         "end_date": date(2024, 2, 1) if n % 2 else None, "involvement": code.code, "education_hours": n / 2}
        for n, code in enumerate(code_list("youth_justice_involvement"))
    ]  # fmt: skip
    table = pa.Table.from_pylist(rows, schema=arrow_schema("youth_justice"))
    (path,) = LIST.write(Reading("youth-justice", "youth-justice", "", "", tables={"youth_justice": table}), tmp_path)
    assert recognise(path).read(path, Context()).tables["youth_justice"].to_pylist() == table.to_pylist()


def test_columns_can_be_agreed_and_a_list_without_a_child_is_refused(tmp_path):
    rows = pa.table(
        {"who": ["7", "8"], "begun": ["01/02/2024", "02/03/2024"], "what": ["Youth caution", "Referral order"]}
    )
    columns, lacks = propose_list(LISTS["youth-justice"], rows, {"child_ref": "Who"})
    assert (columns, lacks) == ({"child_ref": "who", "start_date": "begun", "involvement": "what"}, "")
    path = tmp_path / "list.csv"
    path.write_text("Disposal,Surname\nYouth caution,Ashby\n", encoding="utf-8")
    with pytest.raises(UnreadableFile, match="child's id"):
        LIST.read(path, Context())
