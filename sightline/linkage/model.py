"""The numbers linkage weighs evidence with: learnt from the data given, or the stored ones where data are too few.

Estimation and scoring are Splink's (Fellegi and Sunter's model, expectation maximisation, term frequencies); what it
learns is mixed with the stored values in proportion to how much was seen, so that a level never met keeps a sensible
weight. The same data give the same model.
"""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from sightline.engine import Database
from sightline.linkage.comparing import BROAD_RULES, COMPARISONS, RULES, Comparison
from sightline.linkage.people import filled
from sightline.vocabulary.errors import BadSetting

# Fewer people on the shorter side, or fewer pairs that agree on both names and birth date, teach nothing safe.
FEWEST_PEOPLE, FEWEST_PAIRS = 1_000, 300
# How many true pairs (for m) and chance pairs (for u) the stored values count for against what is seen.
_STORED_M, _STORED_U = 100.0, 100_000.0
_SAMPLE = 1_000  # records from each side whose every pair shows how often children agree by chance
_MOST_TRAINING_PAIRS = 5e6
FEWEST_TO_CHOOSE_FROM = 1_000
# Up to so many pairs in all, every one is looked at; up to so many, those that share much less than in longer lists.
_EVERY_PAIR, _BROAD = 250_000, 500_000_000
# Of true pairs, about this part agree exactly on both names and birth date.
_EXACT_RECALL = 0.85
_LEAST_M = {"surname": 0.5, "forename": 0.5, "birth_date": 0.6, "sex": 0.6}  # below these, learning went astray

Rates = Mapping[str, tuple[tuple[float, float], ...]]
"""By comparison, one (m, u) per level from most to least alike."""


@dataclass(frozen=True, slots=True)
class Model:
    """What the evidence weighs. `learnt` says from what; `people` are the sizes of the lists it was learnt from."""

    learnt: str
    rates: Rates
    people: tuple[int, int] = (0, 0)

    @classmethod
    def stored(cls) -> Self:
        """The model that comes with Sightline."""
        rates = {c.name: tuple((level.m, level.u) for level in c.levels) for c in COMPARISONS}
        return cls("the stored model: rates of error of the measured experiments", rates)

    def save(self, path: Path) -> None:
        """Write the model as JSON; nothing in it is a record of a child."""
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        aside = path.with_name(path.name + ".part")
        aside.write_text(self.json(), encoding="utf-8")
        aside.replace(path)

    def json(self) -> str:
        return json.dumps({"comparisons": _shape(), **asdict(self)}, indent=1) + "\n"

    @classmethod
    def load(cls, path: Path) -> Self:
        """A model saved by `save`. Raises BadSetting when it is not one, or was made for other comparisons."""
        try:
            held = json.loads(path.read_text(encoding="utf-8"))
            if not held["comparisons"].items() <= _shape().items():
                raise BadSetting(f"The model {path.name} was learnt for other comparisons; train it again.")
            # What is compared since it was learnt weighs as in the stored model.
            rates = {**cls.stored().rates}
            rates |= {name: tuple((float(m), float(u)) for m, u in each) for name, each in held["rates"].items()}
            people = (int(held["people"][0]), int(held["people"][1]))
            model = cls(str(held["learnt"]), rates, people)
        except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
            raise BadSetting(f"{path.name} is not a model of linkage; train it again.") from error
        if {name: len(each) for name, each in rates.items()} != _shape() or not all(
            0 < m <= 1 and 0 < u <= 1 for each in rates.values() for m, u in each
        ):
            raise BadSetting(f"{path.name} is not a model of linkage; train it again.")
        return model


def _shape() -> dict[str, int]:
    return {c.name: len(c.levels) for c in COMPARISONS}


def compared(database: Database, left: str, right: str) -> tuple[Comparison, ...]:
    """The comparisons that two standardised tables allow: both sides hold the column."""
    both = filled(database, left) & filled(database, right)
    return tuple(c for c in COMPARISONS if both.issuperset(c.columns))


def rules(comparisons: tuple[Comparison, ...], pairs: int) -> list[str]:
    """The blocking rules that use nothing but what is compared, for lists that make so many pairs in all."""
    if comparisons and pairs <= _EVERY_PAIR:
        return ["1 = 1"]
    names = {column for c in comparisons for column in c.columns}
    return [
        rule
        for rule in (BROAD_RULES if pairs <= _BROAD else RULES)
        if names.issuperset(word.split(".")[1] for word in _words(rule))
    ]


def _words(rule: str) -> list[str]:
    return [w.strip("()") for w in rule.replace("(", " ").split() if w.startswith(("l.", "r."))]


def exact_pairs(database: Database, left: str, right: str) -> int:
    """How many pairs agree exactly on both names and birth date."""
    return int(database.one(f"SELECT count(*) FROM {left} l JOIN {right} r USING (surname, forename, birth_date)"))


def exchanged_pairs(database: Database, left: str, right: str) -> int:
    """How many pairs have both names in each other's place, and one birth date."""
    return int(
        database.one(
            f"SELECT count(*) FROM {left} l JOIN {right} r ON l.surname = r.forename AND l.forename = r.surname "
            "AND l.birth_date = r.birth_date AND l.surname <> l.forename"
        )
    )


def chance_of_a_pair(database: Database, left: str, right: str) -> float:
    """How likely two records taken at random are one child: from the pairs that agree exactly (or that would, with both
    names in each other's place)."""
    n_left, n_right = (int(database.one(f"SELECT count(*) FROM {t}")) for t in (left, right))
    smaller = max(1, min(n_left, n_right))
    found = (exact_pairs(database, left, right) + exchanged_pairs(database, left, right)) / _EXACT_RECALL
    # Never nothing, and never so sure that a chance likeness would do: however short the lists, a record has its
    # partner among as many as a large school has pupils.
    expected = min(max(found, 0.02 * smaller, 1.0), 0.98 * smaller)
    return expected / (smaller * max(n_left, n_right, FEWEST_TO_CHOOSE_FROM))


def settings(
    model: Model, comparisons: tuple[Comparison, ...], chance: float, *, blocking: list[str]
) -> dict[str, Any]:
    """Splink's settings for a model."""
    return {
        "link_type": "link_only",
        "unique_id_column_name": "row",
        "probability_two_random_records_match": chance,
        "comparisons": [_comparison(c, model.rates[c.name]) for c in comparisons],
        "blocking_rules_to_generate_predictions": blocking,
        "retain_matching_columns": True,
        "retain_intermediate_calculation_columns": False,
        "em_convergence": 0.001,
        "max_iterations": 20,
    }


def _comparison(c: Comparison, rates: tuple[tuple[float, float], ...]) -> dict[str, Any]:
    missing = " OR ".join(f"{name}_{side} IS NULL" for name in c.columns for side in "lr")
    levels: list[dict[str, Any]] = [{"sql_condition": missing, "label_for_charts": "not held", "is_null_level": True}]
    for n, (level, (m, u)) in enumerate(zip(c.levels, rates, strict=True)):
        made: dict[str, Any] = {
            "sql_condition": level.sql or "ELSE",
            "label_for_charts": level.words,
            "m_probability": m,
            "u_probability": u,
        }
        if n == 0 and c.frequency:
            made |= {"tf_adjustment_column": c.frequency, "tf_minimum_u_value": 1e-5}
        levels.append(made)
    return {"output_column_name": c.name, "comparison_levels": levels}


@contextmanager
def silent() -> Iterator[None]:
    """Splink says nothing while this holds: its notes would name columns, tables and timings on the screen."""
    logger = logging.getLogger("splink")
    before = logger.disabled, logger.level
    children = [logging.getLogger(n) for n in logging.root.manager.loggerDict if n.startswith("splink.")]
    held = [(child, child.disabled) for child in children]
    logger.disabled = True
    for child in children:
        child.disabled = True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.disabled, level = before
        logger.setLevel(level)
        for child, was in held:
            child.disabled = was


def linker(database: Database, left: str, right: str, made: dict[str, Any]) -> Any:
    """A Splink linker over two tables of a database of ours, so that it runs with the engine's own settings."""
    from splink import DuckDBAPI, Linker  # a second to import: only where it is used

    api = DuckDBAPI(connection=database.connection)
    tables = [api.register(left, dataset_display_name="a"), api.register(right, dataset_display_name="b")]
    return Linker(tables, made, log_level=None, validate_settings=False)


def train(database: Database, left: str, right: str) -> Model:
    """A model learnt from two standardised tables; the stored one, saying why, where they are too few.

    m by expectation maximisation over pairs that share both names, and over pairs that share birth date and sex; u
    from every pair of a fixed sample, and for exact agreement from the frequencies of every value.
    """
    stored = Model.stored()
    people = tuple(int(database.one(f"SELECT count(*) FROM {t}")) for t in (left, right))
    pairs = exact_pairs(database, left, right)
    comparisons = compared(database, left, right)
    names = {c.name for c in comparisons}
    u = _by_chance(database, left, right, stored, comparisons)
    sizes = (people[0], people[1])
    enough = min(people) >= FEWEST_PEOPLE and pairs >= FEWEST_PAIRS
    if not enough or not {"surname", "forename", "birth_date"} <= names:
        rates = _mixed(stored, {}, u, pairs)
        return Model(f"{stored.learnt}; too few records to learn from ({pairs:,} pairs agree exactly)", rates, sizes)
    m = _among_true_pairs(database, left, right, Model("", _mixed(stored, {}, u, pairs)), comparisons)
    if any(m[name][0] < least for name, least in _LEAST_M.items() if name in m):
        rates = _mixed(stored, {}, u, pairs)
        return Model(f"{stored.learnt}; learning from the data did not settle", rates, sizes)
    return Model(f"{pairs:,} pairs that agree exactly, and those like them", _mixed(stored, m, u, pairs), sizes)


def _mixed(
    stored: Model,
    m: Mapping[str, list[float]],
    u: Mapping[str, list[tuple[float, float]]],
    pairs: int,
) -> dict[str, tuple[tuple[float, float], ...]]:
    """Learnt and stored rates weighed by how much was seen. `u` gives (rate, pairs it was seen among)."""
    mixed = {}
    for name, rates in stored.rates.items():
        new_m = [
            (pairs * m[name][n] + _STORED_M * rate) / (pairs + _STORED_M) if name in m else rate
            for n, (rate, _) in enumerate(rates)
        ]
        new_u = [
            (u[name][n][0] * u[name][n][1] + _STORED_U * rate) / (u[name][n][1] + _STORED_U) if name in u else rate
            for n, (_, rate) in enumerate(rates)
        ]
        total_m, total_u = sum(new_m), sum(new_u)
        mixed[name] = tuple(
            (round(max(a / total_m, 1e-6), 9), round(max(b / total_u, 1e-9), 12))
            for a, b in zip(new_m, new_u, strict=True)
        )
    return mixed


def _by_chance(
    database: Database, left: str, right: str, model: Model, comparisons: tuple[Comparison, ...]
) -> dict[str, list[tuple[float, float]]]:
    """By comparison, for each level, how often two children's records meet it, and among how many pairs it was seen."""
    # Numbers agree by mistake alone, which no sample shows.
    wanted = tuple(c for c in comparisons if c.name not in ("upn", "nhs_number"))
    if not wanted:
        return {}
    sizes = []
    for table, sample in ((left, "_sample_a"), (right, "_sample_b")):
        database.execute(
            f"CREATE OR REPLACE TABLE {sample} AS SELECT * FROM {table} ORDER BY hash(row), row LIMIT {_SAMPLE}"
        )
        sizes.append(int(database.one(f"SELECT count(*) FROM {sample}")))
    with silent():
        sampling = linker(database, "_sample_a", "_sample_b", settings(model, wanted, 1e-5, blocking=[]))
        sampling.training.estimate_u_using_random_sampling(max_pairs=1e12, min_count_per_level=None, num_chunks=1)
        seen = _read(sampling, "u_probability")
        sampling.table_management.delete_tables_created_by_splink_from_db()
    for sample in ("_sample_a", "_sample_b"):
        database.execute(f"DROP TABLE {sample}")
    true_share = exact_pairs(database, left, right) / _EXACT_RECALL
    found: dict[str, list[tuple[float, float]]] = {}
    for c in wanted:
        among = float(sizes[0] * sizes[1])
        levels = [(rate, among) for rate in seen[c.name]]
        v = c.columns[0]
        counted = "(SELECT {v} AS v, count(*)::DOUBLE AS n FROM {t} WHERE {v} IS NOT NULL GROUP BY ALL)"
        agreeing, of = database.rows(
            f"""
            SELECT (SELECT coalesce(sum(a.n * b.n), 0)
                    FROM {counted.format(v=v, t=left)} a JOIN {counted.format(v=v, t=right)} b USING (v)),
                (SELECT count({v})::DOUBLE FROM {left}) * (SELECT count({v})::DOUBLE FROM {right})
            """
        )[0]
        # True pairs agree too, and are not chance.
        by_chance = max(0.0, agreeing - true_share * model.rates[c.name][0][0])
        levels[0] = (by_chance / of if of else 0.0, of)
        found[c.name] = levels
    return found


def _among_true_pairs(
    database: Database, left: str, right: str, model: Model, comparisons: tuple[Comparison, ...]
) -> dict[str, list[float]]:
    """By comparison, for each level, how often two records of one child meet it (expectation maximisation)."""
    made = settings(model, comparisons, chance_of_a_pair(database, left, right), blocking=[])
    names = {c.name for c in comparisons}
    sessions = [("l.forename = r.forename AND l.surname = r.surname", {"forename", "surname"})]
    second = {"birth_date", "sex"} & names
    sessions.append((" AND ".join(f"l.{n} = r.{n}" for n in sorted(second)), second))
    learnt: dict[str, list[list[float]]] = {}
    with silent():
        for rule, fixed in sessions:
            training = linker(database, left, right, made)
            training.training.estimate_parameters_using_expectation_maximisation(
                rule, max_pairs=_MOST_TRAINING_PAIRS, record_sample_proportion=1.0
            )
            for name, rates in _read(training, "m_probability").items():
                if name not in fixed:
                    # Splink leaves a level it never saw at the rate it began with.
                    begun = [m for m, _ in model.rates[name]]
                    seen = [0.0 if rate == was else rate for rate, was in zip(rates, begun, strict=True)]
                    learnt.setdefault(name, []).append(seen)
            training.table_management.delete_tables_created_by_splink_from_db()
    return {name: [sum(each) / len(each) for each in zip(*sets, strict=True)] for name, sets in learnt.items()}


def _read(trained: Any, rate: str) -> dict[str, list[float]]:
    """The rates of a trained linker, by comparison, one per level from most to least alike."""
    made = trained.misc.save_model_to_json()
    return {
        c["output_column_name"]: [
            max(float(level.get(rate) or 0.0), 0.0)
            for level in c["comparison_levels"]
            if not level.get("is_null_level")
        ]
        for c in made["comparisons"]
    }
