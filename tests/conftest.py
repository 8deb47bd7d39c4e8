"""What every test may use."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# No test depends on a clock: a busy machine must not fail a property. On a developer's machine properties look for new
# examples; what everybody waits for tries the same ones each time, so that a change is judged by what it changed.
settings.register_profile(
    "sightline", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize="CI" in os.environ
)
settings.load_profile("sightline")


_CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Each worker on a core of its own, but for browsers and their servers: engines that each start a thread per core
    slow each other by a third."""
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if worker and _CORES:
        own = {_CORES[int(worker.removeprefix("gw")) % len(_CORES)]}
        os.sched_setaffinity(0, _CORES if item.get_closest_marker("browser") else own)


@pytest.fixture(scope="session")
def real() -> Path:
    """The folder of real-format files made by others, beside the checkout."""
    folder = Path(__file__).parents[2] / "shared" / "real"
    assert folder.is_dir(), f"The real-format files are not at {folder}."
    return folder
