"""Whether a difference between two models is more than luck of the listeners: paired bootstrap."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]


def bootstrap_means(values: Values, *, resamples: int, seed: int) -> Values:
    """Means of samples drawn with replacement, as large as `values` (Efron and Tibshirani 1993, chapter 6)."""
    if not len(values):
        return np.zeros(resamples)
    chance = np.random.default_rng(seed)
    return np.array([values[chance.integers(0, len(values), len(values))].mean() for _ in range(resamples)])


def confidence_better(challenger: Values, other: Values, *, resamples: int, seed: int) -> float:
    """Share of the resamples in which the challenger's mean is above the other's, listener by listener.

    Args:
        challenger: A value for each listener.
        other: The other model's values for the same listeners.
        resamples: How many samples are drawn.
        seed: Makes the answer repeatable.
    """
    means = bootstrap_means(challenger - other, resamples=resamples, seed=seed)
    return float((means > 0).mean())
