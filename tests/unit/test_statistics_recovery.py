"""A small run of benchmarks/recovery.py: every estimator there finds what was planted and covers it about as it says."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


def recovery() -> ModuleType:
    path = Path(__file__).parents[2] / "benchmarks" / "recovery.py"
    spec = importlib.util.spec_from_file_location("recovery", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


MODULE = recovery()


@pytest.mark.parametrize("name", sorted(MODULE.ESTIMATORS))
def test_planted_effects_are_found_and_covered(name: str) -> None:
    """Forty replications, so a share of 34 in 40 and up: a right interval falls below that once in 300 runs."""
    found = MODULE.replicate(name, 40)
    assert abs(found["bias_z"]) < 3.5
    assert found["coverage"] >= 0.85
