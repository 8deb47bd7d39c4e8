"""Which records are one child, specified by small tables."""

import pytest

from sightline.linkage import link

# Made for these tests: right check letters, no real establishment.
U1, U2, U3 = "X999000020001", "L999000020002", "A000000000000"
WRONG = "Z999000020001"


@pytest.fixture
def linked(database):
    """Link small tables; gives {(system, ref): a letter per child} and the doubts as (left, right, step, why)."""

    def run(child="child_ref", pupil="pupil_ref", identifier="ref | kind | value", **more):
        with database(child=child, pupil=pupil, identifier=identifier, **more) as db:
            links = link(db)
        names: dict[str, str] = {}
        rows = links.link.to_pylist()
        who = {r["ref"]: names.setdefault(r["child_id"], chr(97 + len(names))) for r in rows}
        doubts = [(d["left_ref"], d["right_ref"], d["step"], d["why"]) for d in links.doubt.to_pylist()]
        return who, doubts, {r["ref"]: (r["step"], r["evidence"]) for r in rows}

    return run


def one(who, *refs):
    return len({who[r] for r in refs}) == 1


def test_upn_confirmed_by_birth_date_and_sex(linked):
    who, doubts, says = linked(
        child="child_ref | birth_date | sex\nA | 2012-03-04 | F\nB | 2012-03-04 | F",
        pupil=f"pupil_ref | birth_date | sex\n{U1} | 2012-03-04 | F",
        identifier=f"ref | kind | value | system\nA | upn | {U1} | ssd\n{U1} | upn | {U1} | school-census",
    )
    assert one(who, "A", U1)
    assert not one(who, "A", "B")
    assert says["A"] == ("upn", "Same UPN; born the same day; same sex")
    assert says["B"][0] == "alone"
    assert doubts == []


@pytest.mark.parametrize(
    ("care", "school", "is_one", "why"),
    [
        ("2012-03-04 | F |  | ", "2012-03-04 | | |", True, ""),
        ("2012-03-04 | F |  | ", "2012-03-05 | F | |", False, "born on different days"),
        ("2012-03-04 | F |  | ", "2012-04-03 | F | |", False, "day and month are exchanged"),
        ("2012-03-04 | F | Aldermoor | Wren", "2012-03-04 | M | Aldermoor | Wren", True, ""),
        ("2012-03-04 | F | Aldermoor | Wren", "2012-03-04 | M | Aldermoor | Finch", False, "sex differs"),
        (" | F | Aldermoor | Wren", "2012-03-04 | F | ALDER-MOOR | Wren", True, ""),
        (" | F | Aldermoor | ", "2012-03-04 | F | Aldermoor | Wren", True, ""),
        (" | F | Aldermoor | Wren", "2012-03-04 | F | Aldermoor | Finch", False, "names differ"),
        (" | F | | ", "2012-03-04 | F | | ", False, "nothing else to confirm it"),
        (" | | | ", "2012-03-04 | F | Aldermoor | Wren", False, "nothing else to confirm it"),
    ],
)
def test_a_upn_alone_is_never_enough(linked, care, school, is_one, why):
    who, doubts, _ = linked(
        child=f"child_ref | birth_date | sex | surname | forename\nA | {care}",
        pupil=f"pupil_ref | birth_date | sex | surname | forename\n{U1} | {school}",
        identifier=f"ref | kind | value\nA | upn | {U1}",
    )
    assert one(who, "A", U1) is is_one
    assert [d[:3] for d in doubts] == ([] if is_one else [("A", U1, "upn")])
    assert all(why in d[3] for d in doubts)


def test_the_census_id_is_the_person_id_or_the_legacy_id_or_neither(linked):
    """101 is by accident also somebody else's person id; 102 agrees in birth date; 103 has nothing to confirm it."""
    who, doubts, says = linked(
        child="""
            child_ref | system     | birth_date | sex
            ----------+------------+------------+----
            101       | cin-census | 2010-01-01 | M
            102       | cin-census | 2011-01-01 | M
            103       | cin-census |            |
            P1        | ssd        | 2010-01-01 | M
            P2        | ssd        | 2011-01-01 | M
            P3        | ssd        | 2012-01-01 | F
            P9        | ssd        | 2015-05-05 | F
        """,
        identifier="""
            ref | kind      | value
            ----+-----------+------
            P1  | legacy_id | 101
            P2  | legacy_id | 102
            P3  | legacy_id | 103
            P9  | legacy_id | 999
            P9  | person_id | 101
        """,
    )
    assert one(who, "101", "P1")
    assert one(who, "102", "P2")
    assert not one(who, "103", "P3")
    assert says["101"] == ("legacy-id", "Same id of the authority; born the same day; same sex")
    # P9 has no partner in the census, so the accident stays in view.
    assert {d[:3] for d in doubts} == {("103", "P3", "legacy-id"), ("101", "P9", "la-child-id")}


def test_an_accident_of_numbering_is_silent_once_both_have_partners(linked):
    _, doubts, _ = linked(
        child="""
            child_ref | system     | birth_date | sex
            ----------+------------+------------+----
            1         | cin-census | 2010-01-01 | M
            2         | cin-census | 2011-01-01 | F
            P1        | ssd        | 2010-01-01 | M
            P2        | ssd        | 2011-01-01 | F
        """,
        identifier="""
            ref | kind      | value
            P1  | legacy_id | 1
            P2  | legacy_id | 2
            P1  | person_id | 2
            P2  | person_id | 1
        """,
    )
    assert doubts == []


def test_own_id_and_upn_together_outweigh_a_birth_date(linked):
    who, _, says = linked(
        child="child_ref | system | birth_date | sex\n7 | cin-census | 2010-01-02 | M\n8 | ssd | 2010-02-01 | M",
        identifier=f"ref | kind | value | system\n7 | upn | {U1} | cin-census\n8 | upn | {U1} | ssd\n8 | legacy_id | 7 | ssd",
    )
    assert one(who, "7", "8")
    assert says["7"][1] == "Same id of the authority; same UPN; born on different days; same sex"


def test_two_children_of_one_system_with_one_upn_are_never_guessed(linked):
    who, doubts, _ = linked(
        child="child_ref | birth_date | sex\nA | 2012-03-04 | F\nB | 2012-03-04 | F",
        pupil=f"pupil_ref | birth_date | sex\n{U1} | 2012-03-04 | F",
        identifier=f"ref | kind | value\nA | upn | {U1}\nB | upn | {U1}",
    )
    assert len({who["A"], who["B"], who[U1]}) == 3
    assert {d[:2] for d in doubts} == {("A", "B"), ("A", U1), ("B", U1)}
    assert any("Possibly one child twice in one system" in d[3] for d in doubts)


def test_first_names_settle_a_contest_between_twins(linked):
    who, doubts, _ = linked(
        child="child_ref | birth_date | sex | surname | forename\nA | 2012-03-04 | F | Oakby | Wren\nB | 2012-03-04 | F | Oakby | Lark",
        pupil=f"pupil_ref | birth_date | sex | surname | forename\n{U1} | 2012-03-04 | F | Oakby | Lark",
        identifier=f"ref | kind | value\nA | upn | {U1}\nB | upn | {U1}",
    )
    assert one(who, "B", U1)
    assert not one(who, "A", U1)
    assert [d[:2] for d in doubts] == [("A", "B")] or {d[:2] for d in doubts} == {("A", "B"), ("A", U1)}


def test_a_upn_shared_with_a_child_of_another_birth_date_stays_with_the_right_one(linked):
    who, doubts, _ = linked(
        child="child_ref | birth_date | sex\nA | 2012-03-04 | F\nB | 2014-07-07 | F",
        pupil=f"pupil_ref | birth_date | sex\n{U1} | 2012-03-04 | F",
        identifier=f"ref | kind | value\nA | upn | {U1}\nB | upn | {U1}",
    )
    assert one(who, "A", U1)
    assert [d[:2] for d in doubts] == [("A", "B")]
    assert "born on different days" in doubts[0][3]


def test_former_upn_and_several_school_records(linked):
    """A temporary number became a permanent one; marks carry nothing but the number."""
    who, doubts, says = linked(
        child="child_ref | birth_date | sex\nA | 2012-03-04 | F",
        pupil=f"""
            pupil_ref | system        | birth_date | sex
            {U1}      | school-census | 2012-03-04 | F
            {U2}      | school-census | 2012-03-04 | F
            {U2}      | marks         |            |
            w9        | wonde         | 2012-03-04 |
        """,
        identifier=f"""
            ref  | kind       | value | system
            A    | upn        | {U1}  | ssd
            {U1} | upn        | {U1}  | school-census
            {U2} | upn        | {U2}  | school-census
            {U2} | former_upn | {U1}  | school-census
            {U2} | upn        | {U2}  | marks
            w9   | upn        | {U2}  | wonde
        """,
    )
    assert one(who, "A", U1, U2, "w9")
    assert says[U1][0] in {"upn", "former-upn"}
    assert doubts == []


def test_a_wrong_upn_needs_proof_even_between_schools(linked):
    who, doubts, _ = linked(
        pupil=f"pupil_ref | system\nw1 | wonde\nm1 | marks\n{U1} | marks\nw2 | wonde",
        identifier=f"ref | kind | value | system\nw1 | upn | {WRONG} | wonde\nm1 | upn | {WRONG} | marks\nw2 | upn | {U1} | wonde",
    )
    assert not one(who, "w1", "m1")
    assert one(who, "w2", U1)
    assert [d[:3] for d in doubts] == [("m1", "w1", "upn")]


def test_marks_never_bridge_two_pupils_of_different_birth_dates(linked):
    who, _, _ = linked(
        pupil=f"pupil_ref | system | birth_date\nw1 | wonde | 2012-03-04\nw2 | wonde | 2013-03-04\n{U1} | marks |",
        identifier=f"ref | kind | value | system\nw1 | upn | {U1} | wonde\nw2 | upn | {U1} | wonde",
    )
    assert len(set(who.values())) == 3


def test_nhs_number_and_a_number_on_too_many_records(linked):
    many = "\n".join(f"w{i} | upn | {U3} | wonde" for i in range(50))
    who, doubts, says = linked(
        child="child_ref | system | birth_date | sex\nA | ssd | 2012-03-04 | F\nB | cin-census | 2012-03-04 | F",
        pupil="pupil_ref | system\n" + "\n".join(f"w{i} | wonde" for i in range(50)),
        identifier=f"ref | kind | value | system\nA | nhs_number | 9434765919 | ssd\nB | nhs_number | 9434765919 | cin-census\n{many}",
    )
    assert one(who, "A", "B")
    assert says["A"][0] == "nhs-number"
    assert len(doubts) == 49
    assert all("names nobody" in d[3] for d in doubts)


def test_a_number_of_a_schools_own_system_counts_only_at_that_school(linked):
    who, _, says = linked(
        pupil="""
            pupil_ref | system | birth_date | sex
            7         | marks  | 2012-03-04 | F
            w7        | wonde  | 2012-03-04 | F
            w8        | wonde  | 2012-03-04 | F
        """,
        identifier="ref | kind | value | system\n7 | mis_id | 7 | marks\nw7 | mis_id | 7 | wonde\nw8 | mis_id | 7 | wonde",
        enrolment="pupil_ref | school_ref | system\n7 | 999/2001 | marks\nw7 | 100901 | wonde\nw8 | 100902 | wonde",
        school="urn | laestab\n100901 | 9992001\n100902 | 9992002",
    )
    assert one(who, "7", "w7")
    assert not one(who, "7", "w8")
    assert says["7"][0] == "mis-id"


@pytest.mark.parametrize(
    ("number", "seen", "another", "is_one"),
    [
        (WRONG, "999/2001 | 2023-09-04 | 2024-07-22", "", True),  # not its check letter
        (f"{U1}7", "999/2001 | 2023-09-04 | 2024-07-22", "", True),  # a character too many
        (U1[:-1], "100901 | 2023-09-04 | 2024-07-22", "", True),  # one too few
        ("A99900002000B", "100901 | 2023-09-04 | 2024-07-22", "", True),  # temporary
        (WRONG, "100902 | 2023-09-04 | 2024-07-22", "", False),  # another school
        (WRONG, "100901 | 2021-09-06 | 2022-07-18", "", False),  # the year before the pupil came
        (WRONG, "100901 | 2023-09-04 | 2024-07-22", "2013-05-06 | F | Lark", False),  # two pupils there bear it
        (WRONG, "100901 | 2023-09-04 | 2024-07-22", "2012-03-04 | F | Lark", False),  # twins
        ("NOT YET KNOWN", "100901 | 2023-09-04 | 2024-07-22", "", False),
    ],
)
def test_marks_under_what_is_no_sound_upn_are_the_pupils_whom_the_school_has_under_it(
    linked, number, seen, another, is_one
):
    who, doubts, says = linked(
        pupil=f"""
            pupil_ref | system        | birth_date | sex | forename
            c1        | school-census | 2012-03-04 | F   | Wren
            c2        | school-census | {another or "2012-03-04 | F | Wren"}
        """,
        identifier=f"""
            ref | kind | value    | system
            c1  | upn  | {number} | school-census
            c2  | upn  | {number if another else U3} | school-census
            m   | upn  | {number} | marks
        """,
        enrolment="pupil_ref | school_ref | entry_date | leaving_date | system\n"
        "c1 | 9992001 | 2022-09-01 | | school-census\nc2 | 9992001 | 2022-09-01 | | school-census",
        presence=f"pupil_ref | school_ref | first_week | last_week | system\nm | {seen} | marks",
        school="urn | laestab\n100901 | 9992001\n100902 | 9992002",
    )
    assert one(who, "c1", "m") is is_one
    if is_one:
        assert says["m"] == ("mis-id", "Same malformed or temporary UPN at one school")
        assert doubts == []


def test_many_records_of_one_pupil_do_not_crowd_a_malformed_upn(linked):
    """Six years of censuses number a pupil anew at each collection."""
    refs = [f"c{n}" for n in range(18)]
    who, doubts, _ = linked(
        pupil="pupil_ref | birth_date | sex | system\n" + "\n".join(f"{r} | 2012-03-04 | F | wonde" for r in refs),
        identifier="ref | kind | value | system\n" + "\n".join(f"{r} | upn | {U1}7 | wonde" for r in refs),
    )
    assert one(who, *refs) and doubts == []


def test_one_id_for_two_people_in_one_file_is_linked_to_nobody(linked):
    who, doubts, _ = linked(
        child="child_ref | birth_date | sex\nA | 2012-03-04 | F",
        pupil=f"pupil_ref | birth_date | sex\n{U1} | 2012-03-04 | F\n{U1} | 2015-03-04 | F",
        identifier=f"ref | kind | value\nA | upn | {U1}",
    )
    assert not one(who, "A", U1)
    assert {d[:3] for d in doubts} == {("A", U1, "upn"), (U1, U1, "same-record")}


def test_a_reference_known_only_from_a_fact_is_a_record_too(linked):
    who, _, _ = linked(
        cin_plan="child_ref | start_date\nQ | 2024-01-01",
        attendance_week="pupil_ref | week | marks\nM | 2024-01-01 | ..........",
        involvement="child_ref | start_date\nreferral:R1 | 2024-01-01",
    )
    assert set(who) == {"Q", "M"}
