"""Each rule of reconciliation about workers and who a child is as small tables: what parts, and beside it what does not."""

from reconciliation_tables import compared, found

from sightline.vocabulary.identifiers import make_upn

# Workers


def test_workers():
    """A's worker has left every team. B is on a plan with nobody. C's worker is in a team. D's left
    with A's, and the involvement was ended on the day itself."""
    got = compared(
        "ABC",
        involvement="""
            child_ref | professional_ref | start_date | is_social_worker | delivery
            ----------+------------------+------------+------------------+---------
            A         | W1               | 2024-01-08 | true             | ssd
            C         | W2               | 2024-01-08 | true             | ssd
        """,
        professional="""
            professional_ref | name      | team_ref | delivery
            -----------------+-----------+----------+---------
            W1               | Ann Plume |          | ssd
            W2               | Bob Quill | T1       | ssd
        """,
        allocation="""
            child_id | worker_ref | worker_name | start_date | end_date   | delivery
            ---------+------------+-------------+------------+------------+---------
            A        | W1         | Ann Plume   | 2024-01-08 |            | ssd
            C        | W2         | Bob Quill   | 2024-01-08 |            | ssd
            D        | W1         | Ann Plume   | 2024-01-08 | 2024-11-23 | ssd
        """,
        status_period="""
            child_id | status   | start_date | delivery
            ---------+----------+------------+---------
            A        | CIN plan | 2024-01-08 | ssd
            B        | CIN plan | 2024-01-08 | ssd
            C        | CIN plan | 2024-01-08 | ssd
        """,
    )
    assert found(got, "worker-left") == [("A", "ssd", "Ann Plume, allocated now", "in no team")]
    assert found(got, "no-worker") == [("B", "ssd", "CIN plan from 2024-01-08", None)]


def test_worker_and_team_in_two_systems():
    """Two systems name different workers and teams for A, and one worker, spelt in two ways, for B."""
    got = compared(
        involvement="""
            child_ref | professional_ref | team_ref | start_date | is_social_worker | delivery
            ----------+------------------+----------+------------+------------------+---------
            A         | Ann Plume        | North    | 2024-01-08 | true             | c24
            A         | Bob Quill        | South    | 2024-02-05 | true             | ssd
            B         | ann plume        | North    | 2024-01-08 | true             | c24
            B         | Ann Plume        | north    | 2024-01-08 | true             | ssd
        """
    )
    assert found(got, "worker") == [("A", "cin-census", "Ann Plume", "Bob Quill")]
    assert found(got, "team") == [("A", "cin-census", "North", "South")]


# Who a child is


def test_names_birth_date_and_sex():
    """A parts in everything. B's name differs by an accent and a hyphen, and its sex is unknown to one system."""
    got = compared(
        child="""
            child_ref | surname    | forename | birth_date | sex | delivery
            ----------+------------+----------+------------+-----+---------
            A         | Plum       | Ada      | 2012-05-10 | F   | ssd
            B         | Zoe-Larrok | Renée    | 2012-05-10 | U   | ssd
        """,
        pupil="""
            pupil_ref | surname    | forename | birth_date | sex | delivery
            ----------+------------+----------+------------+-----+---------
            A         | Quince     | Adah     | 2012-10-05 | M   | sc
            B         | Zoe Larrok | Renee    | 2012-05-10 | M   | sc
        """,
        enrolment="""
            pupil_ref | school_ref | entry_date | delivery
            ----------+------------+------------+---------
            A         | 900001     | 2023-09-01 | sc
        """,
    )
    assert found(got, "surname") == [("A", "ssd", "Plum", "Quince")]
    assert found(got, "forename") == [("A", "ssd", "Ada", "Adah")]
    assert found(got, "birth-date") == [("A", "ssd", "2012-05-10", "2012-10-05")]
    assert found(got, "sex") == [("A", "ssd", "F", "M")]


def test_pupil_numbers():
    """The register's word on each: A has none in social care, B a malformed one, C that of D, D the right one, E an earlier
    one, F another well-formed one. G's school holds one that cannot be, and H is, four this autumn, in a nursery class."""
    got = compared(
        child="""
            child_ref | birth_date | delivery
            ----------+------------+---------
            A         | 2012-05-10 | ssd
            G         | 2012-05-10 | ssd
            H         | 2020-10-10 | ssd
        """,
        enrolment="""
            pupil_ref | school_ref | entry_date | delivery
            ----------+------------+------------+---------
            A         | 900001     | 2023-09-01 | sc
            H         | 900001     | 2024-09-01 | sc
        """,
        person="""
            child_id | birth_date | known_to_care
            ---------+------------+--------------
            A        | 2012-05-10 | true
            B        | 2012-05-10 | true
            C        | 2012-05-11 | true
            D        | 2012-05-12 | true
            E        | 2012-05-10 | true
            F        | 2012-05-10 | true
            G        | 2012-05-10 | true
            H        | 2020-10-10 | true
        """,
        identifier="""
            ref | kind       | value         | delivery
            ----+------------+---------------+---------
            A   | upn        | Y899200012001 | sc
            B   | upn        | B899200012002 | sc
            B   | upn        | A899200012002 | ssd
            C   | upn        | D899200012003 | sc
            C   | upn        | G899200012004 | ssd
            D   | upn        | G899200012004 | sc
            D   | upn        | G899200012004 | ssd
            E   | upn        | J899200012005 | sc
            E   | former_upn | L899200012006 | sc
            E   | upn        | L899200012006 | ssd
            F   | upn        | N899200012007 | sc
            F   | upn        | Q899200012008 | ssd
            G   | upn        | A899200012002 | sc
            H   | upn        | R899200012009 | sc
        """.replace("Y899200012001", upn(1)).replace("B899200012002", upn(2)).replace("D899200012003", upn(3))
        .replace("G899200012004", upn(4)).replace("J899200012005", upn(5)).replace("L899200012006", upn(6))
        .replace("N899200012007", upn(7)).replace("Q899200012008", upn(8)).replace("A899200012002", "!" + upn(2)[1:])
        .replace("R899200012009", upn(9)),
    )  # fmt: skip
    assert found(got, "upn-missing") == [
        ("A", "ssd", None, upn(1)),
        ("G", "ssd", None, f"!{upn(2)[1:]}, which is no sound number"),
    ]
    assert found(got, "upn-malformed") == [
        ("B", "ssd", "!" + upn(2)[1:], upn(2)),
        ("G", "school-census", "!" + upn(2)[1:], None),
    ]
    assert found(got, "upn-of-another") == [("C", "ssd", upn(4), upn(3))]
    assert found(got, "upn-former") == [("E", "ssd", upn(6), upn(5))]
    assert found(got, "upn-differs") == [("F", "ssd", upn(8), upn(7))]


def upn(serial: int) -> str:
    return make_upn("899", "2000", 2017, serial)


def test_duplicate_record():
    """A and B are two records of one name and birth date; C and D are twins."""
    got = compared(
        child="""
            child_ref | surname | forename | birth_date | delivery
            ----------+---------+----------+------------+---------
            A         | Plum    | Ada      | 2012-05-10 | ssd
            B         | Plum    | Ada      | 2012-05-10 | ssd
            C         | Quince  | Tom      | 2012-05-10 | ssd
            D         | Quince  | Tim      | 2012-05-10 | ssd
        """
    )
    assert found(got, "duplicate-record") == [("A", "ssd", "A", "B")]
