"""Ages the law sets for schooling in England."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

ONE_DAY: Final = timedelta(days=1)
FRIDAY: Final = 4
# (month, day): a child is of compulsory school age from the first of these on or after the fifth birthday.
PRESCRIBED_DAYS: Final = ((3, 31), (8, 31), (12, 31))


def birthday(birth_date: date, age: int) -> date:
    """The day an age is reached. Someone born on 29 February reaches it on 1 March in an ordinary year."""
    try:
        return birth_date.replace(year=birth_date.year + age)
    except ValueError:
        return date(birth_date.year + age, 3, 1)


def compulsory_school_age(birth_date: date) -> tuple[date, date]:
    """The first day, and first day out, of compulsory school age.

    It begins on the first prescribed day (31 March, 31 August, 31 December) on or after the fifth birthday, and ends
    after the last Friday of June of the school year (from 1 September) in which the child becomes 16.
    Source: Education Act 1996, section 8, with SI 1998/1607 and SI 1997/1970.
    """
    five = birthday(birth_date, 5)
    days = (date(year, month, day) for year in (five.year, five.year + 1) for month, day in PRESCRIBED_DAYS)
    first = next(day for day in days if day >= five)
    sixteen = birthday(birth_date, 16)
    last = date(sixteen.year + (sixteen.month >= 9), 6, 30)
    while last.weekday() != FRIDAY:
        last -= ONE_DAY
    return first, last + ONE_DAY
