"""Logistic regression as plain numbers, for models of few features that are kept as JSON."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_FAR: Final = 30.0
_FREE: Final = 1e-6
_ROUNDS: Final = 50
_STILL: Final = 1e-9


def logistic_weights(features: Floats, targets: Floats | NDArray[np.bool_], *, penalty: float) -> Floats:
    """Intercept and weights of the most likely logistic regression, by Newton's method (IRLS).

    A penalty of half its size times the squared weights (never the intercept) keeps separable outcomes finite.

    Args:
        features: N x F.
        targets: N outcomes, 0 to 1.
        penalty: 0 or more.

    Returns:
        1 + F numbers, the intercept first.
    """
    design = np.column_stack([np.ones(len(features)), features])
    ridge = np.full(design.shape[1], max(penalty, _FREE))
    ridge[0] = _FREE
    weights = np.zeros(design.shape[1])
    for _ in range(_ROUNDS):
        likely = probability(design @ weights)
        gradient = design.T @ (targets - likely) - ridge * weights
        curvature = (design * (likely * (1 - likely))[:, None]).T @ design + np.diag(ridge)
        step = np.linalg.solve(curvature, gradient)
        weights = weights + step
        if np.abs(step).max() < _STILL:
            break
    return weights


def probability(z: Floats) -> Floats:
    """1 / (1 + exp(-z)), for any z."""
    likely: Floats = 1 / (1 + np.exp(-np.clip(z, -_FAR, _FAR)))
    return likely
