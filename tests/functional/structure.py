"""What a page is made of, without what it says: of one part with the same parts in it, axe says the same everywhere."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml.html import HtmlElement

STATES = ("role", "type", "hidden", "open", "tabindex", "scope", "aria-sort", "aria-current", "aria-hidden", "lang")
NAMED = ("href", "id", "alt", "for")
Family = tuple[str, str, tuple[str, ...]]
AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
WAITED = 20_000  # milliseconds a busy machine may take over anything


def sign(part: HtmlElement) -> str:
    """The tag, classes, role and states of a part, what names it, whether it says something, and the kind of a chart."""
    held = part.attrib
    said = [part.tag, *sorted(held.get("class", "").split())]
    said += [f"{name}={held[name]}" for name in STATES if name in held]
    said += [name for name in sorted(held) if name in NAMED or (name.startswith("aria-") and name not in STATES)]
    said += ["says"] if (part.text_content() or "").strip() else []
    said += sorted(set(re.findall(r'"(?:type|mark)": ?"(\w+)"', held.get("data-chart", ""))))
    return " ".join(said)


def families(part: HtmlElement, over: str = "") -> Iterator[Family]:
    """Each part of a page: what it stands in, what it is, and the kinds of parts in it."""
    own, parts = sign(part), [p for p in part if isinstance(p.tag, str)]
    yield over, own, tuple(dict.fromkeys(map(sign, parts)))
    for each in parts:
        yield from families(each, own)
