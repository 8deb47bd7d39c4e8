"""Every rule over records finds what its specification says, and nothing else."""

import pytest

from sightline.operations.files.records import check_tables
from sightline.validation import Outcome, RecordCase, RecordRule, record_rules, record_specs
from sightline.validation.record_specs import _cases
from sightline.vocabulary.settings import Settings

CASES = [(rule, case) for rule in record_rules() for case in record_specs()[rule.code].cases]


def test_every_rule_has_a_specification_with_something_found_and_something_not():
    assert set(record_specs()) == {rule.code for rule in record_rules()}
    for spec in record_specs().values():
        marked = [row.get("found") for case in spec.cases for rows in case.rows.values() for row in rows]
        assert {"yes", ""} <= set(marked), f"The specification of {spec.heading} needs a row found and a row not found."


@pytest.mark.parametrize(("rule", "case"), CASES, ids=[f"{r.code}-{n}" for n, (r, _) in enumerate(CASES)])
def test_rule(rule: RecordRule, case: RecordCase):
    (check,) = check_tables(case.tables(), [rule], settings=Settings())
    assert check.outcome is not Outcome.NOT_RUN, check.why
    where = {"cin_plan": "status_period", "cp_plan": "status_period"}
    found = {(where.get(row["table"], row["table"]), row["line"]) for row in check.rows.to_pylist()}
    assert found == case.expected
    assert all(row["child"] and row["value"] for row in check.rows.to_pylist())


@pytest.mark.parametrize("rule", record_rules(), ids=[rule.code for rule in record_rules()])
def test_a_rule_with_nothing_to_hold_against_is_not_run(rule: RecordRule):
    (check,) = check_tables({}, [rule], settings=Settings())
    assert check.outcome is Outcome.NOT_RUN and check.why.endswith(".")


@pytest.mark.parametrize(
    "text",
    [
        "Marks:\n\n| child | marks | found |\n| --- | --- |\n| A |\n",
        "| child | found |\n| --- | --- |\n| A | yes |\n",
        "Marks:\n\n| child | marks |\n| --- | --- |\n| A | `//` |\n",
    ],
)
def test_a_specification_is_well_formed(text: str):
    with pytest.raises(ValueError, match="table of 1"):
        list(_cases("1", text))
