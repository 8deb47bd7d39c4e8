"""A school or a team sees no child until its match rate reaches the bar: which are closed, and to whom that matters.

The rates are those of the snapshot in use (`operations.match_gates`). Social workers keep their own caseload, and the
authority's own roles see everyone: they are the people who put it right.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sightline.operations import Gate
from sightline.web.people.models import Grant, ScopeKind

if TYPE_CHECKING:
    from sightline.web.authz.access import Access

TEAM, SCHOOL = "team", "school"


def closed(kind: str) -> frozenset[str]:
    """The refs of the schools (URNs) or teams that see no child yet."""
    from sightline.web import facts  # facts itself is reached through access

    return frozenset(gate.ref for gate in facts.gates() if gate.kind == kind and not gate.is_open)


def is_open(grant: Grant) -> bool:
    """Whether a grant over a team or a school may show children yet; any other grant may."""
    match grant.scope:
        case ScopeKind.TEAM:
            return grant.team_ref not in closed(TEAM)
        case ScopeKind.SCHOOL:
            return grant.urn not in closed(SCHOOL)
    return True


def gates_of(access: Access) -> list[Gate]:
    """The gates of this person's own teams and schools, open or not."""
    from sightline.web import facts

    teams = {g.team_ref for g in access.grants if g.scope == ScopeKind.TEAM}
    schools = access.schools or frozenset()
    if not teams and not schools:
        return []
    return [g for g in facts.gates() if g.ref in (teams if g.kind == TEAM else schools)]


def closed_of(access: Access) -> list[Gate]:
    """Those of them that show this person no child yet."""
    return [g for g in gates_of(access) if not g.is_open]
