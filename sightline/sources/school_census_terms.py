"""Which school census a file belongs to, and which terms' attendance that census holds.

The relational files say so nowhere. What they hold narrows it down (summer half term 2 is collected in autumn only,
ethnicity of pupils in spring only), their latest date gives the year, and the name of the file decides the rest.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sightline.vocabulary.findings import Finding, Severity
from sightline.vocabulary.periods import term_span

TERMS = ("spring", "summer", "autumn")
# Files hold dates some weeks past their census day: late entries, and leavers found on the way.
SLACK = timedelta(days=120)
_THURSDAY = 3


@dataclass(frozen=True, slots=True)
class Collection:
    """One school census: calendar year and term."""

    year: int
    term: str

    def __post_init__(self) -> None:
        if self.term not in TERMS:
            raise ValueError(f"A school census has a term of {', '.join(TERMS)}, not {self.term!r}.")

    @property
    def label(self) -> str:
        return f"{self.year} {self.term}"

    @property
    def day(self) -> date:
        """Census day: the first Thursday of October, the third of January and of May (DfE, school census guides)."""
        month, which = {"autumn": (10, 0), "spring": (1, 2), "summer": (5, 2)}[self.term]
        first = date(self.year, month, 1)
        return first + timedelta(days=(_THURSDAY - first.weekday()) % 7 + 7 * which)

    def attendance_span(self, *, second_half: bool = False) -> tuple[date, date]:
        """First day, and first day out, of the term whose attendance this census holds: the one before it.

        The autumn census holds the summer term in two halves; `second_half` asks for summer half term 2.
        """
        if self.term == "spring":
            return term_span(self.year - 1, "autumn")
        if self.term == "summer":
            return term_span(self.year - 1, "spring")
        return term_span(self.year - 1, "summer 2" if second_half else "summer 1")


def named(path: str) -> Collection | None:
    """The census a path names ("2024_autumn_x.csv", "Spring 2024-25/x.csv"), the last mention first; None if none."""
    text = path.lower()
    terms = re.findall(r"autumn|spring|summer(?!half)", text)
    # Not a part of a longer number, such as a serial number or a whole date in digits.
    years = re.findall(r"(?<!\d)(20\d\d)(?:[-_/ ]?(?:20)?(\d\d))?(?!\d)", text)
    if not terms or not years:
        return None
    first, second = int(years[-1][0]), years[-1][1]
    academic = bool(second) and int(second) == (first + 1) % 100
    term = terms[-1]
    return Collection(first + 1 if academic and term != "autumn" else first, term)


def told(label: str) -> Collection | None:
    """The collection a label such as "2024 autumn" names."""
    found = re.fullmatch(r"(20\d\d) (autumn|spring|summer)", label)
    return Collection(int(found[1]), found[2]) if found else None


def collection_of(terms: Sequence[str], latest: date | None, path: str, findings: list[Finding]) -> Collection | None:
    """The census, from the terms the columns allow, the latest date in the file and the file's name.

    A name is followed unless the content contradicts it (a finding, `name-against-content`). Where the content alone
    could not tell, a note says what was taken (`collection-from-name`, `collection-guessed`) or that nothing could be
    (`collection-unknown`).
    """
    hint = named(path)
    if hint and hint.term in terms and (latest is None or hint.day >= latest - SLACK):
        if len(terms) > 1 or latest is None:
            says = f"The file does not say which census it belongs to; {hint.label} was taken from its name."
            findings.append(Finding("collection-from-name", Severity.NOTE, says, right="the right census in the name"))
        return hint
    guess = _earliest(terms, latest) if latest else None
    if guess is None:
        says = "Neither the file nor its name says which census it belongs to, so its terms are not known."
        right = "a file name with year and term, such as 2024_autumn"
        findings.append(Finding("collection-unknown", Severity.QUERY, says, right=right))
        return None
    if hint:
        says = f"The name of the file says {hint.label} and its content {guess.label}; the content was followed."
        findings.append(Finding("name-against-content", Severity.QUERY, says, right="a name that agrees"))
    elif len(terms) > 1:
        says = f"The file does not say which census it belongs to; {guess.label} was guessed from its dates."
        right = "a file name with year and term, such as 2024_autumn"
        findings.append(Finding("collection-guessed", Severity.NOTE, says, right=right))
    return guess


def _earliest(terms: Sequence[str], latest: date) -> Collection | None:
    """The first census of these terms that can hold a date: slack only where no other term could claim it."""
    since = latest - (SLACK if len(terms) == 1 else timedelta(0))
    found = [Collection(year, term) for year in range(since.year, since.year + 3) for term in terms]
    return min((c for c in found if c.day >= since), key=lambda c: c.day, default=None)
