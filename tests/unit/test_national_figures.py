"""National figures: every published file loads as it is, symbols are never nought, and gaps are told."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from sightline.sources import recognise
from sightline.sources.base import Context, Reading
from sightline.sources.lait import COLUMNS
from sightline.vocabulary.errors import UnreadableFile


@pytest.fixture
def read(tmp_path: Path):
    def _read(text: str, name: str = "set.csv", beside: tuple[Path, ...] = ()) -> Reading:
        path = tmp_path / name
        path.write_text(text.strip() + "\n", encoding="utf-8")
        return recognise(path).read(path, Context(name=name, beside=beside))

    return _read


def rules(reading: Reading) -> Counter[str]:
    return Counter(finding.rule for finding in reading.findings)


def rows(reading: Reading) -> list[dict[str, object]]:
    return reading.tables["comparator"].to_pylist()


# File: its set, its figures, and the findings that are not counts of symbols.
PUBLISHED = {
    "ees/cin_b1_children_in_need.csv": ("cin-children", 15736, {"no-figures": 4}),
    "ees/cin_c1_referrals.csv": ("cin-referrals", 19670, {"no-figures": 6}),
    "ees/cin_d3_cpps_subsequent_plan.csv": ("cin-subsequent-plans", 5901, {"no-figures": 5}),
    "ees/cin_d5_cpps_at31march_by_duration.csv": ("cin-plan-duration", 21637, {"no-figures": 3}),
    "ees/ees_layout_absence_school.csv": ("ees-layout-absence-school", 1080, {"part-of-the-country": 1}),
    "ees/ons_population_0_17_by_la.csv": ("population-0-17", 2132, {"no-figures": 3, "missing-authority": 5}),
    "ees/outcomes_cin_absence_la.csv": ("outcomes-absence", 206640, {"hardly-any-figures": 1, "group-is-wider": 1}),
    "ees/outcomes_cin_ks2_la.csv": ("outcomes-ks2", 97317, {"hardly-any-figures": 1, "group-is-wider": 1}),
    "ees/outcomes_cin_ks4_la.csv": ("outcomes-ks4", 47184, {"no-figures": 2, "group-is-wider": 1}),
    "ees/outcomes_cin_sen_la.csv": ("outcomes-sen", 103110, {"group-is-wider": 1}),
    "ees/pupil_absence_2term_pru.csv": ("pupil-absence-pru", 42563, {"missing-authority": 13, "missing-period": 1}),
    "ees/spc_school_ap_placement.csv": ("ap-placements", 3992, {"missing-authority": 2}),
    "attendance/ees_attendance_ytd_202425.csv": ("attendance-year-to-date", 27664, {}),
    "attendance/ees_week29_persistent_absence_202425.csv": ("attendance-persistent", 5928, {"no-figures": 2}),
    "exclusions/exclusions_by_reason_2006_07_to_2016_17.csv": (
        "exclusions-by-reason",
        168096,
        {"missing-authority": 4},
    ),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_published_file_loads_as_it_is(real: Path, name: str):
    dataset, count, wrong = PUBLISHED[name]
    path = real / "education" / name
    source = recognise(path)
    assert source.kind == "ees"
    reading = source.read(path, Context(name=path.name))
    table = reading.tables["comparator"]
    assert set(table["dataset"].to_pylist()) == {dataset}
    assert table.num_rows == count
    found = rules(reading)
    assert {rule: number for rule, number in found.items() if rule != "symbols"} == wrong
    figure, symbol = table["figure"].is_valid().to_numpy(), table["symbol"].is_valid().to_numpy()
    assert (figure != symbol).all(), "each row has a figure or a symbol, never both"


def test_the_national_benchmark_is_what_was_published(real: Path):
    """Outcomes release of 2024/25, six half terms: children in need and on protection plans."""
    path = real / "education" / "ees" / "outcomes_cin_absence_la.csv"
    reading = recognise(path).read(path, Context(name=path.name))
    published = {
        ("CINO at 31 March", "Total"): (120250, 17.4, 8.2, 46.0, 11.3),
        ("CPPO at 31 March", "Total"): (26840, 21.8, 12.8, 55.4, 15.4),
        ("CPPO at 31 March", "State-funded secondary"): (10220, 32.2, 21.1, 69.8, 27.8),
        ("CLA 12 months at 31 March", "Total"): (33930, 9.0, 3.5, 20.3, 6.4),
    }
    names = ("t_pupils", "pt_overall", "pt_sess_unauthorised", "pt_pupils_pa_10_exact", "pt_pupils_pa_50_exact")
    table = reading.tables["comparator"]
    wanted = pc.and_(pc.equal(table["level"], "National"), pc.equal(table["period"], "2024/25"))
    held = {
        (row["child_group"], row["phase"], row["indicator"]): row["figure"] for row in table.filter(wanted).to_pylist()
    }
    for (group, phase), figures in published.items():
        assert tuple(held[group, phase, name] for name in names) == figures
    told = {d["name"]: d for d in reading.tables["comparator_definition"].to_pylist()}
    assert "Wider than being on a Child in Need plan" in told["CINO at 31 March"]["warning"]


def test_the_gaps_that_are_known_are_told(real: Path):
    """Hackney sent no census for 2021 and 2022; Hampshire's of 2024 could not be used."""
    path = real / "education" / "ees" / "cin_b1_children_in_need.csv"
    told = {
        f.record: f.says for f in recognise(path).read(path, Context(name=path.name)).findings if f.rule == "no-figures"
    }
    assert told["204"] == "Hackney has symbols in place of every figure for 2021, 2022."
    assert told["850"] == "Hampshire has symbols in place of every figure for 2024."


SET = """
time_period,time_identifier,geographic_level,country_code,country_name,region_code,region_name,old_la_code,new_la_code,la_name,social_care_group,phase_type_grouping,version,pupils,rate
202324,Academic year,National,E92000001,England,,,,,,CINO at 31 March,Total,Final,"1,200",12.5
202324,Academic year,Local authority,E92000001,England,E13000001,Inner London,204,E09000012,Hackney,cppo at 31 march,Total,Final,c,low
202324,Academic year,Local authority,E92000001,England,E13000001,Inner London,204,E09000012,Hackney,Nobody,Total,Final,0,
202324,Academic year,Local authority,E92000001,England,E13000001,Inner London,204,E09000012,Hackney,Nobody,Total,Final,7,z
"""


def test_symbols_are_kept_and_never_nought(read):
    reading = read(SET)
    assert [(r["child_group"], r["indicator"], r["figure"], r["symbol"]) for r in rows(reading)] == [
        ("CINO at 31 March", "pupils", 1200.0, None),
        ("CINO at 31 March", "rate", 12.5, None),
        ("CPPO at 31 March", "pupils", None, "c"),
        ("CPPO at 31 March", "rate", None, "low"),
        ("Nobody", "pupils", 0.0, None),
        ("Nobody", "rate", None, "z"),
    ]
    assert rules(reading) == {
        "repeated-figure": 1,
        "group-not-known": 1,
        "group-is-wider": 1,
        "symbols": 1,
        "part-of-the-country": 1,
    }
    (first, *_) = rows(reading)
    assert (first["period"], first["year"], first["breakdown"]) == ("2023/24", 2023, "version: Final")


def test_a_describing_file_beside_it_says_what_the_columns_are(read, tmp_path: Path):
    meta = tmp_path / "set.meta.csv"
    meta.write_text(
        "col_name,col_type,label,indicator_grouping,indicator_unit,indicator_dp,filter_hint,filter_grouping_column\n"
        "pupils,Indicator,Number of pupils,,,0,,\nrate,Filter,Band,,,,Tenths,\nodd,Neither,,,,,,\n"
    )
    assert recognise(meta).kind == "ees-meta"
    alone = recognise(meta).read(meta, Context(name=meta.name))
    assert alone.tables["comparator_definition"].num_rows == 2
    assert rules(alone) == {"column-not-described": 1}
    reading = read(SET, beside=(meta,))
    assert {r["indicator"] for r in rows(reading)} == {"pupils"}
    assert rows(reading)[0]["breakdown"] == "rate: 12.5; version: Final"


_AREA = "time_period,time_identifier,geographic_level,country_code,country_name"
_HERE = "202324,Academic year,National,E92000001,England"


def test_a_filter_of_numbers_is_told_by_the_rows_it_keeps_apart(read):
    reading = read(f"{_AREA},stage,pupils,rate\n{_HERE},1,500,10.5\n{_HERE},2,600,11\n{_HERE},3,600,12")
    assert {(r["breakdown"], r["indicator"], r["figure"]) for r in rows(reading)} == {
        (f"stage: {n}", *told)
        for n, told in ((1, ("pupils", 500)), (1, ("rate", 10.5)), (2, ("pupils", 600)), (2, ("rate", 11)),
                        (3, ("pupils", 600)), (3, ("rate", 12)))
    }  # fmt: skip
    assert rules(reading)["filter-of-numbers"] == 1 and "repeated-figure" not in rules(reading)


def test_a_filter_that_cannot_be_told_asks_for_the_description(read, tmp_path: Path):
    text = f"{_AREA},stage,pupils\n{_HERE},1,500\n{_HERE},2,600"
    (asked,) = (f for f in read(text).findings if f.rule == "filter-not-told")
    assert ".meta.csv" in asked.right and "stage, pupils" in asked.says
    meta = tmp_path / "set.meta.csv"
    meta.write_text("col_name,col_type,label\nstage,Filter,Key stage\npupils,Indicator,Pupils\n")
    told = read(text, beside=(meta,))
    assert [(r["breakdown"], r["indicator"], r["figure"]) for r in rows(told)] == [
        ("stage: 1", "pupils", 500), ("stage: 2", "pupils", 600),
    ]  # fmt: skip
    assert "filter-not-told" not in rules(told)


def test_the_description_of_a_published_set(real: Path):
    path = real / "education" / "ees" / "ees_layout_absence_school.meta.csv"
    reading = recognise(path).read(path, Context(name=path.name))
    assert reading.tables["comparator_definition"].num_rows == 8
    assert not reading.findings


def test_what_is_no_figure_is_told_with_its_place(read):
    text = "time_period,geographic_level,country_name,pupils\n" + "".join(
        f"{y},National,England,5\n" for y in range(1950, 2010)
    )
    reading = read(text + "2011,National,England,many\n")
    (told,) = [f for f in reading.findings if f.rule == "not-a-figure"]
    assert (told.value, told.line, told.record) == ("many", 62, "pupils")
    assert rules(reading)["missing-period"] == 1
    with pytest.raises(UnreadableFile, match="figures only"):
        read("time_period,geographic_level,name\n2020,National,England\n")
    with pytest.raises(UnreadableFile, match="no figures"):
        read("time_period,geographic_level\n2020,National\n")


META = {
    "filters": [{"id": "f1", "column": "social_care_group", "label": "Group", "options": [{"id": "o1", "label": "CINO at 31 March"}]}],
    "indicators": [{"id": "i1", "column": "pupils", "label": "Pupils", "unit": ""}],
    "geographicLevels": [{"code": "LA", "label": "Local authority"}],
    "locations": [{"level": {"code": "LA"}, "options": [{"id": "p1", "label": "Hackney", "code": "E09000012", "oldCode": "204"}]}],
    "timePeriods": [],
}  # fmt: skip
RESULT = {
    "timePeriod": {"code": "AY", "period": "2023/2024"},
    "geographicLevel": "LA",
    "locations": {"NAT": "n1", "LA": "p1"},
    "filters": {"f1": "o1"},
    "values": {"i1": "c"},
}
LABELLED = {
    **RESULT,
    "locations": {"LA": "p1 :: Hackney (code = E09000012, oldCode = 204)"},
    "filters": {"f1 :: social_care_group": "o1 :: CINO at 31 March"},
    "values": {"i1 :: pupils": "c"},
}


@pytest.mark.parametrize("where", ["inside", "beside", "labelled"])
def test_the_api_s_answers_are_explained_by_their_meta(read, tmp_path: Path, where: str):
    meta = tmp_path / "meta.json"
    meta.write_text(json.dumps(META))
    assert recognise(meta).kind == "ees-json-meta"
    document = {
        "paging": {"page": 1, "pageSize": 1, "totalResults": 3, "totalPages": 3},
        "results": [LABELLED if where == "labelled" else RESULT],
        "warnings": [],
    }
    if where == "inside":
        document["meta"] = META
    reading = read(json.dumps(document), "a.json", (meta,) if where == "beside" else ())
    assert reading.kind == "ees-json"
    (row,) = rows(reading)
    assert (row["period"], row["period_kind"], row["year"]) == ("2023/24", "Academic year", 2023)
    assert (row["area_code"], row["authority"], row["area_name"]) == ("E09000012", "204", "Hackney")
    assert (row["child_group"], row["indicator"], row["figure"], row["symbol"]) == (
        "CINO at 31 March",
        "pupils",
        None,
        "c",
    )
    assert rules(reading)["one-page-of-several"] == 1


def test_answers_that_nothing_explains_are_refused(read):
    for document in ({"results": [RESULT], "paging": {}}, {"results": [], "geographicLevel": ""}):
        with pytest.raises(UnreadableFile):
            read(json.dumps(document), "a.json")


def test_the_interactive_tool_loads_as_it_is(real: Path):
    folder = real / "education" / "lait"
    dictionary = folder / "lait_data_dictionary_cin_cp_absence_exclusions.csv"
    path = folder / "lait_cin_cp_absence_exclusions.parquet"
    assert (recognise(path).kind, recognise(dictionary).kind) == ("lait", "lait-dictionary")
    reading = recognise(path).read(path, Context(beside=(dictionary,)))
    assert {name: table.num_rows for name, table in reading.tables.items()} == {
        "comparator": 158270,
        "comparator_definition": 104,
    }
    assert rules(reading) == {"not-a-year": 1, "name-on-first-row-only": 1, "symbols": 1}
    wrong = next(f for f in reading.findings if f.rule == "not-a-year")
    assert (wrong.record, wrong.value) == ("CINPermExclusion", "0")
    table = reading.tables["comparator"]
    assert table.filter(pc.equal(table["symbol"], "-"))["figure"].null_count == 18953
    held = recognise(dictionary).read(dictionary, Context())
    assert held.tables["comparator_definition"].num_rows == 104
    assert rules(held) == {"repeated-record": 8}


def test_a_damaged_table_of_the_tool_is_one_sentence(tmp_path: Path):
    path = tmp_path / "x.parquet"
    columns = {name: pa.array(["1"]) for name in COLUMNS if name != "Years"}
    pq.write_table(pa.table(columns), path)
    with pytest.raises(UnreadableFile, match="lacks Years"):
        recognise(path).read(path, Context())
    path.write_bytes(b"PAR1" + b"Short Desc LA and Regions LA Number" + b"PAR1")
    with pytest.raises(UnreadableFile, match="damaged"):
        recognise(path).read(path, Context())
