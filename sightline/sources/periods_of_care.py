"""From single stays (episodes of the return, placements of the payload) to periods of being looked after."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

import pyarrow as pa

from sightline.sources.conform import conform

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Stay:
    """One stay of a child as received: its first and last day as text, and whether it says that care begins with it."""

    start: str | None
    end: str | None
    begins: bool = False
    line: int = 0


def periods(stays: Iterable[Stay]) -> list[Stay]:
    """One row per unbroken period of care, in order; `end` is None while it is open.

    A stay that starts on the last day of the one before, or the day after, continues it, unless it says that care
    begins anew with it and does not overlap. A stay whose start cannot be read stands alone, as received.
    """
    held = list(stays)
    days = _days([stay.start for stay in held]), _days([stay.end for stay in held])
    alone = [stay for stay, start in zip(held, days[0], strict=True) if start is None]
    # An end that cannot be read is kept as received, for `conform` to tell; the stay then ends nowhere.
    spans = sorted(
        ((start, end, stay) for stay, start, end in zip(held, *days, strict=True) if start is not None),
        key=lambda span: (span[0], span[1] or date.max, span[2].line),
    )
    made: list[Stay] = []
    until: date | None = None
    for start, end, stay in spans:
        begins = stay.begins and until is not None and start >= until
        if made and not begins and (until is None or start <= until + _DAY):
            if until is not None and (end is None or end > until):
                until = end
                made[-1] = Stay(made[-1].start, stay.end, made[-1].begins, made[-1].line)
        else:
            made.append(stay)
            until = end
    return made + alone


def _days(texts: list[str | None]) -> list[date | None]:
    rows = pa.table({"child_ref": ["x"] * len(texts), "end_date": pa.array(texts, pa.string())})
    days: list[date | None] = conform(rows.append_column("line", pa.nulls(len(texts), pa.int32())), "looked_after",
                                      findings=[])["end_date"].to_pylist()  # fmt: skip
    return days
