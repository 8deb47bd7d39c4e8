"""A school or a team sees no child until its match rate reaches the bar: which are closed.

The rates are those of the snapshot in use (`operations.match_gates`). Social workers keep their own caseload, and the
authority's own roles see everyone: they are the people who put it right.
"""

from __future__ import annotations

from sightline.web import served
from sightline.web.people.models import Grant, ScopeKind

TEAM, SCHOOL = "team", "school"


def closed(kind: str, sealed: frozenset[str]) -> frozenset[str]:
    """The refs of the schools (URNs) or teams that see no child yet; sealed children are not counted."""
    return frozenset(gate.ref for gate in served.gates(sealed) if gate.kind == kind and not gate.is_open)


def is_open(grant: Grant, sealed: frozenset[str]) -> bool:
    """Whether a grant over a team or a school may show children yet; any other grant may."""
    match grant.scope:
        case ScopeKind.TEAM:
            return grant.team_ref not in closed(TEAM, sealed)
        case ScopeKind.SCHOOL:
            return grant.urn not in closed(SCHOOL, sealed)
    return True
