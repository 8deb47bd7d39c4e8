"""Davies's (1947) dyestuff yields, six batches of five: what lme4 prints of them, and what analysis of variance gives.

The data are in the public domain; lme4's printed digits are those of its own documentation (Bates and others 2015).
"""

import numpy as np
import pytest

from sightline import statistics as st

YIELD = {
    "A": (1545, 1440, 1440, 1520, 1580),
    "B": (1540, 1555, 1490, 1560, 1495),
    "C": (1595, 1550, 1605, 1510, 1560),
    "D": (1445, 1440, 1595, 1465, 1545),
    "E": (1595, 1630, 1515, 1635, 1625),
    "F": (1520, 1455, 1450, 1480, 1445),
}


@pytest.mark.parametrize(
    ("method", "batch", "residual", "deviance", "se"),
    [("REML", 1764.05, 2451.25, 319.6543, 19.3834), ("ML", 1388.33, 2451.25, 327.3271, 17.6946)],
)
def test_as_lme4_prints(method, batch, residual, deviance, se):
    y = np.array([value for values in YIELD.values() for value in values], dtype=float)
    group = np.repeat(list(YIELD), 5)
    cross = st.cross_products({"yield": y}, {}, group)
    fit = st.mixed(cross, "yield", method=method)
    assert fit.estimates["constant"].estimate == pytest.approx(1527.5, abs=1e-8)
    assert fit.estimates["constant"].se == pytest.approx(se, abs=6e-5)
    assert fit.variances[0, 0] == pytest.approx(batch, abs=0.006)
    assert fit.residual_variance == pytest.approx(residual, abs=0.006)
    assert fit.deviance == pytest.approx(deviance, abs=6e-5)
    # A balanced design has a closed form, which no optimiser had a hand in.
    means = y.reshape(6, 5).mean(axis=1)
    within = ((y.reshape(6, 5) - means[:, None]) ** 2).sum() / 24
    between = 5 * ((means - means.mean()) ** 2).sum() / (5 if method == "REML" else 6)
    assert fit.residual_variance == pytest.approx(within, rel=1e-5)
    assert fit.variances[0, 0] == pytest.approx((between - within) / 5, rel=1e-4)
    shrunk = (means - means.mean()) * fit.variances[0, 0] / (fit.variances[0, 0] + fit.residual_variance / 5)
    assert fit.effects[:, 0] == pytest.approx(shrunk, rel=1e-6)
