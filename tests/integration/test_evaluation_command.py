"""The commands of the evaluation, as a person types them."""

import json
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from sightline import cli  # noqa: F401  Importing registers the commands.
from sightline.cli.app import app
from sightline.cli.evaluate import _refusals

run = CliRunner()


@pytest.fixture(scope="module")
def nation(tmp_path_factory):
    folder = tmp_path_factory.mktemp("command") / "nation"
    done = run.invoke(
        app, ["synthesise", "--national", "--pupils", "3000", "--more-plans", "30", "--out", str(folder), "--json"]
    )
    assert done.exit_code == 0, done.output
    return folder


def test_a_table_beside_the_report(nation, tmp_path):
    out = str(tmp_path / "out")
    words = [
        "evaluate",
        str(nation / "study.toml"),
        "--only",
        "table-55",
        "--against",
        "report",
        "--out",
        out,
        "--json",
    ]
    done = run.invoke(app, words)
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert [t["id"] for t in told["tables"]] == ["table-55"]
    assert len(told["comparison"]) == 24


def test_the_screen_says_where_what_may_be_released_lies(nation, tmp_path):
    done = run.invoke(app, ["evaluate", str(nation / "study.toml"), "--only", "flow", "--out", str(tmp_path / "o")])
    assert done.exit_code == 0
    assert "Released after disclosure control: 1 tables" in done.output
    assert "must not leave the secure room" in done.output


def test_listing_and_explaining_need_no_study():
    listed = json.loads(run.invoke(app, ["evaluate", "--list", "--json"]).stdout)
    assert len(listed) >= 33
    told = json.loads(run.invoke(app, ["evaluate", "--explain", "table-63", "--json"]).stdout)
    assert told["standard_errors"] == "model, delta method" and told["formula"].startswith("Pr(reached)")


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["evaluate"], 5, "Give a study file"),
        (["evaluate", "nowhere.toml"], 5, "no study file"),
        (["evaluate", "--explain", "table-99"], 5, "There is no table"),
        (["synthesise", "--national", "--pupils", "500", "--out", "never-made"], 5, "from 2,000"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(words, code, says):
    done = run.invoke(app, words)
    assert done.exit_code == code
    assert says in done.output


def test_options_of_the_two_inventions_do_not_mix(tmp_path):
    for words in (["--national", "--until", "2024-01-01"], ["--more-plans", "2"], ["--pupils", "300000"]):
        done = run.invoke(app, ["synthesise", "--out", str(tmp_path / "x"), *words])
        assert done.exit_code == 2
    assert not (tmp_path / "x").exists()


def test_many_refusals_are_told_by_reason_and_not_one_by_one():
    few = SimpleNamespace(id="table-55", refused=[("all 4 years", "7 pupils; too few.")])
    assert _refusals(SimpleNamespace(tables=[few])) == [
        "table-55, all 4 years: not estimated, because 7 pupils; too few."
    ]
    many = [
        SimpleNamespace(id=f"t-{n}", refused=[(c, "7 pupils") for c in "abc"] + [("d", f"why {n}")]) for n in range(30)
    ]
    lines = _refusals(SimpleNamespace(tables=many))
    assert lines[0] == "Not estimated, 90 times, because 7 pupils: t-0, t-1, t-2 and 27 more."
    assert len(lines) == 21 and lines[-1] == "Not estimated for other reasons, 11 times: each table says why."
