"""A privacy notice for families, drafted from what a home is set to do: its files, settings, register and roles.

What only the authority can say stands in its register; what it has not said yet is listed as still to be written, so
that no sentence of the notice is ours to guess.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sightline.operations.home import Home
from sightline.operations.keeping.lawful import NAME, Basis, Register
from sightline.operations.opened import Opened
from sightline.sources import SOURCES
from sightline.vocabulary.dates import day_in_words
from sightline.vocabulary.tables import Sensitivity

_KINDS = {
    Sensitivity.IDENTITY: "who your child is: name, date of birth, sex, and the numbers schools and services use",
    Sensitivity.EDUCATION: "education: schools, attendance, suspensions and exclusions, results",
    Sensitivity.CARE_STATUS: "whether there is, or was, a plan with a social worker, and since when",
    Sensitivity.CARE_DETAIL: "what the plan is about",
    Sensitivity.LOCATION: "where your child lives",
    Sensitivity.SPECIAL: "ethnicity, disability and special educational needs",
    Sensitivity.STAFF: "the names of the workers and teams who support your child",
}

_OFFENCE = (
    "whether the youth justice service works with your child, since when and how, while there is a plan: read by the "
    "Virtual School alone, and by no school"
)
"""Said where the service's list is among what has been received."""

# Families of files whose description begins with a word of the trade.
_FAMILIES = {
    "SSD": "Children's social care records (Standard Safeguarding Dataset)",
    "CIN census return": "Children in need census",
    "One of Sightline's tables": "Records prepared by the authority's own programs",
}


@dataclass(frozen=True, slots=True)
class Reader:
    """One role as the notice tells of it: its name, whom it sees, and its key in the register."""

    key: str
    name: str
    says: str


@dataclass(frozen=True, slots=True)
class Section:
    """One part of the notice: a heading, sentences, and a list."""

    title: str
    paragraphs: tuple[str, ...] = ()
    items: tuple[str, ...] = ()


def draft(home: Home, opened: Opened | None, *, on: date, readers: Sequence[Reader]) -> list[Section]:
    """One section per part of the notice, in order, as things are set on a day. `opened` is None where nothing has been
    received yet: then no source is named. `readers` are the roles that see children."""
    register, settings = Register.of(home), home.settings
    told = register.controller
    officer = told.data_protection_officer
    officer = told.data_protection_officer
    names = {reader.key: reader.name for reader in readers}
    bases = [b for b in register.bases if b.holds(on)]
    lacking = [
        what
        for said, what in (
            (told.name, "the authority's name"),
            (told.contact, "how to reach those responsible"),
            (told.data_protection_officer, "how to reach the data protection officer"),
            (told.lawful_basis, "the lawful basis while social care works with a child"),
        )
        if not said
    ]
    listed = opened is not None and opened.database.one("SELECT count(*) FROM youth_justice") > 0
    offence = (_OFFENCE,) if listed else ()
    sections = [
        Section(
            "Why we have this information",
            (
                f"{told.name or 'The local authority'} looks after how children who have a social worker fare in "
                "education. To do that, its Virtual School brings together what children's social care and schools "
                "already know.",
                "It is used to see which schools and services should help, and how well they do. Nobody is given a "
                "score, nothing about a child is predicted, and no decision is made by a computer.",
                *([f"Our lawful basis: {told.lawful_basis}."] if told.lawful_basis else []),
            ),
        ),
        Section("What we hold", (), tuple(f"{text[0].upper()}{text[1:]}" for text in (*_KINDS.values(), *offence))),
        Section(
            "Where it comes from",
            () if opened is not None else ("Nothing has been received yet.",),
            _sources(opened),
        ),
        Section(
            "Who may see it",
            ("Each time somebody looks at a child's record, that is written down: who, when and what.",),
            tuple(f"{r.name}: {r.says.rstrip('.')}." for r in readers),
        ),
        Section(
            "After the plan has ended",
            (
                f"Those who worked with your child can see the record for {settings.closing_days} days more, to finish "
                "what was open. Schools stop seeing it on the day the plan ends"
                + ("." if not _schools(bases) else ", but for what is said below."),
                *(
                    f"After that, {_roles(b.roles, names)} may see your child's record by name, for "
                    f"{b.purpose.lower()}, until {b.months_after_plan} months after the plan ended. The basis "
                    f"is {b.lawful_basis} ({b.condition}); it is looked at again by {day_in_words(b.until)}."
                    for b in bases
                ),
                *(() if bases else ("After that nobody sees the record by name: your child is only counted.",)),
            ),
        ),
        Section(
            "How long we keep it",
            (
                f"Your child is counted until {settings.look_back_years} years after the last plan ended, or until the "
                f"birthday after age {settings.ever_6_oldest_age}. Then the record leaves every page. It is removed "
                f"for good, files included, once {settings.purge_days} more days have gone by.",
                "That a record was removed stays written down, without saying whose.",
            ),
        ),
        Section(
            "Your rights",
            (
                "You and your child may ask to see what we hold, to have it corrected, and to object to how it is "
                "used. If you are unhappy with the answer you may go to the Information Commissioner's Office.",
                *([f"Write to: {told.contact}."] if told.contact else []),
                *([f"Data protection officer: {officer}."] if officer else []),
            ),
        ),
    ]  # fmt: skip
    if lacking:
        sections.append(
            Section("Still to be written", (f"Your authority has not said these in {NAME} yet:",), tuple(lacking))
        )
    return sections


_OF_SCHOOLS = frozenset({"school_lead", "headteacher", "trust_lead"})


def _schools(bases: Sequence[Basis]) -> bool:
    return any(not _OF_SCHOOLS.isdisjoint(b.roles) for b in bases)


def _roles(keys: Sequence[str], names: dict[str, str]) -> str:
    said = [f"people in the role {names.get(key, key)}" for key in keys]
    return said[0] if len(said) == 1 else f"{', '.join(said[:-1])} and {said[-1]}"


def _sources(opened: Opened | None) -> tuple[str, ...]:
    """Each family of files in force, as its description begins ("School census: addresses (CSV)" is the school
    census), with the day of the newest."""
    if opened is None:
        return ()
    says = {source.kind: source.says for source in SOURCES}
    newest: dict[str, date] = {}
    for kind, day in opened.database.rows("SELECT kind, max(received) FROM delivery GROUP BY kind"):
        family = says.get(kind, kind).split(":")[0].split(" (")[0]
        family = _FAMILIES.get(family, family)
        newest[family] = max(day, newest.get(family, day))
    return tuple(f"{family}, last received on {day_in_words(day)}" for family, day in sorted(newest.items()))
