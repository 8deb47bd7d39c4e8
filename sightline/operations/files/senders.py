"""Who sends and who has fallen silent (see `reconciliation.senders`)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

import pyarrow as pa

from sightline import reconciliation
from sightline.operations.opened import Opened


def senders(opened: Opened, *, on: date) -> pa.Table:
    """One row per system that sends: how far its data go and whether it is late on the day."""
    return reconciliation.senders(opened.database, settings=opened.settings, on=on)


def schools_sending(opened: Opened, *, on: date, but: Collection[str] = ()) -> pa.Table:
    """One row per school with a child of the cohort on its roll, or that sends marks: how far its marks and its census
    go and whether it is late or silent on the day. `but`: children who are not counted."""
    return reconciliation.schools_sending(opened.database, settings=opened.settings, on=on, but=but)
