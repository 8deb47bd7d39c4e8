"""The match rate by group, and the estimate of links missing, on small tables and on planted misses."""

from datetime import date

import numpy as np
import pyarrow as pa
import pytest

from sightline.cohort import assemble_counted_periods
from sightline.engine import Database, arrow_schema
from sightline.linkage import Model, found_alike, link, match_rates, missed_links
from sightline.vocabulary.errors import BadSetting
from sightline.vocabulary.settings import Settings

ON = date(2024, 11, 1)
PUPILS = 120
GROUPS = ("plan", "sex", "ethnicity", "age", "team", "school", "sen")


@pytest.mark.parametrize(
    ("number", "likeness", "both", "missed"),
    [
        # Of 100 found by number 90 were found by likeness too, so likeness finds nine in ten; so it found 90 of 100.
        (100, 90, 90, 0.0),
        # It found 80 of those 100, and 20 more: about 25 more are there, of whom 5 are missed.
        (100, 100, 80, 4.94),
        (50, 50, 25, 24.04),
        (9, 9, 9, None),  # too few found both ways
    ],
)
def test_capture_and_recapture_by_hand(number, likeness, both, missed):
    estimate = missed_links(number, likeness, both)
    if missed is None:
        assert estimate is None
        return
    assert estimate.missed == pytest.approx(missed, abs=0.01)
    assert estimate.low <= estimate.missed <= estimate.high


def test_the_estimate_covers_the_truth_when_the_two_ways_are_independent():
    """A thousand children, 80% caught by number and 90% by likeness: the interval holds the missed 19 times in 20."""
    random = np.random.Generator(np.random.PCG64(11))
    covered = 0
    for _ in range(300):
        by_number, by_likeness = random.random(1000) < 0.8, random.random(1000) < 0.9
        missed = int((~by_number & ~by_likeness).sum())
        estimate = missed_links(int(by_number.sum()), int(by_likeness.sum()), int((by_number & by_likeness).sum()))
        covered += estimate.low <= missed <= estimate.high
    assert covered >= 270


def _name(n: int, parts: tuple[str, ...]) -> str:
    size = len(parts)
    return parts[n % size].capitalize() + parts[n // size % size] + parts[n // size // size % size]


def people(n: int) -> dict:
    """The n-th invented child: every one has a name and a birth date of their own."""
    return {
        "surname": _name(n * 7 + 3, ("zwol", "drix", "snax", "blon", "vlith", "krarb", "plum")),
        "forename": _name(n * 5 + 1, ("vril", "kvaz", "thram", "gwen", "pre", "quu", "fle")),
        "birth_date": date(2009 + n % 10, 1 + n % 12, 1 + n % 28),
        "sex": "MF"[n % 2],
        "postcode": f"ZZ{1 + n % 9} {n % 10}AB",
    }


@pytest.fixture(scope="module")
def answers() -> dict[str, list[dict]]:
    """120 children on plans, all pupils. One in five has no UPN; every tenth is misspelt beyond likeness, so that a
    fiftieth has neither and cannot be found. The first sixty have marks."""
    provenance = {"line": 1, "delivery": "d"}
    rows: dict[str, list[dict]] = {
        name: [] for name in ("child", "pupil", "identifier", "status_period", "person", "presence", "allocation",
                              "enrolment_period", "characteristic")
    }  # fmt: skip
    for n in range(PUPILS):
        who, upn = people(n), f"X{999000000000 + n}"
        care = who | {"surname": f"Xx{n}yy", "forename": f"Qq{n}", "postcode": None} if n % 10 == 0 else who
        rows["child"].append(care | {"child_ref": f"P{n}", "system": "ssd", **provenance})
        rows["pupil"].append(who | {"pupil_ref": f"S{n}", "system": "school-census", **provenance})
        rows["identifier"].append(
            {"ref": f"S{n}", "kind": "upn", "value": upn, "system": "school-census", **provenance}
        )
        if n % 5:
            rows["identifier"].append({"ref": f"P{n}", "kind": "upn", "value": upn, "system": "ssd", **provenance})
        if n < 60:
            rows["presence"].append({"pupil_ref": f"S{n}", "system": "school-census", "school_ref": "100001"})
        rows["characteristic"].append(
            {"pupil_ref": f"S{n}", "as_at": date(2024, 10, 3), "sen_provision": "KN"[n % 2], "system": "school-census",
             **provenance}
        )  # fmt: skip
    rows["child"].append({"child_ref": "unborn", "expected_birth_date": ON, "system": "ssd", **provenance})
    delivery = [{"delivery": "d", "kind": "x", "system": "x", "received": ON, "place": 0}]
    tables = {n: pa.Table.from_pylist(r, schema=arrow_schema(n, stored=True)) for n, r in rows.items()}
    tables["delivery"] = pa.Table.from_pylist(delivery, schema=arrow_schema("delivery"))
    with Database.of(tables) as database:
        links = link(database, model=Model.stored()).link
        database.add("link", links)
        child = {r["ref"]: r["child_id"] for r in links.to_pylist()}
        for n in range(PUPILS):
            key = {"child_id": child[f"P{n}"]}
            status = "CP plan" if n % 3 == 0 else "CIN plan"
            rows["status_period"].append(key | {"status": status, "start_date": date(2024, 1, 1)})
            rows["person"].append(key | people(n) | {"ethnicity": "WBRI" if n % 4 else None})
            rows["allocation"].append(
                key | {"team_name": "Zwelmoor" if n % 2 else None, "start_date": date(2024, 1, 1)}
            )
            if f"S{n}" in child:
                rows["enrolment_period"].append(
                    {"child_id": child[f"S{n}"], "urn": "100001", "start_date": date(2024, 9, 1)}
                )
        # One whose plan has ended, and one of another authority, are not counted.
        rows["status_period"].append(
            {"child_id": "gone", "status": "CIN plan", "start_date": date(2024, 1, 1), "end_date": ON}
        )
        rows["status_period"].append(
            {"child_id": "away", "status": "CP plan", "start_date": date(2024, 1, 1), "other_authority": True}
        )
        # Nor one below school age, nor one not born yet; one whose birth date nobody holds would be.
        for who, born in (("young", date(2022, 5, 5)), (child["unborn"], None)):
            rows["status_period"].append({"child_id": who, "status": "CIN plan", "start_date": date(2024, 1, 1)})
            rows["person"].append({"child_id": who, "birth_date": born})
        for name in ("status_period", "person", "allocation", "enrolment_period"):
            database.add(name, pa.Table.from_pylist(rows[name], schema=arrow_schema(name)))
        database.add("counted_period", assemble_counted_periods(database, Settings()))
        database.add("alike", found_alike(database, model=Model.stored()))
        rows = match_rates(database, GROUPS, on=ON).to_pylist()
        return {by: [r for r in rows if r["by"] == by] for by in GROUPS}


@pytest.mark.parametrize("by", GROUPS)
def test_every_child_on_a_plan_is_in_one_group(answers, by):
    assert sum(r["children"] for r in answers[by]) == PUPILS
    assert sum(r["found"] for r in answers[by]) == sum(r["found"] for r in answers["plan"])
    assert all(r["percent"] == pytest.approx(100 * r["found"] / r["children"]) for r in answers[by])


def test_those_without_a_number_or_a_likeness_are_missed_and_estimated(answers):
    """Every tenth child is unlike, every fifth has no number: each tenth has neither, twelve of the 120."""
    found = sum(r["found"] for r in answers["plan"])
    assert found == PUPILS - 12
    values = {r["value"]: r for r in answers["plan"]}
    assert (values["CP plan"]["children"], values["CIN plan"]["children"]) == (40, 80)
    for row in answers["sex"]:
        # The planted misses are not independent: all twelve lack both. The estimate is a lower bound, as it says.
        assert row["missed"] is not None
        assert row["missed"] <= row["children"] - row["found"]


def test_what_only_education_tells_is_unknown_of_children_not_found(answers):
    assert {r["value"] for r in answers["sen"]} == {"K", "N", "not found in education"}
    missing = next(r for r in answers["school"] if r["value"] == "not found in education")
    assert (missing["children"], missing["found"]) == (12, 0)
    assert missing["missed"] is None


def test_marks_are_counted_apart(answers):
    assert sum(r["with_marks"] for r in answers["team"]) == 60 - 6
    assert {r["value"] for r in answers["team"]} == {"Zwelmoor", "not known"}
    assert {r["value"] for r in answers["ethnicity"]} == {"WBRI", "not known"}
    assert [r["value"] for r in answers["age"]] == ["11 to 15", "5 to 10"]


def test_another_group_is_refused():
    with Database() as database, pytest.raises(BadSetting, match="no match rate by colour"):
        match_rates(database, ("colour",), on=ON)


def test_settings_of_linkage():
    assert Settings().linkage_accept == 0.95
    with pytest.raises(BadSetting, match="at least linkage_review"):
        Settings(linkage_accept=0.6, linkage_review=0.7)
    with pytest.raises(BadSetting, match="true or false"):
        Settings(probabilistic_linkage=1)  # type: ignore[arg-type]
    assert "probabilistic_linkage = true" in Settings().toml()
