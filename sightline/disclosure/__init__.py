"""Disclosure control: the only way for figures about children to leave, and the reasons when they may not."""

from sightline.disclosure.attack import attack
from sightline.disclosure.cells import TOTAL, BadResult, Cell, Key, Result
from sightline.disclosure.checkers import write_results
from sightline.disclosure.grouping import Answer, Answers, Flags, Group, Question, answers
from sightline.disclosure.policy import ANNEX, LOCAL, STANDARD, Policy, Rule
from sightline.disclosure.release import HIDDEN, Refusal, Released, ReleasedTable, release

__all__ = [
    "ANNEX",
    "HIDDEN",
    "LOCAL",
    "STANDARD",
    "TOTAL",
    "Answer",
    "Answers",
    "BadResult",
    "Cell",
    "Flags",
    "Group",
    "Key",
    "Policy",
    "Question",
    "Refusal",
    "Released",
    "ReleasedTable",
    "Result",
    "Rule",
    "answers",
    "attack",
    "release",
    "write_results",
]
