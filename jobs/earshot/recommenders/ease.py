"""EASE: a linear autoencoder with a closed form.

Steck, "Embarrassingly Shallow Autoencoders for Sparse Data" (2019), algorithm 1: with
P = (X'X + penalty I)^-1, B = I - P diag(1 / diag P), whose diagonal is zero.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy import linalg

from earshot.recommenders.interactions import Interactions
from earshot.recommenders.models import Algorithm, Scores
from earshot.recommenders.similarity import SimilarityModel, restore_similarity, strongest, transposed

_BLOCK = 1_024


def _fit(interactions: Interactions, parameters: Mapping[str, float]) -> SimilarityModel:
    """Parameters: penalty, keep (entries of B kept for a track), skip_cost.

    Where there are fewer listeners than tracks, P comes from the smaller matrix by the Woodbury
    identity, here without its factor 1 / penalty, which B does not see: P = I - X' (X X' + penalty I)^-1 X.
    """
    skip_cost = parameters.get("skip_cost", 0.0)
    weights = interactions.preference(skip_cost=skip_cost)
    listeners, tracks = weights.shape
    penalty, keep = parameters["penalty"], int(parameters.get("keep", tracks))
    if listeners < tracks:
        x = weights.toarray()
        gram = x.astype(np.float64) @ x.T + penalty * np.eye(listeners)
        factor = linalg.cho_factor(gram, overwrite_a=True)
        solved = linalg.cho_solve(factor, x.astype(np.float64), overwrite_b=True).astype(np.float32)
        diagonal = 1 - np.einsum("lt,lt->t", x, solved)

        def rows_of_p(part: slice) -> Scores:
            return np.asarray(-(x[:, part].T @ solved), np.float32)
    else:
        inverse = linalg.inv((weights.T @ weights).toarray().astype(np.float64) + penalty * np.eye(tracks))
        diagonal = np.diag(inverse).astype(np.float32)

        def rows_of_p(part: slice) -> Scores:
            return np.asarray(inverse[part], np.float32)

    # P is symmetric, so the rows of B' are those of P over -diag P; they are made block by block.
    blocks = []
    for start in range(0, tracks, _BLOCK):
        part = slice(start, min(start + _BLOCK, tracks))
        rows = rows_of_p(part) / -diagonal[part, None]
        rows[np.arange(part.stop - start), np.arange(start, part.stop)] = 0
        blocks.append(strongest(rows, keep))
    return SimilarityModel(transposed(blocks, tracks), skip_cost)


EASE = Algorithm(_fit, restore_similarity)
