"""Tables as text for specifications: `table`, `database` and `same` of `tests/spec_tables.py`, as fixtures."""

from collections.abc import Callable

import pyarrow as pa
import pytest
import spec_tables

from sightline.engine import Database


@pytest.fixture
def table() -> Callable[[str, str], pa.Table]:
    return spec_tables.table


@pytest.fixture
def database() -> Callable[..., Database]:
    return spec_tables.database


@pytest.fixture
def same() -> Callable[[pa.Table, str], None]:
    return spec_tables.same
