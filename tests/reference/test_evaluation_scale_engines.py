"""The linked data set is the same whether DuckDB or Spark makes it. Needs the extra 'spark' and Java; says so if absent."""

import importlib.util
import shutil

import pytest

from sightline import synthetic
from sightline.engine import Database
from sightline.operations.study.evaluate import evaluate

pytestmark = [
    pytest.mark.skipif(
        importlib.util.find_spec("pyspark") is None or shutil.which("java") is None,
        reason="Not run: Spark is not installed (the extra 'spark', and Java 17).",
    ),
    # Spark's own client leaves sockets open and says so with pandas of today.
    pytest.mark.filterwarnings("ignore"),
]
TABLES = ("exposure", "pupil_plan", "status", "pupil_year", "ks1_linked", "ks2_linked", "ks4_linked", "count")


def rows(out, name):
    """The number of rows of a linked table and a checksum of all its columns, by name."""
    place = out / "work" / "linked" / f"{name}.parquet"
    with Database() as database:
        database.add_parquet("t", sorted(place.glob("*.parquet")) if place.is_dir() else [place])
        columns = sorted(r[0] for r in database.rows("SELECT column_name FROM (DESCRIBE t)"))
        told = ", ".join(f'CAST("{c}" AS VARCHAR)' for c in columns)
        return columns, database.rows(f"SELECT count(*), sum(hash({told})) FROM t")[0]


def test_both_engines_give_the_same_tables(tmp_path):
    synthetic.synthesise_national(4_000, 5, tmp_path / "data", more_plans=20)
    study = tmp_path / "data" / "study.toml"
    plain = study.read_text()
    for engine in ("duckdb", "spark"):
        study.write_text(plain.replace("[data]", f'[data]\nengine = "{engine}"'))
        evaluate(study, tmp_path / engine, only=["flow"])
    for name in TABLES:
        assert rows(tmp_path / "duckdb", name) == rows(tmp_path / "spark", name), name
