"""What lme4 prints of its own two examples: `sleepstudy` (Belenky and others 2003) and `cbpp` (Lesnoff and others 2004).

The figures are those of the package's help pages and of Bates, Machler, Bolker and Walker (2015), Journal of Statistical
Software 67(1), to the digits printed.
"""

import numpy as np
import pytest

from sightline import statistics as st

# Reaction times in milliseconds on days 0 to 9 of too little sleep, a line for each of 18 people.
SLEEP = """
249.56 258.7047 250.8006 321.4398 356.8519 414.6901 382.2038 290.1486 430.5853 466.3535
222.7339 205.2658 202.9778 204.707 207.7161 215.9618 213.6303 217.7272 224.2957 237.3142
199.0539 194.3322 234.32 232.8416 229.3074 220.4579 235.4208 255.7511 261.0125 247.5153
321.5426 300.4002 283.8565 285.133 285.7973 297.5855 280.2396 318.2613 305.3495 354.0487
287.6079 285 301.8206 320.1153 316.2773 293.3187 290.075 334.8177 293.7469 371.5811
234.8606 242.8118 272.9613 309.7688 317.4629 309.9976 454.1619 346.8311 330.3003 253.8644
283.8424 289.555 276.7693 299.8097 297.171 338.1665 332.0265 348.8399 333.36 362.0428
265.4731 276.2012 243.3647 254.6723 279.0244 284.1912 305.5248 331.5229 335.7469 377.299
241.6083 273.9472 254.4907 270.8021 251.4519 254.6362 245.4523 235.311 235.7541 237.2466
312.3666 313.8058 291.6112 346.1222 365.7324 391.8385 404.2601 416.6923 455.8643 458.9167
236.1032 230.3167 238.9256 254.922 250.7103 269.7744 281.5648 308.102 336.2806 351.6451
256.2968 243.4543 256.2046 255.5271 268.9165 329.7247 379.4445 362.9184 394.4872 389.0527
250.5265 300.0576 269.8939 280.5891 271.8274 304.6336 287.7466 266.5955 321.5418 347.5655
221.6771 298.1939 326.8785 346.8555 348.7402 352.8287 354.4266 360.4326 375.6406 388.5417
271.9235 268.4369 257.2424 277.6566 314.8222 317.2135 298.1353 348.1229 340.28 366.5131
225.264 234.5235 238.9008 240.473 267.5373 344.1937 281.1481 347.5855 365.163 372.2288
269.8804 272.4428 277.8989 281.7895 279.1705 284.512 259.2658 304.6306 350.7807 369.4692
269.4117 273.474 297.5968 310.6316 287.1726 329.6076 334.4818 343.2199 369.1417 364.1236
"""
# New cases of a disease of cattle, a line for each of 15 herds: period:cases/animals.
HERDS = """
1:2/14 2:3/12 3:4/9 4:0/5
1:3/22 2:1/18 3:1/21
1:8/22 2:2/16 3:0/16 4:2/20
1:2/10 2:0/10 3:2/9 4:0/6
1:5/18 2:0/25 3:0/24 4:1/4
1:3/17 2:0/17 3:0/18 4:1/20
1:8/16 2:1/10 3:3/9 4:0/5
1:12/34
1:2/9 2:0/6 3:0/8 4:0/6
1:1/22 2:1/22 3:0/18 4:2/22
1:0/25 2:5/27 3:3/22 4:1/22
1:2/10 2:1/8 3:0/6 4:0/5
1:1/21 2:2/24 3:0/19 4:0/23
1:11/19 2:0/2 3:0/3 4:0/2
1:1/19 2:1/15 3:1/15 4:0/15
"""


@pytest.mark.parametrize(
    ("method", "constant", "days", "variances", "residual", "criterion"),
    [
        ("REML", (251.405, 6.825), (10.467, 1.546), (612.10, 9.60, 35.07), 654.94, 1743.628),
        ("ML", (251.405, 6.632), (10.467, 1.502), (565.52, 11.06, 32.68), 654.94, 1751.939),
    ],
)
def test_sleepstudy_with_a_random_slope(method, constant, days, variances, residual, criterion):
    reaction = np.array(SLEEP.split(), float)
    cross = st.cross_products({"Reaction": reaction}, {"Days": np.tile(np.arange(10.0), 18)}, np.repeat(range(18), 10))
    fit = st.mixed(cross, "Reaction", random=("constant", "Days"), method=method)
    for name, (value, se) in (("constant", constant), ("Days", days)):
        assert (fit.estimates[name].estimate, fit.estimates[name].se) == (
            pytest.approx(value, abs=6e-4), pytest.approx(se, abs=6e-4)
        )  # fmt: skip
    (first, between), (_, second) = fit.variances
    # lme4's optimiser stops where its criterion no longer moves: a hundredth off in a variance of six hundred.
    assert (first, between, second, fit.residual_variance) == pytest.approx((*variances, residual), abs=2e-2)
    assert -2 * fit.log_likelihood == pytest.approx(criterion, abs=6e-4)


@pytest.mark.parametrize(
    ("points", "printed", "variance"),
    [
        (1, {"constant": -1.3985, "period2": -0.9923, "period3": -1.1287, "period4": -1.5803}, 0.4125),
        (9, {"constant": -1.3992, "period2": -0.9914, "period3": -1.1278, "period4": -1.5795}, 0.4193),
    ],
)
def test_cbpp_by_laplace_and_by_quadrature(points, printed, variance):
    cells = [
        (herd, *map(int, told.replace(":", "/").split("/")))
        for herd, line in enumerate(HERDS.strip().splitlines())
        for told in line.split()
    ]
    herd, period, cases, animals = (np.array(column) for column in zip(*cells, strict=True))
    ill = np.concatenate([np.arange(n) < k for k, n in zip(cases, animals, strict=True)]).astype(float)
    x = {f"period{p}": np.repeat(period == p, animals).astype(float) for p in (2, 3, 4)}
    grouped = st.group_rows(ill, x, cluster=np.repeat(herd, animals))
    fit = st.mixed_logit(grouped, points=points)
    for name, value in printed.items():
        assert fit.estimates[name].estimate == pytest.approx(value, abs=1e-4), name
    assert fit.variances[0, 0] == pytest.approx(variance, abs=2e-4)
    assert (fit.rows, fit.cells, fit.groups) == (842, 56, 15)
    if points == 1:
        errors = [fit.estimates[name].se for name in printed]
        assert errors == pytest.approx([0.2325, 0.3066, 0.3266, 0.4274], abs=1e-4)
