"""The helper that reads tables written as text."""

from datetime import date

import pytest


def test_a_table_is_read_and_its_provenance_filled(table):
    got = table(
        "cin_plan",
        """
        child_ref | start_date | end_date
        ----------+------------+---------
        A         | 2024-01-02 |
        """,
    ).to_pylist()
    assert len(got) == 1
    assert got[0]["start_date"] == date(2024, 1, 2)
    assert (got[0]["end_date"], got[0]["line"], got[0]["delivery"], got[0]["system"]) == (None, 1, "d1", "ssd")


def test_an_unknown_column_and_a_ragged_row_are_refused(table):
    with pytest.raises(ValueError, match="no column"):
        table("cin_plan", "child_ref | begun\nA | 2024-01-02")
    with pytest.raises(ValueError, match="does not fit"):
        table("cin_plan", "child_ref | start_date\nA")


def test_a_database_links_each_reference_to_itself(database, same):
    with database(cin_plan="child_ref | start_date\nA | 2024-01-02", pupil="pupil_ref\nP") as db:
        same(db.query("SELECT system, child_id FROM link"), "system | child_id\nssd | A\nschool-census | P")
        assert db.one("SELECT count(*) FROM delivery") == 1
        assert db.one("SELECT count(*) FROM cp_plan") == 0
