"""Two lists of people of any size, made quickly, with who is who: for measuring linkage at the size of a nation.

Names are invented syllables; their frequencies fall as those of a population do (the commonest surname 0.6%, the
commonest first name 1.3%), so that namesakes born on one day happen as often as they would. Brothers and sisters share
surname and home; three in a hundred of those in one home are born the same day.
"""

from __future__ import annotations

from itertools import product

import numpy as np
import pyarrow as pa

from sightline.engine import Database
from sightline.synthetic.person_lists import RATES

PRESENT = 0.85  # of the children are truly among the pupils
FIRST_DAY = np.datetime64("2008-09-01")
DAYS = 16 * 365
_STARTS = ("vr", "zw", "kv", "skr", "dz", "thr", "vl", "gw", "pl", "kr", "dr", "bl", "tw", "gr", "sn", "pr", "fl", "qu")
_MIDDLES = ("lb", "zk", "mph", "lth", "gn", "rv", "xt", "vv", "ndr", "bz", "lk", "ld")
_ENDS = ("wesk", "mund", "dorst", "brig", "molt", "gost", "pring", "stave", "plock", "tarn", "quill", "zand")
_VOWELS = "aeiou"


def _names(*parts: tuple[str, ...] | str, random: np.random.Generator) -> pa.Array:
    """Every name of these parts, in an order that says nothing."""
    words = ["".join(each) for each in product(*parts)]
    return pa.array([words[n] for n in random.permutation(len(words))], pa.string())


def _drawn(names: pa.Array, count: int, offset: int, random: np.random.Generator) -> pa.Array:
    """Names drawn with frequencies that fall as 1 / (rank + offset)."""
    weights = np.cumsum(1 / (np.arange(len(names)) + offset))
    return names.take(pa.array(np.searchsorted(weights / weights[-1], random.random(count)).astype(np.int32)))


def nation(database: Database, children: int, pupils: int, *, seed: int = 5, damage: float = 1.0) -> None:
    """Make the tables `care_rows` and `pupil_rows` (the columns linkage compares) and `true_pair` (l, r): which row of
    the one is which of the other. The children's side is damaged at `RATES` times `damage`."""
    random = np.random.Generator(np.random.PCG64(seed))
    surnames = _names(_STARTS, _VOWELS, _MIDDLES, _VOWELS, _ENDS, random=random)
    girls = _names(_STARTS, _VOWELS, _MIDDLES, ("ive", "ulle", "oa"), random=random)
    boys = _names(_STARTS, _VOWELS, _MIDDLES, ("ork", "ux", "imo"), random=random)
    absent = int(children * (1 - PRESENT))
    people = pupils + absent  # the last of them are on no roll
    homes = max(1, int(people / 1.6))
    home = np.sort(random.integers(0, homes, people))
    random.shuffle(home[: people // 50])  # a few homes apart, so that the last are not one place
    surname_of, place_of = _drawn(surnames, homes, 20, random), random.integers(0, max(50, people // 6), homes)
    girl = random.random(people) < 0.5
    born = random.integers(0, DAYS, people)
    twin = (np.diff(home, prepend=-1) == 0) & (random.random(people) < 0.03)
    born[twin] = born[np.flatnonzero(twin) - 1]
    forename = pa.compute.if_else(pa.array(girl), _drawn(girls, people, 15, random), _drawn(boys, people, 15, random))
    order = random.permutation(people)
    database.add(
        "_people",
        pa.table(
            {
                "row": pa.array(np.arange(1, people + 1)),
                "surname": surname_of.take(pa.array(home[order])),
                "forename": forename.take(pa.array(order)),
                "birth_date": pa.array((FIRST_DAY + born[order]).astype("datetime64[D]")),
                "girl": pa.array(girl[order]),
                "place": pa.array(place_of[home[order]]),
                "number": pa.array(random.permutation(people)),
            }
        ),
    )
    database.execute(
        """
        CREATE OR REPLACE TABLE _everybody AS
        SELECT row, surname, forename, birth_date, CASE WHEN girl THEN 'F' ELSE 'M' END AS sex,
            format('Z{}{} {}{}{}', chr(65 + (place % 26)::INT), (place // 26) % 90 + 1, (place // 2340) % 9 + 1,
                chr(65 + ((place // 21060) % 26)::INT), chr(65 + ((place // 547560) % 26)::INT)) AS postcode,
            NULL::TEXT AS school, format('Z{:012d}', number * 97 + 11) AS upn, NULL::TEXT AS nhs_number
        FROM _people
        """
    )
    database.execute("DROP VIEW _people")
    database.execute(f"CREATE OR REPLACE TABLE pupil_rows AS SELECT * FROM _everybody WHERE row <= {pupils}")
    chosen = np.concatenate([random.choice(pupils, children - absent, replace=False), np.arange(pupils, people)]) + 1
    draws = {name: random.random(children) < rate * damage for name, rate in RATES.items()}
    columns = {
        "row": pa.array(np.arange(1, children + 1)),
        "of": pa.array(random.permutation(chosen)),
        "another": pa.array(random.integers(1, pupils + 1, children)),
        "other_surname": _drawn(surnames, children, 20, random),
        "other_forename": pa.compute.if_else(
            pa.array(random.random(children) < 0.5),
            _drawn(girls, children, 15, random),
            _drawn(boys, children, 15, random),
        ),
        **{f"k{n}": pa.array(random.random(children)) for n in range(1, 5)},
        **{name.replace(" ", "_"): pa.array(drawn) for name, drawn in draws.items()},
    }
    database.add("_draws", pa.table(columns))
    mistyped = """
        CASE floor({k} * 4)::INT
            WHEN 0 THEN left({n}, {at}) || {letter} || substr({n}, {at} + 2)
            WHEN 1 THEN left({n}, {at}) || substr({n}, {at} + 2)
            WHEN 2 THEN left({n}, {at}) || {letter} || substr({n}, {at} + 1)
            ELSE left({n}, {at} - 1) || substr({n}, {at} + 1, 1) || substr({n}, {at}, 1) || substr({n}, {at} + 2) END
    """

    def typed(name: str, k: str) -> str:
        at = f"(1 + floor(k2 * (length({name}) - 1))::INT)"
        return mistyped.format(n=name, k=k, at=at, letter="chr(97 + floor(k4 * 26)::INT)")

    database.execute(
        f"""
        CREATE OR REPLACE TABLE care_rows AS
        WITH named AS (
            SELECT d.*, p.sex,
                CASE WHEN surname_double THEN surname_was || '-' || other_surname
                    WHEN surname_changed THEN other_surname
                    WHEN surname_mistyped THEN {typed("surname_was", "k1")} ELSE surname_was END AS surname,
                CASE WHEN forename_other THEN other_forename WHEN forename_shortened THEN left(forename_was, 3)
                    WHEN forename_mistyped THEN {typed("forename_was", "k3")} ELSE forename_was END AS forename,
                CASE WHEN birth_date_missing THEN NULL WHEN NOT birth_date_wrong THEN born
                    WHEN k1 < 0.25 AND day(born) <= 12 THEN make_date(year(born), day(born), month(born))
                    WHEN k1 < 0.5 THEN born + 1
                    WHEN k1 < 0.75 THEN make_date(year(born) - 1, month(born), least(day(born), 28))
                    ELSE make_date(year(born), month(born) % 12 + 1, least(day(born), 28)) END AS birth_date,
                CASE WHEN postcode_missing THEN NULL WHEN postcode_moved THEN elsewhere
                    WHEN postcode_mistyped THEN left(home, length(home) - 1) || chr(65 + floor(k4 * 26)::INT)
                    ELSE home END AS postcode,
                CASE WHEN upn_missing THEN NULL WHEN upn_of_another THEN others
                    WHEN upn_mistyped THEN left(number, 6) || floor(k2 * 10)::INT || substr(number, 8)
                    ELSE number END AS upn
            FROM _draws d
            JOIN (SELECT row, surname AS surname_was, forename AS forename_was, birth_date AS born, sex,
                    postcode AS home, upn AS number FROM _everybody) p ON p.row = d.of
            JOIN (SELECT row, postcode AS elsewhere, upn AS others FROM _everybody) o ON o.row = d.another
        )
        SELECT row, CASE WHEN names_exchanged THEN forename ELSE surname END AS surname,
            CASE WHEN names_exchanged THEN surname ELSE forename END AS forename,
            birth_date, sex, postcode, NULL::TEXT AS school, upn, NULL::TEXT AS nhs_number
        FROM named ORDER BY row
        """
    )
    database.execute(
        f'CREATE OR REPLACE TABLE true_pair AS SELECT row AS l, "of" AS r FROM _draws WHERE "of" <= {pupils}'
    )
    database.execute("DROP VIEW _draws; DROP TABLE _everybody")
