"""The exceptions loop, reached with the scope of the person asking. What a person may decide is written once, here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from django.http import HttpRequest

from sightline import operations
from sightline.reconciliation import owner_named
from sightline.web import facts
from sightline.web.facts import Facts

# Those who may do everything to an exception; the others answer for what is their own.
ALL_DECISIONS = ("acknowledged", "explained", "returned", "withdrawn")
OWN_DECISIONS = ("acknowledged", "explained", "returned")
KEEPERS = frozenset({"data_officer", "virtual_school_head"})
# Whose exceptions a role may answer, besides a school its own.
ANSWERS_FOR = {"team_manager": "care-teams"}


def who(request: HttpRequest) -> str:
    """The name a decision is recorded under: the person's, and the account it was taken with."""
    user: Any = request.user
    return user.username if user.called == user.username else f"{user.called} ({user.username})"


def exceptions(held: Facts) -> pa.Table:
    """One row per exception this person may see, in whatever state, by due date (see `operations.exceptions`).

    A school sees what it owns, of its pupils with a plan; everybody else what is about children in their scope.
    """
    home, schools, today = facts.home(), held.access.schools, held.access.today

    def ask() -> pa.Table:
        rows = operations.exceptions(home, held.opened, held.scope, on=today, schools=schools, every=True)
        if schools is not None:
            rows = rows.filter(pa.array([owner_may_see(r) for r in rows.to_pylist()], pa.bool_()))
        return rows

    mark = operations.decisions_mark(home)
    return held.of_role(f"exceptions {mark} {today}", ask)


def exception(held: Facts, exception_id: str) -> dict[str, Any] | None:
    """One row of `exceptions`, or None where there is none that this person may see."""
    rows = exceptions(held)
    found = rows.filter(pc.equal(rows["exception_id"], exception_id)).to_pylist()
    return found[0] if found else None


def owner_may_see(row: Mapping[str, Any]) -> bool:
    return not operations.classes_of(row) - owner_named(row["owner"]).sees


def decisions_of(held: Facts, row: Mapping[str, Any]) -> tuple[str, ...]:
    """The decisions this person may take about an exception now."""
    role = held.access.role.key if held.access.role is not None else ""
    mine: tuple[str, ...]
    if role in KEEPERS:
        mine = ALL_DECISIONS
    elif held.access.schools is not None or ANSWERS_FOR.get(role) == row["owner"]:
        mine = OWN_DECISIONS
    else:
        return ()
    return tuple(d for d in mine if operations.may_be_decided(row["stage"], d))


def owner_in_words(owner: str, schools: Mapping[str, str]) -> str:
    """The name of an owner; for one school the school's."""
    if owner.startswith("school "):
        urn = owner.removeprefix("school ")
        return schools.get(urn, f"School {urn}")
    return owner_named(owner).name


def school_names(held: Facts) -> dict[str, str]:
    """The name of each school, by URN."""

    def ask() -> dict[str, str]:
        rows = held.opened.children.rows(
            "SELECT urn, arg_max(name, coalesce(place, 0)) FROM school LEFT JOIN delivery USING (delivery) "
            "WHERE name IS NOT NULL GROUP BY urn"
        )
        return {str(urn): str(name) for urn, name in rows}

    return held.chart("names of schools", ask)


def kept_back(held: Facts, rows: pa.Table) -> int:
    """How many open exceptions a keeper is not shown, since the children's records are not open to them any more."""
    role = held.access.role.key if held.access.role is not None else ""
    if role not in KEEPERS:
        return 0

    def ask() -> int:
        # Not those of a sealed child: nobody is told that there is one.
        rows = held.opened.database.rows("SELECT child_id FROM exception WHERE closed IS NULL")
        return sum(child not in held.access.sealed for (child,) in rows)

    every = held.chart("open exceptions", ask)
    return int(every) - pc.sum(pc.is_null(rows["closed"])).as_py() if rows.num_rows else int(every)
