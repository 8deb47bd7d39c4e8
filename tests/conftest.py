"""What every test may use."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def real() -> Path:
    """The folder of real-format files made by others, beside the checkout."""
    folder = Path(__file__).parents[2] / "shared" / "real"
    assert folder.is_dir(), f"The real-format files are not at {folder}."
    return folder
