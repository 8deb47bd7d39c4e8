"""Deprivation of the home and free school meals in six years, specified by small tables."""

from __future__ import annotations

from datetime import date

import pytest

from sightline.cohort import assemble_circumstances

ON = date(2024, 10, 3)
LINKS = """
    system | ref | child_id
    census | a   | A
    census | b   | B
    census | c   | C
    census | d   | D
    care   | e   | A
"""
DELIVERIES = """
    delivery | system | as_at      | received   | place
    old      | census | 2023-10-05 | 2023-11-01 | 0
    new      | census | 2024-10-03 | 2024-11-01 | 1
    social   | care   | 2024-10-03 | 2024-11-02 | 2
    lookup   | national |          | 2024-11-03 | 3
"""


@pytest.fixture
def circumstances(database, same):
    def run(columns, expect, **tables):
        with database(link=LINKS, delivery=DELIVERIES, **tables) as db:
            same(assemble_circumstances(db, ON).select(columns), expect)

    return run


def test_ever_6_comes_from_six_years_of_census_days_before_what_a_source_states(circumstances):
    """A was eligible within six years, B a day too long ago, C is stated and D stated too long ago to count."""
    circumstances(
        ["child_id", "fsm", "fsm_ever_6"],
        """
        child_id | fsm   | fsm_ever_6
        A        | false | true
        B        | true  |
        C        |       | false
        """,
        characteristic="""
            pupil_ref | as_at      | fsm   | fsm_ever_6 | system | delivery
            a         | 2018-10-04 | true  |            | census | old
            a         | 2024-10-03 | false | false      | census | new
            b         | 2018-10-03 | true  |            | census | old
            b         | 2024-10-04 | true  |            | census | new
            c         | 2024-01-18 |       | false      | census | new
            d         | 2023-10-03 |       | true       | census | old
        """,
    )


def test_six_years_of_censuses_that_name_a_child_and_never_as_eligible_say_no(circumstances):
    """B stands in six years' censuses, C in five; A's rows are what says that free meals were told of in each year."""
    years = range(2019, 2025)
    named = [f"{ref} | {year}-10-03 | | | census | old" for ref in "bc" for year in years if (ref, year) != ("c", 2021)]
    told = [f"a | {year}-10-03 | true | | census | old" for year in years]
    rows = "\n".join(["pupil_ref | as_at | fsm | fsm_ever_6 | system | delivery", *named, *told])
    circumstances(
        ["child_id", "fsm_ever_6"],
        """
        child_id | fsm_ever_6
        A        | true
        B        | false
        """,
        characteristic=rows,
    )


def test_a_home_is_placed_by_the_latest_sender_that_can_place_it(circumstances):
    """A moved: social care's newer postcode counts. B's area is given. C's postcode is in no look-up. D's area of 2021
    is in no index, so that of 2011 speaks. A file without an index of children hides no other edition."""
    circumstances(
        ["child_id", "lsoa", "lsoa_by", "idaci_edition", "idaci_rank", "idaci_decile", "idaci_score"],
        """
        child_id | lsoa      | lsoa_by  | idaci_edition | idaci_rank | idaci_decile | idaci_score
        A        | E01000002 | postcode | 2025          | 9          | 1            |
        B        | E01000001 | sender   | 2019          | 500        | 2            | 0.25
        D        | E01000003 | postcode | 2019          | 32844      | 10           | 0.01
        """,
        child="child_ref | postcode | system | delivery\ne | ZZ99 2BB | care | social",
        pupil="""
            pupil_ref | postcode | lsoa      | system | delivery
            a         | ZZ99 1AA |           | census | new
            b         | ZZ99 1AA | E01000001 | census | new
            c         | ZZ99 9ZZ |           | census | new
            d         | ZZ99 3CC |           | census | new
        """,
        postcode_area="""
            postcode | lsoa_2011 | lsoa_2021 | system   | delivery
            ZZ99 1AA | E01000001 | E01000001 | national | lookup
            ZZ99 2BB | E01000002 | E01000002 | national | lookup
            ZZ99 3CC | E01000003 | E01099999 | national | lookup
        """,
        deprivation="""
            lsoa      | lsoa_year | edition | idaci_rank | idaci_decile | idaci_score | idaci_children | delivery
            E01000001 | 2011      | 2019    | 500        | 2            |             |                | lookup
            E01000001 | 2011      | 2019    |            |              | 0.25        |                | lookup
            E01000001 | 2021      | 2025    |            |              |             | 40             | lookup
            E01000002 | 2011      | 2019    | 700        | 3            |             |                | lookup
            E01000002 | 2021      | 2025    | 9          | 1            |             |                | lookup
            E01000003 | 2011      | 2019    | 32844      | 10           | 0.01        |                | lookup
        """,
    )
