"""What a spreadsheet does to text that it opens."""

from __future__ import annotations

from typing import Any, Final

# What is taken for a formula, or for the end of a cell in which one may begin (OWASP, CSV injection).
_RUN: Final = ("=", "+", "-", "@", "\t", "\r", "\n")


def harmless(value: Any) -> Any:
    """A cell of a CSV file as it may leave: text that a spreadsheet would run has an apostrophe in front."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_RUN) else value
