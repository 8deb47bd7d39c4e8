"""The reference page of rules, owners and states, made from the values that the program runs on."""

from __future__ import annotations

from sightline.reconciliation.find import RULES
from sightline.reconciliation.life import STATES, TRANSITIONS
from sightline.reconciliation.rule import OWNERS


def exceptions_markdown() -> str:
    """One Markdown page: every rule, who owns what, every state, and the moves between them with their diagram."""
    lines = [
        "# Rules of reconciliation", "",
        "Made from the code. A rule that could not run has found nothing out, and closes nothing.", "",
        "| rule | what parts | between | due | owner | why it matters |", "| --- | --- | --- | --- | --- | --- |",
        *(f"| `{r.code}` | {r.says} | {r.between} | {r.due} days | {r.owner or 'the system’s'} | {r.why} |"
          for r in RULES),
        "", "## Owners", "", "| owner | answers for | may be shown |", "| --- | --- | --- |",
        *(f"| `{o.code}` | {o.name}: {o.says} | {', '.join(sorted(o.sees))} |" for o in OWNERS),
        "", "## States", "", "| state | meaning |", "| --- | --- |",
        *(f"| {s.name} | {s.says} |" for s in STATES), "", *states_diagram(), "",
        "| from | to | by | what happens |", "| --- | --- | --- | --- |",
        *(f"| {t.start or '(nothing)'} | {t.end} | {t.by}{' (with a reason)' if t.reason else ''} | {t.says} |"
          for t in TRANSITIONS), "",
    ]  # fmt: skip
    return "\n".join(lines)


def states_diagram() -> list[str]:
    """The states and moves as a Mermaid diagram, line by line."""

    def node(name: str) -> str:
        return name.replace(" ", "_") if name else "[*]"

    return [
        "```mermaid", "stateDiagram-v2",
        *(f"    {node(t.start)} --> {node(t.end)}: {t.by}" for t in TRANSITIONS), "```",
    ]  # fmt: skip
