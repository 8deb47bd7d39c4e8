"""What a list can be asked for: one kind of child, of move, of fault in a timetable."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind: its key in an address, its name, and exactly when it holds."""

    key: str
    name: str
    says: str
