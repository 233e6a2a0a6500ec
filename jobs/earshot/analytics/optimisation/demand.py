"""Demand of one tier by its relative price: a logistic curve with a level for each country and one slope."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.stats import chi2

from earshot.analytics.plays import Floats, Integers

_STEPS: Final = 50
_SMALL_STEP: Final = 1e-10
_BOUND: Final = 30.0


@dataclass(frozen=True)
class Demand:
    """Share that converts = logistic(level of the cell + slope x (price / base price - 1)).

    Attributes:
        parameters: Levels of the m cells, then the slope.
        covariance: Of the parameters, with the sandwich of Huber (1967) and White (1982).
        sizes: Listeners of each cell.
        fit_p: p-value of the curve against a free share for each cell and price; nan where nothing is left to test.
    """

    parameters: Floats
    covariance: Floats
    sizes: Floats
    fit_p: float

    def share(self, parameters: Floats, relative: float | Floats, cell: int = 0) -> Floats:
        """Share that converts; `parameters` may be one vector or many (a row each)."""
        odds = parameters[..., cell] + parameters[..., -1] * (np.asarray(relative) - 1)
        return np.asarray(1 / (1 + np.exp(-np.clip(odds, -_BOUND, _BOUND))))

    def elasticity(self) -> tuple[float, float]:
        """Elasticity of the conversions of all cells together at the base price, and its error by the delta method.

        That of a cell is slope x (1 - share); together they are weighted by conversions.
        """
        slope, levels = self.parameters[-1], self.parameters[:-1]
        share = 1 / (1 + np.exp(-levels))
        weight, steep = self.sizes * share, share * (1 - share)
        total = weight.sum()
        mean = float((weight * (1 - share)).sum() / total)
        of_level = slope * self.sizes * steep * ((1 - 2 * share) - mean) / total
        gradient = np.append(of_level, mean)
        return float(slope * mean), float(np.sqrt(gradient @ self.covariance @ gradient))

    def draws(self, count: int, rng: np.random.Generator) -> Floats:
        """Parameters as the data leave them possible (Krinsky & Robb 1986): count x (m + 1)."""
        root = np.linalg.cholesky(self.covariance + 1e-15 * np.eye(len(self.parameters)))
        drawn: Floats = self.parameters + rng.standard_normal((count, len(self.parameters))) @ root.T
        return drawn


def fit_demand(cell: Integers, relative: Floats, converted: Floats) -> Demand | None:
    """Maximum likelihood by Newton's method; None where it does not converge (no share between 0 and 1).

    Args:
        cell: Of each listener, 0 to m - 1; each cell has listeners.
        relative: Price that they were asked, divided by the base price of the cell.
        converted: 1 or 0.
    """
    cells = int(cell.max()) + 1
    design = np.column_stack([cell[:, None] == np.arange(cells), relative - 1]).astype(float)
    parameters = np.zeros(cells + 1)
    for _ in range(_STEPS):
        share = 1 / (1 + np.exp(-np.clip(design @ parameters, -_BOUND, _BOUND)))
        information = (design * (share * (1 - share))[:, None]).T @ design
        try:
            step = np.linalg.solve(information, design.T @ (converted - share))
        except np.linalg.LinAlgError:
            return None
        parameters = parameters + np.clip(step, -2, 2)
        if np.abs(parameters).max() > _BOUND:
            return None
        if np.abs(step).max() < _SMALL_STEP:
            break
    else:
        return None
    bread = np.linalg.inv(information)
    scores = design * (converted - share)[:, None]
    covariance = bread @ (scores.T @ scores) @ bread
    fit_p = _fit_p(cell, relative, converted, share)
    return Demand(parameters, covariance, np.bincount(cell).astype(float), fit_p)


def _fit_p(cell: Integers, relative: Floats, converted: Floats, share: Floats) -> float:
    """Pearson's chi-squared of the shares by cell and price."""
    pairs, of_pair = np.unique(np.stack([cell, relative]), axis=1, return_inverse=True)
    free = pairs.shape[1] - int(cell.max()) - 2
    if free < 1:
        return float("nan")
    seen, expected = np.bincount(of_pair, weights=converted), np.bincount(of_pair, weights=share)
    spread = np.bincount(of_pair, weights=share * (1 - share))
    return float(chi2.sf(((seen - expected) ** 2 / spread).sum(), free))
