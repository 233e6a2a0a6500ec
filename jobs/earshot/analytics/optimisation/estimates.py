"""One figure with its interval, its design and how it was come by: a row of gold.optimisation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from earshot.analytics.plays import Floats
from earshot.core import columns as c

RANDOMISED: Final = "randomised"
ASSOCIATION: Final = "association"
DESCRIPTION: Final = "description"

Z: Final = 1.959963984540054
"""Half the width of a 95 % interval in standard errors, by the normal distribution."""

Z_OF_SPLITS: Final = 2.241402727604947
"""That of a 97.5 % interval."""


@dataclass(frozen=True)
class Estimate:
    """A figure; see the columns of gold.optimisation.

    Attributes:
        metric: What it is.
        value: None where it is refused.
        lower: None where there is no honest bound.
        upper: None where there is no honest bound.
        listeners: How many are behind it.
        method: How it was come by, and what that assumes.
        dimensions: What it speaks of.
        reason: Why it, or its interval, is refused.
        design: randomised, association or description.
    """

    metric: str
    value: float | None
    lower: float | None
    upper: float | None
    listeners: int
    method: str
    dimensions: Mapping[str, str] = field(default_factory=dict)
    reason: str | None = None
    design: str = RANDOMISED

    def row(self) -> dict[str, Any]:
        """The columns of gold.optimisation that it fills."""
        return {
            c.METRIC: self.metric,
            c.DIMENSIONS: dict(self.dimensions),
            c.VALUE: self.value,
            c.LOWER: self.lower,
            c.UPPER: self.upper,
            c.LISTENERS: self.listeners,
            c.DESIGN: self.design,
            c.METHOD: self.method,
            c.REASON: self.reason,
        }


def normal(metric: str, value: float, error: float, listeners: int, method: str, **dimensions: str) -> Estimate:
    """A figure with a normal 95 % interval around it."""
    return Estimate(metric, value, value - Z * error, value + Z * error, listeners, method, dimensions)


def split(metric: str, value: float, error: float, listeners: int, method: str, **dimensions: str) -> Estimate:
    """A figure that depends on how listeners fell into parts, with a 95 % interval at half the level of error.

    Chernozhukov, Demirer, Duflo & Fernandez-Val (2018), section 3: what is built at a level given the split holds
    at twice that level without it.
    """
    half = Z_OF_SPLITS * error
    return Estimate(metric, value, value - half, value + half, listeners, method, dimensions)


def mean_of(metric: str, scores: Floats, method: str, **dimensions: str) -> Estimate:
    """The mean of independent scores, one a listener, with its normal 95 % interval."""
    error = float(scores.std(ddof=1)) / np.sqrt(len(scores)) if len(scores) > 1 else np.inf
    return normal(metric, float(scores.mean()), float(error), len(scores), method, **dimensions)


def refused(metric: str, reason: str, listeners: int = 0, **dimensions: str) -> Estimate:
    """No figure, and why."""
    return Estimate(metric, None, None, None, listeners, "", dimensions, reason)
