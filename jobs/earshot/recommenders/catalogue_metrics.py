"""What a recommender does to the catalogue: coverage, novelty, popularity bias.

All take `ranked`, the recommended columns (listeners x k, -1 = none).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Ranked = NDArray[np.int64]
Popularity = NDArray[np.float32]


def coverage(ranked: Ranked, tracks: int) -> float:
    """Share of the catalogue that is recommended to somebody (Ge, Delgado-Battenfeld, Jannach 2010)."""
    return len(np.unique(ranked[ranked >= 0])) / tracks if tracks else 0.0


def novelty(ranked: Ranked, popularity: Popularity, listeners: int) -> float:
    """Mean of -log2(share of the listeners who liked the track), in bits (Zhou et al. 2010).

    A track that nobody liked counts as liked by one.
    """
    recommended = ranked[ranked >= 0]
    if not len(recommended) or not listeners:
        return 0.0
    return float(-np.log2(np.maximum(popularity[recommended], 1) / listeners).mean())


def popularity_lift(ranked: Ranked, popularity: Popularity, history_popularity: float) -> float:
    """How much more popular the recommended tracks are than those that the listeners played themselves.

    (mean popularity recommended - mean popularity played) / mean popularity played: 0 means as
    popular, 1 twice as popular (Abdollahpouri et al. 2020, "The connection between popularity
    bias, calibration, and fairness in recommendation").
    """
    recommended = ranked[ranked >= 0]
    if not len(recommended) or history_popularity <= 0:
        return 0.0
    return float(popularity[recommended].mean() / history_popularity - 1)
