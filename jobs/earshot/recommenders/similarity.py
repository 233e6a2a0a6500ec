"""Models that score a track by its similarity to the tracks of a history."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy import sparse

from earshot.recommenders.interactions import Interactions, Matrix
from earshot.recommenders.models import Arrays, Scores


class SimilarityModel:
    """score(listener, track) = sum over the history of weight x similarity(played, track).

    Args:
        similarity: Tracks x tracks, few entries a row.
        skip_cost: How many likes a skip takes away in a history.
    """

    def __init__(self, similarity: Matrix, skip_cost: float) -> None:
        self._similarity = similarity
        self._skip_cost = skip_cost

    def scores(self, histories: Interactions) -> Scores:
        """Sum the similarities (listeners x tracks)."""
        weights = histories.preference(skip_cost=self._skip_cost)
        return np.asarray((weights @ self._similarity).toarray(), np.float32)

    def arrays(self) -> Arrays:
        """The similarity in compressed rows."""
        matrix = self._similarity
        return {"indptr": matrix.indptr, "indices": matrix.indices, "similarity": matrix.data}


def restore_similarity(arrays: Arrays, parameters: Mapping[str, float]) -> SimilarityModel:
    """The model that `arrays` came from."""
    tracks = len(arrays["indptr"]) - 1
    matrix = sparse.csr_matrix((arrays["similarity"], arrays["indices"], arrays["indptr"]), shape=(tracks, tracks))
    return SimilarityModel(matrix, parameters.get("skip_cost", 0.0))


def strongest(rows: Scores, keep: int) -> Matrix:
    """Keep the `keep` largest values by magnitude of each row (equal values to the last one are kept too).

    Args:
        rows: Some tracks x tracks, dense.
        keep: How many.

    Returns:
        The same shape, sparse.
    """
    if keep < rows.shape[1]:
        size = np.abs(rows)
        limits = np.partition(size, -keep, axis=1)[:, -keep]
        rows = np.where(size >= limits[:, None], rows, np.float32(0))
    return sparse.csr_matrix(rows)


def transposed(blocks: list[Matrix], tracks: int) -> Matrix:
    """Rows of a tracks x tracks matrix, given in blocks, as the columns of a compressed one."""
    if not blocks:
        return sparse.csr_matrix((tracks, tracks), dtype=np.float32)
    return sparse.csr_matrix(sparse.vstack(blocks).T)
