"""Extracts in the shapes researchers receive: names and layouts by year, encodings, packing, and what is said of the rest."""

import gzip
import zipfile
from datetime import date

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sightline.engine import Database
from sightline.evaluation import Study
from sightline.operations.study.study_files import Found, find, unpacked
from sightline.operations.study.study_inputs import plan_records, received
from sightline.vocabulary.errors import NothingHeld, UnreadableFile

WHO = "PupilMatchingRefAnonymous_ab18,AcademicYear_ab18"


def read(tmp_path, table, text, *, name="", encoding="utf-8", **told):
    path = tmp_path / (name or f"{table}_2018.csv")
    data = text.encode(encoding)
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    with Database() as database:
        unread = received(database, table, (path,), **told)
        return database.query(f"SELECT * FROM {table}").to_pylist(), unread


def test_annual_absence_is_that_of_special_schools_and_fills_only_what_half_terms_leave(tmp_path):
    """The NPD populates the columns named Annual for special schools alone: they must not come before the half terms."""
    kinds = ("SessionsPossible", "AuthorisedAbsence", "UnauthorisedAbsence")
    heads = ",".join(f"{k}_{span}_ab18" for span in ("Annual", "6HalfTerms", "5HalfTerms") for k in kinds)
    rows, unread = read(
        tmp_path, "absence", f"{WHO},{heads}\na,2017/2018,,,,380,7,1,310,6,1\nb,2017/2018,370,20,2,,,,,,\n"
    )
    got = {r["pupil"]: (r["possible"], r["authorised"], r["unauthorised"]) for r in rows}
    assert got == {"a": (380, 7, 1), "b": (370, 20, 2)} and unread == []


def test_absence_by_term_adds_up_and_overall_absence_will_do(tmp_path):
    kinds = ("SessionsPossible", "AuthorisedAbsence", "UnauthorisedAbsence")
    terms = ",".join(f"{k}_{term}_ab18" for k in kinds for term in ("Autumn", "Spring", "Summer"))
    (row,), _ = read(tmp_path, "absence", f"{WHO},{terms}\na,201718,140,120,,3,4,,1,0,\n")
    assert (row["possible"], row["authorised"], row["unauthorised"], row["year"]) == (260, 7, 1, 2017)
    whole = f"{WHO},SESSIONSPOSSIBLE_6HTERM_AB18,OVERALLABSENCE_6HTERM_AB18\na,2018,380,12\n"
    (row,), _ = read(tmp_path, "absence", whole)
    assert (row["possible"], row["overall"], row["authorised"]) == (380, 12, None)
    with pytest.raises(UnreadableFile, match=r"no column for authorised .*SessionsPossible_Autumn_ab18"):
        read(tmp_path, "absence", f"{WHO},SessionsPossible_Annual_ab18,SessionsPossible_Autumn_ab18\n")


CENSUS = "pupilmatchingrefanonymous_spr18;ACADEMICYEAR_SPR18;Gender_SPR18;AgeAtStartOfAcademicYear_SPR18;" \
         "EthnicGroupMajor_SPR18;FSMeligible_SPR18;{send};IDACIScore_10_SPR18;IDACIScore_15_SPR18;LA_9Code_SPR18\n"  # fmt: skip


@pytest.mark.parametrize(
    ("name", "encoding"),
    [("census.csv", "utf-8-sig"), ("census.txt", "utf-16"), ("census.csv", "cp1252"), ("census.csv.gz", "utf-8")],
)
def test_other_case_separators_encodings_and_packing(tmp_path, name, encoding):
    text = CENSUS.format(send="SENprovision_SPR18")
    text += '"x1";"2017/2018";"F";"7";"WHIT";"1";"N";"0.1";"0.25";"E06000052"\n'
    text += "x2;2017/2018;M;8;Zoë;0;K;0.3;;E06000052\n"
    rows, unread = read(tmp_path, "census", text, name=name, encoding=encoding)
    assert [(r["pupil"], r["year"], r["female"], r["fsm"], r["send"], r["idaci"]) for r in rows] == [
        ("x1", 2017, 1, 1, 0, 0.25),
        ("x2", 2017, 0, 0, 1, 0.3),
    ]
    assert rows[1]["ethnicity"] == "ZOË" and rows[0]["authority"] == "E06000052" and not unread


def test_major_groups_of_sen_and_an_extract_without_any(tmp_path):
    head = CENSUS.format(send="SENprovisionMajor_SPR18")
    text = head + "".join(f"x{n};2017/18;F;7;WHIT;1;{code};;0.1;\n" for n, code in
                          enumerate(("1_NON", "2_SNS", "3_SS", "4_UNCL")))  # fmt: skip
    rows, _ = read(tmp_path, "census", text)
    assert [r["send"] for r in rows] == [0, 1, 1, None]
    bare = CENSUS.format(send="NCyearActual_SPR18") + "x;2017/18;F;7;WHIT;1;3;;0.1;\n"
    with pytest.raises(UnreadableFile, match=r"no column for send of census \(looked for senprovision"):
        read(tmp_path, "census", bare)
    (row,), _ = read(tmp_path, "census", bare, spared=("send",))
    assert row["send"] is None and row["fsm"] == 1


def test_years_side_by_side_are_refused_and_not_half_read(tmp_path):
    text = "PMR,AcademicYear,FSMeligible_SPR18,FSMeligible_SPR19\n"
    with pytest.raises(UnreadableFile, match="several years side by side"):
        read(tmp_path, "census", text)


def test_exclusions_numbered_across_a_row_and_as_a_total(tmp_path):
    who = "PupilMatchingRefAnonymous_ex18,AcademicYear_ex18"
    text = f"{who},Category_1_ex18,StartDate_1_ex18,Sessions_1_ex18,Category_2_ex18,StartDate_2_ex18,Sessions_2_ex18\n"
    text += "a,2017/2018,FIXD,05MAR2018,4,PERM,01/05/2018,\nb,2017/2018,FIXD,2018-03-05 00:00:00,2,,,\n"
    rows, _ = read(tmp_path, "exclusions", text)
    assert sorted((r["pupil"], r["category"], r["started"], r["sessions"]) for r in rows if r["sessions"]) == [
        ("a", "FIXD", date(2018, 3, 5), 4),
        ("b", "FIXD", date(2018, 3, 5), 2),
    ]
    assert [r["category"] for r in rows if not r["sessions"]] == ["PERM"]
    text = f"{who},TotalFixedExclusions_ex18,TotalFixedSessions_ex18\na,2017/2018,2,6\nb,2017/2018,0,0\n"
    rows, _ = read(tmp_path, "exclusions", text)
    assert [(r["pupil"], r["category"], r["sessions"]) for r in rows] == [("a", "FIXD", 6)]


def test_what_cannot_be_read_is_counted_and_a_column_of_nothing_else_is_refused(tmp_path):
    head = f"{WHO},SessionsPossible_Annual,AuthorisedAbsence_Annual,UnauthorisedAbsence_Annual\n"
    rows, unread = read(tmp_path, "absence", head + "a,2018,380,12,.\nb,2018,380,many,1\n")
    assert unread == [("absence_2018.csv: values of AuthorisedAbsence_Annual that cannot be read, taken as missing", 1)]
    assert [r["authorised"] for r in rows] == [12, None]
    with pytest.raises(UnreadableFile, match=r"not one of the 2 values of AcademicYear_ab18 can be read"):
        read(tmp_path, "absence", head + "a,soon,380,1,1\nb,later,380,1,1\n")
    with pytest.raises(UnreadableFile, match=r"absence_2018.csv: a line cannot be told into columns at line 4") as told:
        read(
            tmp_path,
            "absence",
            head + "a,2018,380,1,1\nb,2018,380,1,1\nsecret,2018,380,1,1,9,9,9\n" + "a,2018,1,1,1\n" * 9,
        )
    assert "secret" not in str(told.value)


def test_codes_of_parquet_that_mean_nothing_are_counted_too(tmp_path):
    path = tmp_path / "ks2.parquet"
    codes = {"KS2_READEXP": ["1", "0", "x"], "KS2_GPSEXP": ["1", "0", "NA"], "KS2_MATEXP": ["1", "1", "0"]}
    pq.write_table(pa.table({"PMR": ["a", "b", "c"], "KS2_ACADYR": ["2018"] * 3, **codes}), path)
    with Database() as database:
        unread = received(database, "ks2", (path,))
    assert unread == [("ks2.parquet: values of KS2_READEXP that cannot be read, taken as missing", 1)]


def test_a_flat_extract_of_the_cin_census_has_both_kinds_of_plan(tmp_path):
    path = tmp_path / "n_Census_CIN.csv"
    path.write_text(
        "CIN_ACADYR,CIN_PupilMatchingRefAnonymous,CIN_LA,CIN_ReferralDate,CIN_CINPlanStartDate,CIN_CINPlanEndDate,"
        "CIN_CPPstartDate,CIN_CPPendDate\n"
        "2017/2018,a,201,2017-01-01,2017-10-01,2018-01-01,,\n"
        "2017/2018,a,201,2017-01-01,,,2018-01-02,2018-03-01\n"
        "2017/2018,b,201,2017-01-01,,,,\n"
    )
    with Database() as database:
        received(database, "census", ())
        assert plan_records(database, Found({}, (path,), None), "VARCHAR") == []
        rows = database.rows("SELECT pupil, plan, start, last, census FROM plan_record ORDER BY start")
    assert rows == [
        ("a", "CIN plan", date(2017, 10, 1), date(2018, 1, 1), 2018),
        ("a", "CP plan", date(2018, 1, 2), date(2018, 3, 1), 2018),
    ]


def test_files_are_known_by_a_word_of_their_name_and_those_of_other_programs_are_named(tmp_path):
    npd, cin = tmp_path / "npd", tmp_path / "cin"
    npd.mkdir()
    cin.mkdir()
    names = ["Spring_Census_2018.txt", "Absence_2018_3term.csv.gz", "Suspensions 2018.csv", "KS4Pupil_2018.csv"]
    for name in [*names, "CIN_Census_2018.csv", "KS4Exam_2018.csv", "accensus.csv"]:
        (npd / name).write_text("")
    with zipfile.ZipFile(cin / "cin_2018.zip", "w") as archive:
        archive.writestr(
            "folder/plans.csv", "CIN_PupilMatchingRefAnonymous,CIN_CPPstartDate,CIN_CPPendDate\n1,2018-01-01,\n"
        )
    found = find(Study(), tmp_path)
    listed = {name: [p.name for p in paths] for name, paths in found.npd.items() if paths}
    assert listed == {"census": names[:1], "absence": names[1:2], "exclusions": names[2:3], "ks4": names[3:]}
    (plans,) = unpacked(found, tmp_path / "scratch").plans
    assert plans.name == "cin_2018-plans.csv"
    with Database() as database:
        received(database, "census", ())
        plan_records(database, Found({}, (plans,), None), "VARCHAR")
        assert database.rows("SELECT census FROM plan_record") == [(2018,)]
    (npd / "Spring_Census_2018.txt").rename(npd / "Spring_Census_2018.sas7bdat")
    assert [p.name for p in find(Study(), tmp_path).npd["census"]] == ["Spring_Census_2018.sas7bdat"]
    (npd / "Spring_Census_2018.sas7bdat").rename(npd / "Spring_Census_2018.rds")
    with pytest.raises(NothingHeld, match=r"Spring_Census_2018.rds is a file of R.*write.csv"):
        find(Study(), tmp_path)
    (cin / "cin_2018.zip").write_bytes(b"PK nothing")
    with pytest.raises(UnreadableFile, match="damaged"):
        unpacked(Found({}, (cin / "cin_2018.zip",), None), tmp_path / "scratch")


def test_parquet_with_types_is_read_as_text_is(tmp_path):
    path = tmp_path / "absence.parquet"
    pq.write_table(
        pa.table({
            "PMR": [1, 2], "AcademicYear": [201718, 201718], "SessionsPossible_6HalfTerms_ab18": [380, None],
            "SessionsPossible_Annual_ab18": [None, 370.0], "AuthorisedAbsence_6HalfTerms_ab18": [4, None],
            "AuthorisedAbsence_Annual_ab18": [None, 5], "OverallAbsence_Annual_ab18": [None, 9],
            "UnauthorisedAbsence_Annual_ab18": ["1", "2"],
        }),
        path,
    )  # fmt: skip
    with Database() as database:
        assert received(database, "absence", (path,), "BIGINT") == []
        rows = database.rows("SELECT pupil, year, possible, authorised, unauthorised, overall FROM absence ORDER BY 1")
    assert rows == [(1, 2017, 380, 4, 1, None), (2, 2017, 370, 5, 2, 9)]
