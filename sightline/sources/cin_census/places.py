"""On which line of a census each value stands, for the findings that name one.

The parser gives each row the line on which its block starts, and to ask it for the line of every value would cost a
tenth of the whole parse. Findings are few, and the lines of a file are read in a fiftieth of that time, so the elements
they name are looked for in the text, from the start of their block to its end.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sightline.sources.cin_census.layout import BLOCKS, COLLECTION_FIELDS, SECTION_47
from sightline.sources.looks import utf16

# A finding's table, its field (an element of the census) and the line its block starts on.
Place = tuple[str, str, int]
_HEADER = "Header"
_BOTH = SECTION_47.fields[2].element  # the conference's date stands in an episode and in its enquiries


@dataclass(slots=True)
class _Sought:
    place: Place
    here: re.Pattern[str]
    ends: re.Pattern[str]


def element_lines(path: Path, places: Iterable[Place]) -> dict[Place, int]:
    """The line of the element each place names, for those that can be found inside their block.

    A value that is not there at all has no line of its own: its block's line stays the best there is.
    """
    wanted: dict[int, list[_Sought]] = {}
    starts: dict[int, set[str]] = {}
    for place in set(places):
        table, field, line = place
        element = _HEADER if table == _HEADER else BLOCKS[table].element if table in BLOCKS else ""
        if not element or line < 1 or (table in BLOCKS and BLOCKS[table].each):
            continue  # a row inside a wrapper has the line of its own element already
        first = 1 if field in COLLECTION_FIELDS else line
        ends = f"{element}|{SECTION_47.element}" if (table, field) == ("CINdetails", _BOTH) else element
        wanted.setdefault(first, []).append(_Sought(place, _opening(field), _closing(ends)))
        if first == line and table != _HEADER:
            starts.setdefault(line, set()).add(element)
    found: dict[Place, int] = {}
    if not wanted:
        return found
    last = max(wanted)
    active: list[_Sought] = []
    for number, text in _lines(path):
        new = wanted.get(number)
        if not active and new is None:
            if number > last:
                break
            continue
        left = []
        for sought in active:
            if not _settled(sought, text, number, found):
                left.append(sought)
        active = left
        if new is not None:
            # What stands before the block on its own line belongs to another.
            begun = max((_begins(element, text) for element in starts.get(number, ())), default=0)
            active += [sought for sought in new if not _settled(sought, text[begun:], number, found)]
    return found


def table_of(field: str) -> str:
    """The one table that has an element; empty when there are none or several."""
    tables = [name for name, block in BLOCKS.items() if any(f.element == field for f in block.fields)]
    return tables[0] if len(tables) == 1 else ""


def _settled(sought: _Sought, text: str, number: int, found: dict[Place, int]) -> bool:
    """Whether the search is over on this line: the element stands here, or its block ends."""
    here, ends = sought.here.search(text), sought.ends.search(text)
    if here and (not ends or here.start() < ends.start()):
        found[sought.place] = number
        return True
    return ends is not None


@cache
def _opening(field: str) -> re.Pattern[str]:
    return re.compile(rf"<(?:[\w.-]+:)?{re.escape(field)}[\s/>]")


@cache
def _closing(elements: str) -> re.Pattern[str]:
    """The end of a block or its child; the start of a block inside that may hold the same element is an end too."""
    block, _, other = elements.partition("|")
    inner = rf"|<(?:[\w.-]+:)?{other}[\s/>]" if other else ""
    return re.compile(rf"</(?:[\w.-]+:)?(?:{block}|Child)\s*>{inner}")


def _begins(element: str, text: str) -> int:
    starts = [match.start() for match in _opening(element).finditer(text)]
    return starts[-1] if starts else 0


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of the file, counted from 1 as an XML parser counts them, with comments blanked out."""
    with path.open("rb") as file:
        encoding = utf16(file.read(4)) or "latin-1"  # element names are plain letters in every other encoding
    commented = False
    with path.open(encoding=encoding, errors="replace", newline="\n") as lines:
        for number, line in enumerate(lines, start=1):
            text = line
            if commented or "<!--" in text:
                text, commented = _without_comments(text, commented)
            yield number, text


def _without_comments(text: str, inside: bool) -> tuple[str, bool]:
    kept = ""
    while text:
        before, mark, text = text.partition("-->" if inside else "<!--")
        kept += "" if inside else before
        if not mark:
            return kept, inside
        inside = not inside
    return kept, inside
