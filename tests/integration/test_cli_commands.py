"""Every command on a small invented authority: exit codes, formats, where the home is, and what is refused."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import subprocess
import sys
import zipfile
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest
import typer
from conftest import call, tree
from python_calamine import CalamineWorkbook

from sightline import __version__
from sightline.cli.app import app
from sightline.cli.output import Format, give
from sightline.vocabulary.settings import Settings

COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]
# They read files that are named, and keep nothing.
WITHOUT_HOME = {"check", "evaluate", "match", "synthesise"}


def verbs(name: str) -> list[typer.core.TyperCommand]:
    """The command, or the commands of a group that does nothing by itself."""
    command = COMMANDS[name]
    own = [p for p in command.params if p.name != "help"]
    return [command] if own else list(command.commands.values())


# Help


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_and_option_says_what_it_is(name: str):
    command = COMMANDS[name]
    assert command.help and command.help.strip().endswith(".")
    for parameter in command.params:
        if parameter.name != "help":
            said = getattr(parameter, "help", None)
            assert said, f"{name}: {parameter.name} has no help"
            assert "[" not in said, f"{name}: what stands in brackets in the help of {parameter.name} is not printed"
    assert call(name, "--help").code == 0


@pytest.mark.parametrize("name", sorted(set(COMMANDS) - WITHOUT_HOME))
def test_every_command_that_uses_a_home_can_be_told_which(name: str):
    assert all("--home" in {option for p in verb.params for option in p.opts} for verb in verbs(name))


@pytest.mark.parametrize(
    "name", sorted(set(COMMANDS) - {"serve", "demo", "audit"})
)  # audit hands on what the application prints
def test_every_command_that_prints_a_result_prints_it_as_json_too(name: str):
    assert all("--json" in {option for p in verb.params for option in p.opts} for verb in verbs(name))


GROUPS = {"clerical": "show", "exceptions": "send", "spot-checks": "draw", "retention": "record", "agreements": "keep",
          "requests": "keep", "self-review": "keep"}  # fmt: skip


@pytest.mark.parametrize(("group", "verb"), GROUPS.items())
def test_an_option_before_the_name_of_what_is_called_is_refused_and_the_environment_s_home_is_not(
    group: str, verb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("SIGHTLINE_HOME", str(tmp_path))
    needs = {"show": ("pair",), "keep": ("--set", "what=x")}.get(verb, ())
    refusal = f"Write options after {verb}, not before it."
    assert refusal in call(group, "--home", str(tmp_path), verb, *needs).err
    assert refusal not in call(group, verb, *needs).err


def test_without_a_command_the_commands_are_listed():
    said = call()
    assert all(name in said.out + said.err for name in COMMANDS)


def test_version():
    assert __version__ in call("--version").out


def test_the_command_is_installed():
    run = subprocess.run([Path(sys.executable).with_name("sightline"), "--version"], capture_output=True, text=True)
    assert run.returncode == 0 and __version__ in run.stdout


# Where the home is


def test_the_home_is_the_option_then_the_environment_then_the_folder(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    assert call("cohort").code == 4
    assert (tmp_path / "sightline-data" / "store").is_dir()
    assert call("cohort", SIGHTLINE_HOME=str(home)).code == 0
    empty = tmp_path / "empty"
    assert call("cohort", "--home", empty, SIGHTLINE_HOME=str(home)).code == 4


def test_a_home_is_readable_by_its_owner_alone(tmp_path: Path):
    call("snapshots", "--home", tmp_path / "home")
    assert (tmp_path / "home").stat().st_mode & 0o077 == 0


def test_a_home_that_is_a_file_is_refused(tmp_path: Path):
    (tmp_path / "file").touch()
    said = call("cohort", "--home", tmp_path / "file")
    assert said.code == 1 and len(said.err.strip().splitlines()) == 1


# Nothing held yet


@pytest.mark.parametrize(
    "words",
    [["cohort"], ["week"], ["absence"], ["findings"], ["show"], ["rebuild"], ["cohort", "--children", "--json"]],
    ids=" ".join,
)
def test_a_question_to_an_empty_home_says_how_to_begin(tmp_path: Path, words: list[str]):
    said = call(*words, "--home", tmp_path)
    assert (said.code, said.out) == (4, "")
    assert "sightline receive" in said.err


def test_an_empty_home_has_no_snapshots_and_nothing_wrong(tmp_path: Path):
    assert call("snapshots", "--home", tmp_path, "--json").json() == []
    assert call("verify", "--home", tmp_path).code == 0
    assert call("sweep", "--home", tmp_path, "--json").json() == {"freed_bytes": 0}
    assert call("settings", "--home", tmp_path).code == 0


# What is refused


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["cohort", "--on", "2024-13-01"], 2, "not a date"),
        (["cohort", "--on", "01/13/2024"], 2, "not a date"),
        (["cohort", "--on", "yesterday"], 2, "not a date"),
        (["cohort", "--on", "1066-10-14"], 2, "not a date"),
        (["week", "--as-at", "9999-12-31"], 2, "not a date"),
        (["absence", "--from", "2024-02-30"], 2, "not a date"),
        (["cohort", "--since", "2024-11-01", "--on", "2024-10-01"], 5, "before"),
        (["absence", "--from", "2024-11-01", "--to", "2024-10-01"], 5, "empty"),
        (["cohort", "--by", "moon"], 2, "moon"),
        (["cohort", "--children", "--changes"], 2, "one at a time"),
        (["absence", "--by", "moon"], 5, "moon"),
        (["absence", "--unit", "moon"], 2, "moon"),
        (["findings", "--severity", "moon"], 2, "moon"),
        (["findings", "--kind", "moon"], 5, "moon"),
        (["findings", "--delivery", "moon"], 5, "moon"),
        (["findings", "--snapshot", "moon"], 1, "no snapshot moon"),
        (["show", "77"], 1, "no snapshot 77"),
        (["source", "moon", "1"], 1, "no delivery moon"),
        (["week", "--format", "xlsx"], 1, "--out"),
        (["week", "--format", "moon"], 2, "moon"),
        (["week", "--out", "/nowhere/week.csv", "--format", "csv"], 1, "/nowhere/week.csv"),
        (["receive", "/nowhere"], 1, "/nowhere"),
        (["mapping", "/nowhere"], 1, "/nowhere"),
        (["sweep", "--keep", "0"], 2, "keep"),
        (["moon"], 2, "moon"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_what_cannot_be_done_is_refused(home: Path, words: list[str], code: int, says: str):
    before = tree(home)
    options = [] if words == ["moon"] else ["--home", home]
    said = call(words[0], *options, *words[1:])
    assert (said.code, said.out) == (code, "")
    assert says in " ".join(said.err.replace("│", " ").split())
    assert tree(home) == before


def test_a_line_there_is_not_is_refused(home: Path):
    (file, *_) = call("show", "--home", home, "--json").json()["files"]
    said = call("source", file["delivery"], 99_999_999, "--home", home)
    assert said.code == 1 and "no line 99999999" in said.err


def test_too_small_an_authority_is_refused(tmp_path: Path):
    assert call("synthesise", "--out", tmp_path / "out", "--pupils", 5).code == 2
    assert not (tmp_path / "out").exists()


# Receiving


def test_a_receipt_has_a_line_for_each_file(home: Path):
    said = call("show", "--home", home, "--json").json()
    kinds = {file["kind"] for file in said["files"]}
    assert {"cin-census", "gias", "suspensions", "ssd-person", "school-census-pupilonroll"} <= kinds
    assert sum(file["rows"].get("child", 0) for file in said["files"]) > 0
    assert said["tables"]["person"] > 0 and said["tables"]["status_period"] > 0


def test_the_truth_is_not_received(home: Path, invented: Path):
    assert (invented / "truth" / "faults.csv").is_file()
    files = [file["file"] for file in call("show", "--home", home, "--json").json()["files"]]
    assert not [name for name in files if "truth" in name]


def test_receiving_twice_changes_nothing(home: Path, invented: Path):
    before = tree(home)
    said = call("receive", invented, "--home", home, "--json")
    assert said.code == 0
    receipt = said.json()
    assert not receipt["new_snapshot"]
    assert {file["status"] for file in receipt["files"]} == {"held"}
    assert all(file["changed"] == {} for file in receipt["files"])
    assert tree(home) == before
    assert "is unchanged" in call("receive", invented / "schools", "--home", home).out


def test_a_changed_file_takes_the_place_of_the_old_one_and_can_be_brought_back(invented: Path, tmp_path: Path):
    first, home = max((invented / "social_care").glob("cin_census_*.xml")), tmp_path / "home"
    changed = tmp_path / "corrected.xml"
    text = first.read_text(encoding="utf-8")
    start = text.index("<Child>")
    changed.write_text(text[:start] + text[text.index("</Child>") + len("</Child>") :], encoding="utf-8")

    children = call("receive", first, "--home", home, "--json").json()["files"][0]["rows"]["child"]
    (file,) = call("receive", changed, "--home", home, "--json").json()["files"]
    assert file["rows"]["child"] == children - 1
    assert file["changed"]["child"] == {"new": 0, "gone": 1}
    assert "takes the place" in file["says"]

    (held,) = call("receive", first, "--home", home, "--json").json()["files"]
    assert held["status"] == "held" and "--again" in held["says"]
    back = call("receive", first, "--again", "--home", home, "--json").json()
    assert (back["files"][0]["status"], back["new_snapshot"]) == ("received", True)
    assert len(call("snapshots", "--home", home, "--json").json()) == 3
    assert call("show", "1", "--home", home, "--json").json()["files"][0]["rows"]["child"] == children
    assert call("sweep", "--keep", 1, "--home", home).code == 0
    assert len(call("snapshots", "--home", home, "--json").json()) == 1
    assert call("verify", "--home", home).code == 0


def test_progress_and_table_go_to_different_streams(invented: Path, tmp_path: Path):
    said = call("receive", invented / "schools", "--home", tmp_path / "home")
    assert said.code == 0 and "Received" in said.out and "is new" in said.out
    assert "Reading" not in said.out


# Asking


def test_the_cohort_adds_up(home: Path):
    summary = call("cohort", "--home", home, "--json").json()
    plans = [summary[day]["CP plan"] + summary[day]["CIN plan"] for day in ("then", "now")]
    assert plans[1] == plans[0] + summary["joiners"] - summary["leavers"]
    on = summary["on"]
    for by in ("team", "school", "year_group", "phase", "status"):
        rows = call("cohort", "--by", by, "--on", on, "--home", home, "--json").json()
        assert sum(row["on_plan"] for row in rows) == plans[1], by
    children = call("cohort", "--children", "--on", on, "--home", home, "--json").json()
    assert sum(c["status"] in ("CP plan", "CIN plan") for c in children) == plans[1]
    assert call("cohort", "--on", "/".join(reversed(on.split("-"))), "--home", home, "--json").json() == summary


def test_a_day_before_every_record_has_nobody(home: Path):
    summary = call("cohort", "--on", "1990-01-01", "--home", home, "--json").json()
    assert set(summary["now"].values()) == {0}
    assert call("week", "--as-at", "1990-01-01", "--home", home, "--json").json() == []
    assert "none" in call("week", "--as-at", "1990-01-01", "--home", home).out


def test_absence_of_every_child_adds_up_to_the_whole(home: Path):
    (whole,) = call("absence", "--by", "", "--home", home, "--json").json()
    by_child = call("absence", "--by", "child", "--home", home, "--json").json()
    for figure in ("possible", "authorised", "unauthorised", "persistent", "severe"):
        assert sum(row[figure] for row in by_child) == whole[figure]
    assert whole["overall_rate"] == pytest.approx(
        100 * (whole["authorised"] + whole["unauthorised"]) / whole["possible"]
    )
    once = call("absence", "--by", "", "--unit", "child", "--home", home, "--json").json()[0]
    assert once["unit"] == "child" and once["units"] <= whole["units"] and once["possible"] == whole["possible"]
    cohort = call("absence", "--by", "", "--cohort", "--home", home, "--json").json()[0]
    assert 0 < cohort["units"] < whole["units"]


def test_findings_can_be_narrowed(home: Path):
    every = call("findings", "--home", home, "--json").json()
    for name in ("rule", "severity", "kind", "delivery"):
        wanted = every[0][name]
        some = call("findings", f"--{name}", wanted, "--home", home, "--json").json()
        assert some == [finding for finding in every if finding[name] == wanted]
    assert call("findings", "--rule", "no-such-rule", "--home", home, "--json").json() == []


def test_a_finding_leads_to_its_line(home: Path):
    found = call("findings", "--severity", "error", "--kind", "marks", "--home", home, "--json").json()
    finding = next(f for f in found if f["rule"] == "unknown-mark")
    lines = call("source", finding["delivery"], finding["line"], "--around", 1, "--home", home, "--json").json()
    assert [line["line"] for line in lines] == [finding["line"] + n for n in (-1, 0, 1)]
    assert lines[1]["text"].split(",")[-1] == finding["value"]
    assert finding["record"] in lines[1]["text"]


@pytest.mark.parametrize("kind", ["cin-census", "sightline-parquet", "wonde-attendance", "ssd-cin-plans", "marks"])
def test_a_line_of_every_kind_of_file_can_be_shown(home: Path, kind: str):
    files = call("show", "--home", home, "--json").json()["files"]
    delivery = next(file["delivery"] for file in files if file["kind"] == kind)
    (line,) = call("source", delivery, 2, "--home", home, "--json").json()
    assert line["line"] == 2 and line["text"].isprintable() and line["text"]


def test_every_change_leads_to_its_line(home: Path):
    on = call("cohort", "--home", home, "--json").json()["on"]
    changes = call(
        "cohort", "--changes", "--since", f"{int(on[:4]) - 1}{on[4:]}", "--on", on, "--home", home, "--json"
    ).json()
    assert changes
    for change in changes:
        if change["line"]:
            assert call("source", change["delivery"], change["line"], "--home", home).code == 0


@pytest.mark.parametrize(
    "words", [["cohort", "--children"], ["cohort", "--changes"], ["week"], ["absence", "--by", "child"]], ids=" ".join
)
def test_a_view_of_children_is_recorded_before_it_is_shown(home: Path, words: list[str]):
    said = call(*words, "--home", home, "--json").json()
    last = json.loads((home / "console-access.jsonl").read_text().splitlines()[-1])
    assert set(last["child_ids"]) == {row["child_id"] for row in said}
    assert last["user"] and last["at"]


def test_records_whose_child_nobody_can_name_are_recorded_by_what_was_asked(home: Path):
    rows = call("findings", "--severity", "error", "--home", home, "--json").json()
    log = home / "console-access.jsonl"
    last = json.loads(log.read_text().splitlines()[-1])
    assert last["asked"].startswith("Findings in snapshot ") and last["asked"].endswith(", severity error")
    assert last["child_ids"] is None
    found = next(row for row in rows if row["line"] and row["line"] > 1)
    delivery, line = found["delivery"], found["line"]
    for words, asked in (([], f"Line {line}"), (["--around", 1], f"Lines {line - 1} to ")):
        assert call("source", delivery, line, *words, "--home", home).code == 0
        last = json.loads(log.read_text().splitlines()[-1])
        assert last["asked"].startswith(asked) and last["asked"].endswith(f" of delivery {delivery}")
        assert last["child_ids"] is None


def test_a_user_the_system_has_no_name_for_is_recorded_by_number(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def nameless() -> str:
        raise KeyError("getpwuid(): uid not found: 4711")

    monkeypatch.setattr("getpass.getuser", nameless)
    assert call("cohort", "--children", "--home", home).code == 0
    last = json.loads((home / "console-access.jsonl").read_text().splitlines()[-1])
    assert last["user"] == str(os.getuid())
    copy = tmp_path / "home"
    shutil.copytree(home, copy)
    assert call("rebuild", "--home", copy).code == 0
    assert call("snapshots", "--home", copy, "--json").json()[-1]["by"] == str(os.getuid())


def test_a_view_that_cannot_be_recorded_does_not_happen(home: Path, tmp_path: Path):
    copy = tmp_path / "home"
    shutil.copytree(home, copy)
    (copy / "console-access.jsonl").unlink(missing_ok=True)
    (copy / "console-access.jsonl").mkdir()
    for words in (["week"], ["findings"]):
        said = call(*words, "--home", copy)
        assert (said.code, said.out) == (1, "")


# Formats

ASKED = [["findings"], ["cohort", "--by", "team"], ["cohort", "--children"], ["week"], ["absence"], ["cohort"]]


@pytest.mark.parametrize("words", ASKED, ids=" ".join)
def test_csv_json_and_workbook_hold_the_same_rows(home: Path, tmp_path: Path, words: list[str]):
    text = call(*words, "--format", "csv", "--home", home).out
    rows = list(csv.reader(io.StringIO(text)))
    assert len(rows) > 1

    book = tmp_path / "answer.xlsx"
    said = call(*words, "--format", "xlsx", "--out", book, "--home", home)
    assert said.code == 0 and said.out == ""
    read = CalamineWorkbook.from_path(book).get_sheet_by_index(0).to_python()
    assert [str(name) for name in read[0]] == rows[0]
    assert len(read) == len(rows)
    for ours, theirs in zip(rows[1:], read[1:], strict=True):
        for a, b in zip(ours, theirs, strict=True):
            # A workbook keeps fifteen digits of a number.
            assert a == plain(b) or float(a) == pytest.approx(float(b), rel=1e-14)

    target = tmp_path / "answer.csv"
    assert call(*words, "--format", "csv", "--out", target, "--home", home).out == ""
    assert list(csv.reader(io.StringIO(target.read_text(encoding="utf-8")))) == rows

    if words != ["cohort"]:  # whose JSON is an object
        assert len(call(*words, "--format", "json", "--home", home).json()) == len(rows) - 1
    assert call(*words, "--format", "json", "--home", home).out == call(*words, "--json", "--home", home).out


def plain(value: object) -> str:
    """A cell as our CSV writes it."""
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value.isoformat() if isinstance(value, date) else str(value)


NASTY = ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "=HYPERLINK(\"http://x.example\",\"y\")", "plain", "O'Neil", "é,\"q\""]  # fmt: skip


def test_no_cell_is_run_as_a_formula(tmp_path: Path):
    """A sender's text is text, in CSV and in a workbook, and comes back as it was sent."""
    table = pa.table({"value": NASTY, "n": list(range(len(NASTY)))})
    give("Nasty", table, Format.csv, tmp_path / "nasty.csv")
    with (tmp_path / "nasty.csv").open(newline="", encoding="utf-8") as lines:
        cells = [row[0] for row in csv.reader(lines)][1:]
    assert all(not cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in cells)
    assert [cell.removeprefix("'") for cell in cells] == NASTY

    give("Nasty", table, Format.xlsx, tmp_path / "nasty.xlsx")
    sheet = CalamineWorkbook.from_path(tmp_path / "nasty.xlsx").get_sheet_by_index(0)
    assert [row[0] for row in sheet.to_python()][1:] == NASTY
    with zipfile.ZipFile(tmp_path / "nasty.xlsx") as book:
        xml = book.read("xl/worksheets/sheet1.xml").decode()
        assert "<f>" not in xml and "hyperlink" not in xml


def test_a_screen_says_what_it_leaves_out(home: Path):
    said = call("findings", "--home", home).out
    assert "more not shown" in said and "Every column" in said


def test_a_reader_that_stops_reading_is_no_fault(home: Path):
    command = [Path(sys.executable).with_name("sightline"), "findings", "--home", home, "--format", "csv"]
    read, write = os.pipe()
    os.close(read)
    run = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, text=True)
    os.close(write)
    assert "Traceback" not in run.stderr


# Mapping


def test_a_senders_columns_are_agreed_once(tmp_path: Path):
    home, path = tmp_path / "home", tmp_path / "school.csv"
    path.write_text(
        "Ref No,Sch,When,Half,Att\nA123,900001,02/09/2024,1,/\nA123,900001,02/09/2024,2,\\\n"
        "A124,900001,02/09/2024,1,I\nA124,900001,02/09/2024,2,I\n"
    )
    assert call("receive", path, "--home", home).code == 3
    proposed = call("mapping", path, "--home", home, "--json").json()
    assert (proposed["form"], proposed["saved"]) == ("", False)
    said = call("mapping", path, "--home", home, "--save")
    assert said.code == 5 and "UPN or a pupil id" in said.err

    corrections = ["--column", "pupil_id=Ref No", "--column", "urn=Sch"]
    agreed = call("mapping", path, *corrections, "--save", "--home", home, "--json").json()
    assert (agreed["form"], agreed["saved"], agreed["fingerprint"]) == ("long", True, proposed["fingerprint"])
    (file,) = call("receive", path, "--home", home, "--json").json()["files"]
    assert file["rows"] == {"attendance_week": 2, "identifier": 2}
    (row,) = call("absence", "--by", "", "--home", home, "--json").json()
    assert (row["possible"], row["authorised"], row["persistent"], row["severe"]) == (4, 2, 1, 1)


@pytest.mark.parametrize("correction", ["upn", "moon=Ref No"])
def test_a_correction_that_says_nothing_is_refused(tmp_path: Path, marks: Path, correction: str):
    said = call("mapping", marks, "--column", correction, "--home", tmp_path / "home")
    assert said.code == 5 and "MEANING=COLUMN" in said.err


def test_a_list_of_suspensions_is_agreed_by_hand(tmp_path: Path):
    home, path = tmp_path / "home", tmp_path / "list.csv"
    home.mkdir()
    path.write_text("Code,When,What,Why,Where\nA123,02/09/2024,Suspension,PP,900001\n")
    assert call("receive", path, "--home", home).code == 3
    fingerprint = call("mapping", path, "--home", home, "--json").json()["fingerprint"]
    columns = {"kind": "suspensions", "pupil_id": "code", "start_date": "when", "category": "what", "reason1": "why",
               "urn": "where"}  # fmt: skip
    lines = [f'[mappings."{fingerprint}"]', *(f'{meaning} = "{column}"' for meaning, column in columns.items())]
    (home / "mappings.toml").write_text("\n".join(lines))
    (file,) = call("receive", path, "--home", home, "--json").json()["files"]
    assert (file["kind"], file["rows"]["suspension"]) == ("suspensions", 1)


# The rest


def test_settings_are_those_of_the_home(tmp_path: Path):
    (tmp_path / "sightline.toml").write_text("look_back_years = 5\n")
    rows = {row["name"]: row for row in call("settings", "--home", tmp_path, "--json").json()}
    assert set(rows) == {s.name for s in Settings().explain()}
    assert (rows["look_back_years"]["value"], rows["look_back_years"]["usual"]) == (5, 6)


def test_a_rebuild_after_a_change_of_settings(home: Path, tmp_path: Path):
    copy = tmp_path / "home"
    shutil.copytree(home, copy)
    was = call("cohort", "--home", copy, "--json").json()["now"]["Ever 6"]
    (copy / "sightline.toml").write_text("look_back_years = 1\n")
    made = call("rebuild", "--home", copy, "--json").json()["snapshot"]
    assert [s["snapshot"] for s in call("snapshots", "--home", copy, "--json").json()][-1] == made
    assert call("cohort", "--home", copy, "--json").json()["now"]["Ever 6"] < was


def test_check_keeps_nothing(invented: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    census = max((invented / "social_care").glob("cin_census_*.xml"))
    said = call("check", census, "--json")
    assert said.code == 0 and said.json()["kind"] == "cin-census"
    assert list(tmp_path.iterdir()) == []


def test_the_second_demonstration_makes_nothing_new(home: Path):
    before = tree(home)
    said = call("demo", "--home", home, "--no-serve")
    assert said.code == 0
    assert "The cohort on" in said.out and "The week to" in said.out
    assert "files received" not in said.out and tree(home) == before


def test_no_school_of_the_invented_authority_is_a_real_one(invented: Path, real: Path):
    """The links file of the register of schools names 30,000 schools that were or are."""
    (links,) = (real / "education" / "gias").glob("links_*.csv")
    with links.open(encoding="cp1252", newline="") as lines:
        taken = {row["LinkName"].casefold().strip() for row in csv.DictReader(lines)}
    assert len(taken) > 10_000
    (register,) = (invented / "schools").glob("edubasealldata*.csv")
    with register.open(encoding="utf-8-sig", newline="") as lines:
        schools = list(csv.DictReader(lines))
    names = {row["EstablishmentName"].casefold().strip() for row in schools}
    assert len(names) >= 5 and not names & taken
    assert all(row["URN"].startswith("9") and row["Postcode"].startswith("ZZ") for row in schools)
