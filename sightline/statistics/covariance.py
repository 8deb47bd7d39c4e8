"""Sandwich covariances from scores: one way, two ways, and the bias-reduced CR2."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from sightline.statistics.design import Codes, crossed, sum_by
from sightline.statistics.records import CannotEstimate, F


@dataclass(frozen=True, eq=False)
class Meat:
    """One clustered middle of the sandwich: its matrix (k, k), how many clusters, and its sign in a two-way sum."""

    matrix: F
    clusters: int
    sign: Literal[1, -1]

    def factor(self, rows: int, size: float) -> float:
        """G/(G-1) x size for G clusters. Where every cluster is one row of a two-way sum, White's middle as it is.

        Petersen (2009), Review of Financial Studies 22, 435-480 (R sandwich's multi0).
        """
        return 1.0 if self.sign < 0 and self.clusters == rows else self.clusters / (self.clusters - 1) * size


def meats(scores: Iterable[F], clusters: Mapping[str, Codes]) -> list[Meat]:
    """Middles for one- or two-way clustering from row scores (k, n): first + second - both together.

    `scores` may make its rows as they are asked for; it is gone through once for each middle.

    Cameron, Gelbach and Miller (2011), Journal of Business and Economic Statistics 29, 238-249.
    """
    keys = list(clusters.values())
    if not 1 <= len(keys) <= 2:
        raise CannotEstimate("Standard errors can be clustered one way or two ways.")
    found = [_meat(scores, key, 1) for key in keys]
    for name, meat in zip(clusters, found, strict=True):
        if meat.clusters < 2:
            raise CannotEstimate(f"Standard errors clustered by {name} need at least two clusters.", [name])
    if len(keys) == 2:
        found.append(_meat(scores, crossed(*keys), -1))
    return found


def _meat(scores: Iterable[F], code: Codes, sign: Literal[1, -1]) -> Meat:
    groups = int(code.max()) + 1
    sums = sum_by(code, scores, groups)
    return Meat(sums @ sums.T, groups, sign)


def sandwich(bread: F, middle: F) -> F:
    """bread x middle x bread, kept symmetric."""
    v = bread @ middle @ bread
    return np.asarray((v + v.T) / 2)


def nearest_positive(v: F) -> tuple[F, bool]:
    """A two-way covariance can have a negative direction; it is then set to zero, and the second answer says so.

    Cameron, Gelbach and Miller (2011), section 2.3.
    """
    scale = np.sqrt(np.maximum(np.abs(np.diag(v)), np.finfo(float).tiny))
    values, vectors = np.linalg.eigh(v / np.outer(scale, scale))
    if values.min() >= -1e-12 * max(values.max(), 0.0):
        return v, False
    repaired = (vectors * np.maximum(values, 0)) @ vectors.T
    return np.asarray(repaired * np.outer(scale, scale)), True


def cr2(cross: F, scores: F) -> F:
    """Bias-reduced clustered covariance from cross-products (G, k, k) and scores (G, k) of each cluster.

    Bell and McCaffrey (2002), Survey Methodology 28, 169-181; as R clubSandwich "CR2" for a working independence
    model. The adjustment (I - H)^(-1/2) acts on X'e only through the k x k matrix root(M) X'X root(M), with M the
    inverse of the total cross-product, so rows are not needed. A direction that one
    cluster alone determines adds nothing.
    """
    values, vectors = np.linalg.eigh(cross.sum(axis=0))
    root = (vectors / np.sqrt(values)) @ vectors.T
    m = root @ root
    share, directions = np.linalg.eigh(root @ cross @ root)
    factor = np.where(share < 1 - 1e-10, 1 / np.sqrt(np.maximum(1 - share, 1e-300)), 0.0)
    turned = np.einsum("gik,gi->gk", directions, scores @ root)
    adjusted = np.einsum("gik,gk->gi", directions, factor * turned)
    back = np.linalg.inv(root)
    s = adjusted @ back
    return sandwich(m, s.T @ s)
