"""A study from files to folder: what was planted comes back, the same inputs give the same bytes, nothing is dropped."""

import json
import re
import shutil

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pv
import pyarrow.parquet as pq
import pytest
from statistical_writing import write_spss, write_stata

from sightline import synthetic
from sightline.evaluation import NOT_FOR_RELEASE, RELEASED, Study, against_planted, jobs
from sightline.operations.study.evaluate import catalogue, evaluate, explain_each
from sightline.vocabulary.errors import BadSetting, NothingHeld, SightlineError, UnreadableFile

QUICK = ["table-55", "table-64", "flow"]


@pytest.fixture(scope="module")
def nation(tmp_path_factory):
    folder = tmp_path_factory.mktemp("nation") / "data"
    made = synthetic.synthesise_national(6_000, 3, folder, more_plans=30)
    text = (folder / "study.toml").read_text().replace("[groups]", '[sample]\nsend = ["without", "with"]\n\n[groups]')
    # Checks and what lies beyond have their own tests, on children whose truth is known.
    text += '\n[outputs]\nsets = ["report"]\n'
    (folder / "study.toml").write_text(text)
    return folder, made


@pytest.fixture(scope="module")
def run(nation, tmp_path_factory):
    folder, _ = nation
    out = tmp_path_factory.mktemp("run") / "out"
    return evaluate(folder / "study.toml", out, against="report")


def files(out):
    return {
        p.relative_to(out).as_posix(): p.read_bytes()
        for p in sorted(out.rglob("*"))
        if p.is_file() and not p.is_relative_to(out / "work")
    }


def test_what_was_planted_is_what_the_report_prints(nation):
    _, made = nation
    models = [p for p in made.planted if p.table in (55, 59)]
    assert len(models) == 36
    assert max(abs(p.planted - p.printed) for p in models) < 5e-3


def test_every_planted_coefficient_is_within_sampling_error(nation, run):
    """Every estimate that the study makes, some 250 of them, and the drawn counts of engagement far closer still."""
    _, made = nation
    tables = {t.id: t for t in run.tables}
    far = {}
    for p in made.planted:
        t = tables[f"table-{p.table}"]
        got, se = t.value(p.row, p.column, p.statistic), t.value(p.row, p.column, "se")
        if p.statistic == "estimate" and got is not None:
            far[p.table, p.row, p.column] = abs(got - p.planted) / se
    assert len(far) > 200
    assert max(far.values()) < 3
    assert max(f for (table, _, _), f in far.items() if table in (55, 59, 73)) < 0.3


def test_what_was_planted_is_compared_figure_by_figure(nation, run):
    folder, made = nation
    told = json.loads((folder / "truth.json").read_text())["planted"]
    found = against_planted([t for t in run.tables if not t.id.endswith("with-send")], told)
    held = [c for c in found if c.verdict != "none"]
    assert len(found) == len(made.planted) and len(held) > 250
    assert {c.verdict for c in held if c.statistic == "estimate"} == {"within"}
    # What is not there cannot be within.
    table = next(t for t in run.tables if t.id == "table-55")
    (moved,) = against_planted([table], [told[0] | {"planted": told[0]["planted"] + 99}])
    assert moved.verdict == "outside" and moved.errors > 3


def test_means_by_year_print_as_tables_53_and_57(nation, run):
    _, made = nation
    tables = {t.id: t for t in run.tables}
    checked = 0
    for p in made.planted:
        if p.statistic != "mean":
            continue
        got = tables[f"table-{p.table}"].value(p.row, p.column, "mean")
        assert got == pytest.approx(p.planted, abs=0.02 if p.table == 53 else 0.05)
        checked += 1
    assert checked == 48


def test_the_comparison_has_every_printed_cell_and_says_so(run):
    assert len({(c.table, c.row, c.column, c.statistic) for c in run.comparison}) == len(run.comparison) > 600
    assert {c.verdict for c in run.comparison} <= {"within", "outside", "size", "none"}
    assert all(c.says for c in run.comparison if c.verdict == "none")
    models = [c for c in run.comparison if c.statistic == "estimate" and not c.says and c.verdict != "none"]
    assert sum(c.verdict == "within" for c in models) / len(models) > 0.97


def test_both_runs_by_send_are_there_and_differ(run):
    tables = {t.id: t for t in run.tables}
    assert tables["table-55"].sample != tables["table-55-with-send"].sample
    assert tables["table-55"].cells != tables["table-55-with-send"].cells


def test_the_folder_is_whole_and_marked(run):
    held = files(run.out)
    assert {"manifest.json", "study.toml", "not-for-release/against.csv"} <= set(held)
    both = ("report.html", "tables.xlsx", "tables.ods", "tables/table-63.html", "tables/table-63.tex")
    assert {f"{folder}/{n}" for folder in ("released", "not-for-release") for n in both} <= set(held)
    assert {f"released/figures/figure-{n}.{form}" for n in range(9, 15) for form in ("csv", "svg", "png")} <= set(held)
    for name, content in held.items():
        if name.endswith((".html", ".csv")) and name.startswith(("released/", "not-for-release/tables")):
            assert (RELEASED if name.startswith("released/") else NOT_FOR_RELEASE) in content.decode(), name
    for folder, tables in (("released", run.cleared.tables), ("not-for-release", run.tables)):
        report = (run.out / folder / "report.html").read_text()
        assert report.count("<caption>") == len(tables) + 1
        assert report.count("<figure>") >= 6
    manifest = json.loads((run.out / "manifest.json").read_text())
    assert manifest["inputs"] and all(len(i["sha256"]) == 64 for i in manifest["inputs"])
    apart = json.loads((run.out / "not-for-release" / "manifest.json").read_text())
    assert set(apart["outputs"]) == set(held) - {"manifest.json", "study.toml", "not-for-release/manifest.json"}
    # Whoever knows all but a few figures of an exact file could try the rest until its hash comes out.
    assert {n for n in apart["outputs"] if not n.startswith("not-for-release/")} == set(manifest["outputs"])
    assert all("bytes" not in i for i in manifest["inputs"])


def test_a_small_group_is_refused_with_the_reason(run):
    refused = dict({t.id: t for t in run.tables}["table-56"].refused)
    assert "fewer than" in refused["all 4 years"]


def test_the_same_inputs_give_the_same_bytes_and_a_second_run_keeps_its_tables(nation, tmp_path):
    folder, _ = nation
    one, two = tmp_path / "one", tmp_path / "two"
    for out in (one, two):
        evaluate(folder / "study.toml", out, only=QUICK)
    assert files(one) == files(two)
    again = evaluate(folder / "study.toml", one, only=QUICK)
    assert again.kept == len(again.tables)
    assert files(one) == files(two)


def test_a_study_of_stata_and_spss_files_has_the_tables_of_the_same_in_parquet(nation, run, tmp_path):
    """The same bytes of every table, whatever program kept the extracts."""
    folder, _ = nation
    for n, path in enumerate(sorted([*folder.glob("npd/*.parquet"), *folder.glob("cin/*.parquet")])):
        table = pq.read_table(path)
        columns = {c: table[c].to_pylist() for c in table.column_names}
        target = tmp_path / path.parent.name / path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        if n % 3:
            short = {c: "long" for c in columns if pa.types.is_integer(table[c].type) and not c.startswith("Pupil")}
            write_stata(target.with_suffix(".dta"), columns, kinds=short)
        else:
            write_spss(target.with_suffix(".sav"), columns)
    study = (folder / "study.toml").read_text()
    plans = re.search(r"^plans = .*$", study, re.M)[0]
    (tmp_path / "study.toml").write_text(study.replace(plans, 'plans = ["cin/*"]'))
    made = evaluate(tmp_path / "study.toml", tmp_path / "out", only=QUICK)
    # Disclosure control looks at all tables of a run together, so the exact ones are compared.
    parquet, package = files(run.out), files(made.out)
    exact = [n for n in package if n.startswith("not-for-release/tables/")]
    assert len(exact) >= 12 and {n: parquet[n] for n in exact} == {n: package[n] for n in exact}


def test_a_stopped_run_goes_on(nation, tmp_path, monkeypatch):
    folder, _ = nation
    out = tmp_path / "out"

    def stop(text):
        if text.startswith("table-64"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        evaluate(folder / "study.toml", out, only=QUICK, progress=stop)
    assert not (out / "released").exists()
    done = evaluate(folder / "study.toml", out, only=QUICK)
    assert done.kept >= 2
    whole = tmp_path / "whole"
    evaluate(folder / "study.toml", whole, only=QUICK)
    assert files(out) == files(whole)


def figures(done):
    return {t.id: t.cells for t in done.tables if t.id != "flow"}


def test_row_order_splitting_csv_and_a_file_twice_change_nothing(nation, tmp_path):
    folder, _ = nation
    other = tmp_path / "data"
    shutil.copytree(folder, other)
    absence = pq.read_table(other / "npd" / "absence.parquet")
    (other / "npd" / "absence.parquet").unlink()
    order = pc.sort_indices(absence, [("AuthorisedAbsence_Annual", "descending")])
    absence = absence.take(order)
    half = absence.num_rows // 2
    pv.write_csv(absence.slice(0, half), other / "npd" / "absence_1.csv")
    pq.write_table(absence.slice(half), other / "npd" / "absence_2.parquet")
    shutil.copy(other / "cin" / "cin_2019.parquet", other / "cin" / "again_cin_2019.parquet")
    shutil.copy(other / "npd" / "exclusions.parquet", other / "npd" / "exclusions_again.parquet")
    for name in ("census", "ks1"):
        shutil.copy(other / "npd" / f"{name}.parquet", other / "npd" / f"{name}_again.parquet")
    names = ["table-55", "table-59", "table-53", "table-63", "flow"]
    twice = evaluate(other / "study.toml", tmp_path / "b", only=names)
    assert figures(twice) == figures(evaluate(folder / "study.toml", tmp_path / "a", only=names))
    flow = next(t for t in twice.tables if t.id == "flow")
    suspended = pc.sum(
        pc.is_in(pq.read_table(folder / "npd" / "exclusions.parquet")["Category"], pa.array(["FIXD", "SUSP"]))
    )
    again = "Pupils: Suspension records alike in pupil, year, category, first day and sessions, counted once"
    assert flow.value(again, "Number", "count") == suspended.as_py() > 0


def test_plans_from_census_returns_find_their_pupils_by_upn(nation, tmp_path, real):
    folder, _ = nation
    other = tmp_path / "data"
    shutil.copytree(folder, other)
    shutil.copy(real / "csc" / "cin_xml" / "CIN_Census_2021.xml", other / "cin" / "return.xml")
    links = pa.table({"UPN": ["A123456789123"], "PupilMatchingRefAnonymous": ["1"]})
    pv.write_csv(links, other / "links.csv")
    text = (other / "study.toml").read_text().replace('npd = "npd"', 'npd = "npd"\nlinks = "links.csv"')
    text = text.replace('plans = ["cin/*.parquet"]', 'plans = ["cin/*"]')
    (other / "study.toml").write_text(text)
    with_return = evaluate(other / "study.toml", tmp_path / "b", only=["flow"]).tables[0]
    without = evaluate(folder / "study.toml", tmp_path / "a", only=["flow"]).tables[0]
    row = "Plans: Records of plans received"
    assert with_return.value(row, "Number", "count") > without.value(row, "Number", "count")


def test_what_is_wrong_is_one_sentence(nation, tmp_path):
    folder, _ = nation
    with pytest.raises(BadSetting, match="no study file"):
        evaluate(tmp_path / "none.toml", tmp_path / "out")
    with pytest.raises(BadSetting, match="compared with 'report'"):
        evaluate(folder / "study.toml", tmp_path / "out", against="memory")
    (tmp_path / "study.toml").write_text("")
    with pytest.raises(NothingHeld, match="no folder of NPD extracts"):
        evaluate(tmp_path / "study.toml", tmp_path / "out")
    full = tmp_path / "full"
    full.mkdir()
    (full / "mine.txt").write_text("")
    with pytest.raises(SightlineError, match="holds something else"):
        evaluate(folder / "study.toml", full)
    assert [p.name for p in full.iterdir()] == ["mine.txt"]
    other = tmp_path / "data"
    shutil.copytree(folder, other)
    (other / "npd" / "ks4.parquet").write_bytes(b"PAR1 nonsense")
    with pytest.raises(UnreadableFile, match="not readable"):
        evaluate(other / "study.toml", tmp_path / "out2", only=["flow"])


def test_every_kind_of_table_can_be_explained():
    # One of each kind: the others differ only in plan, measure or stage.
    kinds = ["flow", "table-52", "table-53", "table-54", "table-55", "table-61", "table-62", "table-63", "table-71"]
    kinds += ["table-63-effects", "table-73", "poisson-absence-cin", "persistent-absence-cp", "collapsed-absence-cin"]
    kinds += ["did-engagement-cp", "multilevel-ks2-cin", "multilevel-ks4-cp", "many-tests", "churn-cin", "weekly"]
    words = ("event", "placebo", "resampling", "detectable", "unseen", "groups", "authorities", "choices")
    kinds += [f"{word}-{domain}-cin" for word in words for domain in ("engagement", "ks1")]
    assert set(kinds) <= {row["table"] for row in catalogue()}
    for name, told in zip(kinds, explain_each(kinds), strict=True):
        assert told["sample"] and told["estimator"], name
        if name.partition("-")[0] not in ("flow", "table"):
            assert told["formula"] and told["standard_errors"] and told["notes"] and told["in_the_report"], name


def test_a_study_may_ask_for_what_lies_beyond_and_for_one_table_of_it(nation, tmp_path):
    folder, _ = nation
    asked = {row["table"] for row in catalogue()}
    study = Study.read(folder / "study.toml")
    assert {j.spec.kind for j in jobs(study)} == {"report"}
    beyond = Study.from_toml('[outputs]\nsets = ["beyond"]')
    assert {j.id for j in jobs(beyond)} < asked and all(j.spec.kind == "beyond" for j in jobs(beyond))
    done = evaluate(folder / "study.toml", tmp_path / "out", only=["detectable-engagement-cin", "churn-cp"])
    assert [t.id for t in done.tables][:1] == ["detectable-engagement-cin"]


def test_a_nation_is_the_same_for_the_same_seed(tmp_path):
    for name in ("a", "b"):
        synthetic.synthesise_national(2_000, 9, tmp_path / name, more_plans=10)
    assert files(tmp_path / "a") == files(tmp_path / "b")
    with pytest.raises(BadSetting, match="not empty"):
        synthetic.synthesise_national(2_000, 9, tmp_path / "a")
    with pytest.raises(BadSetting, match="from 2,000"):
        synthetic.synthesise_national(10, 9, tmp_path / "c")
