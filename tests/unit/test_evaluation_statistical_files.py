"""Files of Stata and SPSS, written as their own programs would save them, read as the same table in text is."""

import gzip
import re
import struct
import zipfile
from datetime import date

import pyarrow.parquet as pq
import pytest
from statistical_writing import write_spss, write_stata

from sightline.engine import Database
from sightline.operations.study.study_files import Found, unpacked
from sightline.operations.study.study_inputs import plan_records, received, reference_type
from sightline.sources.statistical import to_parquet, told
from sightline.vocabulary.errors import UnreadableFile

KINDS = {"PMR": "double", "FSMeligible": "byte", "IDACIScore_15": "float", "AgeAtStartOfAcademicYear": "int"}
CENSUS = {
    "PMR": [10008668496, 7, 8],
    "AcademicYear_SPR18": ["2017/2018"] * 3,
    "Gender": ["F", "M", ""],
    "AgeAtStartOfAcademicYear": [7, 8, None],
    "EthnicGroupMajor": ["WHIT", "Zoë", None],
    "FSMeligible": [1, 0, None],
    "SENprovision": ["N", "K", "E"],
    "IDACIScore_15": [0.116, 0.25, None],
    "LA": [201.0, 202.0, 203.0],
    "Notes": ["of no use", "here", ""],
}


def save(path, columns, **told):
    if path.suffix == ".dta":
        write_stata(path, columns, kinds=KINDS, labels=told.get("labels"))
    else:
        write_spss(path, columns, **told)
    return path


def read(tmp_path, table, *paths):
    """The rows received of one extract, what was said of them, and the references' type."""
    found = unpacked(Found({table: paths}, (), None), tmp_path / "scratch")
    with Database() as database:
        kind = reference_type(database, found)
        said = received(database, table, found.npd[table], kind)
        return database.query(f"SELECT * FROM {table} ORDER BY pupil").to_pylist(), said, kind


@pytest.mark.parametrize("ending", [".dta", ".sav"])
def test_the_census_reads_as_its_text_does(tmp_path, ending):
    text = tmp_path / "census.csv"
    rows = zip(*CENSUS.values(), strict=True)
    lines = [CENSUS, *(["" if v is None else str(v).removesuffix(".0") for v in row] for row in rows)]
    text.write_text("\n".join(",".join(line) for line in lines) + "\n")
    want, said, _ = read(tmp_path, "census", text)
    assert said == [] and [r["pupil"] for r in want] == ["10008668496", "7", "8"]
    path = save(tmp_path / f"Spring_Census_2018{ending}", CENSUS)
    got, said, kind = read(tmp_path, "census", path)
    assert kind == "BIGINT" and said == []
    assert sorted(str(r["pupil"]) for r in got) == [r["pupil"] for r in want]
    assert sorted(([*r.values()][1:] for r in got), key=str) == sorted(([*r.values()][1:] for r in want), key=str)
    assert {r["authority"] for r in got} == {"201", "202", "203"}
    assert {r["idaci"] for r in got} == {0.116, 0.25, None}
    # A column that no table takes is there by name alone.
    made = pq.read_table(next((tmp_path / "scratch").rglob("*.parquet")))
    assert made["Notes"].null_count == 3 and made.column_names == list(CENSUS)


def test_plans_have_days_and_their_census_by_the_name_of_the_file(tmp_path):
    columns = {
        "PMR": ["a", "b"],
        "CINPlanStartDate": [date(2017, 10, 1), date(2018, 1, 2)],
        "CINPlanEndDate": [date(2018, 1, 1), None],
    }
    save(tmp_path / "cin_2018.dta", columns)
    with (tmp_path / "cin_2019.dta.gz").open("wb") as out:
        out.write(gzip.compress((tmp_path / "cin_2018.dta").read_bytes()))
    with zipfile.ZipFile(tmp_path / "more.zip", "w") as archive:
        archive.write(save(tmp_path / "cin_2020.sav", columns), "in/cin_2020.sav")
    files = tuple(tmp_path / n for n in ("cin_2018.dta", "cin_2019.dta.gz", "more.zip"))
    found = unpacked(Found({}, files, None), tmp_path / "scratch")
    with Database() as database:
        received(database, "census", ())
        assert plan_records(database, found, "VARCHAR") == []
        rows = database.rows("SELECT pupil, start, last, census FROM plan_record ORDER BY census, pupil")
    whole = [("a", date(2017, 10, 1), date(2018, 1, 1)), ("b", date(2018, 1, 2), None)]
    assert rows == [(*row, census) for census in (2018, 2019, 2020) for row in whole]
    nothing = save(tmp_path / "other.dta", {"PMR": ["a"], "LA": [201.0]})
    with Database() as database, pytest.raises(UnreadableFile, match=r"other\.dta is neither .* It has: PMR, LA"):
        received(database, "census", ())
        plan_records(database, unpacked(Found({}, (nothing,), None), tmp_path / "scratch"), "VARCHAR")


SESSIONS = ("SessionsPossible_Annual", "AuthorisedAbsence_Annual", "UnauthorisedAbsence_Annual")


def absence(path, values, **told):
    who = {"PMR": [1, 2, 3], "AcademicYear": [201718] * 3}
    return save(path, who | dict(zip(SESSIONS, ([380] * 3, values, [0] * 3), strict=True)), **told)


def test_what_the_file_declares_missing_is_nothing_and_is_said(tmp_path):
    stata = absence(tmp_path / "absence_2018.dta", [12, None, "a"])
    spss = absence(tmp_path / "absence_2018.sav", [12, None, -9], missing={SESSIONS[1]: [-9, -8]})
    for path in (stata, spss):
        rows, said, _ = read(tmp_path, "absence", path)
        assert [r["authorised"] for r in rows] == [12, None, None]
        assert said == [(f"{path.name}: values of AuthorisedAbsence_Annual declared missing in the file", 1)]
    text = save(tmp_path / "ks1.sav", {"READ_OUTCOME": ["EXS", "X"]}, missing={})
    to_parquet(text, tmp_path / "ks1.parquet")
    assert pq.read_table(tmp_path / "ks1.parquet")["READ_OUTCOME"].to_pylist() == ["EXS", "X"]


def labelled(path, **columns):
    labels = {name: given for name, (_, given) in columns.items()}
    held = CENSUS | {name: values for name, (values, _) in columns.items()}
    return save(path, held, labels=labels)


@pytest.mark.parametrize("ending", [".dta", ".sav"])
def test_codes_are_read_and_labels_said_where_they_are_words(tmp_path, ending):
    words = {1: "Eligible", 0: "Not eligible"}
    plain = {0: "No", 1: "Yes"}
    path = labelled(
        tmp_path / f"census{ending}", FSMeligible=([1, 0, 1], words), LA=([201, 202, 203], {201: "Camford"})
    )
    rows, said, _ = read(tmp_path, "census", path)
    assert sorted(r["fsm"] for r in rows) == [0, 1, 1]
    assert said == [
        (f"census{ending}: values of FSMeligible that have labels; the codes are read", 3),
        (f"census{ending}: values of LA that have labels; the codes are read", 1),
    ]
    assert read(tmp_path, "census", labelled(path, FSMeligible=([1, 0, 1], plain)))[1] == []


@pytest.mark.parametrize(
    ("column", "values", "labels"),
    [
        ("Gender", [1, 2, 2], {1: "F", 2: "M"}),
        ("Gender", [0, 1, 1], {0: "Male", 1: "Female"}),
        ("SENprovision", [1, 2, 2], {1: "E", 2: "N"}),
        ("AcademicYear_SPR18", [1, 1, 2], {1: "2017/2018", 2: "2018/2019"}),
        ("EthnicGroupMajor", [1, 2, 2], {1: "ASIA", 2: "WHIT"}),
        ("FSMeligible", [1, 2, 2], {1: "No", 2: "Yes"}),
    ],
)
def test_numbers_made_of_codes_are_refused_and_not_read_as_something_else(tmp_path, column, values, labels):
    path = labelled(tmp_path / "census.dta", **{column: (values, labels)})
    with pytest.raises(UnreadableFile, match=rf"census\.dta: {column} is numbers whose labels .* decode"):
        read(tmp_path, "census", path)


def test_suspensions_whose_categories_became_numbers_are_refused_too(tmp_path):
    columns = {
        "PMR": [1.0],
        "AcademicYear": [2018],
        "Category_1": [1],
        "StartDate_1": [date(2018, 3, 5)],
        "Sessions_1": [2],
    }
    path = save(tmp_path / "exclusions.dta", columns, labels={"Category_1": {1: "FIXD"}})
    with pytest.raises(UnreadableFile, match="Category_1 is numbers whose labels"):
        read(tmp_path, "exclusions", path)


def test_references_too_large_for_their_storage_are_refused(tmp_path):
    path = tmp_path / "census.dta"
    write_stata(path, CENSUS, kinds=KINDS | {"PMR": "float"})
    with pytest.raises(UnreadableFile, match=r"two pupils may have become one.*double or str"):
        read(tmp_path, "census", path)


@pytest.mark.parametrize("ending", [".dta", ".sav", ".sas7bdat"])
@pytest.mark.parametrize("part", [0.0, 0.1, 0.6, 0.95])
def test_a_damaged_file_is_named_and_nothing_of_it_is_left(tmp_path, ending, part):
    whole = save(
        tmp_path / f"whole{'.sav' if ending == '.sav' else '.dta'}", CENSUS | {"Notes": ["x" * 900] * 3}
    ).read_bytes()
    cut = tmp_path / f"census_2018{ending}"
    cut.write_bytes(whole[: int(len(whole) * part)])
    with pytest.raises(UnreadableFile, match=re.escape(cut.name) + r" (is damaged, cut short|says that it has)"):
        read(tmp_path, "census", cut)
    assert not [p for p in (tmp_path / "scratch").rglob("*") if p.is_file()]


def test_days_out_of_any_calendar_and_pieces_of_a_file(tmp_path, monkeypatch):
    monkeypatch.setattr("sightline.sources.statistical._CELLS", 20_000)
    many = {"PMR": [float(n) for n in range(25_000)], "CPPstartDate": [date(2018, 1, 1)] * 25_000}
    to_parquet(save(tmp_path / "many.dta", many), tmp_path / "many.parquet")
    table = pq.read_table(tmp_path / "many.parquet")
    assert table["PMR"].to_pylist() == list(range(25_000)) and str(table["PMR"].type) == "int64"
    # SPSS keeps seconds; those of a day in the year 12000 are no day.
    far = tmp_path / "far.sav"
    write_spss(far, {"CPPstartDate": [date(2018, 1, 1)] * 2})
    seconds = 3.3e11
    data = far.read_bytes()
    far.write_bytes(data[:-8] + struct.pack("<d", seconds))
    to_parquet(far, tmp_path / "far.parquet")
    assert pq.read_table(tmp_path / "far.parquet")["CPPstartDate"].to_pylist() == [date(2018, 1, 1), None]
    assert told(tmp_path / "far.parquet").undated == {"CPPstartDate": 1}
