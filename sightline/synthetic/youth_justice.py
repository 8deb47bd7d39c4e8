"""The youth justice service's list of the invented authority: few children, most of them on a plan."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pyarrow as pa

from sightline.engine import arrow_schema
from sightline.sources.base import Reading
from sightline.sources.youth_justice import KIND
from sightline.synthetic.faults import Truth
from sightline.synthetic.names import postcodes
from sightline.synthetic.people import day_number, day_of
from sightline.synthetic.registers import World
from sightline.synthetic.schools import AUTHORITY
from sightline.vocabulary.exploitation import YOUTH_JUSTICE

_AGES: Final = (12 * 365, 18 * 365)
_ON_PLAN, _OTHERS = 0.2, 0.002
"""Share of the young people of each group. Invented: no published figure gives the share of either."""
_LEAST: Final = 2  # of the first group, where there are so many
_KINDS: Final = ("PREV", "CR", "YC", "DIV", "YCC", "RO", "YRO")
_SHARES: Final = (0.24, 0.22, 0.12, 0.12, 0.08, 0.16, 0.06)
_LASTS: Final = 180  # days of a period
_HOURS: Final = (25.0, 15.0, 5.0, None)


def youth_justice_list(world: World, truth: Truth, random: np.random.Generator) -> Reading:
    """One row per period of a young person aged 12 to 17 known to the service in the year to the authority's last day.

    One in four is without a pupil number, and one in three was known before.
    """
    people, today = world.people, day_number(world.until)
    plans = [rows for status, rows in world.plans.items() if status != "assessment"]
    now = {int(i) for rows in plans for i, start, end in rows.tolist() if start <= today <= end}
    age = today - people.birth
    here = (age >= _AGES[0]) & (age < _AGES[1]) & (people.arrive <= today) & (people.leave >= today)
    planned = np.isin(np.arange(len(people)), sorted(now))
    picked = here & (random.random(len(people)) < np.where(planned, _ON_PLAN, _OTHERS))
    if np.count_nonzero(picked & planned) < _LEAST:  # a small authority shows both kinds too
        picked[np.flatnonzero(here & planned)[:_LEAST]] = True
    chosen = np.flatnonzero(picked)
    refs = [f"YJ{place:05d}" for place in range(1, len(chosen) + 1)]
    rows: list[dict[str, Any]] = []
    for n, (i, ref) in enumerate(zip(chosen.tolist(), refs, strict=True)):
        surname, forename = people.names(i)
        who = {
            "child_ref": ref,
            "upn": world.numbers.upn[i] if n % 4 else None,
            "surname": surname,
            "forename": forename,
            "birth_date": day_of(int(people.birth[i])),
            "sex": "F" if people.girl[i] else "M",
            "postcode": postcodes()[people.postcode[i]],
        }
        start = today - int(random.integers(5, _LASTS))
        periods = [(start, None)] if n % 3 else [(start - 2 * _LASTS, start - _LASTS), (start, None)]
        for begun, ended in periods:
            rows.append({
                **who,
                "start_date": day_of(begun),
                "end_date": day_of(ended) if ended is not None else None,
                "involvement": str(random.choice(_KINDS, p=_SHARES)),
                "education_hours": _HOURS[n % len(_HOURS)],
            })  # fmt: skip
    rows.sort(key=lambda row: (row["start_date"], row["child_ref"]))
    rows = [{**row, "line": line} for line, row in enumerate(rows, start=2)]
    truth.knows(YOUTH_JUSTICE, chosen, refs)
    table = pa.Table.from_pylist(rows, schema=arrow_schema("youth_justice"))
    until = world.until.isoformat()
    return Reading(KIND, YOUTH_JUSTICE, f"to {until}", KIND, AUTHORITY, until, {"youth_justice": table})
