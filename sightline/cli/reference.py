"""Writes the reference pages of the documentation from the code, so that they cannot drift from it.

python -m sightline.cli.reference docs/reference
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from sightline.cli.app import app
from sightline.reconciliation import exceptions_markdown
from sightline.sources import SOURCES
from sightline.validation import rules_markdown
from sightline.vocabulary.glossary import glossary_markdown
from sightline.vocabulary.settings import Settings


def commands_markdown() -> str:
    """Every command with its arguments and options, as its `--help` has them."""
    group = typer.main.get_command(app)
    lines = ["# Commands", "", "Every command takes `--help`. Refusals are one sentence and an exit code.", ""]
    for name, command in _commands(group):
        lines += [f"## {name}", "", _plain(command.help), "", "| | what it is |", "| --- | --- |"]
        for parameter in command.params:
            shown = ", ".join(parameter.opts) if parameter.opts[0].startswith("-") else parameter.name.upper()
            lines.append(f"| `{shown}` | {_plain(getattr(parameter, 'help', ''))} |")
        lines.append("")
    return "\n".join(lines)


def _commands(group: Any, before: str = "") -> Iterator[tuple[str, Any]]:
    """Every command below a group with its whole name, groups before the commands in them."""
    for name, command in sorted(getattr(group, "commands", {}).items()):
        yield f"{before}{name}", command
        yield from _commands(command, f"{before}{name} ")


def kinds_markdown() -> str:
    """Every kind of file Sightline reads and writes."""
    lines = [
        "# Kinds of file",
        "",
        "Each is recognised by its content, never by its name. `.zip` and `.gz` files and folders are opened.",
        "",
        "| kind | what it is |",
        "| --- | --- |",
    ]
    return "\n".join([*lines, *(f"| `{s.kind}` | {_plain(s.says)} |" for s in SOURCES), ""])


def settings_markdown() -> str:
    """Every setting with its usual value, meaning and source."""
    return "\n".join(
        [
            "# Settings",
            "",
            "`sightline.toml` in the home. What is not in it keeps its usual value:",
            "",
            "```toml",
            Settings().toml().strip(),
            "```",
            "",
        ]
    )


def _plain(text: str | None) -> str:
    return " ".join((text or "").split()).replace("|", "/")


PAGES = {
    "commands.md": commands_markdown,
    "kinds-of-file.md": kinds_markdown,
    "rules.md": rules_markdown,
    "exceptions.md": exceptions_markdown,
    "settings.md": settings_markdown,
    "glossary.md": glossary_markdown,
}


def write(folder: Path) -> None:
    """Write every page of the reference."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, page in PAGES.items():
        (folder / name).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
