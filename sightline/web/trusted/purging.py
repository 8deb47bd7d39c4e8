"""Letting go of the trusted adults of children whose records were purged."""

from __future__ import annotations

from sightline.operations import Home
from sightline.operations.keeping.removals import PURGED, Removals
from sightline.web.trusted.models import TrustedAdult


def forget_purged(home: Home) -> int:
    """Delete the rows of children whose records were purged from the store; returns how many went.

    A child no snapshot holds may come back (a load was undone), and keeps its rows; only the record of removals says
    that a child's records went for good.
    """
    gone = set(TrustedAdult.objects.filter(child__held=False).values_list("child__child_id", flat=True))
    if not gone:
        return 0
    removals = Removals(home)
    last = removals.last()
    purged = [child for child in gone if last.get(removals.mark(child)) == PURGED]
    return TrustedAdult.objects.filter(child__child_id__in=purged).delete()[0]
