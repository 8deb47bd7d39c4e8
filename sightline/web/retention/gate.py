"""The gate of Ever 6: whom a role may be shown by name on a day, and on which recorded basis."""

from __future__ import annotations

import threading
from datetime import date, timedelta
from pathlib import Path

from django.conf import settings
from django.db.models import Q, QuerySet

from sightline.operations.keeping.lawful import Basis, Register
from sightline.operations.keeping.retention import months_before
from sightline.vocabulary.errors import BadSetting
from sightline.web.authz.matrix import ROLES, Role
from sightline.web.retention.models import Clock

_reading = threading.Lock()
_read: dict[Path, tuple[tuple[int, int], Register]] = {}


def register() -> Register:
    """The register of the home, read again when its file has changed. Raises BadSetting when it names no such role."""
    path = settings.SIGHTLINE_HOME / Register.NAME
    try:
        found = path.stat()
        stamp = (found.st_mtime_ns, found.st_size)
    except FileNotFoundError:
        return Register()
    with _reading:
        held = _read.get(path)
        if held is None or held[0] != stamp:
            held = (stamp, checked(Register.read(path)))
            _read[path] = held
    return held[1]


def checked(held: Register) -> Register:
    """The register, if every role it names is one of the permission matrix. Raises BadSetting."""
    unknown = sorted({role for basis in held.bases for role in basis.roles} - set(ROLES))
    if unknown:
        raise BadSetting(f"{Register.NAME} names the role {unknown[0]}, which is none of: {', '.join(ROLES)}.")
    return held


def bases(role: Role | None, on: date) -> tuple[Basis, ...]:
    """The bases on which people in a role may be shown Ever 6 children by name on a day."""
    return () if role is None else register().named(role.key, on)


def looked_back_to(role: Role | None, on: date) -> QuerySet[Clock]:
    """The children this role may be shown by name because they are Ever 6: none without a recorded basis."""
    reaches = Q(pk__in=[])
    for basis in bases(role, on):
        reaches |= Q(plan_ended__gt=months_before(on, basis.months_after_plan))
    return Clock.objects.filter(reaches, ever_6_until__gt=on)


def shown_by_name(role: Role | None, on: date) -> QuerySet[Clock]:
    """The children this role may be shown by name on a day: open to social care, just closed, or Ever 6 on a basis.

    Which of them a person sees is for the grants to say. A school's roles ask besides for a plan on the day, so that
    what is shared with a school ends with the plan.
    """
    closed_after = on - timedelta(days=settings.SIGHTLINE_CHOSEN.closing_days)
    now = Clock.objects.filter(Q(closed_on__isnull=True) | Q(closed_on__gt=closed_after))
    return now | looked_back_to(role, on)
