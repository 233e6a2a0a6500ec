"""How well a ranking foretells, by listener: precision, recall, average precision and NDCG at k.

All take `hits`, whether the track at each rank was relevant (listeners x k, best first), and
`relevant`, how many relevant tracks the listener has (at least 1), and give one value a listener.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Hits = NDArray[np.bool_]
Values = NDArray[np.float64]


def precision(hits: Hits, relevant: NDArray[np.int64]) -> Values:
    """Relevant tracks among the k, divided by k (Manning, Raghavan, Schütze 2008, chapter 8.4)."""
    return np.asarray(hits.sum(axis=1) / max(hits.shape[1], 1), np.float64)


def recall(hits: Hits, relevant: NDArray[np.int64]) -> Values:
    """Relevant tracks among the k, divided by all relevant ones (the same chapter)."""
    return np.asarray(hits.sum(axis=1) / relevant, np.float64)


def average_precision(hits: Hits, relevant: NDArray[np.int64]) -> Values:
    """Mean over the relevant ranks of the precision up to there; its mean over listeners is MAP at k.

    Divided by min(relevant, k), the largest number of hits, so that a perfect ranking has 1.
    """
    ranks = np.arange(1, hits.shape[1] + 1)
    precision_at_rank = np.cumsum(hits, axis=1) / ranks
    return np.asarray((precision_at_rank * hits).sum(axis=1) / np.minimum(relevant, hits.shape[1]), np.float64)


def ndcg(hits: Hits, relevant: NDArray[np.int64]) -> Values:
    """Discounted gain over that of the best possible ranking, gains 0 or 1, discount 1 / log2(rank + 1).

    Järvelin and Kekäläinen, "Cumulated gain-based evaluation of IR techniques" (2002).
    """
    discounts = 1 / np.log2(np.arange(2, hits.shape[1] + 2))
    best = np.concatenate([[0.0], np.cumsum(discounts)])
    return np.asarray((hits * discounts).sum(axis=1) / best[np.minimum(relevant, hits.shape[1])], np.float64)
