"""Run a study: find and read its files, link them, make each table, and write the folder out.

What is made is kept under `work/` with a key of the inputs, the settings and the program, so that a run that was
stopped goes on where it was, and a run of something else starts again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import sightline.engine.relations
import sightline.evaluation
import sightline.statistics
from sightline import __version__, evaluation
from sightline.engine import Database
from sightline.engine.relations import DuckRelations, Relations, SparkRelations
from sightline.evaluation import Comparison, Drawing, Frame, Job, Spec, Study, Table
from sightline.operations.study import study_files, study_inputs, study_outputs
from sightline.operations.study.clearing import Cleared, clear, policy_of
from sightline.operations.study.study_files import Found
from sightline.operations.study.study_home import from_home
from sightline.operations.study.study_outputs import verdicts, write_text
from sightline.sources import statistical
from sightline.vocabulary.errors import BadSetting, NothingHeld, SightlineError, UnreadableFile

__all__ = ["Evaluated", "catalogue", "evaluate", "explain", "explain_each", "verdicts"]

Progress = Callable[[str], None]
MEMORY = "4GB"
MADE_WITH = ("duckdb", "numpy", "scipy", "pyarrow", "pyreadstat", "vl-convert-python", "xlsxwriter", "odfdo")


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What a run wrote: the folder, its tables in order, how many an earlier run had made, what disclosure control said
    of them, and the comparison.
    """

    out: Path
    tables: tuple[Table, ...]
    kept: int
    cleared: Cleared
    comparison: tuple[Comparison, ...]
    against: str = ""

    @property
    def report(self) -> Path:
        """The report that may be released; the exact one when nothing may."""
        folder = study_outputs.RELEASED_FOLDER if self.cleared.tables else study_outputs.APART_FOLDER
        return self.out / folder / "report.html"

    def as_json(self) -> dict[str, Any]:
        return {
            "out": str(self.out),
            "tables": [{"id": t.id, "title": t.title, "refused": [list(r) for r in t.refused]} for t in self.tables],
            "kept": self.kept,
            "released": [t.id for _, t in self.cleared.tables],
            "hidden": self.cleared.hidden,
            "kept_back": [[k.table, k.reason, k.next_step] for k in self.cleared.kept_back],
            "comparison": [asdict(c) for c in self.comparison],
        }


def catalogue() -> list[dict[str, Any]]:
    """One row per table and figure a study can make, figures after tables."""
    chapters = {s.id: s.chapter for s in evaluation.CATALOGUE}
    tables = [
        {
            "table": s.id,
            "chapter": s.chapter,
            "says": s.says,
            "in_the_report": f"Table {s.printed}" if s.printed else "",
        }
        for s in evaluation.CATALOGUE
    ]
    figures = [
        {
            "table": d.id,
            "chapter": chapters[d.tables[-1]],
            "says": f"Figure: {d.says}",
            "in_the_report": f"Figure {d.printed}" if d.printed else "",
        }
        for d in evaluation.DRAWINGS
    ]
    return tables + figures


def explain(name: str) -> dict[str, str]:
    """What a table or figure is, from the functions that make it: formula, sample, estimator, errors, source."""
    (told,) = explain_each([name])
    return told


def explain_each(names: Sequence[str]) -> list[dict[str, str]]:
    """One row per name, as `explain` gives it."""
    figures = {name: evaluation.drawing(name) for name in names}
    specs = {name: evaluation.spec(figure.tables[0] if figure else name) for name, figure in figures.items()}
    with Database() as database:
        study_inputs.empty(database)
        evaluation.link(database, Study())
        frame = Frame(database, Study(), "without")
        told = {name: _explained(spec, spec.make(frame, spec.id)) for name, spec in specs.items()}
    return [_of_figure(figure, told[name]) if figure else told[name] for name, figure in figures.items()]


def _of_figure(figure: Drawing, told: dict[str, str]) -> dict[str, str]:
    """What a figure is: what is said of the first of its tables, under its own name."""
    return told | {
        "table": figure.id,
        "title": figure.says,
        "answers": f"Drawn from {' and '.join(figure.tables)}. What is hidden there is not drawn.",
        "in_the_report": f"Figure {figure.printed}" if figure.printed else told["in_the_report"],
    }


def _explained(spec: Spec, table: Table) -> dict[str, str]:
    return {
        "table": table.id,
        "title": table.title,
        "answers": spec.says,
        "sample": table.sample,
        "estimator": table.estimator,
        "formula": table.formula,
        "standard_errors": table.errors or ("as the study's [models] say" if table.formula else ""),
        "in_the_report": table.source,
        "notes": " ".join(table.notes),
    }


def evaluate(
    study_path: Path,
    out: Path,
    *,
    only: Sequence[str] = (),
    against: str = "",
    afresh: bool = False,
    progress: Progress | None = None,
) -> Evaluated:
    """Run the study in a file and write its folder. `against` "report" compares each cell with the one printed,
    "planted" with what the invented nation beside the study (its truth.json) was given.

    Raises BadSetting for a study, table or comparison that is not known, NothingHeld when a file the study needs is not
    there, UnreadableFile when one cannot be read.
    """
    say = progress or (lambda _: None)
    if against not in ("", "report", "planted"):
        raise BadSetting(f"A study can be compared with 'report' or 'planted', not with '{against}'.")
    study = Study.read(study_path)
    planted = _planted(study_path.parent / "truth.json") if against == "planted" else ()
    policy_of(study)
    jobs = evaluation.jobs(study, only)
    work = out / "work"
    steps: tuple[tuple[str, int], ...] = ()
    if study.data.home:
        say("Reading the home's snapshot")
        _ours(out, work)
        local = from_home(study, study_path.parent, work / "home")
        study, found, steps = local.study, local.found, local.steps
    else:
        found = study_files.find(study, study_path.parent)
    say("Reading the files' fingerprints")
    inputs = [_fingerprint(path, work if study.data.home else study_path.parent) for path in found.all()]
    key = _key(study, inputs)
    _prepare(out, work, key, afresh)
    made: list[tuple[Job, Table]] = []
    kept = 0
    database: Database | None = None
    try:
        for n, job in enumerate(jobs, 1):
            place = work / "made" / f"{job.id}.json"
            if place.is_file():
                made.append((job, Table.from_json(place.read_text(encoding="utf-8"))))
                kept += 1
                continue
            if database is None:
                database = _linked(study, found, work, say, steps)
            say(f"{job.id} ({n} of {len(jobs)})")
            table = job.spec.make(Frame(database, study, job.send), job.id)
            write_text(place, table.json())
            made.append((job, table))
    finally:
        if database is not None:
            database.close()
    say("Disclosure control")
    cleared = clear(study, made)
    first = [t for j, t in made if j.send == study.sample.send[0]]
    if against == "planted":
        compared = tuple(evaluation.against_planted(first, planted))
    else:
        compared = tuple(evaluation.against_report(first)) if against else ()
    settings = _settings(study, cleared)
    written = study_outputs.write_folder(out, study, made, cleared, (against, compared), settings, say)
    write_text(out / "study.toml", study_path.read_text(encoding="utf-8"))
    study_outputs.write_manifests(
        out,
        {
            "study": study.name,
            "program": {"version": __version__, "digest": _program()},
            "made with": {name: version(name) for name in MADE_WITH},
            "seed": study.seed,
            "settings": {str(s["name"]): s["value"] for s in settings},
        },
        inputs,
        written,
    )
    return Evaluated(out, tuple(t for _, t in made), kept, cleared, compared, against)


def _planted(path: Path) -> list[dict[str, Any]]:
    if not path.is_file():
        raise NothingHeld(
            "What was planted is not known: there is no truth.json beside the study. Compare with 'planted' on data "
            "that `sightline synthesise --national` made."
        )
    found: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["planted"]
    return found


def _settings(study: Study, cleared: Cleared) -> list[dict[str, Any]]:
    """One row per setting of the study, the rules of disclosure control among them with their values in force."""
    rows = [s for s in study.settings() if s["name"] != "disclosure.rules"]
    return rows + [
        {"name": f"disclosure.{r.name}", "value": r.value, "says": f"{r.says} ({r.source})"}
        for r in cleared.policy.explain()
    ]


def _fingerprint(path: Path, base: Path) -> dict[str, Any]:
    with path.open("rb") as held:
        digest = hashlib.file_digest(held, "sha256").hexdigest()
    shown = path.relative_to(base).as_posix() if path.is_relative_to(base) else path.name
    return {"file": shown, "bytes": path.stat().st_size, "sha256": digest}


def _program() -> str:
    """A digest of the code that makes the numbers."""
    digest = hashlib.sha256(__version__.encode())
    for package in (sightline.evaluation, sightline.statistics):
        for path in sorted(Path(str(package.__file__)).parent.glob("*.py")):
            digest.update(path.read_bytes())
    for module in (
        __file__,
        study_files.__file__,
        study_inputs.__file__,
        statistical.__file__,
        sightline.engine.relations.__file__,
    ):
        digest.update(Path(str(module)).read_bytes())
    return digest.hexdigest()


def _key(study: Study, inputs: list[dict[str, Any]]) -> str:
    settings = [s for s in study.settings() if not str(s["name"]).startswith(("outputs.", "disclosure."))]
    text = json.dumps([settings, [i["sha256"] for i in inputs], _program()])
    return hashlib.sha256(text.encode()).hexdigest()


def _prepare(out: Path, work: Path, key: str, afresh: bool) -> None:
    """Throw away what an earlier run of something else made; never a folder that no run made."""
    _ours(out, work)
    held = work / "key"
    if afresh or not held.is_file() or held.read_text(encoding="utf-8") != key:
        held.unlink(missing_ok=True)
        for part in ("made", "linked", "received"):
            study_outputs.empty_folder(work / part)
    for part in ("made", "linked"):
        (work / part).mkdir(parents=True, exist_ok=True)
    write_text(held, key)


def _ours(out: Path, work: Path) -> None:
    """Refuse a folder that no run made."""
    if out.exists() and not out.is_dir():
        raise SightlineError(f"{out} is a file; give a folder.")
    if out.is_dir() and any(p != work for p in out.iterdir()) and not (work / "key").is_file():
        raise SightlineError(f"The folder {out} holds something else; give an empty or a new one.")


def _linked(study: Study, found: Found, work: Path, say: Progress, steps: Sequence[tuple[str, int]] = ()) -> Database:
    """A database with the linked tables: those of an earlier run, or made now and kept."""
    database = Database(memory_limit=MEMORY, temp=work)
    folder = work / "linked"
    complete = folder / "complete"
    if not complete.is_file():
        say("Reading the extracts")
        scratch = work / "received" / "unpacked"
        found = study_files.unpacked(found, scratch)
        kind = study_inputs.reference_type(database, found)
        # A study of all children alone has no use for SEND, which an extract may then lack.
        spared = ("send",) if study.sample.send == ("all",) else ()
        unread = []
        for name in evaluation.NPD:
            unread += study_inputs.received(database, name, found.npd[name], kind, spared=spared)
        say("Reading the plans")
        unread += study_inputs.plan_records(database, found, kind)
        say("Linking")
        pupil = "int64" if kind == "BIGINT" else "string"
        relations = _relations(study, database, work)
        try:
            evaluation.link(database, study, relations, pupil=pupil)
        finally:
            relations.close()
        first = [*(("The home", *step) for step in steps), *(("The files", *step) for step in unread)]
        for place, told in enumerate(first):
            database.execute('INSERT INTO "count" VALUES (?, ?, ?, ?)', [place - len(first), *told])
        for name in OWN:
            database.write_parquet(f'SELECT * FROM "{name}"', folder / f"{name}.parquet")
        database.close()
        study_outputs.empty_folder(scratch)
        database = Database(memory_limit=MEMORY, temp=work)
    for name in evaluation.LINKED:
        path = folder / f"{name}.parquet"
        # Spark writes a folder of parts.
        database.add_parquet(name, sorted(path.glob("*.parquet")) if path.is_dir() else [path])
    if not complete.is_file():
        _same_pupils(database)
        write_text(complete, "complete")
    return database


def _same_pupils(database: Database) -> None:
    """Refuse plans and extracts that have not one pupil in common: they bear different kinds of reference."""
    plans, both = (
        int(database.one(f"SELECT count(DISTINCT pupil) FROM pupil_plan{where}"))
        for where in ("", " WHERE pupil IN (SELECT pupil FROM pupil_year)")
    )
    if plans and not both and database.one("SELECT count(*) FROM pupil_year"):
        raise UnreadableFile(
            f"None of the {plans:,} pupils with a plan in a year of the study is in the school census. Both must bear "
            "the same pupil matching reference: were the plans drawn for another project, or is a file of links needed?"
        )


OWN = ("week", "count")
"""Tables made in the database itself, whatever engine links."""


def _relations(study: Study, database: Database, work: Path) -> Relations:
    """The engine the study asks for. Spark reads what DuckDB has read, as Parquet."""
    folder = work / "linked"
    if study.data.engine == "duckdb":
        return DuckRelations(database, folder)
    received = {}
    for name in (*evaluation.NPD, "plan_record"):
        received[name] = work / "received" / f"{name}.parquet"
        received[name].parent.mkdir(parents=True, exist_ok=True)
        database.write_parquet(f'SELECT * FROM "{name}"', received[name])
    return SparkRelations(folder, received)
