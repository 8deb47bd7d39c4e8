"""A table of ours as Parquet: passed on as it is when it is right, refused in a sentence when it is not."""

from datetime import date

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sightline.engine import arrow_schema
from sightline.sources import Context, Reading
from sightline.sources.intake import head
from sightline.sources.parquet import SOURCES, read, write, write_table
from sightline.vocabulary.errors import UnreadableFile

(PARQUET,) = SOURCES
WEEK = {
    "pupil_ref": "X1", "school_ref": "123456", "week": date(2024, 9, 2), "marks": "/\\/\\......", "possible": 4,
    "authorised": 0, "unauthorised": 0, "approved": 0, "late": 0, "not_possible": 0, "line": 1,
}  # fmt: skip


def weeks(**changes):
    return pa.Table.from_pylist([WEEK, {**WEEK, "pupil_ref": "X2", **changes}], schema=arrow_schema("attendance_week"))


def test_a_right_table_is_passed_on_as_the_file_it_is(tmp_path):
    path = write_table("attendance_week", weeks(), tmp_path / "marks.dat", system="marks")
    assert PARQUET.recognise(head(path))
    reading = read(path, Context())
    assert reading.files == {"attendance_week": path}
    assert (reading.system, reading.period, reading.as_at) == ("marks", "2024-09-02 to 2024-09-03", "2024-09-03")
    assert reading.tables == {} and reading.findings == []


def test_what_is_read_can_be_written_and_read_again(tmp_path):
    said = Reading(
        "x", "school-census", "spring 2025", "spring", "301", "2025-01-16", tables={"attendance_week": weeks()}
    )
    (first,) = write(said, tmp_path / "a.parquet")
    reading = read(first, Context())
    (second,) = write(reading, tmp_path / "b.parquet")
    again = read(second, Context())
    for field in ("kind", "system", "period", "covers", "authority", "as_at"):
        assert getattr(again, field) == getattr(reading, field)
    assert (reading.period, reading.authority) == ("spring 2025", "301")
    assert pq.read_table(second) == weeks()


def test_several_tables_go_to_a_folder(tmp_path):
    tables = {"attendance_week": weeks(), "identifier": arrow_schema("identifier").empty_table()}
    written = write(Reading("x", "marks", "", "", tables=tables), tmp_path)
    assert [p.name for p in written] == ["attendance_week.parquet", "identifier.parquet"]
    assert read(written[1], Context()).period == "no dates"


def test_two_files_of_different_rows_do_not_replace_each_other(tmp_path):
    one = write_table("attendance_week", weeks(), tmp_path / "1", system="marks")
    two = write_table("attendance_week", weeks(school_ref="100000"), tmp_path / "2", system="marks")
    assert read(one, Context()).covers != read(two, Context()).covers


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"week": date(2024, 9, 3)}, "In 1 rows week is not a Monday"),
        ({"marks": "/////"}, "not ten or fourteen"),
        ({"marks": "/////////?"}, "not ten or fourteen"),
        ({"pupil_ref": None}, "pupil_ref needs a value"),
    ],
)
def test_wrong_rows_are_refused(tmp_path, change, says):
    path = write_table("attendance_week", weeks(**change), tmp_path / "x", system="marks")
    with pytest.raises(UnreadableFile, match=says):
        read(path, Context())


def _raw(path, table, **metadata):
    pq.write_table(table.replace_schema_metadata(metadata), path)
    return path


def test_wrong_files_are_refused(tmp_path):
    named = {"sightline.table": "attendance_week", "sightline.system": "marks"}
    cases = [
        (weeks(), {"sightline.table": "delivery", "sightline.system": "marks"}, "says it holds 'delivery'"),
        (weeks(), {"sightline.table": "attendance_week"}, "does not say whose ids"),
        (weeks().drop_columns(["marks"]), named, "lacks marks"),
        (weeks().append_column("name", pa.array(["a", "b"])), named, "1 more than the table"),
        (weeks().set_column(2, "week", pa.array(["x", "y"])), named, "week date32"),
    ]
    for number, (table, metadata, says) in enumerate(cases):
        path = _raw(tmp_path / str(number), table, **metadata)
        with pytest.raises(UnreadableFile, match=says):
            read(path, Context())
    cut = tmp_path / "cut"
    cut.write_bytes((tmp_path / "0").read_bytes()[:-20])
    with pytest.raises(UnreadableFile, match="damaged"):
        read(cut, Context())


def test_another_parquet_file_is_not_taken_for_ours(tmp_path, real):
    assert not PARQUET.recognise(head(real / "education" / "lait" / "lait_cin_cp_absence_exclusions.parquet"))
    assert not PARQUET.recognise(head(_raw(tmp_path / "x", weeks())))
