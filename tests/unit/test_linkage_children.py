"""Names of children: kept from snapshot to snapshot, through merges and splits; and the rate of matching."""

import pyarrow as pa
import pytest
from spec_tables import database

from sightline.engine import arrow_schema
from sightline.linkage import link
from sightline.linkage.clusters import Claim, name_children, new_child_id

U1 = "X999000020001"
CHILD = "child_ref | birth_date | sex\nA | 2012-03-04 | F"
PUPIL = f"pupil_ref | birth_date | sex\n{U1} | 2012-03-04 | F"
UPN = f"ref | kind | value\nA | upn | {U1}"


def ids(links):
    return {r["ref"]: r["child_id"] for r in links.link.to_pylist()}


def linked(previous=None, **tables):
    with database(**tables) as db:
        if previous is not None:
            db.add("previous_link", previous.link)
        return link(db)


def test_the_answer_has_the_vocabularys_schema_and_does_not_depend_on_order():
    first = linked(child=CHILD, pupil=PUPIL, identifier=UPN)
    assert first.link.schema == arrow_schema("link")
    assert first.doubt.schema == arrow_schema("link_doubt")
    assert ids(first) == {"A": new_child_id("ssd", "A"), U1: new_child_id("ssd", "A")}
    empty = linked()
    assert (empty.link.num_rows, empty.doubt.num_rows) == (0, 0)
    assert linked(empty, child=CHILD, pupil=PUPIL, identifier=UPN).link.equals(first.link)


def test_a_pupil_keeps_the_id_when_social_care_comes_later():
    alone = linked(pupil=PUPIL)
    both = linked(alone, child=CHILD, pupil=PUPIL, identifier=UPN)
    assert set(ids(both).values()) == {ids(alone)[U1]}
    # And when the link is undone, the part that holds the anchor keeps the id.
    apart = linked(both, child=CHILD, pupil=PUPIL)
    assert ids(apart)[U1] == ids(alone)[U1]
    assert ids(apart)["A"] != ids(alone)[U1]


def test_on_a_merge_the_id_seen_first_survives():
    two = linked(child=CHILD, pupil=PUPIL)
    assert len(set(ids(two).values())) == 2
    delivery = "delivery | place | system\nd1 | 2 | ssd\nd0 | 1 | school-census"
    pupil = f"pupil_ref | birth_date | sex | delivery\n{U1} | 2012-03-04 | F | d0"
    merged = linked(two, child=CHILD, pupil=pupil, identifier=UPN, delivery=delivery)
    assert set(ids(merged).values()) == {ids(two)[U1]}


def test_a_split_without_its_anchor_stays_with_the_oldest_record():
    anchors = [("ssd", "B"), ("ssd", "C"), ("wonde", "D")]
    names = name_children(anchors, [Claim(0, "x", (3, 0)), Claim(1, "x", (2, 1))])
    assert names == [new_child_id("ssd", "B"), "x", new_child_id("wonde", "D")]
    names = name_children(anchors, [Claim(0, "x", (3, 0), anchored=True), Claim(1, "x", (2, 1))])
    assert names[0] == "x"


def test_an_id_in_use_is_never_given_twice():
    """S kept an id made from R; when R comes back alone it needs another."""
    anchor = new_child_id("ssd", "R")
    names = name_children([("ssd", "R"), ("ssd", "S")], [Claim(1, anchor, (1, 1))])
    assert names == [new_child_id("ssd", "R", 1), anchor]


def test_temporary_tables_are_gone_and_the_database_can_be_linked_twice():
    with database(child=CHILD, pupil=PUPIL, identifier=UPN) as db:
        before = db.rows("SELECT table_name FROM duckdb_tables()")
        first = link(db)
        assert db.rows("SELECT table_name FROM duckdb_tables()") == before
        assert link(db).link.equals(first.link)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2)])
def test_rows_in_any_order_give_one_answer(order):
    child = ["A | 2012-03-04 | F", "B | 2012-03-04 | F", "C | 2013-03-04 | M"]
    upn = [f"A | upn | {U1}", f"B | upn | {U1}", "C | upn | L999000020002"]
    links = linked(
        child="child_ref | birth_date | sex\n" + "\n".join(child[i] for i in order),
        pupil=PUPIL,
        identifier="ref | kind | value\n" + "\n".join(upn[i] for i in order),
    )
    straight = linked(
        child="child_ref | birth_date | sex\n" + "\n".join(child),
        pupil=PUPIL,
        identifier="ref | kind | value\n" + "\n".join(upn),
    )
    assert links.link.equals(straight.link)
    assert links.doubt.equals(straight.doubt)
    assert isinstance(links.doubt, pa.Table)
