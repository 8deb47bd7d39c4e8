"""What people decide about doubtful pairs, and that linkage obeys it: specified by small tables."""

import pytest

from sightline.linkage import decided, link

U1 = "X999000020001"  # made for these tests: right check letter, no real establishment
CARE, SCHOOL = ("ssd", "A"), ("school-census", "P")


def subject(left=CARE, right=SCHOOL):
    return decided.subject_of(decided.record_key(*left), decided.record_key(*right))


def told(*answers, pair=None):
    """Rows of `decision` as text: who, day, what, and whether a second reader was asked."""
    rows = [
        f"pair | {pair or subject()} | {what} | {who} | 2026-03-0{n}T09:00:00+00:00 | {owner}"
        for n, (who, what, owner) in enumerate(answers, 1)
    ]
    return "\n".join(["about | subject | decision | by | at | owner", *rows])


def linked(database, decisions=None, **tables):
    more = {"decision": decisions} if decisions else {}
    with database(**tables, **more) as db:
        links = link(db)
    rows = {r["ref"]: r for r in links.link.to_pylist()}
    return rows, [(d["left_ref"], d["right_ref"]) for d in links.doubt.to_pylist()]


# One UPN, and birth dates that differ: a pass cannot decide.
DOUBTFUL = {
    "child": "child_ref | birth_date | sex\nA | 2012-03-04 | F",
    "pupil": "pupil_ref | birth_date | sex\nP | 2012-07-09 | F",
    "identifier": f"ref | kind | value | system\nA | upn | {U1} | ssd\nP | upn | {U1} | school-census",
}


@pytest.mark.parametrize(
    ("answers", "one_child", "in_doubt"),
    [
        ([], False, True),
        ([("ana", "same child", "")], True, False),
        ([("ana", "different children", "")], False, False),
        ([("ana", "cannot tell", "")], False, True),
        # A second reader was asked: nothing holds until they have read, and a reader is not their own second.
        ([("ana", "same child", "second reader")], False, True),
        ([("ana", "same child", "second reader"), ("ana", "same child", "")], False, True),
        ([("ana", "same child", "second reader"), ("bel", "same child", "")], True, False),
        ([("ana", "same child", "second reader"), ("bel", "different children", "")], False, True),
        # The third settles it.
        (
            [("ana", "same child", "second reader"), ("bel", "different children", ""), ("cy", "same child", "")],
            True,
            False,
        ),
        # Nobody asked bel: what was decided stands, until it is reopened.
        ([("ana", "same child", ""), ("bel", "different children", "")], True, False),
        ([("ana", "same child", ""), ("cy", "reopened", "")], False, True),
        ([("ana", "same child", ""), ("cy", "reopened", ""), ("ana", "different children", "")], False, False),
    ],
)
def test_linkage_obeys_what_people_decided(database, answers, one_child, in_doubt):
    rows, doubts = linked(database, told(*answers) if answers else None, **DOUBTFUL)
    assert (rows["A"]["child_id"] == rows["P"]["child_id"]) is one_child
    assert doubts == ([("A", "P")] if in_doubt else [])
    if one_child:
        assert (rows["A"]["step"], rows["A"]["probability"]) == ("decided", 1.0)
        assert rows["A"]["evidence"].startswith("Decided by a person on 2026-03-0")


def test_a_pair_decided_apart_is_never_joined_by_any_way(database):
    """A and P agree in everything; so do a third record's numbers with both. A person says A is not P."""
    tables = {
        "child": "child_ref | birth_date | sex | system\nA | 2012-03-04 | F | ssd\nC | 2012-03-04 | F | cin-census",
        "pupil": "pupil_ref | birth_date | sex\nP | 2012-03-04 | F",
        "identifier": f"ref | kind | value | system\nA | upn | {U1} | ssd\nC | upn | {U1} | cin-census\n"
        f"P | upn | {U1} | school-census",
    }
    before, _ = linked(database, **tables)
    assert len({r["child_id"] for r in before.values()}) == 1
    after, doubts = linked(database, told(("ana", "different children", "")), **tables)
    assert after["A"]["child_id"] != after["P"]["child_id"]
    assert ("A", "P") not in doubts


def test_two_school_records_of_one_upn_can_be_decided_apart(database):
    tables = {
        "pupil": "pupil_ref | birth_date | sex\nP | 2012-03-04 | F\nQ | 2012-03-04 | F",
        "identifier": f"ref | kind | value | system\nP | upn | {U1} | school-census\nQ | upn | {U1} | school-census",
    }
    before, _ = linked(database, **tables)
    assert before["P"]["child_id"] == before["Q"]["child_id"]
    apart = told(("ana", "different children", ""), pair=subject(SCHOOL, ("school-census", "Q")))
    after, doubts = linked(database, apart, **tables)
    assert after["P"]["child_id"] != after["Q"]["child_id"]
    assert doubts == []


def test_two_records_of_one_care_system_are_one_child_where_a_person_says_so_and_still_meet_their_pupil(database):
    tables = {
        "child": "child_ref | birth_date | sex\nA | 2012-03-04 | F\nB | 2012-03-04 | F",
        "pupil": "pupil_ref | birth_date | sex\nP | 2012-03-04 | F",
        "identifier": f"ref | kind | value | system\nA | upn | {U1} | ssd\nP | upn | {U1} | school-census",
    }
    rows, _ = linked(database, told(("ana", "same child", ""), pair=subject(CARE, ("ssd", "B"))), **tables)
    assert len({r["child_id"] for r in rows.values()}) == 1


def test_decisions_that_contradict_each_other_join_nobody(database):
    """A is B and B is P, but A is not P."""
    tables = {
        "child": "child_ref | birth_date | system\nA | 2012-03-04 | ssd\nB | 2012-03-05 | cin-census",
        "pupil": "pupil_ref | birth_date\nP | 2012-03-06",
    }
    b = ("cin-census", "B")
    pairs = [(subject(CARE, b), "same child"), (subject(b, SCHOOL), "same child"), (subject(), "different children")]
    header, *_ = told().splitlines()
    rows = [f"pair | {pair} | {what} | ana | 2026-03-01T09:00:00+00:00 |" for pair, what in pairs]
    after, doubts = linked(database, "\n".join([header, *rows]), **tables)
    assert len({r["child_id"] for r in after.values()}) == 3
    assert sorted(map(sorted, doubts)) == [["A", "B"], ["B", "P"]]


def test_a_decision_about_a_record_nobody_holds_binds_nothing(database):
    away = told(("ana", "same child", ""), pair=subject(CARE, ("school-census", "gone")))
    rows, doubts = linked(database, away, **DOUBTFUL)
    assert rows["A"]["child_id"] != rows["P"]["child_id"]
    assert doubts == [("A", "P")]


def test_likeness_passes_over_a_pair_decided_apart_to_the_next_best(database):
    """Two pupils alike: the likelier is decided against, so the other is looked at as if it were alone."""
    tables = {
        "child": "child_ref | surname | forename | birth_date | sex | postcode\n"
        "A | Aldermoor | Wren | 2012-03-04 | F | ZZ1 1AA",
        "pupil": "pupil_ref | surname | forename | birth_date | sex | postcode\n"
        "P | Aldermoor | Wren | 2012-03-04 | F | ZZ1 1AA\nQ | Aldermoor | Wren | 2012-03-05 | F | ZZ1 1AA",
    }
    rows, _ = linked(database, **tables)
    assert rows["A"]["child_id"] == rows["P"]["child_id"]
    rows, _ = linked(database, told(("ana", "different children", "")), **tables)
    assert rows["A"]["child_id"] == rows["Q"]["child_id"]


@pytest.mark.parametrize(
    ("answers", "state", "outcome", "agreed"),
    [
        ([("ana", "same child", "")], "decided", "same child", None),
        ([("ana", "same child", "second reader")], "awaits a second reader", None, None),
        ([("ana", "same child", "second reader"), ("bel", "same child", "")], "decided", "same child", True),
        ([("ana", "same child", "second reader"), ("bel", "cannot tell", "")], "readers differ", None, False),
        (
            [("ana", "same child", "second reader"), ("bel", "cannot tell", ""), ("ana", "same child", "")],
            "readers differ",
            None,
            False,
        ),
        (
            [("ana", "same child", "second reader"), ("bel", "cannot tell", ""), ("cy", "different children", "")],
            "decided",
            "different children",
            False,
        ),
    ],
)
def test_the_states_of_a_review(table, answers, state, outcome, agreed):
    review = decided.reviews(table("decision", told(*answers)).to_pylist())[subject()]
    assert (review.state, review.outcome, review.agreed) == (state, outcome, agreed)


def test_the_key_of_a_record_is_the_same_in_both_languages(database):
    with database(child="child_ref\nA") as db:
        assert db.one(f"SELECT {decided.KEY_SQL} FROM (SELECT system, child_ref AS ref FROM child)") == (
            decided.record_key("ssd", "A")
        )


def test_a_record_received_later_makes_no_other_pair_of_an_old_one(database):
    """The census numbers pupils anew: its next collection holds the same pupil under an id that sorts before."""

    def pairs(*deliveries):
        pupils = "\n".join(f"{ref} | 2012-07-09 | F | {d}" for ref, d in deliveries)
        numbers = "\n".join(f"{ref} | upn | {U1} | school-census | {d}" for ref, d in deliveries)
        with database(
            child="child_ref | birth_date | sex | delivery\nA | 2012-03-04 | F | d1",
            pupil=f"pupil_ref | birth_date | sex | delivery\n{pupils}",
            identifier=f"ref | kind | value | system | delivery\nA | upn | {U1} | ssd | d1\n{numbers}",
            delivery="delivery | received | place\nd1 | 2024-01-01 | 0\nd2 | 2024-05-01 | 1",
        ) as db:
            return [(d["left_ref"], d["right_ref"]) for d in link(db).doubt.to_pylist()]

    assert pairs(("P", "d1")) == pairs(("P", "d1"), ("B", "d2")) == [("A", "P")]
