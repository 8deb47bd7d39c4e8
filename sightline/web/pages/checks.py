"""Checks that Django runs before it serves or migrates."""

from __future__ import annotations

from typing import Any

from django.core.checks import CheckMessage, Error, register
from django.urls import URLPattern, URLResolver, get_resolver

from sightline.web.authz.matrix import PAGES


def url_names() -> list[str]:
    """The name of every address the application answers; an address without a name is given as its route."""

    def names(patterns: list[URLPattern | URLResolver]) -> list[str]:
        found: list[str] = []
        for pattern in patterns:
            if isinstance(pattern, URLResolver):
                found += names(pattern.url_patterns)
            else:
                found.append(pattern.name or f"unnamed: {pattern.pattern}")
        return found

    return names(get_resolver().url_patterns)


@register
def matrix_is_complete(**_: Any) -> list[CheckMessage]:
    """Every address is in the permission matrix, and the matrix names no address that is not there."""
    there = set(url_names())
    return [
        *(
            Error(f"The address {n} is not in the permission matrix.", id="sightline.E001")
            for n in sorted(there - set(PAGES))
        ),
        *(
            Error(f"The matrix names {n}, which is no address.", id="sightline.E002")
            for n in sorted(set(PAGES) - there)
        ),
    ]
