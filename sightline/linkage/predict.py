"""Which records of two lists are one person: every pair scored, said in words, and at most one partner each.

What a model of independent evidence cannot know is put right here. Brothers and sisters share surname, home and often
school, and twins the birth date too, so first names must agree, or a number must, before a pair is accepted; a number
alone proves nothing; and of two candidates about as good, neither is taken.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

import pyarrow as pa

from sightline.engine import Database
from sightline.linkage.comparing import AGREES, BY_NAME, DIFFERS, EXCHANGED, NEARLY, Comparison
from sightline.linkage.model import (
    FEWEST_TO_CHOOSE_FROM,
    Model,
    chance_of_a_pair,
    compared,
    exact_pairs,
    exchanged_pairs,
    linker,
    rules,
    settings,
    silent,
)

ACCEPTED, REVIEW, REJECTED = "accepted", "review", "rejected"
LEAST = 0.01  # pairs less likely than this are not listed
# A candidate within this many bits of another is as good: at least four to one is asked for.
MARGIN = 2.0
# The most that is said of a pair that likeness alone cannot settle; and of one whose likeness is a family's.
UNSETTLED, FAMILY = 0.75, 0.2
# A brother or sister matched between the same two homes makes a pair this many times likelier. Of pairs of two
# children alike in first name and birth date hardly any have one; of moved children about one in three has.
SIBLING_ODDS = 32.0

# Below this no pair can become likely enough to be listed, whatever is known of its brothers and sisters.
_LEAST_SCORED = LEAST / (4 * SIBLING_ODDS)

# The rate of names in each other's place counts for so many pairs against what two lists show.
_RATE_COUNTS = 100.0

# How many true pairs there are is counted again so often; counts nearer to the first than this leave weights alone.
_ROUNDS, _WORTH = 20, 1.25
# Of all children, at most so many have a twin and are parted from it by two lists of which each holds one of the two:
# with first names somewhat alike, and with others. Twins of one sex are about 20 of 1,000 children.
_TWINS = {1: 0.001, 2: 0.004}
_LIKE_A_TWIN = 0.6
_A_YEAR_WRONG = 400  # days: a year mistyped, and the day or the month beside it

SCHEMA = pa.schema(
    [
        ("left_row", pa.int64()),
        ("right_row", pa.int64()),
        ("probability", pa.float64()),
        ("status", pa.string()),
        ("evidence", pa.string()),
    ]
)


@dataclass(frozen=True, slots=True)
class _Person:
    """What two rows of one list must share to be plainly one person: the digest of what they say (`_person`), and no
    number that contradicts another."""

    said: int
    upn: str | None
    nhs_number: str | None

    def same(self, other: _Person) -> bool:
        numbers = ((self.upn, other.upn), (self.nhs_number, other.nhs_number))
        return self.said == other.said and not any(a and b and a != b for a, b in numbers)


@dataclass(slots=True)
class _Pair:
    left: int
    right: int
    weight: float
    probability: float
    evidence: str
    unsettled: str
    left_person: _Person
    right_person: _Person
    likely: float
    renamed: int
    status: str = ""


def predict(
    database: Database,
    left: str,
    right: str,
    model: Model,
    *,
    accept: float = 0.9,
    review: float = 0.5,
    never: Collection[tuple[int, int]] = (),
) -> pa.Table:
    """One row per pair of records that may be one person: left_row, right_row, probability, status, evidence.

    `left` and `right` are tables made by `standardise`. Accepted pairs are one to one. Pairs with a probability below
    0.01 are left out; a pair whose record found a better partner is rejected whatever its probability. Sorted by
    left_row, then the likelier first. The same tables and model give the same rows. `never` names pairs of rows that
    are known to be two people: they are not pairs at all, so that each may have another partner.
    """
    comparisons = compared(database, left, right)
    sizes = [int(database.one(f"SELECT count(*) FROM {t}")) for t in (left, right)]
    blocking = rules(comparisons, sizes[0] * sizes[1])
    if not comparisons or not blocking or not all(sizes):
        return SCHEMA.empty_table()
    chance = chance_of_a_pair(database, left, right)
    made = settings(model, comparisons, chance, blocking=blocking)
    with silent():
        scoring = linker(database, left, right, made)
        scored = scoring.inference.predict(threshold_match_probability=_LEAST_SCORED, warning_mode="never")
        likelier = _exchanged(database, left, right, {c.name: c for c in comparisons}, model)
        weighed = _weighed(scored.physical_name, left, right, comparisons, likelier)
        database.execute(f"CREATE OR REPLACE TABLE _pair AS {weighed}")
        scoring.table_management.delete_tables_created_by_splink_from_db()
    if never:
        _leave_out(database, never)
    _reckon(database, begun=chance * min(sizes) * max(*sizes, FEWEST_TO_CHOOSE_FROM), smaller=min(sizes))
    pairs = _listed(database)
    _settle(pairs, accept, review)
    if _rename(pairs, accept, min(sizes)):
        _settle(pairs, accept, review)
    if "postcode" in {c.name for c in comparisons} and _with_siblings(database, left, right, pairs):
        pairs = _listed(database)
        _settle(pairs, accept, review)
        if _rename(pairs, accept, min(sizes)):
            _settle(pairs, accept, review)
    database.execute("DROP TABLE _pair")
    kept = sorted((p for p in pairs if p.probability >= LEAST), key=lambda p: (p.left, -p.probability, p.right))
    return pa.table(
        [
            pa.array([p.left for p in kept], pa.int64()),
            pa.array([p.right for p in kept], pa.int64()),
            pa.array([p.probability for p in kept], pa.float64()),
            pa.array([p.status for p in kept], pa.string()),
            pa.array([p.evidence for p in kept], pa.string()),
        ],
        schema=SCHEMA,
    )


def _leave_out(database: Database, never: Collection[tuple[int, int]]) -> None:
    left, right = zip(*sorted(never), strict=True)
    database.add("_never", pa.table({"row_l": pa.array(left, pa.int64()), "row_r": pa.array(right, pa.int64())}))
    database.execute("DELETE FROM _pair WHERE (row_l, row_r) IN (SELECT row_l, row_r FROM _never); DROP VIEW _never")


def _weighed(scored: str, left: str, right: str, comparisons: Iterable[Comparison], likelier: str) -> str:
    """SQL: one row per scored pair with its evidence in words and, where likeness cannot settle it, why."""
    present = {c.name: c for c in comparisons}

    def meets(name: str, *says: str) -> str:
        if name not in present:
            return "false"
        numbers = ", ".join(str(g) for s in says for g in present[name].gamma(s))
        return f"(gamma_{name} IN ({numbers}))"

    def missing(name: str) -> str:
        return f"(gamma_{name} = -1)" if name in present else "true"

    alike = {n: meets(n, AGREES, NEARLY) for n in BY_NAME}
    number = f"({meets('upn', AGREES)} OR {meets('nhs_number', AGREES)})"
    confirmed = " + ".join(f"{alike[n]}::INT" for n in ("surname", "forename", "birth_date", "postcode"))
    contact = f"({alike['address']} OR {alike['phone']} OR {alike['email']})"
    home = f"({alike['postcode']} OR {contact})"
    beside = f"({alike['birth_date']} OR {meets('school', AGREES)} OR {home})"
    # One first name is not held, or its first letter alone.
    unnamed = f"({missing('forename')} AND ({alike['surname']} OR {contact}) AND (a.initial = b.initial) IS NOT FALSE)"
    # Of twins the one whose first name neither list holds is the same in both.
    alone = "(NOT a.twin AND NOT b.twin OR a.forename IS NULL AND b.forename IS NULL)"
    # No two children of a family bear one first name, and a father is not a year older than his son.
    namesake = (
        f"{meets('surname', AGREES)} AND {meets('forename', AGREES)} AND {meets('postcode', AGREES)} "
        f"AND abs(a.birth_date - b.birth_date) <= {_A_YEAR_WRONG}"
    ) if "birth_date" in present else "false"  # fmt: skip
    same_name = (
        f"({meets('forename', AGREES)} OR a.forename = b.surname OR damerau_levenshtein(a.forename, b.forename) <= 1)"
    )
    words = ", ".join(
        f"CASE gamma_{name} " + " ".join(_when(present[name])) + " END" for name in _SAID if name in present
    )
    twice = f"{EXCHANGED}, {EXCHANGED}"
    return f"""
        SELECT row_l, row_r, match_weight + log2({likelier}) AS weight,
            1 - 1 / (1 + match_probability / greatest(1 - match_probability, 1e-15) * {likelier}) AS probability,
            replace(concat_ws(', ', {words}), '{twice}', '{EXCHANGED}') AS said,
            CASE
                WHEN {number} AND {confirmed} < 2 THEN 'too little besides the number agrees'
                WHEN NOT {alike["forename"]} AND NOT {alike["birth_date"]}
                    THEN 'neither first name nor birth date agrees'
                WHEN NOT {alike["forename"]} AND NOT {number}
                    AND NOT ({unnamed} AND {home} AND {alike["birth_date"]} AND {alone})
                    THEN 'without agreeing first names it may be a brother, a sister or somebody else'
                WHEN NOT {alike["forename"]} AND NOT {alone}
                    THEN 'another child of the same age lives at the address'
                WHEN {meets("birth_date", DIFFERS)} AND NOT {number} AND NOT {contact} AND NOT ({namesake})
                    THEN 'names agree, but not the birth date'
                WHEN {missing("birth_date")} AND NOT {number} AND NOT {contact} AND NOT {same_name}
                    THEN 'first names are only alike, and there is no birth date to tell a brother or sister'
                WHEN {meets("surname", DIFFERS)} AND NOT {number} AND NOT {home} AND NOT {meets("school", AGREES)}
                    AND NOT {meets("sex", AGREES)}
                    THEN 'surnames differ, and only first name and birth date agree'
                WHEN NOT {number} AND NOT {beside} THEN 'only names agree'
            END AS unsettled,
            NOT {alike["forename"]} AND NOT {number}
                AND (NOT {alike["birth_date"]} OR {meets("sex", DIFFERS)}) AS family,
            {alike["forename"]} AND {alike["birth_date"]} AND NOT {meets("postcode", AGREES)} AS may_have_moved,
            {_person("a")} AS left_person, {_person("b")} AS right_person,
            a.upn AS left_upn, a.nhs_number AS left_nhs, b.upn AS right_upn, b.nhs_number AS right_nhs,
            CASE WHEN {meets("forename", DIFFERS)} AND ({alike["surname"]} OR {contact})
                AND {meets("birth_date", AGREES)} AND {home}
                AND NOT a.twin AND NOT b.twin AND NOT {meets("sex", DIFFERS)}
                THEN CASE WHEN jaro_winkler_similarity(a.forename, b.forename) >= {_LIKE_A_TWIN} THEN 1 ELSE 2 END
                ELSE 0 END AS renamed,
            false AS sibling
        FROM {scored} s JOIN {left} a ON a.row = s.row_l JOIN {right} b ON b.row = s.row_r
    """


def _exchanged(database: Database, left: str, right: str, present: dict[str, Comparison], model: Model) -> str:
    """SQL: how many times likelier a pair is than the comparisons of names say where both names stand in each other's
    place. One slip made both, so that it is not counted as two; and in a list that often has them so it is no slip."""
    if not {"surname", "forename"} <= present.keys():
        return "1"
    at = {name: [level.words for level in present[name].levels].index(EXCHANGED) for name in ("surname", "forename")}
    rates = [model.rates[name][n][0] for name, n in at.items()]
    rate = max(rates)
    if "birth_date" in present:
        often = exchanged_pairs(database, left, right)
        seen = often + exact_pairs(database, left, right)
        rate = max(rate, (often + rate * _RATE_COUNTS) / (seen + _RATE_COUNTS))
    both = " AND ".join(f"gamma_{name} = {len(present[name].levels) - 1 - n}" for name, n in at.items())
    return f"CASE WHEN {both} THEN {rate / (rates[0] * rates[1])!r} ELSE 1 END"


def _person(row: str) -> str:
    """SQL: the same for two rows of a list that are plainly one person twice, unless numbers contradict it. Without a
    birth date, names and a home are not plain enough (a father and his son bear them): a number must agree too."""
    said = ", ".join(f"{row}.{name}" for name in ("surname", "forename", "birth_date", "sex", "postcode"))
    numbers = f"coalesce({row}.upn, {row}.nhs_number, {row}.row::TEXT)"
    return f"hash({said}, CASE WHEN {row}.birth_date IS NULL THEN {numbers} END)"


_SAID = (*(n for n in BY_NAME if n not in ("upn", "nhs_number")), "upn", "nhs_number")


def _when(c: Comparison) -> Iterator[str]:
    for gamma in range(len(c.levels)):
        level = c.level(gamma)
        if level is not None:
            words = level.words.replace("'", "''")
            yield f"WHEN {gamma} THEN '{words}'"


def _listed(database: Database) -> list[_Pair]:
    """The pairs that may be listed, the weightiest first; the order of equals is that of their rows."""
    rows = database.rows(
        f"""
        SELECT row_l, row_r, weight + CASE WHEN sibling THEN log2({SIBLING_ODDS}) ELSE 0 END AS w,
            1 - 1 / (1 + probability / greatest(1 - probability, 1e-15)
                * CASE WHEN sibling THEN {SIBLING_ODDS} ELSE 1 END) AS p,
            said, coalesce(unsettled, ''), family, left_person, left_upn, left_nhs, right_person, right_upn, right_nhs,
            renamed, sibling
        FROM _pair WHERE sibling OR probability >= {LEAST} ORDER BY w DESC, row_l, row_r
        """
    )
    return [
        _Pair(
            left,
            right,
            weight,
            round(min(p, FAMILY if family else UNSETTLED if unsettled else 0.999999), 6),
            said + (", a brother or sister matched between the same two homes" if sibling else ""),
            unsettled,
            _Person(*one),
            _Person(*other),
            p,
            renamed,
        )
        for left, right, weight, p, said, unsettled, family, *persons, renamed, sibling in rows
        for one, other in [(persons[:3], persons[3:])]
    ]


def _reckon(database: Database, begun: float, smaller: int) -> None:
    """Weigh the pairs by how many true ones the two lists seem to hold, where that is more than agree exactly.

    Where most records of a list are damaged few pairs agree exactly, and every pair would seem less likely than it is.
    Counts each record's best pair by its probability until the count settles; it is never taken to be less.
    """
    best = [
        2.0**weight
        for (weight,) in database.rows(
            """
            SELECT weight FROM (
                SELECT row_l, row_r, weight, max(weight) OVER (PARTITION BY row_l) AS most_l,
                    max(weight) OVER (PARTITION BY row_r) AS most_r
                FROM _pair WHERE unsettled IS NULL
            ) WHERE weight = most_l AND weight = most_r ORDER BY row_l, row_r
            """
        )
    ]
    times = 1.0
    for _ in range(_ROUNDS):
        found = sum(odds * times / (1 + odds * times) for odds in best)
        times = max(1.0, min(found, 0.98 * smaller) / begun)
    if times > _WORTH:
        database.execute(
            f"""
            UPDATE _pair SET weight = weight + log2({times!r}),
                probability = 1 - 1 / (1 + probability / greatest(1 - probability, 1e-15) * {times!r})
            """
        )


def _rename(pairs: list[_Pair], accept: float, smaller: int) -> bool:
    """Settle pairs that agree in all but the first name, where they are too many to be twins parted by the lists.

    A twin whom only one list holds, beside the other twin whom only the other list holds, looks like a child with a
    wrong first name. Of `_TWINS` of the children at most is that so, and of fewer with first names somewhat alike: a
    list with many more such pairs has wrong first names. Each is then as likely as the share that cannot be twins.
    Where not even half of the shorter list has a partner, the lists may part all their twins, and nothing is settled.
    """
    settled = False
    accepted = [p for p in pairs if p.status == ACCEPTED]
    if len(accepted) < smaller / 2:
        return False
    left_taken, right_taken = {p.left for p in accepted}, {p.right for p in accepted}
    for renamed, share in _TWINS.items():
        free = [
            p
            for p in pairs
            if p.renamed == renamed and p.unsettled and p.likely >= accept
            and p.left not in left_taken and p.right not in right_taken
        ]  # fmt: skip
        twins = 2 + share * smaller
        probability = 1 - twins / max(len(free), 1)
        if probability >= accept:
            settled = True
            for p in free:
                p.probability, p.unsettled = round(min(probability, p.likely), 6), ""
    if settled:
        for p in pairs:
            p.status, p.evidence = "", p.evidence.partition("; ")[0]
    return settled


def _settle(pairs: list[_Pair], accept: float, review: float) -> None:
    """Give each pair its status, the weightiest first: at most one partner each, and nobody where two are as good."""
    by_left: dict[int, list[_Pair]] = defaultdict(list)
    by_right: dict[int, list[_Pair]] = defaultdict(list)
    for pair in pairs:
        by_left[pair.left].append(pair)
        by_right[pair.right].append(pair)
    left_of: dict[int, _Pair] = {}  # the accepted pair of a left record
    right_of: dict[int, _Pair] = {}
    for pair in pairs:
        if pair.probability < accept or pair.unsettled:
            continue
        if pair.left in left_of or pair.right in right_of:
            continue
        near = [
            *(p for p in by_left[pair.left] if p.right not in right_of and not p.right_person.same(pair.right_person)),
            *(p for p in by_right[pair.right] if p.left not in left_of and not p.left_person.same(pair.left_person)),
        ]
        if any(p is not pair and p.weight > pair.weight - MARGIN and p.probability >= review for p in near):
            pair.unsettled = "another record fits about as well"
            continue
        pair.status = ACCEPTED
        left_of[pair.left] = right_of[pair.right] = pair
    for pair in pairs:
        if pair.status:
            continue
        if pair.probability < review:
            pair.status = REJECTED
            continue
        winners = [p for p in (left_of.get(pair.left), right_of.get(pair.right)) if p]
        again = [
            p
            for p in winners
            if (p.left == pair.left and p.right_person.same(pair.right_person))
            or (p.right == pair.right and p.left_person.same(pair.left_person))
        ]
        if again:
            pair.status = REVIEW
            pair.evidence += "; the list holds this person more than once"
        elif winners:
            pair.status = REJECTED
            better = winners[0]
            other = f"right row {better.right}" if better.left == pair.left else f"left row {better.left}"
            pair.evidence += f"; {other} fits better"
        else:
            pair.status = REVIEW
            if pair.unsettled:
                pair.evidence += f"; {pair.unsettled}"


def _with_siblings(database: Database, left: str, right: str, pairs: list[_Pair]) -> bool:
    """Mark pairs of children who seem to have moved and whose brother or sister matched between the same two homes."""
    accepted = [p for p in pairs if p.status == ACCEPTED]
    if not accepted:
        return False
    database.add(
        "_accepted",
        pa.table(
            {
                "row_l": pa.array([p.left for p in accepted], pa.int64()),
                "row_r": pa.array([p.right for p in accepted], pa.int64()),
            }
        ),
    )
    database.execute(
        f"""
        UPDATE _pair SET sibling = true
        FROM (
            SELECT DISTINCT p.row_l, p.row_r FROM _pair p
            JOIN {left} a ON a.row = p.row_l JOIN {right} b ON b.row = p.row_r
            JOIN {left} c ON c.postcode = a.postcode AND c.surname = a.surname AND c.row <> a.row
            JOIN _accepted x ON x.row_l = c.row
            JOIN {right} d ON d.row = x.row_r AND d.postcode = b.postcode AND d.surname = b.surname AND d.row <> b.row
            WHERE p.may_have_moved AND p.unsettled IS NULL
        ) s
        WHERE _pair.row_l = s.row_l AND _pair.row_r = s.row_r
        """
    )
    database.execute("DROP VIEW _accepted")
    return bool(database.one("SELECT count(*) FROM _pair WHERE sibling"))


def expected_missed(pairs: pa.Table) -> float:
    """How many left records are expected to be in the right list without an accepted pair.

    For each left record with none, one minus the product over its pairs of (1 - probability), leaving out pairs whose
    right record another left record took. Pairs that no blocking rule brought together, and those below 0.01, are not
    in it: it is a lower bound.
    """
    taken_left = {r["left_row"] for r in pairs.to_pylist() if r["status"] == ACCEPTED}
    taken_right = {r["right_row"] for r in pairs.to_pylist() if r["status"] == ACCEPTED}
    alone: dict[int, float] = {}
    for row in pairs.to_pylist():
        if row["left_row"] not in taken_left and row["right_row"] not in taken_right:
            alone[row["left_row"]] = alone.get(row["left_row"], 1.0) * (1 - row["probability"])
    return sum(1 - left for left in alone.values())
