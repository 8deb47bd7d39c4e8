"""An invented authority written out: read again by the sources, the same bytes each time, every fault listed."""

import csv
import hashlib
from collections import Counter, defaultdict
from dataclasses import replace
from datetime import date
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from sightline.sources import Context, Reading, recognise, unpack
from sightline.synthetic import FAULT_KINDS, Invented, invent, synthesise


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> tuple[Path, Invented]:
    out = tmp_path_factory.mktemp("invented")
    return out, synthesise(2000, 3, out, years=4)


@pytest.fixture(scope="module")
def readings(home, tmp_path_factory) -> dict[str, Reading]:
    """Every file, as the source that recognises it reads it."""
    out, _ = home
    sent = [out / "education", out / "schools", out / "social_care"]
    found = list(unpack(sent, tmp_path_factory.mktemp("unpacked")))
    assert not [file.shown for file in found if file.error]
    beside = Context(beside=tuple(file.path for file in found if file.path))
    read = {}
    for file in found:
        name = file.shown
        name = name.removeprefix(f"{out}/")
        read[name] = recognise(file.path).read(file.path, replace(beside, name=name))
    return read


def truth(out: Path, name: str) -> list[dict[str, str]]:
    with (out / "truth" / name).open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def test_every_file_is_recognised_and_read_with_the_rows_invented(home, readings):
    _, invented = home
    written = {file.path: file for file in invented.files}
    assert readings.keys() == written.keys()
    for path, reading in readings.items():
        assert reading.kind == written[path].kind, path
        rows = {name: table.num_rows for name, table in reading.tables.items()}
        rows |= {name: pq.read_metadata(file).num_rows for name, file in reading.files.items()}
        assert {n: c for n, c in rows.items() if c} == {n: c for n, c in written[path].rows.items() if c}, path


def test_every_kind_of_file_is_there(readings):
    kinds = {reading.kind for reading in readings.values()}
    assert kinds >= {
        "cin-census", "gias", "gias-links", "marks", "marks-week", "sightline-parquet", "ssd-person", "ssd-cin-plans",
        "ssd-cp-plans", "ssd-involvements", "suspensions", "wonde-attendance", "wonde-students",
        "school-census-pupilonroll", "school-census-termlysessiondetailsonroll",
    }  # fmt: skip
    assert any(".zip/" in path for path in readings) and any(".gz/" in path for path in readings)


def test_every_kind_of_fault_is_planted_and_listed(home):
    out, _ = home
    faults = truth(out, "faults.csv")
    assert {fault["kind"] for fault in faults} == set(FAULT_KINDS)
    children = {row["child"] for row in truth(out, "children.csv")}
    assert {fault["child"] for fault in faults} - {""} <= children
    refs = {(row["system"], row["ref"]) for row in truth(out, "refs.csv")}
    identity = [f for f in faults if f["child"] and f["ref"]]
    assert all((f["system"], f["ref"]) in refs for f in identity)


def test_planted_faults_are_in_the_files(home, readings):
    """Each fault of a value is found where the list says, and what is listed as true is not there."""
    out, _ = home
    held = defaultdict(set)
    for path, reading in readings.items():
        for row in reading.tables["identifier"].to_pylist() if "identifier" in reading.tables else ():
            if row["kind"] == "upn":
                held[path, row["ref"]].add(row["value"])
        for row in reading.tables["child"].to_pylist() if "child" in reading.tables else ():
            held[path, row["child_ref"], "birth_date"].add(str(row["birth_date"]))
            held[path, row["child_ref"], "surname"].add(row["surname"])
    seen = Counter()
    for fault in truth(out, "faults.csv"):
        where = (fault["file"], fault["ref"])
        if fault["system"] != "ssd" or fault["file"] not in readings:
            continue
        if fault["kind"].startswith("upn-") or fault["kind"] == "missing-upn":
            # A child who is not of school age yet has none to be wrong.
            assert held[where] <= {fault["planted"]}, fault["kind"]
            seen[fault["kind"]] += len(held[where])
        elif fault["field"] in ("birth_date", "surname"):
            assert held[*where, fault["field"]] <= {fault["planted"], "None"}
            seen[fault["kind"]] += 1
    assert seen["upn-check-letter"] and seen["upn-mistyped"] and seen["birth-off-by-one"] and seen["surname-changed"]


def test_readers_find_what_can_be_seen_in_one_file(home, readings):
    out, _ = home
    rules = defaultdict(Counter)
    for path, reading in readings.items():
        rules[path].update(finding.rule for finding in reading.findings)
    planted = Counter((f["kind"], f["file"]) for f in truth(out, "faults.csv"))
    for kind, rule in (("unknown-mark", "unknown-mark"), ("two-marks", "two-marks"), ("stray-text", "stray-text")):
        files = [file for k, file in planted if k == kind]
        assert files
        for file in files:
            assert rules[file][rule] == planted[kind, file]


def test_a_plan_in_one_system_only(home, readings):
    out, _ = home
    census = readings["social_care/cin_census_2024.xml"].tables["cin_plan"].to_pylist()
    extract = readings["social_care/ssd/ssd_cin_plans.csv"].tables["cin_plan"].to_pylist()
    starts = {
        "cin-census": {(row["child_ref"], str(row["start_date"])): row["end_date"] for row in census},
        "ssd": {(row["child_ref"], str(row["start_date"])): row["end_date"] for row in extract},
    }
    ids = {row["child"]: row for row in truth(out, "children.csv")}
    for fault in truth(out, "faults.csv"):
        who = ids[fault["child"]] if fault["child"] else {}
        if fault["kind"] == "plan-not-in-census":
            assert (who["la_child_id"], fault["true"]) not in starts["cin-census"]
            assert (who["person_id"], fault["true"]) in starts["ssd"]
        elif fault["kind"] == "plan-not-in-extract":
            assert (who["person_id"], fault["true"]) not in starts["ssd"]
        elif fault["kind"] == "late-recording":
            assert any(end is None and ref == who["la_child_id"] for (ref, _), end in starts["cin-census"].items())
            assert date.fromisoformat(fault["true"]) in {
                end for (ref, _), end in starts["ssd"].items() if ref == who["person_id"]
            }


def test_a_census_year_is_missing_and_the_status_truth_is_closed_open(home, readings):
    out, _ = home
    years = sorted(p[-8:-4] for p in readings if "cin_census" in p)
    assert years == ["2021", "2023", "2024"]
    for row in truth(out, "status.csv"):
        assert not row["end_date"] or row["start_date"] < row["end_date"]


def test_the_school_that_sends_nothing_sends_nothing(home, readings):
    out, invented = home
    faults = {f["kind"]: f for f in truth(out, "faults.csv")}
    silent, late = (faults[k]["ref"] for k in ("school-sends-nothing", "school-sends-late"))
    latest: dict[str, date] = {}
    for path, reading in readings.items():
        if ("2024-25" in path or "wonde" in path) and "attendance_week" in reading.tables:
            for row in reading.tables["attendance_week"].select(["school_ref", "week"]).to_pylist():
                latest[row["school_ref"]] = max(latest.get(row["school_ref"], row["week"]), row["week"])
    assert silent not in latest
    assert (invented.until - latest[late]).days > 20
    assert len(latest) > 8


def bytes_of(folder: Path) -> dict[str, str]:
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    return {str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def test_the_same_seed_gives_the_same_bytes(tmp_path):
    for name in ("one", "two"):
        synthesise(200, 7, tmp_path / name, years=2)
    first, second = (bytes_of(tmp_path / name) for name in ("one", "two"))
    assert len(first) > 50
    assert first == second


def test_another_seed_gives_other_children():
    one, other = (invent(200, seed, years=2).world.numbers.upn for seed in (7, 8))
    assert one != other
