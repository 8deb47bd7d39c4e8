"""Invented data in the shapes and sizes of the annex, with planted coefficients taken from the report's own tables."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Column = NDArray[np.generic]
PANEL_TERMS = ("months_post", "months_pre", "post", "age", "fsm", "idaci")
PRODUCTS = {
    "fsm_post": ("fsm", "post"),
    "cin_post": ("cin", "post"),
    "cin_fsm": ("cin", "fsm"),
    "cin_fsm_post": ("cin", "fsm", "post"),
    "idaci_post": ("idaci", "post"),
    "female_post": ("female", "post"),
}
DID_TERMS = (
    *("post", "cin", "fsm", "fsm_post", "cin_post", "cin_fsm", "cin_fsm_post", "idaci", "idaci_post", "female"),
    *("female_post", "eth1", "eth2", "eth3", "eth4", "eth5"),
)
PLANTED_LOGIT = (
    -0.40,
    -0.66,
    -0.57,
    -0.14,
    0.0,
    0.29,
    -0.05,
    -1.27,
    -0.01,
    0.31,
    -0.16,
    0.05,
    0.25,
    -0.10,
    -0.05,
    0.10,
)
PLANTED_SCORE = (1.7, -10.6, -8.0, -1.5, -0.9, 3.2, -0.3, -26.9, -2.4, 4.4, -0.7, 2.0, 4.0, -1.0, 1.0, 0.5)
PLANTED_ABSENCE = (-0.45, 0.62, 21.5, 2.34, -3.55, 10.26)
PLANTED_COUNT = (-0.02, 0.015, 0.6, 0.06, -0.1, 0.4)
PLANTED_PERSISTENT = (-0.06, 0.02, 1.3, 0.10, -0.2, 0.8)
AUTHORITIES = 152


def panel(pupils: int, rng: np.random.Generator) -> dict[str, Column]:
    """One row per pupil and year, in order: two to four of 2018, 2019, 2022, 2023; three in a hundred have one."""
    years = np.array([0, 1, 4, 5])
    kept = rng.choice(4, pupils, p=[0.62, 0.20, 0.15, 0.03])
    place = rng.random((pupils, 4)).argsort(axis=1).argsort(axis=1)
    keep = place >= kept[:, None]
    post = np.broadcast_to(np.arange(4) >= 2, (pupils, 4)).astype(np.int8)
    age = (rng.integers(5, 12, pupils)[:, None] + years).astype(np.int8)
    idaci = np.round(np.clip(rng.beta(1.6, 5, (pupils, 4)), 0, 0.95), 3)
    fsm = (rng.random((pupils, 4)) < 0.5).astype(np.int8)
    for j in (1, 2, 3):
        idaci[:, j] = np.where(rng.random(pupils) < 0.75, idaci[:, j - 1], idaci[:, j])
        fsm[:, j] = np.where(rng.random(pupils) < 0.8, fsm[:, j - 1], fsm[:, j])
    months = np.where(rng.random((pupils, 4)) < 0.65, rng.integers(1, 13, (pupils, 4)), 0).astype(np.int8)
    level = rng.gamma(2, 3, pupils)[:, None]
    data: dict[str, Column] = {
        "pupil": np.broadcast_to(np.arange(pupils)[:, None], (pupils, 4))[keep],
        "authority": np.broadcast_to(rng.integers(0, AUTHORITIES, pupils)[:, None], (pupils, 4))[keep],
        "months_post": (months * post)[keep],
        "months_pre": (months * (1 - post))[keep],
        "post": post[keep],
        "age": age[keep],
        "fsm": fsm[keep],
        "idaci": idaci[keep],
    }
    level = np.broadcast_to(level, (pupils, 4))[keep]
    x = np.array([data[name] for name in PANEL_TERMS], dtype=float)
    n = x.shape[1]
    data["absence"] = np.round(level + np.array(PLANTED_ABSENCE) @ x + rng.normal(0, 5, n), 2)
    rate = np.exp(np.log(level.clip(0.4) / 2) + np.array(PLANTED_COUNT) @ x)
    data["sessions"] = rng.poisson(rate * rng.gamma(4, 0.25, n))
    data["suspended"] = rng.poisson(0.008 * rate)
    odds = -3.4 + 0.18 * (level - 6) + np.array(PLANTED_PERSISTENT) @ x
    data["persistent"] = (rng.logistic(size=n) < odds).astype(np.int8)
    return data


def cross_section(pupils: int, outcomes: int, rng: np.random.Generator, *, effects: float = 1.0) -> dict[str, Column]:
    """One row per pupil with a key stage outcome: `reading0`, ... (nought or one) and `score0`, ... (a number)."""
    data: dict[str, Column] = {
        "post": rng.integers(0, 2, pupils, dtype=np.int8),
        "idaci": np.round(np.clip(rng.beta(1.5, 6, pupils), 0, 0.97), 3),
        "ethnicity": rng.choice(6, pupils, p=[0.70, 0.11, 0.06, 0.06, 0.05, 0.02]).astype(np.int8),
        "female": (rng.random(pupils) < 0.52).astype(np.int8),
        "authority": rng.integers(0, AUTHORITIES, pupils).astype(np.int16),
    }
    data["fsm"] = (rng.logistic(size=pupils) < -2.2 + 5 * data["idaci"]).astype(np.int8)
    data["cin"] = (rng.logistic(size=pupils) < -3.2 + 1.2 * data["fsm"] + 0.6 * data["idaci"]).astype(np.int8)
    full = with_products(data)
    odds, score = np.full(pupils, 2.05), np.full(pupils, 53.9)
    for name, b, s in zip(DID_TERMS, PLANTED_LOGIT, PLANTED_SCORE, strict=True):
        odds += b * full[name]
        score += s * full[name]
    level, slope = effects * rng.normal(0, 0.3, AUTHORITIES), effects * rng.normal(0, 0.2, AUTHORITIES)
    moved = level[data["authority"]] + slope[data["authority"]] * full["cin_post"]
    for i in range(outcomes):
        data[f"reading{i}"] = (rng.logistic(size=pupils) < odds + moved).astype(np.int8)
        data[f"score{i}"] = np.round(score + 8 * moved + rng.normal(0, 15, pupils) * (1 + 0.15 * data["cin"]), 1)
    return data


def with_products(data: dict[str, Column]) -> dict[str, NDArray[np.float64]]:
    """The sixteen regressors of the annex's difference in differences: ethnicity as columns, products made by hand."""
    full = {name: np.asarray(values, dtype=float) for name, values in data.items()}
    for group in range(1, 6):
        full[f"eth{group}"] = (full["ethnicity"] == group).astype(float)
    for name, factors in PRODUCTS.items():
        full[name] = np.prod([full[factor] for factor in factors], axis=0)
    return {name: full[name] for name in DID_TERMS}
