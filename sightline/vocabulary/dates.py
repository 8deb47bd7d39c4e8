"""How senders write days, and how people type them. Day first or year first, never month first: 01/13/2012 is not a
date here.

A year of two digits, as spreadsheets write it (05/11/24, 5-Nov-24), is one of 1969 to 2068.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Final

# As DuckDB's `strptime` reads them, tried in this order.
DATE_FORMATS: Final = (
    "%Y-%m-%d",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d %H:%M:%S.%g",
    "%Y-%m-%d %H:%M:%S.%f",
    "%Y-%m-%d %H:%M:%S.%n",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%dT%H:%M:%SZ",
    "%Y-%m-%dT%H:%M:%S.%g",
    "%Y-%m-%dT%H:%M:%S.%gZ",
    # A day of XML may say its time zone, which never moves it to another day.
    "%Y-%m-%dZ",
    "%Y-%m-%d+00:00",
    "%Y-%m-%d+01:00",
    "%Y-%m-%dT%H:%M:%S+00:00",
    "%Y-%m-%dT%H:%M:%S+01:00",
    # Two digits before four: with four, the rest of the year would be left over.
    "%d/%m/%y",
    "%d-%b-%y",
    "%d %b %y",
    "%d/%m/%Y",
    "%d/%m/%Y %H:%M",
    "%d/%m/%Y %H:%M:%S",
    "%Y-%b-%d %H:%M:%S",
    "%Y-%b-%d",
    "%d-%m-%Y",
    "%d-%b-%Y",
    "%d.%m.%Y",
    "%d %b %Y",
    "%d %B %Y",
    "%Y/%m/%d",
    # SQL Server's own way of making text of a day.
    "%b %d %Y %I:%M%p",
    "%Y%m%d",
)
# Some systems write this day for "no date".
NO_DATE: Final = date(1900, 1, 1)
# The years that a day somebody types is believed in; another is a slip of the keyboard.
FIRST_YEAR, LAST_YEAR = 1900, 2199
RIGHT_DAY: Final = "Write the date as 5 9 2024"
"""What is said where a day is typed that is none."""
_TYPED: Final = re.compile(r"(\d{1,2})[ /.-]+(\d{1,2})[ /.-]+(\d{4})|(\d{4})-(\d{1,2})-(\d{1,2})", re.ASCII)
_NAMED: Final = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?[ -]+([a-z]{3,9})[ -]+(\d{4})", re.ASCII | re.IGNORECASE)
_MONTHS: Final = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october",
                  "november", "december")  # fmt: skip


def typed_day(text: str) -> date | None:
    """The day a person typed: 5 9 2024, 5/9/2024, 5.9.2024, 5 September 2024, 5 Sep 2024 or 2024-09-05; None for what
    is no day (see `RIGHT_DAY`)."""
    plain = text.strip()
    if found := _TYPED.fullmatch(plain):
        d, m, y, *other = found.groups()
        year, month, day = map(int, (y, m, d) if y else other)
    elif found := _NAMED.fullmatch(plain):
        said = found[2].lower()
        month = next((n for n, name in enumerate(_MONTHS, 1) if said == name or said in (name[:3], name[:4])), 0)
        year, day = int(found[3]), int(found[1])
    else:
        return None
    if not FIRST_YEAR <= year <= LAST_YEAR:
        return None
    try:
        return date(year, month, day)
    except ValueError:
        return None


def day_in_words(day: date) -> str:
    """A day as a sentence has it: 12 October 2026, wherever the machine is."""
    return f"{day.day} {_MONTHS[day.month - 1].capitalize()} {day.year}"


def as_typed(day: date) -> str:
    """A day as a person is asked to type it: 5 9 2024."""
    return f"{day.day} {day.month} {day.year}"
