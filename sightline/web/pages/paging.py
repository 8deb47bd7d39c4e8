"""Which page of a list an address asks for, how many pages there are, and which of them to link to."""

from __future__ import annotations

from collections.abc import Mapping

_DIGITS = 6  # of a page's number: more are nobody's


def asked_page(parameters: Mapping[str, str]) -> int:
    """The page an address asks for: the first where it says none, or nothing that is the number of one."""
    number = parameters.get("page", "1")
    right = number.isascii() and number.isdigit() and len(number) <= _DIGITS
    return max(1, int(number)) if right else 1


def paged(parameters: Mapping[str, str], found: int, size: int) -> tuple[int, int]:
    """The page asked for of so many rows, at most the last, and how many pages there are: at least one."""
    pages = max(1, -(-found // size))
    return min(pages, asked_page(parameters)), pages


def window(page: int, pages: int) -> list[int | None]:
    """The page numbers to link to: the first, the last, and those about this one; None where some are left out."""
    near = sorted({1, pages, *range(max(1, page - 1), min(pages, page + 1) + 1)})
    numbers: list[int | None] = []
    for n in near:
        if numbers and numbers[-1] is not None and n - numbers[-1] > 1:
            numbers.append(None)
        numbers.append(n)
    return numbers
