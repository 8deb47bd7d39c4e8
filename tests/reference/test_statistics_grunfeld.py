"""Grunfeld's (1958) ten firms, in the public domain: what `xtreg, fe` and `regress` print of them, to the last digit."""

import csv
from pathlib import Path

import numpy as np
import pytest

from sightline import statistics as st

PRINTED = {
    "conventional": {
        "value": (0.1101238, 0.0118567),
        "capital": (0.3100653, 0.0173545),
        "constant": (-58.74394, 12.45369),
    },
    "clustered": {
        "value": (0.1101238, 0.0151945),
        "capital": (0.3100653, 0.0527518),
        "constant": (-58.74394, 27.60286),
    },
}


@pytest.fixture(scope="module")
def firms():
    with (Path(__file__).parent / "grunfeld.csv").open(encoding="utf-8") as held:
        rows = list(csv.DictReader(held))
    return {name: np.array([float(r[name]) for r in rows]) for name in rows[0]}


def digits(value):
    """Half a unit of the last digit printed: the seventh, and never beyond the seventh decimal."""
    return 0.6 * max(1e-7, 10.0 ** (np.floor(np.log10(abs(value))) - 6))


@pytest.mark.parametrize("errors", sorted(PRINTED))
def test_firm_effects_as_printed(firms, errors):
    fit = st.within(firms["investment"], {n: firms[n] for n in ("value", "capital")}, firms["firm"], errors=errors)
    for name, (value, se) in PRINTED[errors].items():
        assert fit.estimates[name].estimate == pytest.approx(value, abs=digits(value)), name
        assert fit.estimates[name].se == pytest.approx(se, abs=digits(se)), name
    assert fit.sigma == pytest.approx(52.76797, abs=6e-6) and fit.r2_within == pytest.approx(0.7668, abs=6e-5)
    assert (fit.rows, fit.units) == (200, 10)


def test_all_firms_as_one_as_printed(firms):
    cells = st.rows_as_cells(firms["investment"], {n: firms[n] for n in ("value", "capital")})
    fit = st.ols(cells, errors="conventional")
    for name, value, se in (("value", 0.1155622, 0.0058357), ("capital", 0.2306785, 0.0254758),
                            ("constant", -42.71437, 9.511676)):  # fmt: skip
        assert fit.estimates[name].estimate == pytest.approx(value, abs=digits(value)), name
        assert fit.estimates[name].se == pytest.approx(se, abs=digits(se)), name
