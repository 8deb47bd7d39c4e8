"""Who a child is, who works with them and where they are on roll, specified by small tables."""

from sightline.cohort import assemble_allocations, assemble_enrolments, assemble_persons, describe_persons
from sightline.vocabulary.settings import Settings

GOOD, OTHER, WRONG, TEMPORARY = "X999000020001", "L999000020002", "Z999000020001", "A00000000000A"


def persons(db):
    db.add("described", describe_persons(db))
    return assemble_persons(db)


def test_for_each_field_the_latest_delivery_that_has_a_value(database, same):
    tables = {
        "delivery": """
            delivery | system        | as_at      | place
            s        | ssd           | 2024-01-01 | 3
            c1       | school-census | 2023-10-05 | 2
            c2       | school-census | 2024-05-16 | 1
        """,
        "child": "child_ref | surname | forename | sex | ethnicity | delivery\nA | Oakby | Wren | U | WBRI | s",
        "pupil": """
            pupil_ref | surname | forename | sex | ethnicity | postcode | birth_date | delivery
            P         | Ashby   | Finch    | F   | REFU      | ZZ9 9ZZ  | 2012-01-01 | c1
            P         | Elmby   |          |     | NOBT      |          |            | c2
        """,
        "identifier": f"""
            ref | kind | value      | system        | delivery
            A   | upn  | {OTHER}    | ssd           | s
            P   | upn  | {WRONG}    | school-census | c2
            P   | upn  | {TEMPORARY} | school-census | c2
            P   | upn  | {GOOD}     | school-census | c1
        """,
        "link": "system | ref | child_id\nssd | A | a\nschool-census | P | a\nmarks | M | m",
    }
    with database(**tables) as db:
        same(
            persons(db),
            f"""
            child_id | surname | forename | sex | ethnicity | postcode | birth_date | upn    | known_to_care
            a        | Elmby   | Wren     | F   | WBRI      | ZZ9 9ZZ  | 2012-01-01 | {GOOD} | true
            m        |         |          |     |           |          |            |        | false
            """,
        )


def test_no_well_formed_upn_is_no_upn(database, same):
    with database(
        child="child_ref\nA\nB", identifier=f"ref | kind | value\nA | upn | {WRONG}\nB | upn | {OTHER}"
    ) as db:
        same(persons(db), f"child_id | upn\nA |\nB | {OTHER}")


def test_one_worker_at_a_time_and_the_earlier_one_after_cover(database, same):
    """w2 covers a week for w1; w3 takes over for good although w1 was never closed. The manager is no social worker."""
    tables = {
        "involvement": """
            child_ref  | professional_ref | role    | is_social_worker | team_ref | start_date | end_date
            A          | w1               | CW      | true             | t1       | 2024-01-01 |
            A          | w2               | CW      | true             | t1       | 2024-02-01 | 2024-02-07
            A          | w3               | CW      | true             | t2       | 2024-03-01 |
            A          | m1               | Manager | false            | t1       | 2024-03-05 |
            referral:R | w1               | CW      | true             |          | 2024-01-01 | 2024-01-31
        """,
        "referral": "child_ref | referral_ref\nB | R",
        "professional": "professional_ref | name | team_ref\nw1 | Pat Alder | t9\nw3 | Sam Rowan |",
        "team": "team_ref | name\nt1 | North",
    }
    with database(**tables) as db:
        same(
            assemble_allocations(db, Settings()),
            """
            child_id | worker_ref | worker_name | team_name | start_date | end_date
            A        | w1         | Pat Alder   | North     | 2024-01-01 | 2024-02-01
            A        | w2         |             | North     | 2024-02-01 | 2024-02-08
            A        | w1         | Pat Alder   | North     | 2024-02-08 | 2024-03-01
            A        | w3         | Sam Rowan   | t2        | 2024-03-01 |
            B        | w1         | Pat Alder   | t9        | 2024-01-01 | 2024-02-01
            """,
        )
        same(
            assemble_allocations(db, Settings(social_worker_roles=("manager",))),
            "child_id | worker_ref | start_date | end_date\nA | m1 | 2024-03-05 |",
        )


def test_the_plans_own_worker_stands_in_only_where_no_involvement_touches_it(database, same):
    tables = {
        "cin_plan": """
            child_ref | start_date | end_date   | worker_ref | team_ref
            A         | 2023-01-01 | 2023-06-30 | w1         | t1
            A         | 2023-09-01 | 2023-09-01 | w3         | t1
            A         | 2024-01-01 |            | w1         | t1
        """,
        "involvement": "child_ref | professional_ref | is_social_worker | start_date\nA | w2 | true | 2024-02-01",
    }
    with database(**tables) as db:
        same(
            assemble_allocations(db, Settings()),
            """
            child_id | worker_ref | team_name | start_date | end_date
            A        | w1         | t1        | 2023-01-01 | 2023-07-01
            A        | w3         | t1        | 2023-09-01 | 2023-09-02
            A        | w2         |           | 2024-02-01 |
            """,
        )


CENSUSES = """
    delivery | system        | as_at      | place
    c1       | school-census | 2023-10-05 | 1
    c2       | school-census | 2024-01-18 | 2
    m        | marks         | 2024-02-09 | 3
"""
SCHOOLS = """
    urn    | laestab | name          | status | close_date | open_date
    100901 | 9992001 | Hollow School | Closed | 2023-12-31 | 1990-09-01
    100902 | 9992001 | Hollow Lane   | Open   |            | 2024-01-01
    100903 | 9992003 | Brook School  | Open   |            | 2001-09-01
"""


def test_registrations_from_one_census_to_the_next(database, same):
    """A stays; B has a leaving date; C is simply gone by the census of 18 January; D's school sent only the first."""
    tables = {
        "delivery": CENSUSES,
        "enrolment": """
            pupil_ref | school_ref | entry_date | leaving_date | year_group | status | boarder | delivery
            A         | 100903     | 2020-09-01 |              | 8          | C      | N       | c1
            B         | 100903     | 2020-09-01 |              | 9          | C      | B       | c1
            C         | 100903     | 2020-09-01 |              | 9          | C      | N       | c1
            D         | 100905     | 2020-09-01 |              | 9          | C      | N       | c1
            A         | 100903     | 2020-09-01 |              | 8          | C      | N       | c2
            B         | 100903     | 2020-09-01 | 2023-12-20   |            |        |         | c2
        """,
        "school": SCHOOLS,
    }
    with database(**tables) as db:
        same(
            assemble_enrolments(db),
            """
            child_id | urn    | start_date | end_date   | year_group | year_group_year | status | boarder | delivery
            A        | 100903 | 2020-09-01 |            | 8          | 2023            | C      | false   | c2
            B        | 100903 | 2020-09-01 | 2023-12-21 | 9          | 2023            | C      | true    | c2
            C        | 100903 | 2020-09-01 | 2024-01-18 | 9          | 2023            | C      | false   | c1
            D        | 100905 | 2020-09-01 |            | 9          | 2023            | C      | false   | c1
            """,
        )


def test_a_file_of_leavers_alone_ends_nobody_elses_registration(database, same):
    tables = {
        "delivery": CENSUSES,
        "enrolment": """
            pupil_ref | school_ref | entry_date | leaving_date | delivery
            A         | 100903     | 2020-09-01 |              | c1
            B         | 100903     | 2020-09-01 | 2023-12-20   | c2
        """,
    }
    with database(**tables) as db:
        same(assemble_enrolments(db), "child_id | end_date\nA |\nB | 2023-12-21")


def test_a_conversion_is_not_a_move_and_a_laestab_means_the_open_school(database, same):
    tables = {
        "delivery": CENSUSES,
        "enrolment": """
            pupil_ref | school_ref | entry_date | delivery
            A         | 100901     | 2020-09-01 | c1
            A         | 999/2001   | 2020-09-01 | c2
        """,
        "school": SCHOOLS,
        "school_link": "urn | link_urn | link_type\n100901 | 100902 | Successor\n100902 | 100901 | Predecessor",
    }
    with database(**tables) as db:
        same(assemble_enrolments(db), "child_id | urn | start_date | end_date\nA | 100902 | 2020-09-01 |")


def test_a_split_school_is_followed_by_nobody(database, same):
    tables = {
        "enrolment": "pupil_ref | school_ref | entry_date\nA | 100901 | 2020-09-01",
        "school": SCHOOLS,
        "school_link": "urn | link_urn | link_type\n100901 | 100902 | Successor - Split School\n100901 | 100903 | Successor - Split School",
    }
    with database(**tables) as db:
        same(assemble_enrolments(db), "child_id | urn\nA | 100901")


def test_marks_are_the_last_resort(database, same):
    """A is on roll, so marks add nothing. B is still marked when the school last sent; C no longer; D never could attend."""
    tables = {
        "delivery": CENSUSES,
        "enrolment": "pupil_ref | school_ref | entry_date | delivery\nA | 100903 | 2024-01-08 | c2",
        "attendance_week": """
            pupil_ref | school_ref | week       | possible | system | delivery
            A         | 9992003    | 2024-01-08 | 10       | marks  | m
            B         | 9992003    | 2024-01-08 | 10       | marks  | m
            B         | 9992003    | 2024-02-05 | 10       | marks  | m
            C         | 9992003    | 2024-01-15 | 10       | marks  | m
            D         | 9992003    | 2024-01-15 | 0        | marks  | m
        """,
        "school": SCHOOLS,
        "link": """
            system        | ref | child_id
            school-census | A   | A
            marks         | A   | A
            marks         | B   | B
            marks         | C   | C
            marks         | D   | D
        """,
    }
    with database(**tables) as db:
        same(
            assemble_enrolments(db),
            """
            child_id | urn    | start_date | end_date   | delivery | line
            A        | 100903 | 2024-01-08 |            | c2       | 1
            B        | 100903 | 2024-01-08 |            | m        | 3
            C        | 100903 | 2024-01-15 | 2024-01-22 | m        | 4
            """,
        )
