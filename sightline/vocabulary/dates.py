"""How senders write days. Day first or year first, never month first: 01/13/2012 is not a date here.

A year of two digits, as spreadsheets write it (05/11/24, 5-Nov-24), is one of 1969 to 2068.
"""

from __future__ import annotations

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
