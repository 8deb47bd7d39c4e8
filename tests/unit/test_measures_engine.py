"""What the measures need of the engine, and the SQL that counts marks."""

from datetime import date, timedelta

import pytest

from sightline.engine import Database
from sightline.measures import marks
from sightline.vocabulary.attendance import counts
from sightline.vocabulary.codes import code_list, valid_codes

SETTING = "SELECT current_setting('disabled_optimizers')"


def test_every_connection_leaves_the_costly_optimiser_off():
    """DuckDB 2.0 aggregates below joins when it misjudges the number of groups: ten times the time and 8 GB."""
    with Database() as database:
        assert "partial_aggregate_pushdown" in database.one(SETTING)
        assert "partial_aggregate_pushdown" in database.cursor().one(SETTING)
        assert "partial_aggregate_pushdown" in database.cursor().cursor().one(SETTING)


def test_the_join_then_group_plan_aggregates_once(tmp_path):
    """The plan itself. When the second assertion fails, the engine no longer needs the setting: measure, and take it out."""
    with Database() as database:
        files = [tmp_path / "2023.parquet", tmp_path / "2024.parquet"]
        for file in files:
            database.write_parquet(
                "SELECT 'C' || (i // 40) AS child_id, i % 40 AS week, chr(65 + (i % 26)::INTEGER) AS code "
                "FROM range(4000) t(i)",
                file,
            )
        database.add_parquet("sessions", files)
        database.execute(
            "CREATE TABLE codes AS SELECT chr(65 + i::INTEGER) AS code, i % 4 AS class FROM range(26) t(i)"
        )
        explain = (
            "EXPLAIN SELECT child_id, year, count(*), sum(class) "
            "FROM (SELECT *, year(DATE '2023-09-04' + week::INTEGER) AS year FROM sessions) JOIN codes USING (code) "
            "GROUP BY child_id, year"
        )
        assert database.rows(explain)[0][1].count("Group By") == 1
        database.execute("SET disabled_optimizers = ''")
        assert database.rows(explain)[0][1].count("Group By") == 2


def test_each_code_is_counted_as_it_was_on_the_first_and_last_day_it_held():
    with Database() as database:
        for code in code_list("attendance"):
            first = code.valid_from or date(2010, 9, 6)
            last = (code.valid_to or date(2030, 9, 2)) - timedelta(days=1)
            for day in {max(first, date(2008, 9, 1)), last}:
                week, at = day - timedelta(days=day.weekday()), day.weekday()
                text = "." * (2 * at) + code.more["packed"]
                asked = ", ".join(marks.days_sql(c, "marks", "week") for c in marks.COUNTS)
                (row,) = database.rows(f"SELECT {asked} FROM (SELECT ? AS marks, ?::DATE AS week)", [text, week])
                wanted = counts(text, week)
                assert row == tuple(getattr(wanted, c) for c in marks.COUNTS), (code.code, day)


def test_classes_change_only_where_the_list_says_so():
    """D was attendance until September 2011. Every other packed mark has one class for all time."""
    assert marks.class_changes() == (date(2011, 9, 1),)


@pytest.mark.parametrize("count", marks.COUNTS)
def test_a_day_known_to_be_later_needs_no_choice(count):
    assert "CASE" not in marks.days_sql(count, "marks", "week", since=date(2017, 9, 1))


def test_no_two_codes_of_one_day_share_a_packed_mark():
    for day in (date(2011, 8, 31), date(2019, 9, 2), date(2021, 3, 1), date(2024, 8, 18), date(2024, 8, 19)):
        packed = [c.more["packed"] for c in valid_codes("attendance", day).values()]
        assert len(packed) == len(set(packed))
