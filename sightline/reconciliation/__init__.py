"""Where sources disagree about a child: each disagreement an exception with an owner, a due date and a life."""

from sightline.reconciliation.accuracy import accuracy
from sightline.reconciliation.find import RULES, Found, disagreements, rule_named
from sightline.reconciliation.life import (
    DECISIONS,
    STATES,
    TRANSITIONS,
    Lived,
    State,
    Transition,
    live,
    move,
    shown_state,
    with_decisions,
)
from sightline.reconciliation.pages import exceptions_markdown, states_diagram
from sightline.reconciliation.rule import OWNERS, SYSTEM_OWNERS, Owner, Rule, owner_named
from sightline.reconciliation.senders import schools_sending, senders

__all__ = [
    "DECISIONS",
    "OWNERS",
    "RULES",
    "STATES",
    "SYSTEM_OWNERS",
    "TRANSITIONS",
    "Found",
    "Lived",
    "Owner",
    "Rule",
    "State",
    "Transition",
    "accuracy",
    "disagreements",
    "exceptions_markdown",
    "live",
    "move",
    "owner_named",
    "rule_named",
    "schools_sending",
    "senders",
    "shown_state",
    "states_diagram",
    "with_decisions",
]
