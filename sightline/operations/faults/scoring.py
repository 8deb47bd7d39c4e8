"""The exceptions of an invented authority, scored on the faults that were planted in its files."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from sightline.operations.opened import Opened
from sightline.reconciliation.score import Score, score
from sightline.sources.delimited import read_delimited
from sightline.vocabulary.errors import BadSetting

_FILES = ("faults", "refs")


def score_exceptions(opened: Opened, truth: Path) -> Score:
    """How many of the planted faults the exceptions of a snapshot find, and how many exceptions have such a cause.

    `truth`: the folder `truth` of an invented authority whose files the snapshot holds. Raises BadSetting where it is
    not one.
    """
    missing = [name for name in _FILES if not (truth / f"{name}.csv").is_file()]
    if missing:
        raise BadSetting(f"{truth} is not the folder truth of an invented authority: it has no {missing[0]}.csv.")
    return score(opened.database, **{name: _told(truth / f"{name}.csv") for name in _FILES})


def _told(path: Path) -> pa.Table:
    """A truth file, with empty text where there is nothing."""
    table = read_delimited(path, [])
    names = [n for n in table.column_names if n != "line"]
    return pa.table({n: pa.array([v or "" for v in table[n].to_pylist()], pa.string()) for n in names})
