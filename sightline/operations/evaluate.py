"""Run a study: find and read its files, link them, make each table, and write the folder out.

What is made is kept under `work/` with a key of the inputs, the settings and the program, so that a run that was
stopped goes on where it was, and a run of something else starts again.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from html import escape
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import scipy

import sightline.evaluation
import sightline.statistics
from sightline import __version__, evaluation
from sightline.engine import Database
from sightline.evaluation import Comparison, Frame, Job, Study, Table
from sightline.sources import recognise
from sightline.sources.base import Context, Reading
from sightline.vocabulary.errors import BadSetting, NothingHeld, SightlineError, UnreadableFile

Progress = Callable[[str], None]
CENSUS_KINDS = ("cin-census", "cin-census-csv")
MEMORY = "3GB"


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What a run wrote: the folder, its tables in order, those taken over from an earlier run, and the comparison."""

    out: Path
    tables: tuple[Table, ...]
    kept: int
    comparison: tuple[Comparison, ...]

    def as_json(self) -> dict[str, Any]:
        return {
            "out": str(self.out),
            "tables": [{"id": t.id, "title": t.title, "refused": [list(r) for r in t.refused]} for t in self.tables],
            "kept": self.kept,
            "comparison": [asdict(c) for c in self.comparison],
        }


def catalogue() -> list[dict[str, Any]]:
    """One row per table a study can make."""
    return [
        {
            "table": s.id,
            "chapter": s.chapter,
            "says": s.says,
            "in_the_report": f"Table {s.printed}" if s.printed else "",
        }
        for s in evaluation.CATALOGUE
    ]


def explain(name: str) -> dict[str, str]:
    """What a table is, from the functions that make it: formula, sample, estimator, standard errors, source."""
    spec = evaluation.spec(name)
    with Database() as database:
        _empty(database)
        evaluation.link(database, Study())
        table = spec.make(Frame(database, Study(), "without"), spec.id)
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
    """Run the study in a file and write its folder. `against` "report" compares each cell with the one printed.

    Raises BadSetting for a study, table or comparison that is not known, NothingHeld when a file the study needs is not
    there, UnreadableFile when one cannot be read.
    """
    say = progress or (lambda _: None)
    if against not in ("", "report"):
        raise BadSetting(f"A study can be compared with 'report', not with '{against}'.")
    study = Study.read(study_path)
    jobs = evaluation.jobs(study, only)
    found = _files(study, study_path.parent)
    say("Reading the files' fingerprints")
    inputs = [_fingerprint(path, study_path.parent) for path in found.all()]
    key = _key(study, inputs)
    work = out / "work"
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
                database = _linked(study, found, work, say)
            say(f"{job.id} ({n} of {len(jobs)})")
            table = job.spec.make(Frame(database, study, job.send), job.id)
            _write(place, table.json())
            made.append((job, table))
    finally:
        if database is not None:
            database.close()
    say("Writing")
    compared = tuple(evaluation.against_report(t for j, t in made if j.send == study.sample.send[0])) if against else ()
    _outputs(study, study_path, out, made, compared, inputs)
    return Evaluated(out, tuple(t for _, t in made), kept, compared)


@dataclass(frozen=True, slots=True)
class _Found:
    npd: dict[str, tuple[Path, ...]]
    plans: tuple[Path, ...]
    links: Path | None

    def all(self) -> list[Path]:
        parts = [*(p for paths in self.npd.values() for p in paths), *self.plans]
        return [*parts, *([self.links] if self.links else [])]


def _files(study: Study, base: Path) -> _Found:
    folder = base / study.data.npd
    if not folder.is_dir():
        raise NothingHeld(f"There is no folder of NPD extracts at {folder} (data.npd of the study).")
    npd = {}
    for name in evaluation.NPD:
        files = sorted(
            p
            for p in folder.iterdir()
            if p.suffix.lower() in (".parquet", ".csv") and re.fullmatch(rf"{name}([-_ .].*)?", p.stem.lower())
        )
        if not files and name in ("census", "absence", "exclusions"):
            raise NothingHeld(f"There is no {name} extract (Parquet or CSV, named {name}...) in {folder}.")
        npd[name] = tuple(files)
    plans = tuple(sorted({p for pattern in study.data.plans for p in base.glob(pattern) if p.is_file()}))
    if not plans:
        raise NothingHeld(f"No file of plans is at {', '.join(study.data.plans)} below {base} (data.plans).")
    links = base / study.data.links if study.data.links else None
    if links and not links.is_file():
        raise NothingHeld(f"There is no file of links at {links} (data.links of the study).")
    return _Found(npd, plans, links)


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
    digest.update(Path(__file__).read_bytes())
    return digest.hexdigest()


def _key(study: Study, inputs: list[dict[str, Any]]) -> str:
    settings = [s for s in study.settings() if not str(s["name"]).startswith("outputs.")]
    text = json.dumps([settings, [i["sha256"] for i in inputs], _program()])
    return hashlib.sha256(text.encode()).hexdigest()


def _prepare(out: Path, work: Path, key: str, afresh: bool) -> None:
    """Throw away what an earlier run of something else made; never a folder that no run made."""
    held = work / "key"
    if out.exists() and not out.is_dir():
        raise SightlineError(f"{out} is a file; give a folder.")
    if out.is_dir() and any(out.iterdir()) and not held.is_file():
        raise SightlineError(f"The folder {out} holds something else; give an empty or a new one.")
    if afresh or not held.is_file() or held.read_text(encoding="utf-8") != key:
        held.unlink(missing_ok=True)
        for part in ("made", "linked"):
            for path in sorted((work / part).glob("*")) if (work / part).is_dir() else ():
                path.unlink()
    for part in ("made", "linked"):
        (work / part).mkdir(parents=True, exist_ok=True)
    _write(held, key)


def _linked(study: Study, found: _Found, work: Path, say: Progress) -> Database:
    """A database with the linked tables: those of an earlier run, or made now and kept."""
    database = Database(memory_limit=MEMORY, temp=work)
    folder = work / "linked"
    complete = folder / "complete"
    if not complete.is_file():
        say("Reading the extracts")
        kind = _reference_type(database, found)
        for name in evaluation.NPD:
            _received(database, name, found.npd[name], kind)
        say("Reading the plans")
        _plan_records(database, found, kind)
        say("Linking")
        evaluation.link(database, study)
        for name in evaluation.LINKED:
            database.write_parquet(f'SELECT * FROM "{name}"', folder / f"{name}.parquet")
        _write(complete, "complete")
        database.close()
        database = Database(memory_limit=MEMORY, temp=work)
    for name in evaluation.LINKED:
        database.add_parquet(name, [folder / f"{name}.parquet"])
    return database


def _source(path: Path) -> str:
    place = str(path).replace("'", "''")
    if path.suffix.lower() == ".parquet":
        return f"read_parquet('{place}')"
    return f"read_csv('{place}', all_varchar = true, header = true)"


def _columns(database: Database, path: Path) -> list[str]:
    try:
        return [str(r[0]) for r in database.rows(f"SELECT column_name FROM (DESCRIBE SELECT * FROM {_source(path)})")]
    except duckdb.Error:
        raise UnreadableFile(f"{path.name} is not readable as {path.suffix[1:].upper()}.") from None


def _reference_type(database: Database, found: _Found) -> str:
    """BIGINT when every file holds its pupil matching references as whole numbers, else VARCHAR.

    Numbers take a third of the room in the joins. Census returns have no reference of their own.
    """
    held = [p for p in found.all() if p.suffix.lower() != ".xml"]
    for path in held:
        if path.suffix.lower() != ".parquet":
            return "VARCHAR"
        column = evaluation.reference_column(_columns(database, path))
        if column is None:
            continue
        kind = database.one(
            f"SELECT column_type FROM (DESCRIBE SELECT * FROM {_source(path)}) WHERE column_name = ?", [column]
        )
        if kind not in ("BIGINT", "INTEGER", "SMALLINT", "UINTEGER"):
            return "VARCHAR"
    return "BIGINT"


def _received(database: Database, name: str, files: tuple[Path, ...], kind: str = "VARCHAR") -> None:
    """All files of one extract as one table, its columns by our names and nothing else.

    Parquet is read where it lies each time it is needed, which takes less room than a copy; CSV is read once.
    """
    parts = [evaluation.projection(name, _columns(database, p), _source(p), p.name, pupil=kind) for p in files]
    if not parts:
        parts = [evaluation.empty_received(name, pupil=kind)]
    how = "VIEW" if all(p.suffix.lower() == ".parquet" for p in files) else "TABLE"
    database.execute(f"CREATE OR REPLACE {how} {name} AS {' UNION ALL '.join(parts)}")


def _empty(database: Database) -> None:
    for name in evaluation.NPD:
        _received(database, name, ())
    database.execute(f"CREATE TABLE plan_record ({PLAN_COLUMNS.format(kind='VARCHAR')})")


PLAN_COLUMNS = "pupil {kind}, plan VARCHAR, start DATE, last DATE, census INTEGER"
_PLAN = {"cin_plan": "CIN plan", "cp_plan": "CP plan"}


def _plan_records(database: Database, found: _Found, reference: str) -> None:
    """Plans of every census: tables of plans by their columns, census returns by our reader and the links."""
    database.execute(f"CREATE OR REPLACE TABLE plan_record ({PLAN_COLUMNS.format(kind=reference)})")
    _links(database, found.links, reference)
    returns: list[Path] = []
    for path in found.plans:
        kind = None
        if path.suffix.lower() in (".parquet", ".csv"):
            columns = _columns(database, path)
            kind = evaluation.kind_of_plans(columns)
        if kind is None or (path.suffix.lower() == ".csv" and "LAchildID" in columns and "CINdetailsID" in columns):
            returns.append(path)
            continue
        named = re.findall(r"(20\d\d)", path.stem)
        census = named[-1] if named else "NULL"
        database.execute(
            f"INSERT INTO plan_record SELECT pupil, '{_PLAN[kind]}', start, last, coalesce(census, {census}) "
            f"FROM ({evaluation.projection(kind, columns, _source(path), path.name, pupil=reference)})"
        )
        if database.one("SELECT count(*) FROM plan_record WHERE census IS NULL"):
            raise UnreadableFile(
                f"{path.name} does not say which census it is: name it by the year the census ends in, such as "
                "cin_2018.parquet."
            )
    context = Context(beside=tuple(returns))
    for path in returns:
        source = recognise(path)
        if source.kind not in CENSUS_KINDS:
            raise UnreadableFile(f"{path.name} is neither a CIN census nor a table of plans.")
        _from_return(database, source.read(path, context), path.name)


def _from_return(database: Database, reading: Reading, name: str) -> None:
    """The plans of one CIN census return. Its children are found by their UPN in the links."""
    if not reading.as_at:
        raise UnreadableFile(f"{name} has no reference date, so the year of its census is not known.")
    census = int(reading.as_at[:4])
    identifiers = reading.tables.get("identifier")
    if identifiers is None:
        identifiers = pa.table({n: pa.array([], pa.string()) for n in ("ref", "kind", "value")})
    database.add("return_identifier", identifiers)
    for table, plan in _PLAN.items():
        held = reading.tables.get(table)
        if held is None:
            continue
        database.add("return_plan", held)
        database.execute(
            """
            INSERT INTO plan_record
            WITH known AS (
                SELECT i.ref, min(l.pupil) AS pupil FROM return_identifier AS i JOIN link AS l ON l.upn = i.value
                WHERE i.kind IN ('upn', 'former_upn') GROUP BY i.ref HAVING count(DISTINCT l.pupil) = 1
            )
            SELECT k.pupil, ?, p.start_date, p.end_date, ?
            FROM return_plan AS p LEFT JOIN known AS k ON k.ref = p.child_ref
            """,
            [plan, census],
        )


def _links(database: Database, path: Path | None, reference: str) -> None:
    """UPN to pupil matching reference: from the file of links, else from the census extract where it has UPNs."""
    if path is None:
        database.execute(
            "CREATE OR REPLACE TABLE link AS SELECT DISTINCT upn, pupil FROM census WHERE upn IS NOT NULL AND pupil "
            "IS NOT NULL"
        )
        return
    by_name = {re.sub(r"[^a-z]", "", c.lower()): c for c in _columns(database, path)}
    upn, pupil = by_name.get("upn"), by_name.get("pupilmatchingrefanonymous")
    if upn is None or pupil is None:
        raise UnreadableFile(f"{path.name} needs the columns UPN and PupilMatchingRefAnonymous.")
    database.execute(
        f'CREATE OR REPLACE TABLE link AS SELECT DISTINCT upper(trim(CAST("{upn}" AS VARCHAR))) AS upn, '
        f'CAST("{pupil}" AS {reference}) AS pupil FROM {_source(path)}'
    )


def _outputs(
    study: Study,
    study_path: Path,
    out: Path,
    made: list[tuple[Job, Table]],
    compared: tuple[Comparison, ...],
    inputs: list[dict[str, Any]],
) -> None:
    """Every file of the folder, each written whole; files of an earlier run that this one does not make are removed."""
    written: dict[str, str | bytes] = dict(_texts(study, made, compared))
    _write(out / "study.toml", study_path.read_text(encoding="utf-8"))
    if "xlsx" in study.outputs.formats:
        written["tables.xlsx"] = evaluation.workbook(t for _, t in made)
    for name, content in written.items():
        _write_bytes(out / name, _bytes(content))
    manifest = {
        "study": study.name,
        "mark": evaluation.MARK,
        "program": {"version": __version__, "digest": _program()},
        "made with": {
            "duckdb": duckdb.__version__,
            "numpy": np.__version__,
            "pyarrow": pa.__version__,
            "scipy": scipy.__version__,
        },
        "seed": study.seed,
        "settings": {str(s["name"]): s["value"] for s in study.settings()},
        "inputs": inputs,
        "outputs": {name: hashlib.sha256(_bytes(content)).hexdigest() for name, content in sorted(written.items())},
    }
    _write(out / "manifest.json", json.dumps(manifest, indent=1, ensure_ascii=False) + "\n")
    stale = {p for part in ("tables", "figures") for p in (out / part).glob("*") if f"{part}/{p.name}" not in written}
    stale |= {p for p in (out / "against.csv", out / "tables.xlsx") if p.exists() and p.name not in written}
    for path in stale:
        path.unlink()


def _texts(study: Study, made: list[tuple[Job, Table]], compared: tuple[Comparison, ...]) -> Iterator[tuple[str, str]]:
    forms = {"csv": evaluation.table_csv, "html": evaluation.table_html, "json": Table.json}
    for _, table in made:
        for form, write in forms.items():
            if form in study.outputs.formats:
                yield f"tables/{table.id}.{form}", write(table)
    first = study.sample.send[0]
    for figure in evaluation.figure_data(table for job, table in made if job.send == first):
        yield f"figures/{figure.id}.csv", evaluation.table_csv(figure)
    if compared:
        yield "against.csv", _comparison_csv(compared)
    yield "report.html", evaluation.index_html(study, made, comparison=_comparison_html(compared))


def _comparison_csv(compared: Sequence[Comparison]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = [f.name for f in fields(Comparison)]
    writer.writerow(names)
    for c in compared:
        writer.writerow(
            ["" if (v := getattr(c, n)) is None else f"{v:.10g}" if isinstance(v, float) else v for n in names]
        )
    return text.getvalue()


def verdicts(compared: Sequence[Comparison]) -> dict[str, int]:
    """How many cells lie within sampling error, outside it, are counts, or were not estimated."""
    return {v: sum(c.verdict == v for c in compared) for v in ("within", "outside", "size", "none")}


def _comparison_html(compared: Sequence[Comparison]) -> str:
    if not compared:
        return ""
    n = verdicts(compared)
    rows = "".join(
        f'<tr><th scope="row">{escape(c.table)}: {escape(c.row)}, {escape(c.column)}</th><td>{escape(c.statistic)}</td>'
        f"<td>{c.printed:g}</td><td>{'' if c.estimated is None else f'{c.estimated:.4g}'}</td>"
        f"<td>{'' if c.difference is None else f'{c.difference:.3g}'}</td><td>{escape(c.verdict)}</td>"
        f"<td>{escape(c.says)}</td></tr>"
        for c in compared
    )
    heads = ("Cell", "Figure", "Printed", "Estimated", "Difference", "Verdict", "Doubt about the printed figure")
    return (
        f'<h2 id="against">Beside the report</h2><p>{n["within"]:,} printed figures lie within sampling error (three '
        f"standard errors beyond rounding), {n['outside']:,} outside it, {n['none']:,} were not estimated; "
        f"{n['size']:,} are numbers of pupils, which the scale of the data decides.</p>"
        '<details><summary>Every cell</summary><div class="scroll" role="region" aria-label="Every cell" tabindex="0">'
        f"<table><caption>Printed and estimated</caption><thead><tr>"
        f"{''.join(f'<th scope=col>{h}</th>' for h in heads)}</tr></thead><tbody>{rows}</tbody></table></div></details>"
    )


def _bytes(content: str | bytes) -> bytes:
    return content.encode() if isinstance(content, str) else content


def _write(path: Path, text: str) -> None:
    _write_bytes(path, text.encode())


def _write_bytes(path: Path, data: bytes) -> None:
    """Write beside and move into place: a stopped run leaves the file as it was or whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.part")
    beside.write_bytes(data)
    beside.replace(path)
