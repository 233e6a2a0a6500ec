"""Outliers among rows of a table, for features of accounts, tracks or windows that have no order in time.

Detectors learn from rows that may hold outliers themselves, and are told of no label.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from earshot.detectors.series import Floats

_TREES: Final = 100
_NEIGHBOURS: Final = 5

TabularDetector = Callable[[Floats, Floats, int], Floats]
"""From known rows, rows to judge (both N x F, finite) and a seed to one score a judged row, higher is more abnormal."""


def isolation_forest(known: Floats, rows: Floats, seed: int) -> Floats:
    """How few random cuts isolate a row (Liu, Ting and Zhou, ICDM 2008)."""
    from sklearn.ensemble import IsolationForest  # noqa: PLC0415 (keeps `import earshot.detectors` light)

    forest = IsolationForest(n_estimators=_TREES, random_state=seed).fit(known)
    return np.asarray(-forest.score_samples(rows))


def nearest_neighbours(known: Floats, rows: Floats, seed: int) -> Floats:
    """Mean distance to the nearest known rows, in standard deviations of each feature (Angiulli and Pizzuti, 2002)."""
    from sklearn.neighbors import NearestNeighbors  # noqa: PLC0415 (keeps `import earshot.detectors` light)

    spread = known.std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    neighbours = NearestNeighbors(n_neighbors=min(_NEIGHBOURS, len(known))).fit(known / spread)
    return np.asarray(neighbours.kneighbors(rows / spread)[0].mean(axis=1))


def empirical_tails(known: Floats, rows: Floats, seed: int) -> Floats:
    """How far into the empirical tails of its features a row lies (Li et al., ECOD, arXiv 2201.00382)."""
    ordered = np.sort(known, axis=0)
    below = np.column_stack([np.searchsorted(o, r, side="right") for o, r in zip(ordered.T, rows.T, strict=True)])
    above = len(known) - np.column_stack(
        [np.searchsorted(o, r, side="left") for o, r in zip(ordered.T, rows.T, strict=True)]
    )
    left, right = (-np.log(np.maximum(count, 0.5) / len(known)) for count in (below, above))
    skewed_left = np.power(known - known.mean(axis=0), 3).mean(axis=0) < 0
    by_skew = np.where(skewed_left, left, right)
    return np.asarray(np.maximum(np.maximum(left.sum(axis=1), right.sum(axis=1)), by_skew.sum(axis=1)))


def forest_and_neighbours(known: Floats, rows: Floats, seed: int) -> Floats:
    """Mean of the quantiles that both detectors give a row among the known and the judged ones."""
    everything = np.concatenate([known, rows])
    both = []
    for detector in (isolation_forest, nearest_neighbours):
        scores = detector(known, everything, seed)
        both.append(np.searchsorted(np.sort(scores), scores[len(known) :], side="left") / scores.size)
    return np.asarray(np.mean(both, axis=0))


TABULAR: Final[Mapping[str, TabularDetector]] = {
    "empirical-tails": empirical_tails,
    "forest-and-neighbours": forest_and_neighbours,
    "isolation-forest": isolation_forest,
    "nearest-neighbours": nearest_neighbours,
}
