"""What two records are compared by: each comparison's levels from most to least alike, in SQL, in words, in numbers.

`m` is how often a level is seen between two records of one child, `u` between records of two children. The values
here are the stored model, used where data are too few to learn from. Their source: the rates of error that the
measured experiments assumed (identifiers missing, mistyped or another's; names mistyped, shortened or changed; moves),
rounded, with what children's names and birth dates give for chance agreement in an authority of 100,000 pupils.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

AGREES, NEARLY, DIFFERS = "agrees", "nearly", "differs"
EXCHANGED = "first name and surname exchanged"


@dataclass(frozen=True, slots=True)
class Level:
    """One degree of likeness: `words` for people, `sql` over columns ending _l and _r (empty for all that is left)."""

    words: str
    sql: str
    m: float
    u: float
    says: str = NEARLY


@dataclass(frozen=True, slots=True)
class Comparison:
    """One thing compared. `columns` must be filled on both sides; `frequency` names a column whose rarity counts."""

    name: str
    columns: tuple[str, ...]
    levels: tuple[Level, ...]
    frequency: str = ""

    def level(self, gamma: int) -> Level | None:
        """The level of Splink's number for it: the last level is 0, a missing value -1 (no level)."""
        return None if gamma < 0 else self.levels[len(self.levels) - 1 - gamma]

    def gamma(self, says: str) -> tuple[int, ...]:
        """Splink's numbers of the levels that agree, nearly agree or differ."""
        last = len(self.levels) - 1
        return tuple(last - n for n, level in enumerate(self.levels) if level.says == says)


def _one_letter(name: str) -> str:
    """SQL: at most one letter changed, added, left out or exchanged with the next. The quick likeness comes first:
    the exact distance costs a hundred times as much, and no pair below the bound can pass it."""
    both = f"{name}_l, {name}_r"
    return f"CASE WHEN jaro_similarity({both}) >= 0.77 THEN damerau_levenshtein({both}) <= 1 ELSE false END"


def _alike(name: str, likeness: float) -> str:
    """SQL: alike as a whole, or, where both are long enough, with two letters wrong."""
    both = f"{name}_l, {name}_r"
    return (
        f"CASE WHEN jaro_similarity({both}) < 0.65 THEN false WHEN jaro_winkler_similarity({both}) >= {likeness} "
        f"THEN true WHEN least(length({name}_l), length({name}_r)) > 4 THEN damerau_levenshtein({both}) <= 2 "
        "ELSE false END"
    )


def _number(name: str, words: str, right: float, near: float) -> Comparison:
    return Comparison(
        name,
        (name,),
        (
            # Seen between two children only where one bears the other's number by mistake.
            Level(f"same {words}", f"{name}_l = {name}_r", right, 1e-7, AGREES),
            Level(
                f"{words} differs by one character",
                _one_letter(name),
                near,
                1e-6,
            ),
            Level(f"{words} differs", "", 1 - right - near, 1 - 1e-6, DIFFERS),
        ),
    )


COMPARISONS = (
    _number("upn", "UPN", 0.965, 0.02),
    _number("nhs_number", "NHS number", 0.985, 0.01),
    Comparison(
        "surname",
        ("surname",),
        (
            Level("same surname", "surname_l = surname_r", 0.86, 0.0012, AGREES),
            Level(
                "surname differs by one letter",
                f"least(length(surname_l), length(surname_r)) > 3 AND {_one_letter('surname')}",
                0.035,
                0.0006,
            ),
            Level(EXCHANGED, "surname_l = forename_r", 0.008, 0.0002),
            Level(
                "one surname is part of the other",
                "least(length(surname_l), length(surname_r)) > 3 "
                "AND (contains(surname_l, surname_r) OR contains(surname_r, surname_l))",
                0.02,
                0.0005,
            ),
            Level("surnames are alike", _alike("surname", 0.92), 0.012, 0.003),
            Level("surname differs", "", 0.065, 0.9945, DIFFERS),
        ),
        frequency="surname",
    ),
    Comparison(
        "forename",
        ("forename",),
        (
            Level("same first name", "forename_l = forename_r", 0.89, 0.006, AGREES),
            Level(
                "first name differs by one letter",
                f"least(length(forename_l), length(forename_r)) > 2 AND {_one_letter('forename')}",
                0.04,
                0.002,
            ),
            Level(EXCHANGED, "forename_l = surname_r", 0.008, 0.0002),
            Level(
                "first names are forms of one name",
                "(least(length(forename_l), length(forename_r)) > 1 AND (starts_with(forename_l, forename_r) "
                "OR starts_with(forename_r, forename_l))) OR list_has_any(forms_l, forms_r)",
                0.025,
                0.002,
            ),
            Level("one first name is another of the child's names", "list_has_any(given_l, given_r)", 0.008, 0.004),
            Level("first names are alike", _alike("forename", 0.88), 0.009, 0.006),
            Level("first name differs", "", 0.02, 0.9798, DIFFERS),
        ),
        frequency="forename",
    ),
    Comparison(
        "birth_date",
        ("birth_date",),
        (
            Level("born the same day", "birth_date_l = birth_date_r", 0.965, 0.00018, AGREES),
            Level(
                "day and month of birth exchanged",
                "year(birth_date_l) = year(birth_date_r) AND month(birth_date_l) = day(birth_date_r) "
                "AND day(birth_date_l) = month(birth_date_r)",
                0.006,
                0.00007,
            ),
            Level("born one day apart", "abs(birth_date_l - birth_date_r) = 1", 0.007, 0.00036),
            Level(
                "birth date differs by one digit",
                "damerau_levenshtein(strftime(birth_date_l, '%Y%m%d'), strftime(birth_date_r, '%Y%m%d')) = 1",
                0.011,
                0.0025,
            ),
            Level(
                "day, month or year of birth differs",
                "(year(birth_date_l) = year(birth_date_r))::INT + (month(birth_date_l) = month(birth_date_r))::INT "
                "+ (day(birth_date_l) = day(birth_date_r))::INT = 2",
                0.004,
                0.008,
            ),
            Level("born on different days", "", 0.007, 0.98889, DIFFERS),
        ),
    ),
    Comparison(
        "sex",
        ("sex",),
        (
            Level("same sex", "sex_l = sex_r", 0.985, 0.5, AGREES),
            Level("sex differs", "", 0.015, 0.5, DIFFERS),
        ),
    ),
    Comparison(
        "postcode",
        ("postcode",),
        (
            Level("same postcode", "postcode_l = postcode_r", 0.8, 0.0001, AGREES),
            Level(
                "postcode differs by one character",
                _one_letter("postcode"),
                0.03,
                0.0005,
            ),
            Level("postcodes of the same neighbourhood", "sector_l = sector_r", 0.035, 0.005, DIFFERS),
            Level("postcodes of the same district", "district_l = district_r", 0.035, 0.04, DIFFERS),
            Level("another postcode", "", 0.1, 0.9544, DIFFERS),
        ),
    ),
    Comparison(
        "school",
        ("school",),
        (
            Level("same school", "school_l = school_r", 0.85, 0.015, AGREES),
            Level("school names are alike", "jaro_winkler_similarity(school_l, school_r) >= 0.93", 0.04, 0.005),
            Level("another school", "", 0.11, 0.98, DIFFERS),
        ),
    ),
    Comparison(
        "address",
        ("address",),
        (
            Level("same address", "address_l = address_r", 0.5, 0.0002, AGREES),
            Level(
                "addresses are alike",
                "starts_with(address_l, address_r) OR starts_with(address_r, address_l) "
                "OR jaro_winkler_similarity(address_l, address_r) >= 0.92",
                0.25,
                0.002,
            ),
            Level("another address", "", 0.25, 0.9978, DIFFERS),
        ),
    ),
    Comparison(
        "town",
        ("town",),
        (
            Level("same town", "town_l = town_r", 0.75, 0.05, AGREES),
            Level("names of towns are alike", _alike("town", 0.88), 0.12, 0.01),
            Level("another town", "", 0.13, 0.94, DIFFERS),
        ),
        frequency="town",
    ),
    Comparison(
        "phone",
        ("phone",),
        (
            Level("same telephone number", "phone_l = phone_r", 0.7, 0.0001, AGREES),
            Level("telephone number differs by one digit", _one_letter("phone"), 0.05, 0.0001),
            Level("another telephone number", "", 0.25, 0.9998, DIFFERS),
        ),
    ),
    Comparison(
        "email",
        ("email",),
        (
            Level("same e-mail address", "email_l = email_r", 0.65, 0.0001, AGREES),
            Level(
                "e-mail addresses are alike",
                "jaro_winkler_similarity(email_l, email_r) >= 0.9 OR damerau_levenshtein(email_l, email_r) <= 3",
                0.15,
                0.0005,
            ),
            Level("another e-mail address", "", 0.2, 0.9994, DIFFERS),
        ),
    ),
)

BY_NAME: Mapping[str, Comparison] = {c.name: c for c in COMPARISONS}

# Which pairs are looked at, in SQL over records l and r. A true pair that meets none of them is never seen.
RULES = (
    "l.upn = r.upn",
    "l.nhs_number = r.nhs_number",
    "l.forename = r.forename AND l.birth_date = r.birth_date",
    "l.surname = r.surname AND l.birth_date = r.birth_date",
    "l.birth_date = r.birth_date AND l.postcode = r.postcode",
    "l.forename = r.forename AND l.postcode = r.postcode",
    "l.surname = r.surname AND l.postcode = r.postcode",
    "l.forename = r.surname AND l.birth_date = r.birth_date",
    "l.forename = r.forename AND l.surname = r.surname AND year(l.birth_date) = year(r.birth_date)",
    "l.forename = r.forename AND l.surname = r.surname AND month(l.birth_date) = month(r.birth_date) "
    "AND day(l.birth_date) = day(r.birth_date)",
    "l.forename = r.forename AND l.surname = r.surname AND l.school = r.school",
)
# And where all pairs of two lists are few: what would be too many among the pupils of an authority.
BROAD_RULES = (
    "l.upn = r.upn",
    "l.nhs_number = r.nhs_number",
    "l.email = r.email",
    "l.phone = r.phone",
    "l.address = r.address",
    "l.birth_date = r.birth_date",
    "l.postcode = r.postcode",
    "l.forename = r.forename AND l.surname = r.surname",
    "l.forename = r.surname AND l.surname = r.forename",
    "l.surname = r.surname AND year(l.birth_date) = year(r.birth_date)",
    "l.forename = r.forename AND year(l.birth_date) = year(r.birth_date)",
    "left(l.surname, 3) = left(r.surname, 3) AND month(l.birth_date) = month(r.birth_date) "
    "AND day(l.birth_date) = day(r.birth_date)",
    "left(l.forename, 3) = left(r.forename, 3) AND month(l.birth_date) = month(r.birth_date) "
    "AND day(l.birth_date) = day(r.birth_date)",
    "left(l.surname, 2) = left(r.surname, 2) AND left(l.forename, 2) = left(r.forename, 2)",
)
