"""The documentation says what is so: JSON shapes, commands, options, definitions and links are held against the program."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from conftest import Said, call, once
from wonde_server import SCHOOL, TOKEN, Recorded, serving

from sightline.alerts.reasons import REASONS
from sightline.cli import reference
from sightline.cli.app import app
from sightline.operations.keeping import lawful
from sightline.sources import SOURCES
from sightline.synthetic import FAULT_KINDS
from sightline.vocabulary.attendance import CLASSES, packed_in_class, unpack
from sightline.vocabulary.settings import Settings

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]
PAGES = sorted([*DOCS.rglob("*.md"), *(ROOT / name for name in ("README.md", "CONTRIBUTING.md"))])
PAGES = [page for page in PAGES if DOCS / "reference" not in page.parents]


# JSON shapes

WITHOUT_HOME = ("check", "evaluate", "match", "synthesise")
TYPES = {
    "text": str,
    "date": str,
    "whole number": int,
    "number": (int, float),
    "true or false": bool,
    "list": list,
    "null": type(None),
}
# Objects whose keys are values, by path: the name that stands for any of their keys.
ANY_KEY = {
    "rows": "TABLE", "changed": "TABLE", "tables": "TABLE", "findings": "SEVERITY", "now": "STATUS", "then": "STATUS",
    "days_open": "PLAN", "columns": "MEANING",
}  # fmt: skip


def documented() -> dict[str, dict[str, str]]:
    """By heading of docs/json.md: each path with its type."""
    shapes: dict[str, dict[str, str]] = {}
    heading = ""
    for line in (DOCS / "json.md").read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            heading = line[3:].strip()
        elif heading and (row := re.fullmatch(r"\| `([\w\[\].]+)` \| ([\w ,]+?) \|.*", line)):
            shapes.setdefault(heading, {})[row[1]] = row[2]
        elif heading and (row := re.fullmatch(r"\| (\w+) \| `([\w\[\].]+)` \| ([\w ]+) \|", line)):
            shapes.setdefault(f"{heading} --by {row[1]}", {})[row[2]] = row[3]
    return shapes


def paths(value: Any, at: str = "", key: str = "") -> Iterator[tuple[str, Any]]:
    """Every path of an answer with the value there, as docs/json.md writes paths."""
    if isinstance(value, dict):
        for name, inner in value.items():
            shown = ANY_KEY.get(key, name)
            yield from paths(inner, f"{at}.{shown}" if at else shown, name if key not in ANY_KEY else "")
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        for inner in value:
            yield from paths(inner, f"{at}[]")
    else:
        yield at, value


def agrees(answer: Any, shape: dict[str, str]) -> None:
    found: dict[str, list[Any]] = {}
    for path, value in paths(answer):
        found.setdefault(path, []).append(value)
    # An object that may be empty shows none of its keys.
    optional = {p for p in shape if p.rsplit(".", 1)[-1].isupper() or re.search(r"\.[A-Z]+\.", p)}
    lists = {p for p in found if found[p] == [[]] or found[p] == [{}]}
    missing = {
        p for p in shape if p not in found and p not in optional and not any(p.startswith(f"{a}[]") for a in lists)
    }
    assert not missing
    assert not {p for p in found if p not in shape and found[p] not in ([[]], [{}])} - {
        p for p in found if any(s.startswith((f"{p}.", f"{p}[]")) for s in shape)
    }
    for path, values in found.items():
        kinds = re.split(r", | or (?!false)", shape[path]) if path in shape else []
        for value in values if kinds else []:
            told = [TYPES[kind] for kind in kinds]
            assert any(isinstance(value, t) for t in told), f"{path} is {type(value).__name__}, not {shape[path]}"
            assert not (isinstance(value, bool) and bool not in told), path


def fetched(home: Path) -> Any:
    """What `fetch` prints of a school whose exclusions may not be read."""
    school = f"schools/{SCHOOL}"
    lists: dict[str, Any] = {"attendance-codes": [], school: {"id": SCHOOL, "name": "The Oaks", "urn": 900001}}
    lists |= {f"{school}/{name}": [] for name in ("students", "students-leaver", "attendance/session", "deletions")}
    with serving(Recorded(lists)) as wonde:
        told = {"SIGHTLINE_WONDE_URL": wonde.url, "SIGHTLINE_WONDE_TOKEN": TOKEN}
        said = call("fetch", "wonde", "--school", SCHOOL, "--json", "--home", home, **told)
    assert said.code == 0, said.err
    return said.json()


def kept(home: Path, register: str) -> Any:
    """What a register prints that holds one entry."""
    told = {
        "agreements": {"name": "A", "with_whom": "B", "way": "to us", "what": "C", "children": "on a plan now",
                       "purpose": "D", "lawful_basis": "E", "signed": "2024-09-02"},
        "requests": {"school": "900001", "topic": "contacts", "what": "A", "why": "B", "team": "C",
                     "asked": "2024-09-02"},
        "self-review": {"reviewed": "2024-09-02", "attendance_current": "Neither"},
    }[register]  # fmt: skip
    said = call(register, "keep", *(w for n, v in told.items() for w in ("--set", f"{n}={v}")), "--home", home)
    assert said.code == 0, said.err
    return call(register, "--json", "--home", home).json()


@pytest.fixture(scope="session")
def answers(home: Path, invented: Path, tmp_path_factory: pytest.TempPathFactory, marks_csv: Path) -> dict[str, Any]:
    """What each command prints as JSON, by the heading it is described under."""
    folder = tmp_path_factory.mktemp("answers")

    def ask(*words: object, code: int = 0, where: Path = home) -> Any:
        said = call(*words, "--json", *([] if words[0] in WITHOUT_HOME else ["--home", where]))
        assert said.code == code, said.err
        return said.json()

    (folder / "empty.csv").touch()
    error = next(f for f in ask("findings", "--severity", "error") if f["line"])
    census = max((invented / "social_care").glob("cin_census_*.xml"))
    children = invented / "truth" / "children.csv"
    was = f"{int(ask('cohort')['on'][:4]) - 2}-01-15"
    own, based = folder / "home", folder / "based"
    shutil.copytree(home, based)
    (based / lawful.NAME).write_text(lawful.EXAMPLE, encoding="utf-8")
    ask("synthesise", "--national", "--pupils", 3000, "--out", folder / "nation")
    study = folder / "nation" / "study.toml"
    return {
        "receive": ask("receive", invented / "schools", marks_csv, folder / "empty.csv", code=3, where=own),
        "snapshots": ask("snapshots"),
        "show": ask("show"),
        "findings": ask("findings"),
        "source": ask("source", error["delivery"], error["line"]),
        "cohort": ask("cohort"),
        "cohort --by": [*ask("cohort", "--by", "school"), *ask("cohort", "--by", "team")],
        "cohort --children": ask("cohort", "--children"),
        "cohort --changes": ask("cohort", "--changes", "--since", was),
        "dashboard": ask("dashboard", "--by", "phase", "--by", "worker"),
        "breakdown": ask("breakdown", "month"),
        "breakdown --list": ask("breakdown", "--list"),
        "pack": ask("pack", "headteachers"),
        "week": ask("week"),
        "closures": ask("closures", "--weeks", 104),
        "absence": ask("absence", "--by", ""),
        "absence-lists": ask("absence-lists"),
        "youth-justice": ask("youth-justice"),
        "check": ask("check", census),
        "mapping": ask("mapping", marks_csv, where=own),
        "fetch": fetched(own),
        "transfer": ask("transfer", "--child", ask("cohort", "--children")[0]["child_id"], "--out", folder / "ctf.xml"),
        "settings": ask("settings"),
        "synthesise": ask("synthesise", "--out", folder / "out", "--pupils", 200),
        "rebuild": ask("rebuild", where=own),
        "preview": ask("preview", marks_csv),
        "undo": ask("undo", "--reason", "A test", where=own),
        "verify": ask("verify"),
        "retention": ask("retention", where=based),
        "backup": ask("backup", "--out", folder / "backup.tar"),
        "restore": ask("restore", folder / "backup.tar", where=folder / "restored"),
        "sweep": ask("sweep", where=own),
        "match": ask("match", children, children),
        "match-rate": ask("match-rate"),
        "clerical": ask("clerical"),
        "exceptions": ask("exceptions"),
        "accuracy": ask("accuracy"),
        "figures": ask("figures", "dashboard:on-plan", "dashboard:cohort"),
        "returns": ask("returns"),
        "spot-checks": ask("spot-checks", where=own),
        "scope": ask("scope", "--look-back-years", 1),
        "agreements": kept(own, "agreements"),
        "requests": kept(own, "requests"),
        "self-review": kept(own, "self-review"),
        "self-review --national": ask("self-review", "--national"),
        "part-time": ask("part-time"),
        "moves": ask("moves"),
        "late-status": ask("late-status"),
        "late-status --children": ask("late-status", "--children"),
        "senders": ask("senders"),
        "senders --schools": ask("senders", "--schools"),
        "train-linkage": ask("train-linkage", where=own),
        "evaluate": ask("evaluate", study, "--only", "flow", "--only", "table-53", "--against", "report"),
        "evaluate --list": ask("evaluate", "--list"),
        "evaluate --explain": ask("evaluate", "--explain", "table-63"),
    }


@pytest.fixture(scope="session")
def marks_csv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("marks") / "marks.csv"
    path.write_text("Pupil ID,URN,Date,AM,PM\nA1,900001,2024-09-02,/,\\\nA2,900001,2024-09-02,I,I\n")
    return path


SHAPES = documented()


@pytest.mark.parametrize("heading", [h for h in SHAPES if not h.startswith("absence --by ")])
def test_what_a_command_prints_is_what_is_documented(answers: dict[str, Any], heading: str):
    agrees(answers[heading], SHAPES[heading])


@pytest.mark.parametrize("grouping", [h.removeprefix("absence --by ") for h in SHAPES if h.startswith("absence --by ")])
def test_absence_by_each_grouping_is_what_is_documented(home: Path, grouping: str):
    rows = call("absence", "--by", grouping, "--home", home, "--json").json()
    agrees(rows, SHAPES["absence"] | SHAPES[f"absence --by {grouping}"])


def test_every_command_that_prints_json_is_documented():
    printing = {n for n, c in COMMANDS.items() if "--json" in {o for p in c.params for o in p.opts}}
    assert printing == {heading.split(" --")[0] for heading in SHAPES}


def test_a_receipt_has_the_shape_programs_were_promised(answers: dict[str, Any]):
    receipt = answers["receive"]
    assert {"files", "snapshot"} <= receipt.keys()
    for file in receipt["files"]:
        assert {"path", "kind", "period", "rows", "findings", "changed"} <= file.keys()


# Commands, options and words


def commands_shown() -> list[tuple[str, str]]:
    """(page, command) of every `sightline` command line in the documentation."""
    shown = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8").replace("\\\n", " ")
        for line in text.splitlines():
            # After a prompt, in an indented block, or between backticks.
            for found in re.findall(r"(?:^\s*\$ |^ {4,}|`)(?:\.venv/bin/)?(sightline [a-z][^`]*)", line):
                shown.append((page.relative_to(ROOT).as_posix(), found.strip()))
    return shown


@pytest.mark.parametrize(("page", "line"), commands_shown())
def test_every_command_shown_can_be_typed(page: str, line: str):
    _, name, *words = shlex.split(line.split(" | ")[0], comments=True)
    assert name in COMMANDS, f"{page} shows {name}, which is no command"
    command = COMMANDS[name]
    if words and words[0] in getattr(command, "commands", {}):
        command = command.commands[words[0]]
    options = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= options, page


def test_every_command_is_mentioned_by_hand_or_in_the_reference(tmp_path: Path):
    reference.write(tmp_path)
    text = (tmp_path / "commands.md").read_text(encoding="utf-8")
    for name, command in COMMANDS.items():
        assert f"## {name}\n" in text
        for parameter in command.params:
            assert parameter.opts[0] in text or parameter.name.upper() in text
    by_hand = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    assert not [name for name in COMMANDS if f"sightline {name}" not in by_hand and f"## {name}" not in by_hand]


def test_the_reference_holds_every_kind_of_file_and_setting(tmp_path: Path):
    reference.write(tmp_path)
    kinds = (tmp_path / "kinds-of-file.md").read_text(encoding="utf-8")
    assert all(f"`{source.kind}`" in kinds for source in SOURCES)
    settings = (tmp_path / "settings.md").read_text(encoding="utf-8")
    assert all(setting.name in settings for setting in Settings().explain())


def test_settings_named_in_the_documentation_are_settings():
    names = {setting.name for setting in Settings().explain()}
    for page in (DOCS / "explanation").glob("*.md"):
        for named in re.findall(r"settings? `(\w+)`", page.read_text(encoding="utf-8")):
            assert named in names, page.name


def test_the_classes_of_codes_are_those_of_the_list():
    from datetime import date

    text = (DOCS / "explanation" / "attendance.md").read_text(encoding="utf-8")
    told = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 3 and cells[2].startswith("`"):
            codes = cells[2].replace("`Y1` to `Y7`", " ".join(f"`Y{n}`" for n in range(1, 8)))
            told[cells[0]] = set(re.findall(r"`([^`]+)`", codes))
    held = {c: {unpack(p) for p in packed_in_class(c, date(2024, 9, 2))} for c in CLASSES}
    assert list(told.values()) == list(held.values())


def test_the_faults_are_those_that_are_planted():
    text = (DOCS / "explanation" / "invented-authority.md").read_text(encoding="utf-8")
    table = text[text.index("| kind | what was done |") :]
    assert dict(re.findall(r"^\| `([\w-]+)` \| (.+) \|$", table, re.MULTILINE)) == FAULT_KINDS


def test_reasons_named_in_json_are_reasons():
    codes = {reason.code for reason in REASONS}
    (named,) = re.findall(r"the reason's code, such as `([\w-]+)`", (DOCS / "json.md").read_text(encoding="utf-8"))
    assert named in codes


# Pages and links


def test_every_page_that_is_named_exists(tmp_path: Path):
    nav = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"]

    def files(entries: Any) -> Iterator[str]:
        for entry in entries if isinstance(entries, list) else entries.values():
            yield from files(entry) if isinstance(entry, dict | list) else [entry]

    named = set(files(nav))
    generated = {f"reference/{name}" for name in reference.PAGES}
    assert generated <= named
    assert {name for name in named - generated if not (DOCS / name).is_file()} == set()
    there = {p.relative_to(DOCS).as_posix() for p in DOCS.rglob("*.md")} - generated
    # Decisions are listed on their own page.
    assert {name for name in there - named if not name.startswith("decisions/")} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_leads_somewhere(page: Path):
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            there = (page.parent / target).resolve()
            generated = there.parent == DOCS / "reference" and there.name in reference.PAGES
            assert generated or there.exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_no_page_names_a_path_of_somebodys_machine(page: Path):
    assert not re.search(r"/(?:home|Users|root|work|tmp)/", page.read_text(encoding="utf-8"))


# The tutorial is run


@pytest.fixture(scope="session")
def demonstration(shared: Path) -> tuple[Path, Said]:
    """The home that `make demo` makes, and what it printed."""
    folder, printed = shared / "demonstration" / "sightline-data", shared / "demonstration.txt"
    folder.parent.mkdir(exist_ok=True)
    with once(shared / "demonstration") as first:
        if first:
            said = call("demo", "--no-serve", "--home", folder)
            assert said.code == 0, said.err
            printed.write_text(said.out, encoding="utf-8")
    return folder, Said(0, printed.read_text(encoding="utf-8"), "")


def sessions(page: Path) -> Iterator[tuple[str, list[str]]]:
    """Each command of a page's console blocks, with the lines of output shown below it."""
    for block in re.findall(r"```console\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            line, *output = part.splitlines()
            while line.endswith("\\"):
                line = f"{line[:-1]} {output.pop(0)}"
            yield line.strip(), output


def words_of(line: str) -> list[str]:
    return re.sub(r"[│┃┏┓┗┛━┡┩╇┳┻┴┬└┘─┼╇]", " ", line).split()


def within(shown: list[str], whole: list[str]) -> bool:
    """Whether the words shown are among the whole line's words, in their order."""
    rest = iter(whole)
    return all(any(word == w or (word.endswith("...") and w.startswith(word[:-3])) for w in rest) for word in shown)


def test_the_tutorial_shows_what_its_commands_print(demonstration: tuple[Path, Said], monkeypatch: pytest.MonkeyPatch):
    """Output may be shortened, by lines and by columns, and never changed. Dates of today are shown as dots."""
    folder, printed = demonstration
    monkeypatch.chdir(folder.parent)
    wrong = []
    for command, shown in sessions(DOCS / "tutorial.md"):
        name, *words = shlex.split(command)
        if name == "make":
            assert words == ["demo"]
            said = printed
        elif name == "sightline":
            said = call(*words)
        else:
            continue
        assert said.code in (0, 3), f"{command}: {said.err}"
        lines = iter([words_of(line) for line in (said.out + said.err).splitlines()])
        for line in shown:
            wanted = [word for word in words_of(line) if word not in ("...", "…")]
            if not wanted or line.strip().startswith("http"):
                continue
            if not any(within(wanted, line_words) for line_words in lines):
                wrong.append(f"{command}: {line}")
                break
    assert not wrong
