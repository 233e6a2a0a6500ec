"""A fitted model against a time split: metrics by listener and in the mean."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from earshot.recommenders import catalogue_metrics, ranking_metrics
from earshot.recommenders.models import FittedModel, Recipe
from earshot.recommenders.splits import TimeSplit

_BY_LISTENER = {
    "ndcg": ranking_metrics.ndcg,
    "recall": ranking_metrics.recall,
    "map": ranking_metrics.average_precision,
    "precision": ranking_metrics.precision,
}


@dataclass(frozen=True)
class Evaluation:
    """The figures of one model on one split.

    Attributes:
        recipe: What was judged.
        at: k, how many tracks were recommended.
        ndcg: NDCG of each judged listener, in the order of the split.
        metrics: Means by name, such as `ndcg_at_10`, beside coverage, novelty and popularity_lift.
    """

    recipe: Recipe
    at: int
    ndcg: NDArray[np.float64]
    metrics: dict[str, float]

    @property
    def score(self) -> float:
        """The mean NDCG: what models are chosen by."""
        return float(self.ndcg.mean()) if len(self.ndcg) else 0.0


def evaluate(fitted: FittedModel, split: TimeSplit, at: int) -> Evaluation:
    """Recommend `at` tracks to every judged listener and compare with what they liked later.

    Relevant tracks that the model does not know stay relevant: they count as missed.
    """
    histories = split.judged_histories()
    ranked, _, _ = fitted.rank(histories, at)
    names = split.known.tracks
    columns = np.searchsorted(names, fitted.tracks) if len(fitted.tracks) else np.zeros(0, np.int64)
    truth = split.truth[split.judged].toarray().astype(bool)
    hits = np.zeros((len(split.judged), at), bool)
    rows, ranks = np.nonzero(ranked >= 0)
    hits[rows, ranks] = truth[rows, columns[ranked[rows, ranks]]]
    relevant = np.diff(split.truth[split.judged].indptr).astype(np.int64)
    values = {name: metric(hits, relevant) for name, metric in _BY_LISTENER.items()}
    history = fitted.popularity[histories.without_unknown(fitted.tracks).likes.indices]
    metrics = {f"{name}_at_{at}": float(value.mean()) if len(value) else 0.0 for name, value in values.items()}
    metrics |= {
        "coverage": catalogue_metrics.coverage(ranked, len(fitted.tracks)),
        "novelty": catalogue_metrics.novelty(ranked, fitted.popularity, len(split.known.listeners)),
        "popularity_lift": catalogue_metrics.popularity_lift(
            ranked, fitted.popularity, float(history.mean()) if len(history) else 0.0
        ),
    }
    return Evaluation(fitted.recipe, at, values["ndcg"], metrics)
