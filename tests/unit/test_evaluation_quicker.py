"""Codes looked up once each mean what they mean as text; the fewest pupils are counted among those a model takes."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from evaluation_data import CIN, linked, made, pupils

from sightline.engine import Database
from sightline.evaluation import Frame, Study, projection
from sightline.operations.study import study_inputs
from sightline.operations.study.study_inputs import received

CODES = {
    "PupilMatchingRefAnonymous": pa.array(["a1", " b'2", None, "", "c", "d"]),
    "AcademicYear": pa.array(["2017/2018", "2018/19", "201920", "2021", "soon", None]),
    "Gender": pa.array(["F", "m", "2", "1", "x'y", None]),
    "AgeAtStartOfAcademicYear": pa.array([4, 5, 6, 7, None, 9], pa.int8()),
    "EthnicGroupMajor": pa.array(["whit", " ASIA", "", None, "BLAC", "MIXD"]),
    "FSMeligible": pa.array([1, 0, None, 1, 2, 0], pa.int16()),
    "SENprovision": pa.array(["N", "", " k ", "E", None, "0"]),
    "IDACIScore": pa.array([0.1, 0.25, None, 0.333, 1e-7, 0.0]),
    "LA": pa.array([201, 202, None, 201, 203, 204], pa.int32()),
}


@pytest.mark.parametrize("few", [study_inputs.FEW, 2])
def test_codes_looked_up_mean_what_they_mean_as_text(tmp_path, monkeypatch, few):
    monkeypatch.setattr(study_inputs, "FEW", few)
    path = tmp_path / "census.parquet"
    pq.write_table(pa.table(CODES), path)
    with Database() as database:
        received(database, "census", (path,))
        by_code = database.query("SELECT * FROM census ORDER BY age NULLS FIRST")
        plain = projection("census", list(CODES), f"read_parquet('{path}')", path.name)
        by_row = database.query(f"SELECT * FROM ({plain}) ORDER BY age NULLS FIRST")
    assert by_code.equals(by_row)
    assert by_code["year"].to_pylist() == [None, 2017, 2018, 2019, 2020, None]


def test_the_fewest_pupils_are_counted_among_those_whose_rows_are_whole():
    rows = pupils()
    sample = np.unique(rows["pupil"][rows["on"] == 1])
    known = len(sample)
    least = {"least": known}
    assert made(linked(rows), "table-55", groups=least).value("N", "all 4 years", "N") == known
    idaci = np.where(rows["pupil"] == sample[0], np.nan, rows["idaci"])
    fewer = made(linked(rows | {"idaci": idaci}), "table-55", groups=least)
    assert "fewer than" in dict(fewer.refused)["all 4 years"] and f"{known - 1:,}" in dict(fewer.refused)["all 4 years"]


def test_a_group_counts_only_those_with_the_outcome_and_nothing_missing():
    rows = pupils()
    on = int((rows["on"] == 1).sum())
    lost = np.flatnonzero(rows["on"] == 1)[:5]
    idaci = rows["idaci"].copy()
    idaci[lost] = np.nan
    told = made(linked(rows | {"idaci": idaci}), "table-71", groups={"least": on})
    assert all(f"{on - 5:,} pupils in the group {CIN} with nothing missing" in why for _, why in told.refused)
    assert len(told.refused) == 3


def test_references_stand_in_one_order_as_numbers_and_as_text():
    """Random draws go by the order of pupils: an extract as text must give the figures of the same one as Parquet."""
    orders = []
    for kind in ("BIGINT", "VARCHAR"):
        with Database() as database:
            database.execute(
                "CREATE TABLE pupil_year AS SELECT CAST(n AS BIGINT) AS pupil FROM unnest([100, 20, 3, 9, 1000]) AS t(n)"
            )
            database.execute(f"ALTER TABLE pupil_year ALTER pupil TYPE {kind}")
            order = Frame(database, Study(), "all").by_pupil("p.")
            orders.append([int(p) for (p,) in database.rows(f"SELECT pupil FROM pupil_year AS p ORDER BY {order}")])
    assert orders == [[3, 9, 20, 100, 1000]] * 2
