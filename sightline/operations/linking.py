"""How well the records of children have been joined, and the model that joins those without a number."""

from __future__ import annotations

from datetime import date

import pyarrow as pa

from sightline import linkage
from sightline.operations.home import Home
from sightline.operations.opened import Opened, opened


def match_rate(opened: Opened, by: str, on: date) -> pa.Table:
    """One row per value of a group of the children on a plan or looked after on a day: how many were found in
    education, how many have marks, and how many links are likely to be missing (`linkage.match_rate_by`).

    Counts of groups, small ones too: for the people who mend the data, not for publication.
    """
    return linkage.match_rate_by(opened.database, by, on=on, settings=opened.settings)


def train_linkage(home: Home) -> linkage.Model:
    """Learn a model of linkage from the current snapshot and keep it in the home; later builds use it.

    Until there is one, each build learns from its own facts. Raises NothingHeld when nothing has been received.
    """
    model = linkage.learn(opened(home).database)
    model.save(home.model_path)
    return model
