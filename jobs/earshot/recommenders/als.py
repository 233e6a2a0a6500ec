"""ALS: matrix factorisation of implicit feedback, fitted by the `implicit` library.

Hu, Koren and Volinsky, "Collaborative filtering for implicit feedback datasets" (2008). Only the
factors of tracks are kept; a listener's are solved from the history (their equation 4).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from implicit.cpu.als import AlternatingLeastSquares
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from earshot.recommenders.interactions import Interactions, Matrix
from earshot.recommenders.models import Algorithm, Arrays, Scores


class FactorModel:
    """score(listener, track) = x_listener . y_track.

    Args:
        factors: y, tracks x factors.
        alpha: Confidence of a play is 1 + alpha x preference.
        regularisation: Weight of the squared norm of x.
        skip_cost: How many likes a skip takes away in a history.
    """

    def __init__(self, factors: NDArray[np.float32], alpha: float, regularisation: float, skip_cost: float) -> None:
        self._factors = factors
        self._alpha = alpha
        self._regularisation = regularisation
        self._skip_cost = skip_cost

    def scores(self, histories: Interactions) -> Scores:
        """Solve the factors of each listener and multiply (listeners x tracks)."""
        with threadpool_limits(1, "blas"):
            listeners = self._solve(histories.preference(skip_cost=self._skip_cost))
            return np.asarray(listeners @ self._factors.T, np.float32)

    def arrays(self) -> Arrays:
        """The factors of the tracks."""
        return {"factors": self._factors}

    def _solve(self, weights: Matrix) -> NDArray[np.float64]:
        """Solve x = (Y'Y + Y'(C - I)Y + regularisation I)^-1 Y'Cp for every row."""
        y = self._factors.astype(np.float64)
        base = y.T @ y + self._regularisation * np.eye(y.shape[1])
        solved = np.zeros((weights.shape[0], y.shape[1]))
        for row in range(weights.shape[0]):
            span = slice(weights.indptr[row], weights.indptr[row + 1])
            if span.start == span.stop:
                continue
            played = y[weights.indices[span]]
            extra = self._alpha * weights.data[span].astype(np.float64)
            system = base + played.T @ (played * extra[:, None])
            solved[row] = np.linalg.solve(system, played.T @ (1 + extra))
        return solved


def _fit(interactions: Interactions, parameters: Mapping[str, float]) -> FactorModel:
    """Parameters: factors, alpha, regularisation, iterations, seed, skip_cost.

    Takes the threads that are allowed: each row is solved on its own, so the factors do not depend on their number.
    """
    weights = interactions.preference(skip_cost=parameters.get("skip_cost", 0.0))
    alpha = parameters["alpha"]
    # implicit reads the stored value as the confidence C itself, so 1 + alpha r is written out.
    confidence = weights.copy()
    confidence.data = (1 + alpha * confidence.data).astype(np.float32)
    with threadpool_limits(1, "blas"):
        library = AlternatingLeastSquares(
            factors=int(parameters["factors"]),
            regularization=parameters["regularisation"],
            alpha=1.0,
            iterations=int(parameters.get("iterations", 15)),
            num_threads=0,
            random_state=int(parameters.get("seed", 0)),
        )
        library.fit(confidence, show_progress=False)
    factors = np.asarray(library.item_factors, np.float32)
    factors[np.bincount(weights.indices, minlength=weights.shape[1]) == 0] = 0
    return FactorModel(factors, alpha, parameters["regularisation"], parameters.get("skip_cost", 0.0))


def _restore(arrays: Arrays, parameters: Mapping[str, float]) -> FactorModel:
    return FactorModel(
        np.asarray(arrays["factors"], np.float32),
        parameters["alpha"],
        parameters["regularisation"],
        parameters.get("skip_cost", 0.0),
    )


ALS = Algorithm(_fit, _restore)
