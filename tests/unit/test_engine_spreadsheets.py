"""What leaves in a CSV file is never run by the spreadsheet that opens it."""

from datetime import date

import pytest

from sightline.engine import harmless


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"])
def test_what_would_be_run_is_text(text):
    assert harmless(text) == f"'{text}"


@pytest.mark.parametrize("value", ["Oakby", "a=b", "", -1, 2.5, None, date(2024, 9, 1)])
def test_everything_else_is_as_it_was(value):
    assert harmless(value) == value
