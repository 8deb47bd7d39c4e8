"""A local authority's own study from its snapshots: counted against the home, and no child's identifier in any of it."""

import pyarrow.parquet as pq
import pytest

from sightline import operations, synthetic
from sightline.evaluation import Study, jobs
from sightline.operations import Home
from sightline.operations.opened import opened
from sightline.operations.study.evaluate import evaluate
from sightline.vocabulary.errors import BadSetting, NothingHeld

STUDY = """
name = "Our attendance officer started in January 2024"

[data]
home = "home"

[windows]
before = ["2021/22", "2022/23"]
after = ["2023/24"]

[groups]
least = 5
years_on_plan = [1]

[series]
start = 2024-01-08
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("local")
    synthetic.synthesise(300, 4, folder / "files")
    operations.receive(Home.open(folder / "home"), [folder / "files"], by="test")
    (folder / "study.toml").write_text(STUDY)
    return folder


@pytest.fixture(scope="module")
def done(place):
    return evaluate(place / "study.toml", place / "out", only=["flow", "table-53", "weekly"])


def test_sessions_are_those_of_the_registers(place, done):
    """Absence of the study's years by year, against the home's own weeks: no session lost, none counted twice."""
    held = pq.read_table(place / "out" / "work" / "home" / "absence.parquet").to_pylist()
    database = opened(Home.open(place / "home")).database
    for label, first, following in (
        ("2021/2022", "2021-09-01", "2022-09-01"),
        ("2023/2024", "2023-09-01", "2024-09-01"),
    ):
        mine = [r for r in held if r["AcademicYear"] in (label, f"{label[:5]}{label[-2:]}")]
        assert mine
        wanted = database.rows(
            "SELECT sum(possible), sum(authorised + unauthorised) FROM register_week "
            f"WHERE week BETWEEN DATE '{first}' - 6 AND DATE '{following}' - 7 AND possible > 0"
        )[0]
        sums = [sum(r["SessionsPossible_Annual"] for r in mine)]
        sums.append(sum(r["AuthorisedAbsence_Annual"] + r["UnauthorisedAbsence_Annual"] for r in mine))
        assert tuple(map(int, sums)) == tuple(map(int, wanted))


def test_key_stages_which_no_home_gives_leave_with_their_tables(place):
    listed = {job.id for job in jobs(Study.read(place / "study.toml"))}
    assert {"table-55", "weekly", "many-tests"} <= listed and not [n for n in listed if "ks" in n or n == "table-63"]
    with pytest.raises(
        BadSetting, match="leaves out what table-63 is about: an authority's own study has no key stages"
    ):
        evaluate(place / "study.toml", place / "none", only=["table-63"])
    asks = '[outcomes]\nks2 = ["maths"]'
    assert Study.from_toml(asks).outcomes.ks2 == ("maths",)
    with pytest.raises(BadSetting, match=r"outcomes\.ks2 asks for a key stage"):
        Study.from_toml(asks + '\n[data]\nhome = "home"')


def test_a_week_has_children_on_a_plan_beside_the_others(place, done):
    weeks = pq.read_table(place / "out" / "work" / "home" / "weekly.parquet").to_pylist()
    assert {w["Group"] for w in weeks} == {"Children on a plan", "Other children"}
    table = {t.id: t for t in done.tables}["weekly"]
    assert {"Children on a plan", "Other children", "Children on a plan less Other children"} <= set(table.columns)
    # Every week is after the first of the study's years and before the last one's end.
    assert min(w["Week"] for w in weeks).isoformat() >= "2021-08-26"
    assert max(w["Week"] for w in weeks).isoformat() < "2024-09-01"


def test_plans_reach_to_the_day_of_the_care_data_not_the_report_s(place, done):
    flow = next(t for t in done.tables if t.id == "flow")
    steps = {c.row: c.value for c in flow.cells}
    as_at = opened(Home.open(place / "home")).as_at
    assert any(f"{as_at.day} {as_at:%B %Y}" in step for step in steps)
    assert steps["The home: Pupils and years whose area's deprivation is not known"] > 0


def test_no_identifier_of_a_child_is_written(place, done):
    ids = {r[0] for r in opened(Home.open(place / "home")).database.rows("SELECT child_id FROM person")}
    upns = {r[0] for r in opened(Home.open(place / "home")).database.rows("SELECT upn FROM person WHERE upn <> ''")}
    assert ids and upns
    for path in (p for p in (place / "out").rglob("*") if p.is_file()):
        if path.suffix == ".parquet":
            table = pq.read_table(path)
            words = {v for c in table.columns for v in c.to_pylist() if isinstance(v, str)}
            assert not words & (ids | upns), path
        else:
            data = path.read_bytes()
            assert not any(i.encode() in data for i in list(ids)[:50] + list(upns)[:50]), path


def test_too_few_children_are_said_and_not_estimated(place, tmp_path):
    (place / "strict.toml").write_text(STUDY.replace("least = 5", "least = 500"))
    tables = evaluate(place / "strict.toml", tmp_path / "out", only=["table-55"]).tables
    assert "fewer than the 500" in dict(tables[0].refused)["at least 1 of the 3 years"]


def test_a_home_that_is_not_there_is_one_sentence(place, tmp_path):
    (tmp_path / "study.toml").write_text(STUDY)
    with pytest.raises(NothingHeld, match="no Sightline home"):
        evaluate(tmp_path / "study.toml", tmp_path / "out")
