"""The life of an exception: its states as a table, and what becomes of it over four snapshots."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
import pytest
from spec_tables import table

from sightline.engine import Database, arrow_schema
from sightline.reconciliation import (
    DECISIONS,
    RULES,
    STATES,
    TRANSITIONS,
    accuracy,
    exceptions_markdown,
    live,
    move,
    shown_state,
    states_diagram,
)

MONDAYS = [datetime(2024, 11, 4, 8, tzinfo=UTC) + timedelta(weeks=n) for n in range(4)]
RULE = "birth-date"
DUE = next(r.due for r in RULES if r.code == RULE)


@dataclass
class World:
    """Snapshots made one after another, each from what parts, the rules that ran, the senders and the decisions."""

    before: pa.Table = field(default_factory=lambda: arrow_schema("exception").empty_table())
    history: pa.Table = field(default_factory=lambda: arrow_schema("exception_history").empty_table())
    decisions: list[tuple[str, str, datetime, str, str]] = field(default_factory=list)
    made: int = 0

    def snapshot(self, parts: str = "", *, ran: bool = True, sends: tuple[str, ...] = ("ssd", "sc")) -> dict[str, dict]:
        """One more week. `parts` names exceptions with their values, as "X:1|2 Y:1|2"; returns them all by id."""
        at = MONDAYS[self.made]
        self.made += 1
        rows = [
            {"exception_id": name, "rule": RULE, "child_id": f"child of {name}", "what": "birth_date", "system": "ssd",
             "owner": "care-data", "left_system": "ssd", "left_value": values.split("|")[0], "right_system": "sc",
             "right_value": values.split("|")[1], "parted": values, "in_cohort": True}
            for name, _, values in (part.partition(":") for part in parts.split())
        ]  # fmt: skip
        schema = arrow_schema("disagreement")
        disagreement = pa.Table.from_pylist([{n: r.get(n) for n in schema.names} for r in rows], schema=schema)
        decision = pa.Table.from_pylist(
            [
                {"about": "exception", "subject": s, "decision": d, "reason": why, "by": "A. Officer", "at": a.isoformat(),
                 "batch": None, "owner": None, "parted": parted, "line": n, "delivery": "d", "system": "sightline"}
                for n, (s, d, a, why, parted) in enumerate(self.decisions, 1)
            ],
            schema=arrow_schema("decision", stored=True),
        )  # fmt: skip
        tables = {
            "disagreement": disagreement,
            "rule_run": table("rule_run", f"rule | ran\n--+--\n{RULE} | {str(ran).lower()}"),
            "delivery": table("delivery", "delivery | system\n--+--\n" + "\n".join(f"{s} | {s}" for s in sends)),
            "decision": decision,
            "previous_exception": self.before,
            "previous_history": self.history,
        }
        with Database.of(tables) as database:
            lived = live(database, snapshot=f"s{self.made}", at=at)
        self.before, self.history = lived.exceptions, lived.history
        return {r["exception_id"]: r for r in self.before.to_pylist()}

    def decide(self, name: str, decision: str, *, days: int = 1, why: str = "", parted: str = "") -> None:
        """A decision some days after the latest snapshot."""
        self.decisions.append((name, decision, MONDAYS[self.made - 1] + timedelta(days=days), why, parted))

    def events(self, name: str) -> list[tuple[str, str | None, str]]:
        return [
            (r["snapshot"], r["from_state"], r["to_state"])
            for r in self.history.to_pylist()
            if r["exception_id"] == name
        ]


def test_it_opens_is_sent_closes_itself_and_opens_again():
    world = World()
    first = world.snapshot("X:1|2")["X"]
    assert (first["state"], first["opened_snapshot"], first["times"]) == ("new", "s1", 1)
    assert first["due_date"] == MONDAYS[0].date() + timedelta(days=DUE)
    world.decide("X", "sent")
    second = world.snapshot("X:1|2")["X"]
    assert (second["state"], second["opened_snapshot"], second["seen_snapshot"]) == ("sent", "s1", "s2")
    assert (second["due_date"], second["decided_by"]) == (first["due_date"], "A. Officer")
    third = world.snapshot("")["X"]
    assert (third["state"], third["closed"], third["closed_snapshot"]) == (
        "corrected at source", MONDAYS[2].date(), "s3",
    )  # fmt: skip
    assert third["seen_snapshot"] == "s2"
    fourth = world.snapshot("X:1|2")["X"]
    assert (fourth["state"], fourth["opened_snapshot"], fourth["closed"], fourth["times"]) == ("new", "s4", None, 2)
    assert fourth["due_date"] == MONDAYS[3].date() + timedelta(days=DUE)
    assert world.events("X") == [
        ("s1", None, "new"),
        ("s3", "sent", "corrected at source"),
        ("s4", "corrected at source", "new"),
    ]


def test_another_wrong_value_is_the_same_exception_and_undoes_its_explanation():
    world = World()
    world.snapshot("X:1|2")
    world.decide("X", "explained", why="The register is right", parted="1|2")
    assert world.snapshot("X:1|2")["X"]["state"] == "explained"
    changed = world.snapshot("X:3|2")["X"]
    assert (changed["state"], changed["opened_snapshot"], changed["left_value"]) == ("new", "s1", "3")
    # Its first two values again: what was said of them holds again.
    assert world.snapshot("X:1|2")["X"]["reason"] == "The register is right"


def test_silence_closes_nothing():
    """X's rule did not run; then one of its systems sent nothing. Only agreement closes it."""
    world = World()
    world.snapshot("X:1|2")
    unrun = world.snapshot("", ran=False)["X"]
    assert (unrun["state"], unrun["seen_snapshot"]) == ("new", "s1")
    assert world.snapshot("", sends=("sc",))["X"]["state"] == "new"
    assert world.snapshot("")["X"]["state"] == "corrected at source"


def test_decisions_of_an_earlier_opening_do_not_count():
    world = World()
    world.snapshot("X:1|2")
    world.decide("X", "explained", why="It was so", parted="1|2")
    world.snapshot("")
    assert world.snapshot("X:1|2")["X"]["state"] == "new"
    world.decide("X", "acknowledged")
    assert world.snapshot("X:1|2")["X"]["state"] == "acknowledged"


def test_decisions_are_taken_in_the_order_of_their_moments_and_only_where_allowed():
    """Returned before it was sent: new still, and why is kept. Sent, then returned: new again. A stranger's decision changes nothing."""
    world = World()
    world.snapshot("X:1|2 Y:1|2 Z:1|2")
    world.decide("X", "returned", why="Not ours")
    world.decide("Y", "returned", days=3, why="Not ours")
    world.decide("Y", "sent", days=2)
    world.decide("Z", "withdrawn", why="No")
    world.decide("nobody", "sent")
    states = {name: (row["state"], row["reason"]) for name, row in world.snapshot("X:1|2 Y:1|2 Z:1|2").items()}
    assert states == {"X": ("new", "Not ours"), "Y": ("new", "Not ours"), "Z": ("new", None)}


@pytest.mark.parametrize(
    ("state", "due", "on", "shown"),
    [
        ("new", date(2024, 11, 18), date(2024, 11, 18), "new"),
        ("new", date(2024, 11, 18), date(2024, 11, 19), "overdue"),
        ("sent", date(2024, 11, 18), date(2024, 11, 19), "overdue"),
        ("acknowledged", date(2024, 11, 18), date(2024, 11, 19), "overdue"),
        ("explained", date(2024, 11, 18), date(2024, 11, 19), "explained"),
        ("corrected at source", date(2024, 11, 18), date(2024, 11, 19), "corrected at source"),
    ],
)
def test_overdue_is_shown_in_place_of_a_state_that_waits(state: str, due: date, on: date, shown: str):
    assert shown_state(state, due, on) == shown


# The whole table of moves: by state, what each decision leads to.
MOVES = {
    "new": {"sent": "sent", "acknowledged": "acknowledged", "explained": "explained", "returned": "new"},
    "sent": {"sent": "sent", "acknowledged": "acknowledged", "explained": "explained", "returned": "new"},
    "acknowledged": {"sent": "sent", "acknowledged": "acknowledged", "explained": "explained", "returned": "new"},
    "explained": {"explained": "explained", "withdrawn": "new"},
    "corrected at source": {},
}


def test_the_moves_are_these_and_no_other():
    got = {s: {d: move(s, d).end for d in DECISIONS if move(s, d)} for s in MOVES}
    assert got == MOVES


def test_every_state_is_reached_and_every_move_is_between_states():
    names = {s.name for s in STATES}
    assert {t.end for t in TRANSITIONS} == names
    assert {t.start for t in TRANSITIONS} - names == {""}


def test_the_page_and_the_diagram_hold_every_rule_state_and_move():
    page = exceptions_markdown()
    assert all(f"`{r.code}`" in page for r in RULES)
    assert all(s.name in page for s in STATES)
    assert len(states_diagram()) == len(TRANSITIONS) + 3
    assert all(line in page for line in states_diagram())


def test_accuracy_counts_children_on_whom_a_source_agrees_with_the_others():
    """Five children of the cohort, all known to the case system, four to the register. A parts, and the case system is
    asked. B is explained, C was corrected. D's exception is about two other systems. E is not in the cohort."""
    tables = {
        "link": table("link", """
            system | ref | child_id
            -------+-----+---------
            ssd    | 1   | A
            ssd    | 2   | B
            ssd    | 3   | C
            ssd    | 4   | D
            ssd    | 5   | E
            sc     | 1   | A
            sc     | 2   | B
            sc     | 3   | C
        """),
        "exception": table("exception", """
            exception_id | child_id | state               | system | left_system | right_system
            -------------+----------+---------------------+--------+-------------+-------------
            1            | A        | overdue             | ssd    | ssd         | sc
            2            | A        | new                 | ssd    | ssd         | sc
            3            | B        | explained           | ssd    | ssd         | sc
            4            | C        | corrected at source | ssd    | ssd         | sc
            5            | D        | new                 | mis    | mis         | list
            6            | E        | new                 | ssd    | ssd         | sc
        """),
        "previous_accuracy": table("accuracy", """
            snapshot | system | children | agree | explained | asked
            ---------+--------+----------+-------+-----------+------
            s1       | ssd    | 4        | 2     | 0         | 2
        """),
    }  # fmt: skip
    with Database.of(tables) as database:
        cohort = pa.table({"child_id": list("ABCD")})
        got = accuracy(database, cohort=cohort, snapshot="s2", made=date(2024, 11, 25), as_at=date(2024, 11, 22))
    rows = [
        (r["snapshot"], r["system"], r["children"], r["agree"], r["explained"], r["asked"]) for r in got.to_pylist()
    ]
    assert rows == [("s1", "ssd", 4, 2, 0, 2), ("s2", "sc", 3, 2, 1, 0), ("s2", "ssd", 4, 3, 1, 1)]
