"""Item-kNN: tracks liked by the same listeners.

Deshpande and Karypis, "Item-based top-N recommendation algorithms" (2004): cosine of the tracks'
columns, the k nearest kept; shrinkage as in Bell and Koren (2007), so that few common listeners
make no close neighbours.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy import sparse

from earshot.recommenders.interactions import Interactions
from earshot.recommenders.models import Algorithm
from earshot.recommenders.similarity import SimilarityModel, restore_similarity, strongest, transposed

_BLOCK = 1_024


def _fit(interactions: Interactions, parameters: Mapping[str, float]) -> SimilarityModel:
    """Parameters: neighbours, shrinkage (common listeners), skip_cost."""
    weights = interactions.preference(skip_cost=parameters.get("skip_cost", 0.0))
    norms = np.sqrt(np.asarray(weights.multiply(weights).sum(axis=0)).ravel())
    unit = sparse.csr_matrix(weights @ sparse.diags(1 / np.maximum(norms, 1e-12)), dtype=np.float32)
    liked = sparse.csr_matrix((np.ones_like(unit.data), unit.indices, unit.indptr), shape=unit.shape)
    by_track, liked_by_track = unit.T.tocsr(), liked.T.tocsr()
    shrinkage = np.float32(parameters.get("shrinkage", 0.0) + 1e-6)
    blocks = []
    for start in range(0, unit.shape[1], _BLOCK):
        part = slice(start, min(start + _BLOCK, unit.shape[1]))
        cosine = (by_track[part] @ unit).toarray()
        common = (liked_by_track[part] @ liked).toarray()
        cosine *= common / (common + shrinkage)
        cosine[np.arange(part.stop - start), np.arange(start, part.stop)] = 0
        blocks.append(strongest(cosine, int(parameters["neighbours"])))
    return SimilarityModel(transposed(blocks, unit.shape[1]), parameters.get("skip_cost", 0.0))


ITEM_KNN = Algorithm(_fit, restore_similarity)
