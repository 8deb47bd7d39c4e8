"""The schools of an invented authority, with trusts, and academies that were something else before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pyarrow as pa

from sightline.engine import arrow_schema
from sightline.synthetic.names import places, postcodes

# No authority in England has this number, and none of the numbers of statistical regions or of Wales is it.
AUTHORITY, AUTHORITY_NAME = "899", "Zwengstow"
# Children move in from here, and one school file comes from here by mistake. It is nobody's number either.
OTHER_AUTHORITY = "898"
# Numbers of this range are not issued to schools: the register's begin with 1 (and 4, for children's centres, with 2).
FIRST_URN, FIRST_UKPRN = 900_001, 90_000_001

PRIMARY, SECONDARY, ALL_THROUGH, SPECIAL, PUPIL_REFERRAL = "Primary", "Secondary", "All-through", "Special", "PRU"
_ESTABLISHMENT = {PRIMARY: 2000, SECONDARY: 4000, ALL_THROUGH: 4900, SPECIAL: 7000, PUPIL_REFERRAL: 1100}
_SUFFIX = {
    PRIMARY: ("Primary School", "Community Primary School", "Church of England Primary School", "Academy"),
    SECONDARY: ("School", "High School", "Academy", "Community College"),
    ALL_THROUGH: ("All-Through School",),
    SPECIAL: ("Special School",),
    PUPIL_REFERRAL: ("Pupil Referral Unit",),
}
_MAINTAINED = {
    PRIMARY: ("Community school", "Local authority maintained schools"),
    SECONDARY: ("Community school", "Local authority maintained schools"),
    ALL_THROUGH: ("Community school", "Local authority maintained schools"),
    SPECIAL: ("Community special school", "Special schools"),
    PUPIL_REFERRAL: ("Pupil referral unit", "Local authority maintained schools"),
}
_ACADEMY_SHARE = {PRIMARY: 0.45, SECONDARY: 0.8, ALL_THROUGH: 1.0, SPECIAL: 0.0, PUPIL_REFERRAL: 0.0}
_AGES = {PRIMARY: (4, 11), SECONDARY: (11, 16), ALL_THROUGH: (4, 16), SPECIAL: (4, 16), PUPIL_REFERRAL: (11, 16)}


@dataclass(frozen=True, slots=True)
class Site:
    """One school as its pupils know it: one building, though its number may have changed when it became an academy."""

    kind: str
    urn: str
    establishment: str
    name: str
    place: int
    postcode: str
    size: float  # how readily it is chosen, against others of its kind
    opened: date
    trust: int = -1
    nursery: bool = False
    sixth_form: bool = False
    urn_before: str = ""
    name_before: str = ""
    converted: date | None = None  # first day as an academy, always in a holiday

    @property
    def laestab(self) -> str:
        return AUTHORITY + self.establishment

    def urn_on(self, day: date) -> str:
        return self.urn_before if self.converted and day < self.converted else self.urn


@dataclass(frozen=True, slots=True)
class Schools:
    """The sites of an authority and the names of its trusts."""

    sites: tuple[Site, ...]
    trusts: tuple[str, ...]

    def of(self, *kinds: str) -> np.ndarray:
        """The places in `sites` of the schools of these kinds."""
        return np.array([i for i, s in enumerate(self.sites) if s.kind in kinds], dtype=np.int32)


def invent_schools(pupils: int, *, first_year: int, last_year: int, random: np.random.Generator) -> Schools:
    """About one primary school per 250 pupils (four at least), one secondary per 1,000, special schools, units and one
    all-through.

    One primary in twenty (at least one) becomes an academy on a 1 September or 1 January of the years invented.
    """
    wanted = {
        PRIMARY: max(4, round(pupils / 250)),
        SECONDARY: max(1, round(pupils / 1000)),
        ALL_THROUGH: 1,
        SPECIAL: max(1, round(pupils / 5000)),
        PUPIL_REFERRAL: max(1, round(pupils / 20000)),
    }
    total = sum(wanted.values())
    place = random.permutation(len(places()))[:total]
    streets = postcodes()
    trusts = max(1, round(total / 8))
    trust_places = random.permutation(len(places()))[-trusts:]
    converting = set(range(0, wanted[PRIMARY], 20))
    sites: list[Site] = []
    urn = FIRST_URN
    for kind, count in wanted.items():
        for n in range(count):
            home = int(place[len(sites)])
            convert = kind == PRIMARY and n in converting
            academy = convert or random.random() < _ACADEMY_SHARE[kind]
            suffix = _SUFFIX[kind][int(random.integers(len(_SUFFIX[kind])))]
            before = "Community Primary School" if convert else ""
            year = int(random.integers(first_year + 1, last_year + 1)) if last_year > first_year else last_year
            on = date(year, 9, 1) if random.random() < 0.5 else date(year, 1, 1)
            sites.append(
                Site(
                    kind=kind,
                    urn=str(urn),
                    establishment=str(_ESTABLISHMENT[kind] + n),
                    name=f"{places()[home]} {'Academy' if convert else suffix}",
                    place=home,
                    postcode=streets[int(random.integers(len(streets)))],
                    size=float(random.gamma(8.0)),
                    opened=date(int(random.integers(1950, 2012)), 9, 1),
                    trust=int(random.integers(trusts)) if academy else -1,
                    nursery=kind in (PRIMARY, ALL_THROUGH) and random.random() < 0.6,
                    sixth_form=kind == ALL_THROUGH or (kind == SECONDARY and (n == 0 or random.random() < 0.5)),
                    urn_before=str(urn + 50_000) if convert else "",
                    name_before=f"{places()[home]} {before}" if convert else "",
                    converted=on if convert else None,
                )
            )
            urn += 1
    return Schools(tuple(sites), tuple(f"{places()[int(t)]} Learning Trust" for t in trust_places))


def school_tables(schools: Schools) -> dict[str, pa.Table]:
    """The vocabulary's `school` and `school_link`: one row per number a school has or had, and one per link."""
    rows, links = [], []
    for site in schools.sites:
        academy = site.trust >= 0
        now = _row(site, academy)
        if site.converted:
            last = site.converted - timedelta(days=1)
            kind, group = _MAINTAINED[site.kind]
            rows.append(
                now
                | {
                    "urn": site.urn_before,
                    "name": site.name_before,
                    "type": kind,
                    "type_group": group,
                    "status": "Closed",
                    "open_date": site.opened,
                    "close_date": last,
                    "trust_ref": None,
                    "trust_name": None,
                }
            )
            now["open_date"] = site.converted
            links += [
                {"urn": site.urn, "link_urn": site.urn_before, "link_type": "Predecessor", "link_date": site.converted},
                {"urn": site.urn_before, "link_urn": site.urn, "link_type": "Successor", "link_date": site.converted},
            ]
        if academy:
            now |= {"trust_ref": str(16000 + site.trust), "trust_name": schools.trusts[site.trust]}
        rows.append(now)
    return {
        "school": pa.Table.from_pylist(_numbered(rows), schema=arrow_schema("school")),
        "school_link": pa.Table.from_pylist(_numbered(links), schema=arrow_schema("school_link")),
    }


def _row(site: Site, academy: bool) -> dict[str, object]:
    low, high = _AGES[site.kind]
    kind, group = ("Academy converter", "Academies") if academy else _MAINTAINED[site.kind]
    return {
        "urn": site.urn,
        "laestab": site.laestab,
        "name": site.name,
        "phase": site.kind if site.kind in (PRIMARY, SECONDARY, ALL_THROUGH) else "Not applicable",
        "type": kind,
        "type_group": group,
        "status": "Open",
        "open_date": site.opened,
        "low_age": low - 1 if site.nursery else low,
        "high_age": high + 2 if site.sixth_form else high,
        "ukprn": str(FIRST_UKPRN + int(site.urn) - FIRST_URN),
        "postcode": site.postcode,
        "locality": places()[site.place],
        "authority": AUTHORITY,
    }


def _numbered(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    return [row | {"line": line} for line, row in enumerate(rows, start=2)]
