"""Every rule finds what its specification says, and nothing else: the tables of `sightline/validation/specs`."""

import pytest

from sightline.validation import Case, Rule, heading_of, outcome_of, rules, specs

HELD = [rule for rule in rules() if not rule.why]
CASES = [
    (rule, case) for rule in HELD for case in (specs()[heading_of(rule)].cases if heading_of(rule) in specs() else ())
]


def test_every_rule_has_a_specification_with_something_found_and_something_not():
    for rule in HELD:
        spec = specs().get(heading_of(rule))
        assert spec, f"Rule {heading_of(rule)} has no specification."
        found = [case for case in spec.cases if case.expected()]
        clear = [case for case in spec.cases if case.found is False or "" in {row.get("found") for row in case.rows}]
        assert found and clear, f"The specification of {heading_of(rule)} needs a row found and a row not found."


def test_every_specification_is_of_a_rule():
    assert set(specs()) == {heading_of(rule) for rule in HELD}


@pytest.mark.parametrize(("rule", "case"), CASES, ids=[f"{heading_of(r)}-{n}" for n, (r, _) in enumerate(CASES)])
def test_rule(rule: Rule, case: Case):
    assert outcome_of(rule, case) == case.expected()
