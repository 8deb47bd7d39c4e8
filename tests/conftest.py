"""What every test may use."""

from pathlib import Path

import pytest
from hypothesis import settings

# No test depends on a clock: a busy machine must not fail a property.
settings.register_profile("sightline", deadline=None)
settings.load_profile("sightline")


@pytest.fixture(scope="session")
def real() -> Path:
    """The folder of real-format files made by others, beside the checkout."""
    folder = Path(__file__).parents[2] / "shared" / "real"
    assert folder.is_dir(), f"The real-format files are not at {folder}."
    return folder
