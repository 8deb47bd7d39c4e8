"""An invented authority of forty children for the tests of pages, with a token of its own in each child's every text, and
of two more whom Early Help alone has: they are in no cohort, and nobody's but the Early Help manager's."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pyarrow as pa

from sightline.cohort import assemble_counted_periods, assemble_early_help
from sightline.engine import Database, arrow_schema
from sightline.linkage import match_rates
from sightline.operations import Opened
from sightline.vocabulary.attendance import counts, pack
from sightline.vocabulary.periods import academic_year, monday
from sightline.vocabulary.settings import Settings

AS_AT = date(2026, 10, 9)
CHILDREN = 40
HELPED_ONLY = (40, 41)
HELD = CHILDREN + len(HELPED_ONLY)
LOCALITIES = ("Northmere", "Southmere", "Eastmere")
TEAMS = ("team-1", "team-2", "team-3")
WORKERS = tuple(f"worker-{n}" for n in range(1, 7))
SCHOOLS = ("990001", "990002", "990003", "990004")
TRUST = "16001"
TRUST_SCHOOLS = (0, 1)
REVIEWERS = ("reviewer-1", "reviewer-2")
STATUSES = ("CIN plan", "CP plan", "CIN plan", "ended", "assessment")
HOLIDAY = (date(2026, 7, 20), date(2026, 9, 1))
# For each role, the scope it is usually given over, and over what.
ROLE_OVER = {
    "virtual_school_head": ("authority", ""),
    "officer": ("authority", ""),
    "data_officer": ("authority", ""),
    "team_manager": ("team", TEAMS[0]),
    "social_worker": ("own", WORKERS[0]),
    "service_manager": ("team", TEAMS[1]),
    "reviewing_officer": ("reviewing", REVIEWERS[0]),
    "school_lead": ("school", SCHOOLS[0]),
    "headteacher": ("school", SCHOOLS[0]),
    "trust_lead": ("trust", TRUST),
    "governor": ("authority", ""),
    "early_help_manager": ("early help", ""),
    "information_governance": ("nobody", ""),
    "administrator": ("nobody", ""),
}
# The roles that can open a page of children, and those that see figures alone or nobody.
BLIND = ("governor", "information_governance", "administrator")
SEEING = tuple(role for role in ROLE_OVER if role not in BLIND)
PASSWORD = "plum harbour anvil nine"


def child_id(n: int) -> str:
    return f"child-{n:03}"


def token(n: int, field: str) -> str:
    """Text that is found nowhere but in this field of this child."""
    return f"Tok{n:03}{field}"


def status_of(n: int) -> str:
    return STATUSES[n % len(STATUSES)]


def worker_of(n: int) -> int:
    return n % len(WORKERS)


def team_of(n: int) -> int:
    return worker_of(n) % len(TEAMS)


def school_of(n: int) -> int:
    return n % len(SCHOOLS)


def locality_of(n: int) -> str | None:
    """Where a child lives by the authority's own localities: nothing of every ninth, and the next outside them all."""
    return {7: None, 8: "Outside the localities"}.get(n % 9, LOCALITIES[n % len(LOCALITIES)])


def children(*, team: int | None = None, worker: int | None = None, school: int | None = None) -> set[int]:
    """The children of a team, a worker or a school, by number."""
    return {
        n
        for n in range(CHILDREN)
        if (team is None or team_of(n) == team)
        and (worker is None or worker_of(n) == worker)
        and (school is None or school_of(n) == school)
    }


def reviewed(reviewer: int = 0) -> set[int]:
    """The children whose reviews one officer chairs today."""
    return {n for n in range(CHILDREN) if n % 3 == 0 and n // 3 % len(REVIEWERS) == reviewer}


def with_early_help() -> set[int]:
    """The children who have Early Help today."""
    return {n for n in range(CHILDREN) if n % 5 in (0, 3)} | set(HELPED_ONLY)


def known_to_youth_justice() -> set[int]:
    """The children on the youth justice service's list today: one of them is on no plan any more."""
    return {1, 13, 15, 20}


def exploited() -> dict[int, str]:
    """The children of whom an assessment of this year names exploitation, with the factor."""
    return {1: "24A", 22: "11A"}


def seen_by() -> dict[str, set[int]]:
    """The children each role may open, by number, when it is given over what ROLE_OVER says."""
    everybody = set(range(CHILDREN))
    at_school = on_plan(children(school=0))
    return {
        "virtual_school_head": everybody,
        "officer": everybody,
        "data_officer": everybody,
        "team_manager": children(team=0),
        "service_manager": children(team=1),
        "social_worker": children(worker=0),
        "reviewing_officer": reviewed(),
        "school_lead": at_school,
        "headteacher": at_school,
        "trust_lead": on_plan(set().union(*(children(school=s) for s in TRUST_SCHOOLS))),
        "early_help_manager": with_early_help(),
        **{role: set() for role in BLIND},
    }


def on_plan(numbers: set[int]) -> set[int]:
    return {n for n in numbers if status_of(n) in {"CIN plan", "CP plan"}}


def _table(name: str, rows: list[dict[str, Any]]) -> pa.Table:
    schema = arrow_schema(name, stored=True)
    unknown = {key for row in rows for key in row} - set(schema.names)
    assert not unknown, f"{name} has no {unknown}"
    return pa.table({f.name: pa.array([row.get(f.name) for row in rows], f.type) for f in schema}, schema=schema)


def _marks(n: int, week: date) -> str:
    marks = []
    for slot in range(10):
        day = week + timedelta(days=slot // 2)
        code = "/" if slot % 2 == 0 else "\\"
        if (n + slot + week.toordinal() // 7) % 11 == 0:
            code = "I"
        if n % 7 == 3 and slot in (1, 6, 7):
            code = "O"
        marks.append(pack(code, day) or ".")
    return "".join(marks)


def exception_owner(n: int) -> str:
    """Who is asked about the exception of a child."""
    return f"school {SCHOOLS[school_of(n)]}" if n % 2 == 0 else ("care-teams" if n % 3 == 0 else "care-data")


def _exception(n: int) -> dict[str, Any]:
    """One exception about each child: a school's of its own register, or one between social care and a register."""
    owner, opened = exception_owner(n), AS_AT - timedelta(days=2 * n)
    of_school = owner.startswith("school")
    return {
        "exception_id": f"x{n:03}", "rule": "year-group" if of_school else "surname", "child_id": child_id(n),
        "urn": SCHOOLS[school_of(n)] if of_school else None, "what": "year group" if of_school else "surname",
        "system": "school-census" if of_school else "ssd", "owner": owner,
        "left_system": "school-census" if of_school else "ssd", "left_value": token(n, "left"),
        "left_delivery": "d-roll" if of_school else "d-care", "left_line": n + 2, "right_system": "school-census",
        "right_value": token(n, "right"), "right_delivery": "d-roll", "right_line": n + 2, "in_cohort": True,
        "parted": f"p{n}", "state": "new", "due_date": opened + timedelta(days=14), "opened": opened,
        "opened_at": f"{opened}T09:00:00+00:00", "opened_snapshot": "snapshot-1", "seen_snapshot": "snapshot-1",
        "times": 1,
    }  # fmt: skip


def tables() -> dict[str, pa.Table]:
    """The derived tables of the authority, and the few facts pages name things by."""
    received = AS_AT + timedelta(days=1)
    delivery = [
        {"delivery": key, "kind": kind, "system": system, "as_at": AS_AT, "received": received, "place": place}
        for place, (key, kind, system) in enumerate(
            (
                ("d-care", "Standard Safeguarding Dataset", "ssd"),
                ("d-roll", "School census", "school-census"),
                ("d-marks", "Session marks", "marks"),
                ("d-susp", "Suspensions", "suspensions"),
                ("d-gias", "Register of schools", "gias"),
                ("d-youth", "youth-justice", "youth-justice"),
            ),
            start=1,
        )
    ]
    school = [
        {"urn": urn, "name": f"Invented School {place}", "phase": "Primary" if place % 2 else "Secondary",
         "status": "Open", "delivery": "d-gias", "system": "gias", "line": place,
         "trust_ref": TRUST if place - 1 in TRUST_SCHOOLS else None,
         "trust_name": "Invented Trust" if place - 1 in TRUST_SCHOOLS else None}
        for place, urn in enumerate(SCHOOLS, start=1)
    ]  # fmt: skip
    person, period, allocation, enrolment, exclusion, register, link, finding = ([] for _ in range(8))
    involvement, early_help = [], []
    youth_justice, assessment, factor = [], [], []
    for n in range(HELD):
        me = {"child_id": child_id(n)}
        care = {"delivery": "d-care", "line": n + 2}
        person.append({
            **me, "surname": token(n, "surname"), "forename": token(n, "forename"), "upn": token(n, "upn"),
            "postcode": token(n, "postcode"), "ethnicity": token(n, "ethnicity"), "sex": "F" if n % 2 else "M",
            "birth_date": date(2026 - 6 - n % 9, 3, 1 + n % 28), "known_to_care": n not in HELPED_ONLY,
        })  # fmt: skip
        link.append({**me, "system": "ssd", "ref": token(n, "ref"), "evidence": "the same id", "probability": 1.0})
        if n < CHILDREN:
            finding.append({
                "delivery": "d-care", "rule": "date-order" if n % 2 else "birth-date", "severity": "query" if n % 4 else "error",
                "says": f"{token(n, 'says')} The plan ends before it starts.", "table": "cin_plan", "line": n + 2,
                "record": token(n, "ref"), "right": "a later day",
                "field": "end_date" if n % 10 else "Home postcode",
                "value": f"={token(n, 'value' if n % 10 else 'postcode')}",
            })  # fmt: skip
        status = status_of(n) if n not in HELPED_ONLY else None
        start = AS_AT - timedelta(days=3 + 11 * n)
        if status is not None:
            period.append({
                **me, **care, "status": "CIN plan" if status == "ended" else status,
                "start_date": start - timedelta(days=200) if status == "ended" else start,
                "end_date": start if status == "ended" else None, "presumed": False, "other_authority": False,
            })  # fmt: skip
            allocation.append({
                **me, **care, "worker_ref": WORKERS[worker_of(n)], "worker_name": f"Worker {worker_of(n) + 1}",
                "team_ref": TEAMS[team_of(n)], "team_name": f"Team {team_of(n) + 1}",
                "start_date": start - timedelta(days=30),
            })  # fmt: skip
        as_received = {"system": "ssd", "child_ref": token(n, "ref"), "delivery": "d-care", "line": n + 2}
        if n % 3 == 0 and status is not None:
            involvement.append({
                **as_received, "professional_ref": REVIEWERS[n // 3 % len(REVIEWERS)], "role": " iro",
                "start_date": start,
            })  # fmt: skip
        if n in with_early_help():
            early_help.append({
                **as_received, "episode_ref": token(n, "episode"), "start_date": AS_AT - timedelta(days=20),
                "reason": token(n, "helpwhy"), "organisation": token(n, "helpwho"),
            })  # fmt: skip
        else:
            early_help.append({
                **as_received, "start_date": date(2025, 1, 1), "end_date": date(2025, 3, 1),
            })  # fmt: skip
        if n in known_to_youth_justice():
            own = token(n, "yjref")
            link.append({**me, "system": "youth-justice", "ref": own, "evidence": "the same UPN", "probability": 1.0})
            youth_justice.append({
                "system": "youth-justice", "child_ref": own, "delivery": "d-youth", "line": n + 2,
                "upn": token(n, "upn"), "surname": token(n, "surname"), "forename": token(n, "forename"),
                "postcode": token(n, "postcode"), "start_date": AS_AT - timedelta(days=40), "involvement": "YC",
                "education_hours": 15.0,
            })  # fmt: skip
        if n in exploited():
            own = {"system": "ssd", "delivery": "d-care", "assessment_ref": token(n, "assessment"), "line": n + 2}
            assessment.append({**own, "child_ref": token(n, "ref"), "start_date": AS_AT - timedelta(days=90),
                               "end_date": AS_AT - timedelta(days=60)})  # fmt: skip
            factor.append({**own, "child_ref": f"assessment:{token(n, 'assessment')}", "factor": exploited()[n]})
        year = 1 + n % 11
        enrolment.append({
            **me, "urn": SCHOOLS[school_of(n)], "start_date": date(2025, 9, 1), "year_group": str(year),
            "year_group_year": 2026, "status": "C", "boarder": False, "delivery": "d-roll", "line": n + 2,
        })  # fmt: skip
        if n % 5 == 0:
            # A year ago elsewhere: what a school must not read of another.
            elsewhere = SCHOOLS[(school_of(n) + 1) % len(SCHOOLS)]
            enrolment.append({
                **me, "urn": elsewhere, "start_date": date(2024, 9, 1), "end_date": date(2025, 8, 1),
                "year_group": str(year), "year_group_year": 2024, "status": "C", "boarder": False,
                "delivery": "d-roll", "line": 900 + n,
            })  # fmt: skip
            exclusion.append({
                **me, "urn": elsewhere, "start_date": date(2025, 3, 3), "sessions": 77, "category": "SUSP",
                "reason1": "DB", "received": received, "delivery": "d-susp", "line": 900 + n,
            })  # fmt: skip
        if n % 4 == 0:
            exclusion.append({
                **me, "urn": SCHOOLS[school_of(n)], "start_date": AS_AT - timedelta(days=2), "sessions": 4,
                "category": "SUSP", "reason1": "VP", "received": received, "delivery": "d-susp", "line": n + 2,
            })  # fmt: skip
        week = monday(AS_AT - timedelta(weeks=24))
        while week <= AS_AT:
            if not HOLIDAY[0] <= week < HOLIDAY[1]:
                marks = _marks(n, week)
                got = counts(marks, week)
                register.append({
                    **me, "urn": SCHOOLS[school_of(n)], "week": week, "marks": marks, "possible": got.possible,
                    "authorised": got.authorised, "unauthorised": got.unauthorised, "approved": got.approved,
                    "late": got.late, "not_possible": got.not_possible, "delivery": "d-marks", "line": len(register) + 2,
                })  # fmt: skip
            week += timedelta(weeks=1)
    # A pupil whom no social care source knows, a line that names nobody, and a file as a whole.
    finding += [
        {
            "delivery": "d-roll", "rule": "upn-check-letter", "severity": "error", "says": f"{token(999, 'says')} is wrong.",
            "table": "pupil", "line": 77, "record": token(999, "ref"), "field": "upn", "value": token(999, "value"),
        },
        {
            "delivery": "d-roll", "rule": "long-row", "severity": "error", "says": "This row has 9 cells and the header 8.",
            "line": 78, "value": token(999, "value"),
        },
        {
            "delivery": "d-marks", "rule": "column-missing", "severity": "note", "says": "The file has no column House.",
            "value": "House",
        },
    ]  # fmt: skip
    # As the store keeps them: what is not named is empty text, and no line is line 0.
    finding = [
        {"line": 0, **dict.fromkeys(("table", "record", "field", "value", "right"), ""), **row} for row in finding
    ]
    # Two pairs of records that may be one child.
    doubt = [
        {"left_system": "ssd", "left_ref": token(n, "ref"), "right_system": "ssd", "right_ref": token(n + 1, "ref"),
         "step": "likeness", "why": "One child with probability 0.61: same surname", "probability": 0.61}
        for n in (0, 5)
    ]  # fmt: skip
    accuracy = [
        {"snapshot": "snapshot-1", "made": AS_AT, "day": AS_AT, "system": system, "children": CHILDREN, "agree": agree,
         "explained": 0, "asked": 1}
        for system, agree in (("ssd", CHILDREN - 1), ("school-census", CHILDREN - 4))
    ]  # fmt: skip
    exception = [_exception(n) for n in range(CHILDREN)]
    exception.append({**_exception(0), "exception_id": "x-school", "rule": "school-marks-late", "child_id": None,
                      "left_value": "no marks", "right_value": None, "in_cohort": None})  # fmt: skip
    history = [
        {"exception_id": row["exception_id"], "day": row["opened"], "at": row["opened_at"], "snapshot": "snapshot-1",
         "to_state": "new"}
        for row in exception
    ]  # fmt: skip
    years: dict[tuple[str, str, int], dict[str, Any]] = {}
    school_weeks: dict[tuple[str, date], dict[str, Any]] = {}
    for row in register:
        year = academic_year(row["week"])
        sums = years.setdefault(
            (row["child_id"], row["urn"], year), {"child_id": row["child_id"], "urn": row["urn"], "year": year}
        )
        whole = school_weeks.setdefault(
            (row["urn"], row["week"]), {"urn": row["urn"], "week": row["week"], "pupils": 0}
        )
        whole["pupils"] += 1
        for each in (sums, whole):
            for name in ("possible", "authorised", "unauthorised"):
                each[name] = each.get(name, 0) + row[name]
    return {
        "delivery": _table("delivery", delivery),
        "school": _table("school", school),
        "person": _table("person", person),
        "status_period": _table("status_period", period),
        "allocation": _table("allocation", allocation),
        "involvement": _table("involvement", involvement),
        "early_help": _table("early_help", early_help),
        "youth_justice": _table("youth_justice", youth_justice),
        "assessment": _table("assessment", assessment),
        "assessment_factor": _table("assessment_factor", factor),
        "enrolment_period": _table("enrolment_period", enrolment),
        "exclusion": _table("exclusion", exclusion),
        "locality_area": _table(
            "locality_area",
            [
                {"area": f"ZZ{place}", "kind": "district", "locality": name, "system": "localities", "line": place}
                for place, name in enumerate(LOCALITIES, start=2)
            ],
        ),
        "home_period": _table(
            "home_period",
            [
                {
                    "child_id": child_id(n),
                    "locality": locality_of(n) if n % 9 != 8 else None,
                    "delivery": "d-care",
                    "locality_by": "none" if n % 9 == 8 else "district",
                }
                for n in range(CHILDREN)
                if locality_of(n)
            ],
        ),
        "link": _table("link", link),
        "link_doubt": _table("link_doubt", doubt),
        "finding": _table("finding", finding),
        "accuracy": _table("accuracy", accuracy),
        "exception": _table("exception", exception),
        "exception_history": _table("exception_history", history),
        "register_week": _table("register_week", register),
        "register_year": _table("register_year", list(years.values())),
        "register_school_week": _table("register_school_week", list(school_weeks.values())),
    }


def opened(held: dict[str, pa.Table] | None = None, *, snapshot: str = "snapshot-1") -> Opened:
    """The authority as an open snapshot, who counts when made as a build makes it."""
    database = Database.of(held or tables())
    database.add("counted_period", assemble_counted_periods(database, Settings()))
    database.add("early_help_period", assemble_early_help(database))
    database.add("match_rate", match_rates(database, ("plan", "sex", "ethnicity"), on=AS_AT))
    return Opened(
        snapshot,
        database,
        Settings(),
        AS_AT,
        {"ssd": AS_AT, "school-census": AS_AT, "marks": AS_AT},
    )
