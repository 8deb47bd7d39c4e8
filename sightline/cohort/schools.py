"""Which school a sender means: by URN or LAESTAB, through conversions to the school that took over."""

from __future__ import annotations

import re

import pyarrow as pa

from sightline.cohort.words import RANKED, latest
from sightline.engine import Database


def school_names(database: Database) -> pa.Table:
    """One row per way of naming a school (URN, LAESTAB with and without its stroke): name, urn.

    A closed school with exactly one successor is the successor, so that becoming an academy is not a move. A split is
    followed by nobody. Where schools share a LAESTAB the open one is meant, then the one opened last.
    """
    rows = database.rows(
        f"""
        WITH {RANKED}
        SELECT s.urn, {latest("s.laestab", "coalesce(r.word, 0)")}, {latest("s.status", "coalesce(r.word, 0)")},
            {latest("s.close_date", "coalesce(r.word, 0)")}, {latest("s.open_date", "coalesce(r.word, 0)")}
        FROM school s LEFT JOIN ranked r ON r.delivery = s.delivery GROUP BY s.urn ORDER BY s.urn
        """
    )
    closed = {urn for urn, _, status, close, _ in rows if close or (status or "").lower() == "closed"}
    successors: dict[str, set[str]] = {}
    for urn, other, kind in database.rows("SELECT DISTINCT urn, link_urn, lower(link_type) FROM school_link"):
        if kind is None or "split" in kind:
            continue
        if kind.startswith("successor"):
            successors.setdefault(urn, set()).add(other)
        elif kind.startswith("predecessor"):
            successors.setdefault(other, set()).add(urn)

    def final(urn: str) -> str:
        passed = {urn}
        while urn in closed and len(after := successors.get(urn, set())) == 1:
            (following,) = after
            if following in passed:
                break
            passed.add(urn := following)
        return urn

    names = {urn: final(urn) for urn, *_ in rows}
    by_number: dict[str, tuple[tuple[bool, str], str]] = {}
    for urn, laestab, _, _, opened in rows:
        digits = re.sub(r"\D", "", laestab or "")
        if len(digits) == 7:
            rank = (urn not in closed, str(opened or ""))
            by_number[digits] = max(by_number.get(digits, (rank, urn)), (rank, urn))
    for digits, (_, urn) in by_number.items():
        for written in (digits, f"{digits[:3]}/{digits[3:]}", f"{digits[:3]} {digits[3:]}"):
            names.setdefault(written, names[urn])
    return pa.table({"name": pa.array(names.keys(), pa.string()), "urn": pa.array(names.values(), pa.string())})
