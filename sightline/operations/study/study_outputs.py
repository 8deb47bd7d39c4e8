"""The folder of a study: what may be released, what the output checker needs, and apart from both the exact figures."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from html import escape
from pathlib import Path
from typing import Any, Final

import vl_convert

from sightline import charts, disclosure, evaluation
from sightline.evaluation import NOT_FOR_RELEASE, RELEASED, Clearance, Comparison, Figure, Job, Study, Table
from sightline.operations.study.clearing import Cleared

RELEASED_FOLDER: Final = "released"
CHECKER_FOLDER: Final = "for-the-output-checker"
APART_FOLDER: Final = "not-for-release"
FIXED: Final = datetime(2000, 1, 1)
"""The time the checker's file says: the same study gives the same bytes."""
FORMS: Final[Mapping[str, Callable[[Table, str], str]]] = {
    "csv": evaluation.table_csv,
    "html": evaluation.table_html,
    "json": lambda table, _: table.json(),
    "tex": evaluation.latex,
}
BOOKS: Final[Mapping[str, Callable[[Iterable[Table], str], bytes]]] = {"xlsx": evaluation.xlsx, "ods": evaluation.ods}


@dataclass(frozen=True, slots=True)
class Written:
    """The files of a study by their place in the folder, with the hash of each."""

    files: Mapping[str, str]


def write_folder(
    out: Path,
    study: Study,
    made: Sequence[tuple[Job, Table]],
    cleared: Cleared,
    beside: tuple[str, Sequence[Comparison]],
    settings: Sequence[Mapping[str, Any]],
    say: Callable[[str], None],
) -> Written:
    """Write every file whole, one by one; files of an earlier run that this one does not make are removed.

    `beside` is what the run was compared with (report or planted) and each figure's comparison.
    """
    against, compared = beside
    hashes: dict[str, str] = {}

    def put(name: str, content: str | bytes) -> None:
        data = content.encode() if isinstance(content, str) else content
        write_bytes(out / name, data)
        hashes[name] = hashlib.sha256(data).hexdigest()

    rules = [(r.name, str(r.value), r.says, r.source) for r in cleared.policy.explain()]
    kept = [(k.table, k.reason, k.next_step) for k in cleared.kept_back]
    for folder, mark, tables, notes, told in (
        (RELEASED_FOLDER, RELEASED, cleared.tables, cleared.released.notes, rules),
        (APART_FOLDER, NOT_FOR_RELEASE, tuple(made), (), ()),
    ):
        say(f"Writing {folder}")
        if folder == RELEASED_FOLDER and not tables:
            continue
        figures = list(_figures(study, tables))
        pictures = {f.id: charts.svg(f.specification) for f in figures}
        for name, content in _set(study, tables, figures, pictures, mark):
            put(f"{folder}/{name}", content)
        clearance = Clearance(mark, told, kept if told else (), notes, pictures)
        comparison = _comparison_html(against, compared) if folder == APART_FOLDER else ""
        put(
            f"{folder}/report.html",
            evaluation.report_html(study, tables, figures, clearance, settings=settings, comparison=comparison),
        )
    if compared:
        put(f"{APART_FOLDER}/against.csv", _comparison_csv(compared))
    say(f"Writing {CHECKER_FOLDER}")
    for name, data in _checker(cleared):
        put(f"{CHECKER_FOLDER}/{name}", data)
    put(f"{CHECKER_FOLDER}/kept-back.csv", _rows_csv(("table", "reason", "next step"), kept))
    for folder in (RELEASED_FOLDER, CHECKER_FOLDER, APART_FOLDER):
        for path in sorted((out / folder).rglob("*"), reverse=True):
            if path.is_file() and path.relative_to(out).as_posix() not in hashes:
                path.unlink()
            elif path.is_dir() and not any(path.iterdir()):
                path.rmdir()
    return Written(hashes)


def _figures(study: Study, tables: Sequence[tuple[Job, Table]]) -> Iterator[Figure]:
    """The figures of each run by SEND, in order."""
    for place, send in enumerate(study.sample.send):
        mine = [(job, t) for job, t in tables if job.send == send]
        # The first run bears plain names; the others' tables end in theirs.
        suffix = "" if place == 0 else next((j.id.removeprefix(j.spec.id) for j, _ in mine), "")
        yield from evaluation.drawn((t for _, t in mine), suffix)


def _set(
    study: Study,
    tables: Sequence[tuple[Job, Table]],
    figures: Sequence[Figure],
    pictures: Mapping[str, str],
    mark: str,
) -> Iterator[tuple[str, str | bytes]]:
    """Each table in every form asked for, the workbooks, and each figure drawn twice with its data."""
    for _, table in tables:
        for form in study.outputs.formats:
            if form in FORMS:
                yield f"tables/{table.id}.{form}", FORMS[form](table, mark)
    for form in study.outputs.formats:
        if form in BOOKS:
            yield f"tables.{form}", BOOKS[form]((t for _, t in tables), mark)
    for figure in figures:
        yield f"figures/{figure.id}.csv", evaluation.table_csv(figure.table, mark)
        yield f"figures/{figure.id}.svg", pictures[figure.id]
        yield f"figures/{figure.id}.png", bytes(vl_convert.svg_to_png(pictures[figure.id], scale=2.0))
        yield f"figures/{figure.id}.txt", figure.describes + "\n"


def _checker(cleared: Cleared) -> Iterator[tuple[str, bytes]]:
    """The files an output checker opens, in the layout of acro."""
    if not cleared.released.tables:
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "results"
        disclosure.write_results(cleared.released, folder, made=FIXED, command="sightline evaluate")
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            yield path.relative_to(folder).as_posix(), path.read_bytes()


def _rows_csv(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([head, *rows])
    return text.getvalue()


def _comparison_csv(compared: Sequence[Comparison]) -> str:
    names = [f.name for f in fields(Comparison)]
    return _rows_csv(
        names,
        (
            ["" if (v := getattr(c, n)) is None else f"{v:.10g}" if isinstance(v, float) else v for n in names]
            for c in compared
        ),
    )


def verdicts(compared: Sequence[Comparison]) -> dict[str, int]:
    """How many cells lie within sampling error, outside it, are counts, or were not estimated."""
    return {v: sum(c.verdict == v for c in compared) for v in ("within", "outside", "size", "none")}


def _comparison_html(against: str, compared: Sequence[Comparison]) -> str:
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
    if against == "planted":
        heads = ("Cell", "Figure", "Planted", "Estimated", "Difference", "Verdict", "Why not estimated")
        told = (
            f'<h2 id="against">Beside what was planted</h2><p>{n["within"]:,} figures planted in this invented nation '
            "come back: estimates within three of their standard errors, means as the report prints them. "
            f"{n['outside']:,} do not, and {n['none']:,} were not estimated.</p>"
        )
    else:
        heads = ("Cell", "Figure", "Printed", "Estimated", "Difference", "Verdict", "Doubt about the printed figure")
        told = (
            f'<h2 id="against">Beside the report</h2><p>{n["within"]:,} printed figures lie within sampling error '
            f"(three standard errors beyond rounding), {n['outside']:,} outside it, {n['none']:,} were not estimated; "
            f"{n['size']:,} are numbers of pupils, which the scale of the data decides.</p>"
        )
    return (
        f"{told}"
        '<details><summary>Every cell</summary><div class="scroll" role="region" aria-label="Every cell" tabindex="0">'
        f"<table><caption>{heads[2]} and estimated</caption><thead><tr>"
        f"{''.join(f'<th scope=col>{h}</th>' for h in heads)}</tr></thead><tbody>{rows}</tbody></table></div></details>"
    )


def write_manifests(out: Path, told: Mapping[str, Any], inputs: Sequence[Mapping[str, Any]], written: Written) -> None:
    """What a run read, with what, and what it wrote: one manifest that may leave, and the whole one that may not.

    The one that may leave says nothing of the exact figures. Whoever knows all but a few figures of a file can try the
    rest until its hash comes out, so hashes of exact files are as secret as they are; so are the sizes of the inputs.
    """
    exact = f"{APART_FOLDER}/"
    mine = {name: digest for name, digest in sorted(written.files.items()) if not name.startswith(exact)}
    slim = [{name: value for name, value in one.items() if name != "bytes"} for one in inputs]
    for place, read, wrote in (
        (out / "manifest.json", slim, mine),
        (out / APART_FOLDER / "manifest.json", list(inputs), dict(sorted(written.files.items()))),
    ):
        text = json.dumps({**told, "inputs": read, "outputs": wrote}, indent=1, ensure_ascii=False)
        write_bytes(place, f"{text}\n".encode())


def write_text(path: Path, text: str) -> None:
    write_bytes(path, text.encode())


def write_bytes(path: Path, data: bytes) -> None:
    """Write beside and move into place: a stopped run leaves the file as it was or whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.part")
    beside.write_bytes(data)
    beside.replace(path)


def empty_folder(path: Path) -> None:
    """Remove what a folder holds, if it is there."""
    if path.is_dir():
        shutil.rmtree(path)
