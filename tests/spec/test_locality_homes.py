"""Where a child lives by the authority's own localities, specified by small tables."""

from __future__ import annotations

import pytest

from sightline.cohort import assemble_homes

LINKS = """
    system | ref | child_id
    ssd    | a   | A
    ssd    | b   | B
    ssd    | c   | C
    ssd    | x   | X
    census | p   | A
    census | q   | C
    census | z   | Z
"""
DELIVERIES = """
    delivery | system     | as_at      | received   | place
    first    | census     | 2023-10-05 | 2023-11-01 | 0
    second   | census     | 2024-10-03 | 2024-11-01 | 1
    case     | ssd        | 2024-11-01 | 2024-11-02 | 2
    lookup   | national   |            | 2024-11-03 | 3
    model    | localities |            | 2024-11-03 | 4
"""
KNOWN = """
    child_id | status   | start_date
    A        | CP plan  | 2024-01-01
    B        | CIN plan | 2024-01-01
    C        | CIN plan | 2024-01-01
    X        | CIN plan | 2024-01-01
"""
MODEL = """
    area      | kind     | locality | system     | delivery
    ZZ1       | district | North    | localities | model
    ZZ1 2     | sector   | South    | localities | model
    ZZ1 2BB   | postcode | East     | localities | model
    E01000001 | lsoa     | West     | localities | model
    ZZ9       | district | Fens     | localities | model
"""
LOOKUP = """
    postcode | lsoa_2011 | lsoa_2021 | ward      | system   | delivery
    ZZ1 2AB  | E01000009 | E01000001 | E05000001 | national | lookup
    ZZ1 2BB  | E01000001 | E01000001 | E05000001 | national | lookup
    ZZ1 2CC  | E01000008 | E01000008 | E05000001 | national | lookup
    ZZ1 3AA  | E01000008 | E01000008 | E05000001 | national | lookup
    ZZ8 1AA  | E01000007 | E01000007 | E05000002 | national | lookup
"""


@pytest.fixture
def homes(database, same):
    def run(expect, columns=("child_id", "start_date", "end_date", "locality", "locality_by"), **tables):
        held = {"link": LINKS, "delivery": DELIVERIES, "status_period": KNOWN, "locality_area": MODEL, **tables}
        with database(**held) as db:
            same(assemble_homes(db).select(list(columns)), expect)

    return run


def addresses(*homes):
    rows = [f"a | {postcode} | {start} | {end} | ssd | case" for postcode, start, end in homes]
    return "\n".join(["child_ref | postcode | start_date | end_date | system | delivery", *rows])


def test_the_most_exact_area_places_a_home(homes):
    """A's addresses follow each other: a postcode goes before its LSOA, its sector and its district; the LSOA of 2021
    before that of 2011, which is in no locality. ZZ9 9ZZ is in no look-up, and placed all the same; ZZ8 1AA is known to
    lie outside; ZZ8 2AA is in no look-up, so its small area may be in any locality."""
    lived = ["ZZ1 2BB", "ZZ1 2AB", "ZZ1 2CC", "ZZ1 3AA", "ZZ9 9ZZ", "ZZ8 1AA", "ZZ8 2AA"]
    homes(
        """
        child_id | start_date | end_date   | locality | locality_by
        A        | 2024-01-01 | 2024-02-01 | East     | postcode
        A        | 2024-02-01 | 2024-03-01 | West     | lsoa
        A        | 2024-03-01 | 2024-04-01 | South    | sector
        A        | 2024-04-01 | 2024-05-01 | North    | district
        A        | 2024-05-01 | 2024-06-01 | Fens     | district
        A        | 2024-06-01 | 2024-07-01 |          | none
        A        | 2024-07-01 | 2024-08-02 |          |
        """,
        postcode_area=LOOKUP,
        home_address=addresses(*((p, f"2024-0{n}-01", f"2024-0{n + 1}-01") for n, p in enumerate(lived, start=1))),
    )


def test_a_model_of_postcodes_alone_needs_no_look_up(homes):
    homes(
        "child_id | locality_by\nA | none",
        ("child_id", "locality_by"),
        home_address=addresses(("ZZ8 2AA", "", "")),
        locality_area="area | kind | locality | delivery\nZZ1 | district | North | model",
    )


def test_a_ward_comes_after_a_sector_and_before_a_district(homes):
    model = """
        area      | kind     | locality | delivery
        ZZ1       | district | North    | model
        E05000001 | ward     | Ward     | model
        ZZ1 2     | sector   | South    | model
    """
    homes(
        """
        child_id | start_date | end_date   | locality | locality_by
        A        |            | 2024-06-01 | South    | sector
        A        | 2024-06-01 |            | Ward     | ward
        """,
        postcode_area=LOOKUP,
        locality_area=model,
        home_address=addresses(("ZZ1 2CC", "", "2024-05-31"), ("ZZ1 3AA", "2024-06-01", "")),
    )


def test_the_home_is_the_address_that_covers_the_day_and_else_what_was_told_last(homes):
    """A moved in June, the day both addresses name being the later one's. Before the first day of an address the census
    of the autumn before speaks; the one that came later says nothing over a dated address. From September no dated
    address is open, so that of the October before stands until the one of October tells another."""
    homes(
        """
        child_id | start_date | end_date   | locality
        A        |            | 2024-01-10 | Fens
        A        | 2024-01-10 | 2024-06-01 | North
        A        | 2024-06-01 | 2024-09-01 | South
        A        | 2024-09-01 | 2024-10-03 | Fens
        A        | 2024-10-03 |            | East
        """,
        ("child_id", "start_date", "end_date", "locality"),
        postcode_area=LOOKUP,
        home_address=addresses(("ZZ1 3AA", "2024-01-10", "2024-06-01"), ("ZZ1 2CC", "2024-06-01", "2024-08-31")),
        pupil="""
            pupil_ref | postcode | system | delivery
            p         | ZZ9 1AA  | census | first
            p         | ZZ1 2BB  | census | second
        """,
    )


def test_what_only_one_file_says_stands_for_every_day_and_an_area_a_roll_gives_will_do(homes):
    """B's only home is of no day. C's roll gives the small area and no postcode. X is known and has no home that is;
    Z is a pupil whom social care does not know, and is left alone."""
    homes(
        """
        child_id | start_date | end_date | locality | locality_by
        B        |            |          | North    | district
        C        |            |          | West     | lsoa
        """,
        child="child_ref | postcode | system | delivery\nb | ZZ1 9AA | ssd | case\nx | | ssd | case",
        pupil="""
            pupil_ref | postcode | lsoa      | system | delivery
            q         |          | E01000001 | census | second
            z         | ZZ1 1AA  |           | census | second
        """,
    )


def test_without_a_model_nobody_is_placed_and_nothing_is_kept(homes):
    homes(
        "child_id | locality",
        ("child_id", "locality"),
        locality_area="area | kind | locality | delivery",
        home_address=addresses(("ZZ1 3AA", "", "")),
    )
