"""Ranked tracks as rows. Needs no Spark: the served model is made of this."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from earshot.core import columns as c
from earshot.recommenders.candidates import BASELINE
from earshot.recommenders.interactions import Interactions
from earshot.recommenders.models import FittedModel


def recommend(fitted: FittedModel, histories: Interactions, n: int) -> pa.Table:
    """Rank up to `n` tracks that were not played for every listener of `histories`.

    Returns:
        listener_id, rank (1 is best), track_id, score, algorithm; ordered by listener and rank. The
        algorithm is popularity for listeners of whom the model knows nothing.
    """
    ranked, scores, cold = fitted.rank(histories, n)
    rows, ranks = np.nonzero(ranked >= 0)
    algorithm = np.where(cold[rows], BASELINE, fitted.recipe.algorithm)
    return pa.table(
        {
            c.LISTENER_ID: pa.array(histories.listeners[rows].tolist(), pa.string()),
            c.RANK: pa.array(ranks + 1, pa.int32()),
            c.TRACK_ID: pa.array(fitted.tracks[ranked[rows, ranks]].tolist(), pa.string()),
            c.SCORE: pa.array(scores[rows, ranks].astype(np.float64)),
            c.ALGORITHM: pa.array(algorithm.tolist(), pa.string()),
        }
    )
