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
from sightline.reconciliation.spot_checks import ANSWERS as SPOT_ANSWERS
from sightline.reconciliation.spot_checks import DIFFERS, draw
from sightline.reconciliation.spot_checks import results as spot_check_results

__all__ = [
    "DECISIONS",
    "DIFFERS",
    "OWNERS",
    "RULES",
    "SPOT_ANSWERS",
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
    "draw",
    "exceptions_markdown",
    "live",
    "move",
    "owner_named",
    "rule_named",
    "schools_sending",
    "senders",
    "shown_state",
    "spot_check_results",
    "states_diagram",
    "with_decisions",
]
