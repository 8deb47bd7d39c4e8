"""Linkage by likeness: measured on the invented authority, against exact passes, by hand, and where it must refuse."""

import json
import logging
import math
import sys
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

sys.path.append(str(Path(__file__).parents[2]))

from benchmarks.linkage import accepted, nine_passes, prepared
from sightline.engine import Database, arrow_schema
from sightline.linkage import COLUMNS, Model, expected_missed, learn, link, predict, standardise, train_model
from sightline.linkage.comparing import BY_NAME, COMPARISONS
from sightline.linkage.model import chance_of_a_pair
from sightline.linkage.names import forms
from sightline.synthetic import invent
from sightline.synthetic.person_lists import PersonLists, person_lists
from sightline.vocabulary.errors import BadSetting
from sightline.vocabulary.settings import Settings

DAY = date(2012, 3, 4)


@pytest.fixture(scope="module")
def invented():
    return invent(3000, 5)


@pytest.fixture(scope="module")
def lists(invented) -> dict[float, PersonLists]:
    """The planted faults alone (a tenth of UPNs missing, names and dates damaged), and the usual and hard damage."""
    made = {}
    for damage in (0.0, 1.0, 2.2):
        made[damage] = person_lists(invented, damage=damage, random=np.random.Generator(np.random.PCG64(1)))
    return made


@pytest.fixture(scope="module")
def linked(lists):
    """By damage: the lists, the pairs predicted, and those of nine exact passes, all in one run."""
    made = {}
    for damage, each in lists.items():
        with Database() as database:
            prepared(each, database)
            pairs = predict(database, "a", "b", train_model(database, "a", "b"))
            made[damage] = (each, pairs, nine_passes(database, "a", "b"))
    return made


@pytest.mark.parametrize(("damage", "least"), [(0.0, 0.99), (1.0, 0.97)])
def test_precision_and_recall_on_the_invented_authority(linked, damage, least):
    each, pairs, _ = linked[damage]
    precision, recall, _ = each.score(accepted(pairs))
    assert precision >= 0.995
    assert recall >= least


@pytest.mark.parametrize("damage", [0.0, 1.0, 2.2])
def test_never_worse_than_nine_exact_passes(linked, damage):
    each, pairs, exact = linked[damage]
    _, recall, false = each.score(accepted(pairs))
    _, their_recall, their_false = each.score(exact)
    assert recall >= their_recall
    assert false <= their_false


def test_probabilities_mean_what_they_say(linked):
    """Of accepted pairs about as many are false as their probabilities say; missed pairs are of the right order."""
    each, pairs, _ = linked[2.2]
    found = accepted(pairs)
    precision, recall, false = each.score(found)
    doubt = sum(1 - r["probability"] for r in pairs.to_pylist() if r["status"] == "accepted")
    assert abs(false - doubt) < 6
    children = {each.care_child[left - 1] for left, _ in each.true_pairs()}
    missed = len(children) * (1 - recall)
    assert 0.3 * missed < expected_missed(pairs) < 1.5 * missed
    assert precision >= 0.99


def test_each_record_has_at_most_one_accepted_partner(linked):
    for _, pairs, _ in linked.values():
        found = accepted(pairs)
        assert len({left for left, _ in found}) == len({right for _, right in found}) == len(found)


def test_the_same_lists_give_the_same_pairs_whatever_the_threads(lists):
    """Fractions of a millionth may differ with the order of adding up; nothing that is said or decided may."""
    answers = []
    for threads in (1, 2):
        with Database(threads=threads) as database:
            prepared(lists[1.0], database)
            answers.append(predict(database, "a", "b", train_model(database, "a", "b")))
    assert answers[0].drop_columns(["probability"]).equals(answers[1].drop_columns(["probability"]))
    assert np.allclose(answers[0]["probability"].to_numpy(), answers[1]["probability"].to_numpy(), atol=2e-6)


def test_splink_is_silent_and_logging_is_left_as_it_was(lists, capfd):
    logging.getLogger("splink").setLevel(logging.INFO)
    with Database() as database:
        prepared(lists[0.0], database)
        predict(database, "a", "b", train_model(database, "a", "b"))
        left = [name for (name,) in database.rows("SELECT table_name FROM duckdb_tables()")]
    assert capfd.readouterr() == ("", "")
    assert not logging.getLogger("splink").disabled
    assert sorted(left) == ["a", "b"]  # what Splink made is gone again


def test_the_engine_setting_holds_where_splink_works(lists):
    with Database() as database:
        prepared(lists[0.0], database)
        train_model(database, "a", "b")
        assert "partial_aggregate_pushdown" in database.one("SELECT current_setting('disabled_optimizers')")


# The model.


def test_learning_recovers_planted_rates():
    """m and u of a made list are known: 90% of true pairs share the first name, 95% the birth date, 80% the postcode."""
    rng = np.random.Generator(np.random.PCG64(3))
    n = 4000
    left, right = [], []
    for row in range(1, n + 1):
        person = {
            "row": row,
            "surname": f"{_word(rng)}{_word(rng)}",
            "forename": _word(rng),
            "birth_date": DAY + timedelta(days=int(rng.integers(5000))),
            "sex": "MF"[int(rng.integers(2))],
            "postcode": f"ZZ{int(rng.integers(1, 10))} {int(rng.integers(10))}{_word(rng)[:2].upper()}",
        }
        left.append(dict(person))
        if rng.random() < 0.1:
            person["forename"] = _word(rng)
        if rng.random() < 0.05:
            person["birth_date"] = DAY + timedelta(days=int(rng.integers(5000)))
        if rng.random() < 0.2:
            person["postcode"] = f"ZZ{int(rng.integers(1, 10))} {int(rng.integers(10))}{_word(rng)[:2].upper()}"
        right.append(person)
    present = ("surname", "forename", "birth_date", "sex", "postcode")
    with Database() as database:
        for name, rows in (("l", left), ("r", right)):
            database.add(name, pa.Table.from_pylist(rows))
            standardise(database, f"SELECT * FROM {name}", f"{name}_list", present=present)
        model = train_model(database, "l_list", "r_list")
    assert model.learnt.startswith("3,")
    assert model.rates["forename"][0][0] == pytest.approx(0.9, abs=0.02)
    assert model.rates["birth_date"][0][0] == pytest.approx(0.95, abs=0.02)
    assert model.rates["postcode"][0][0] == pytest.approx(0.8, abs=0.03)
    assert model.rates["birth_date"][0][1] == pytest.approx(1 / 5000, rel=0.15)
    assert model.rates["sex"][0][1] == pytest.approx(0.5, abs=0.02)


def _word(rng) -> str:
    return "".join(rng.choice(list("bcdfghjklmnprstvwz")) + rng.choice(list("aeiou")) for _ in range(3))


def test_few_records_keep_the_stored_model_and_say_so(lists):
    with Database() as database:
        prepared(lists[0.0], database)
        model = train_model(database, "a", "b")
    assert "too few records to learn from" in model.learnt
    stored = Model.stored().rates
    assert [m for m, _ in model.rates["surname"]] == pytest.approx([m for m, _ in stored["surname"]])


@pytest.mark.parametrize("comparison", COMPARISONS, ids=lambda c: c.name)
def test_the_stored_model_is_whole(comparison):
    """The levels of a comparison are all the ways two records can compare, so their rates add up to one."""
    assert sum(level.m for level in comparison.levels) == pytest.approx(1)
    assert sum(level.u for level in comparison.levels) == pytest.approx(1, abs=0.001)
    assert [level.sql for level in comparison.levels].count("") == 1
    assert comparison.levels[0].m > comparison.levels[0].u
    assert comparison.levels[-1].m < comparison.levels[-1].u


def test_a_saved_model_is_the_same_model(tmp_path, lists):
    with Database() as database:
        prepared(lists[1.0], database)
        model = train_model(database, "a", "b")
        model.save(tmp_path / "models" / "linkage.json")
        saved = Model.load(tmp_path / "models" / "linkage.json")
        assert saved == model
        assert predict(database, "a", "b", saved).equals(predict(database, "a", "b", model))


@pytest.mark.parametrize("harm", ["not json", "{}", "other comparisons", "a rate of 2", "a level short"])
def test_a_model_that_is_none_is_refused(tmp_path, harm):
    held = json.loads(Model.stored().json())
    if harm == "other comparisons":
        held["comparisons"]["surname"] = 99
    if harm == "a rate of 2":
        held["rates"]["surname"][0][0] = 2
    if harm == "a level short":
        held["rates"]["surname"].pop()
    path = tmp_path / "model.json"
    path.write_text(harm if harm in ("not json", "{}") else json.dumps(held), encoding="utf-8")
    with pytest.raises(BadSetting):
        Model.load(path)


# By hand.


def scored(left: dict, right: dict, *, more: list[dict] = [], model: Model | None = None) -> list[dict]:  # noqa: B006
    with Database() as database:
        for name, rows in (("l", [left]), ("r", [right, *more])):
            blank = dict.fromkeys(COLUMNS)
            table = pa.Table.from_pylist(
                [blank | row | {"row": n} for n, row in enumerate(rows, start=1)],
                schema=pa.schema(
                    [("row", pa.int64())] + [(c, pa.date32() if c == "birth_date" else pa.string()) for c in COLUMNS]
                ),
            )
            database.add(name, table)
            standardise(database, f"SELECT * FROM {name}", f"{name}_list")
        scored.chance = chance_of_a_pair(database, "l_list", "r_list")
        return predict(database, "l_list", "r_list", model or Model.stored()).to_pylist()


CHILD = {"surname": "Zwolwesk", "forename": "Vrilbive", "birth_date": DAY, "sex": "F", "postcode": "ZZ1 2AB"}


def test_a_weight_added_up_by_hand():
    """Prior odds times m / u of each level; a name's u is its frequency (here one of the two names there are)."""
    row = scored(CHILD, CHILD | {"surname": "Blontarn", "postcode": "ZZ9 9ZZ"})[0]
    rates = Model.stored().rates
    odds = scored.chance / (1 - scored.chance)
    odds *= rates["surname"][-1][0] / rates["surname"][-1][1]
    odds *= rates["forename"][0][0] / 1.0  # every forename in the lists is this one
    odds *= rates["birth_date"][0][0] / rates["birth_date"][0][1]
    odds *= rates["sex"][0][0] / rates["sex"][0][1]
    odds *= rates["postcode"][3][0] / rates["postcode"][3][1]  # the same district by the letters, another sector
    assert BY_NAME["postcode"].levels[3].words == "postcodes of the same district"
    odds_elsewhere = odds / (rates["postcode"][3][0] / rates["postcode"][3][1])
    odds_elsewhere *= rates["postcode"][-1][0] / rates["postcode"][-1][1]
    assert row["probability"] == pytest.approx(odds_elsewhere / (1 + odds_elsewhere), rel=1e-4)
    assert math.isfinite(odds)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"surname": "Zwolwesc"}, "surname differs by one letter"),
        ({"surname": "Zwolwesk-Blontarn"}, "one surname is part of the other"),
        ({"surname": "Blontarn"}, "surname differs, same first name"),
        ({"surname": "ZWÓL WESK"}, "same surname"),
        ({"forename": "Vrilbvie"}, "first name differs by one letter"),
        ({"forename": "Vril"}, "first names are forms of one name"),
        ({"forename": "Anna Vrilbive"}, "one first name is another of the child's names"),
        ({"forename": "Vrilbive Anna"}, "same first name"),
        ({"surname": "Vrilbive", "forename": "Zwolwesk"}, "first name and surname exchanged, born the same day"),
        ({"birth_date": date(2012, 4, 3)}, "day and month of birth exchanged"),
        ({"birth_date": date(2012, 3, 5)}, "born one day apart"),
        ({"birth_date": date(2013, 3, 4)}, "birth date differs by one digit"),
        ({"sex": "M"}, "sex differs"),
        ({"postcode": "zz12ab"}, "same postcode"),
        ({"postcode": "ZZ1 2AC"}, "postcode differs by one character"),
        ({"postcode": "ZZ1 2XY"}, "postcodes of the same neighbourhood"),
        ({"postcode": "ZZ1 9XY"}, "postcodes of the same district"),
        ({"postcode": "ZZ8 9XY"}, "another postcode"),
    ],
)
def test_evidence_in_words(change, says):
    rows = scored(CHILD, CHILD | change)
    assert says in rows[0]["evidence"]


@pytest.mark.parametrize(
    ("left", "right", "says"),
    [
        ({}, {"forename": "Thramphork"}, "brother"),
        ({}, {"forename": None, "postcode": None}, "brother"),
        ({"upn": "X999000020001", "surname": "Vlithx", "forename": "Gworp", "sex": "M", "postcode": "ZZ8 8ZZ"},
         {"upn": "X999000020001"}, "besides the number"),
        ({"postcode": None, "birth_date": None}, {}, "only names agree"),
        ({}, {"birth_date": date(2015, 10, 11)}, "not the birth date"),
        ({"birth_date": None}, {"forename": "Vril"}, "no birth date to tell a brother"),
    ],
)  # fmt: skip
def test_what_likeness_cannot_settle_is_for_a_person(left, right, says):
    """The weights of a model of independent evidence would accept some of these; families are not independent."""
    rows = scored(CHILD | left, CHILD | right)
    assert all(r["status"] != "accepted" for r in rows)
    assert all(says in r["evidence"] for r in rows if r["status"] == "review")


OTHERS = [
    {"surname": f"Kv{a}{b}und", "forename": f"Bl{b}{a}ork", "birth_date": date(2009, 1, 1), "sex": "M", "postcode": "ZZ9 9ZZ"}
    for a in "aeiouy" for b in "lmnprst"
]  # fmt: skip


def test_first_name_and_birth_date_are_too_little_by_themselves():
    bare = {"surname": "Zwolwesk", "forename": "Vrilbive", "birth_date": DAY}
    (row,) = (r for r in scored(bare, bare | {"surname": "Blontarn"}, more=OTHERS) if r["right_row"] == 1)
    assert row["status"] == "review"
    assert "only first name and birth date agree" in row["evidence"]
    rows = scored(bare | {"sex": "F"}, bare | {"surname": "Blontarn", "sex": "F"}, more=OTHERS)
    assert [(r["right_row"], r["status"]) for r in rows if r["status"] != "rejected"] == [(1, "accepted")]


def test_a_person_who_stands_twice_is_one_person_where_the_rows_say_enough():
    """One row of the two holds a number besides. Without a birth date they may be father and son."""
    rows = scored(CHILD, CHILD, more=[CHILD | {"nhs_number": "9990001227"}])
    assert sorted(r["status"] for r in rows) == ["accepted", "review"]
    assert any("more than once" in r["evidence"] for r in rows)
    old = CHILD | {"birth_date": None}
    assert {r["status"] for r in scored(old, old, more=[old, *OTHERS])} == {"review"}


def test_names_in_each_others_place_are_one_slip():
    moved = {"surname": "Vrilbive", "forename": "Zwolwesk", "postcode": "ZZ8 8ZZ"}
    (row,) = (r for r in scored(CHILD, CHILD | moved, more=OTHERS) if r["right_row"] == 1)
    rates, odds = Model.stored().rates, scored.chance / (1 - scored.chance)
    for name, level in (("surname", 2), ("forename", 2), ("birth_date", 0), ("sex", 0), ("postcode", 3)):
        odds *= rates[name][level][0] / rates[name][level][1]
    # The one pair that agrees in names and birth date has the names so: it weighs against the stored rate of a hundred.
    rate = (1 + rates["surname"][2][0] * 100) / 101
    odds *= rate / (rates["surname"][2][0] * rates["forename"][2][0])
    odds *= (rates["postcode"][4][0] / rates["postcode"][4][1]) / (rates["postcode"][3][0] / rates["postcode"][3][1])
    assert row["probability"] == pytest.approx(odds / (1 + odds), rel=1e-3)


def test_a_family_is_not_a_person():
    """A brother of another age at the same address, and a twin of the other sex, are not worth a person's time."""
    assert not [r for r in scored(CHILD, CHILD | {"forename": "Thramphork", "birth_date": date(2009, 1, 2)})
                if r["status"] != "rejected"]  # fmt: skip
    assert not [r for r in scored(CHILD, CHILD | {"forename": "Thramphork", "sex": "M"}) if r["status"] != "rejected"]


def test_a_number_bears_out_another_first_name_unless_there_are_twins():
    numbered = CHILD | {"upn": "X999000020001"}
    other = numbered | {"forename": "Thramphork"}
    assert scored(numbered, other)[0]["status"] == "accepted"
    twin = CHILD | {"forename": "Kvazkemi", "upn": "L999000020002"}
    rows = scored(numbered, other, more=[twin])
    assert "another child of the same age" in next(r["evidence"] for r in rows if r["right_row"] == 1)


def test_a_sibling_matched_between_the_same_homes_counts(lists):
    """A family has moved; the elder child is sure, which makes the younger, mistyped as well, likelier."""
    rng = np.random.Generator(np.random.PCG64(9))
    # Others, so that the family's names are rare.
    others = [CHILD | {"forename": _word(rng), "surname": _word(rng), "birth_date": None, "postcode": None}
              for _ in range(200)]  # fmt: skip

    def rows(postcode: str, younger: str) -> pa.Table:
        elder = CHILD | {"forename": "Kvazkemi", "birth_date": date(2010, 2, 1), "postcode": postcode}
        second = CHILD | {"forename": younger, "postcode": postcode, "birth_date": DAY}
        return pa.Table.from_pylist([{"row": n, **p} for n, p in enumerate((elder, second, *others), start=1)])

    present = ("surname", "forename", "birth_date", "sex", "postcode")
    with Database() as database:
        for name, table in (("l", rows("ZZ1 2AB", "Vrilbive")), ("r", rows("ZZ8 9XY", "Vrilbiev"))):
            database.add(name, table)
            standardise(database, f"SELECT * FROM {name}", f"{name}_list", present=present)
        # A threshold that the elder passes and the younger, mistyped, does not.
        alone = {
            r["left_row"]: r["probability"] for r in scored_pairs(database, 1.0) if r["left_row"] == r["right_row"]
        }
        between = (alone[1] + alone[2]) / 2
        found = {r["left_row"]: r for r in scored_pairs(database, between) if r["left_row"] == r["right_row"]}
    assert alone[2] < between < alone[1]
    assert found[2]["probability"] > alone[2]
    assert "a brother or sister matched between the same two homes" in found[2]["evidence"]


def scored_pairs(database: Database, accept: float) -> list[dict]:
    return predict(database, "l_list", "r_list", Model.stored(), accept=accept, review=0.01).to_pylist()


def test_nothing_to_compare_gives_no_pairs():
    assert scored(CHILD, {"forename": "Thramphork"}) == []


# The last pass of `link`.


def facts(each: PersonLists) -> dict[str, pa.Table]:
    """The lists as one social care extract and one school census."""
    identifiers, tables = [], {}
    for rows, name, ref, system, start in (
        (each.care, "child", "child_ref", "ssd", "P"),
        (each.pupils, "pupil", "pupil_ref", "school-census", "S"),
    ):
        held = []
        for row in rows.to_pylist():
            key = {ref: f"{start}{row['row']:06d}", "line": row["row"], "delivery": "d", "system": system}
            held.append({k: row[k] for k in ("surname", "forename", "birth_date", "sex", "postcode")} | key)
            identifiers += [
                {"ref": key[ref], "kind": kind, "value": row[kind], "line": 1, "delivery": "d", "system": system}
                for kind in ("upn", "nhs_number")
                if row[kind]
            ]
        tables[name] = pa.Table.from_pylist(held, schema=arrow_schema(name, stored=True))
    tables["identifier"] = pa.Table.from_pylist(identifiers, schema=arrow_schema("identifier", stored=True))
    tables["delivery"] = pa.Table.from_pylist(
        [{"delivery": "d", "kind": "x", "system": "x", "received": date(2024, 11, 1), "place": 0}],
        schema=arrow_schema("delivery"),
    )
    return tables


def children(table: pa.Table) -> set[tuple[int, int]]:
    """The pairs (care row, pupil row) that have one child_id."""
    sides: dict[str, tuple[list[int], list[int]]] = {}
    for row in table.to_pylist():
        sides.setdefault(row["child_id"], ([], []))[row["ref"][0] == "S"].append(int(row["ref"][1:]))
    return {(a, b) for left, right in sides.values() for a in left for b in right}


def test_likeness_finds_children_whom_no_number_does_at_no_false_link(lists):
    each = lists[1.0]
    scores = {}
    for on in (False, True):
        with Database.of(facts(each)) as database:
            links = link(database, settings=Settings(probabilistic_linkage=on))
        scores[on] = each.score(children(links.link))
        steps = set(links.link["step"].to_pylist())
        assert ("likeness" in steps) is on
    assert scores[True][0] >= 0.995
    assert scores[True][1] >= 0.97 > scores[False][1]
    assert scores[True][2] <= scores[False][2]
    likely = [r for r in links.link.to_pylist() if r["step"] == "likeness"]
    assert all(0.95 <= r["probability"] < 1 for r in likely)
    assert any(r["evidence"].startswith("Same surname; same first name; born the same day") for r in likely)
    assert all(r["probability"] == 1 for r in links.link.to_pylist() if r["step"] != "likeness")
    doubts = [d for d in links.doubt.to_pylist() if d["step"] == "likeness"]
    assert doubts
    assert not any("row" in d["why"].split() for d in doubts)


def test_a_kept_model_is_used_and_gives_a_like_answer(lists):
    with Database.of(facts(lists[0.0])) as database:
        model = learn(database)
        with_kept = link(database, model=model)
        with_own = link(database)
    assert children(with_kept.link) == children(with_own.link)


def test_a_second_record_of_a_child_becomes_a_doubt_and_takes_nobody_elses_pupil(lists):
    child = CHILD | {"upn": "X999000020001", "row": 1}
    again = CHILD | {"upn": None, "row": 2}
    nobody = dict.fromkeys(("school", "nhs_number"))
    care = pa.Table.from_pylist([child | nobody, again | nobody])
    pupils = pa.Table.from_pylist([child | nobody])
    with Database.of(facts(PersonLists(care, pupils, ("C1", "C1"), ("C1",)))) as database:
        links = link(database)
    assert children(links.link) == {(1, 1)}
    assert [(d["left_ref"], d["right_ref"]) for d in links.doubt.to_pylist()] == [("P000001", "P000002")]
    assert "two records of one social care system" in links.doubt.to_pylist()[0]["why"]


def test_forms_of_a_name():
    """Bill is William and Mohamed Muhammad; a name that is none of the listed has no forms."""
    known = forms()
    assert set(known["bill"]) & set(known["william"])
    assert set(known["mohamed"]) & set(known["muhammad"])
    assert not set(known["bill"]) & set(known["mohamed"])
    assert "vrilbive" not in known
    rows = scored(CHILD | {"forename": "William"}, CHILD | {"forename": "Bill"})
    assert rows[0]["status"] == "accepted"
    assert "first names are forms of one name" in rows[0]["evidence"]
