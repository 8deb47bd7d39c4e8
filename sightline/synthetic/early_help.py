"""The list that Early Help keeps of pupils whom social care has never had: who is on it, since when, and with whom."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

import numpy as np
import pyarrow as pa

from sightline.engine import arrow_schema
from sightline.sources import early_help as source
from sightline.sources.base import Reading
from sightline.synthetic.care import Care
from sightline.synthetic.people import day_number, day_of
from sightline.synthetic.school_tables import SchoolSystems, table_of
from sightline.synthetic.schools import AUTHORITY
from sightline.vocabulary.periods import academic_year

_SHARE: Final = 0.02  # of pupils on roll, who have begun an episode in the two school years to the day
_OPEN: Final = 0.6  # of these, who have it still
_LASTS: Final = (60, 300)  # days
_PRACTITIONERS: Final = ("Wenna Marlox", "Tobin Frarn", "Asha Woldric", "Perrin Lindov", "Greta Holmwic", "Sol Averwin")
_TEAMS: Final = ("Family help north", "Family help south", "School-led early help")
_REASONS: Final = ("School attendance", "Family support", "Behaviour at home", "Young carer", "Housing")


def early_help_list(systems: SchoolSystems, care: Care, until: date, random: np.random.Generator) -> Reading:
    """One row per episode, in the order they began, of pupils on roll on the day whom no referral ever named: those who
    step down from a plan are in the case system's own table. It draws from a stream of its own, so that nothing else of
    the authority depends on it."""
    world, today = systems.world, day_number(until)
    e = world.enrolments
    here = np.unique(e.person[(e.start <= today) & (e.end >= today) & ~e.subsidiary])
    unknown = here[~np.isin(here, np.array(sorted(care.episodes), dtype=here.dtype))]
    chosen = np.sort(random.choice(unknown, max(1, round(_SHARE * len(here))), replace=False))
    first = day_number(date(academic_year(until) - 1, 9, 1))
    start = random.integers(first, today, size=len(chosen))
    is_open = random.random(len(chosen)) < _OPEN
    end = np.minimum(start + random.integers(*_LASTS, size=len(chosen)), today - 1)
    team = random.integers(len(_TEAMS), size=len(chosen))
    worker = random.integers(len(_PRACTITIONERS), size=len(chosen))
    why = random.integers(len(_REASONS), size=len(chosen))
    refs = [f"EH{i:06d}" for i in chosen.tolist()]
    systems.truth.knows(source.SYSTEM, chosen, refs)
    rows: list[dict[str, Any]] = []
    for line, n in enumerate(np.argsort(start, kind="stable").tolist(), start=2):
        closed = bool(not is_open[n] and end[n] > start[n])
        rows.append({
            "child_ref": refs[n],
            "episode_ref": f"EHE{line:05d}",
            "start_date": day_of(int(start[n])),
            "end_date": day_of(int(end[n])) if closed else None,
            "reason": _REASONS[why[n]],
            "end_reason": "Needs met" if closed else None,
            "organisation": _TEAMS[team[n]],
            "worker_ref": _PRACTITIONERS[worker[n]],
            "line": line,
        })  # fmt: skip
    upns = [systems.upn[int(i)] for i in chosen.tolist()]
    kept = [n for n, upn in enumerate(upns) if upn]
    return Reading(
        kind=source.KIND,
        system=source.SYSTEM,
        period=f"to {until.isoformat()}",
        covers=source.KIND,
        authority=AUTHORITY,
        as_at=until.isoformat(),
        tables={
            "early_help": pa.Table.from_pylist(rows, schema=arrow_schema("early_help")),
            "child": table_of("child", {"child_ref": pa.array(refs)} | systems.pupil_columns(chosen)),
            "identifier": table_of("identifier", {
                "ref": pa.array([refs[n] for n in kept]), "kind": pa.array(["upn"] * len(kept)),
                "value": pa.array([upns[n] for n in kept]),
            }),
        },
    )  # fmt: skip
