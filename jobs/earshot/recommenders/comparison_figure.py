"""The picture of a comparison: NDCG by algorithm, with the bootstrap's 90 % interval."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from earshot.recommenders.significance import bootstrap_means
from earshot.recommenders.training import Candidate

_WINNER, _OTHER = "#1f6f8b", "#b9c4c9"


def comparison_figure(candidates: Sequence[Candidate], winner: Candidate, *, resamples: int, seed: int) -> Figure:
    """Draw a bar a candidate, best on top."""
    ordered = sorted(candidates, key=lambda candidate: candidate.test.score)
    scores = np.array([candidate.test.score for candidate in ordered])
    intervals = [
        np.quantile(bootstrap_means(candidate.test.ndcg, resamples=resamples, seed=seed), [0.05, 0.95])
        for candidate in ordered
    ]
    low, high = np.array(intervals).T
    figure = Figure(figsize=(7, 0.7 + 0.6 * len(ordered)), layout="constrained")
    axes = figure.subplots()
    axes.barh(
        [str(candidate.recipe.algorithm) for candidate in ordered],
        scores,
        xerr=[np.maximum(scores - low, 0), np.maximum(high - scores, 0)],
        color=[_WINNER if candidate is winner else _OTHER for candidate in ordered],
        error_kw={"ecolor": "#333333", "capsize": 3},
    )
    axes.set_xlabel(f"NDCG@{winner.test.at} on the held-out days")
    axes.spines[["top", "right"]].set_visible(False)
    return figure
