"""Each algorithm against its definition, computed the slow way."""

from __future__ import annotations

import numpy as np
import pytest
from implicit.cpu.als import AlternatingLeastSquares

from earshot.recommenders.als import ALS, FactorModel
from earshot.recommenders.ease import EASE
from earshot.recommenders.interactions import Interactions, PlayCounts
from earshot.recommenders.item_knn import ITEM_KNN
from earshot.recommenders.popularity import listeners_by_track
from earshot.recommenders.similarity import SimilarityModel


def _similarity(model: object) -> np.ndarray:
    assert isinstance(model, SimilarityModel)
    return model._similarity.toarray()


@pytest.fixture
def interactions(counts: PlayCounts) -> Interactions:
    return counts.interactions()


def test_popularity_counts_listeners_not_plays(interactions: Interactions) -> None:
    expected = (interactions.likes.toarray() > 0).sum(axis=0)
    np.testing.assert_array_equal(listeners_by_track(interactions), expected)


def test_item_knn_is_the_cosine_of_the_columns(interactions: Interactions) -> None:
    weights = interactions.preference().toarray()
    norms = np.linalg.norm(weights, axis=0)
    cosine = weights.T @ weights / np.maximum(np.outer(norms, norms), 1e-9)
    np.fill_diagonal(cosine, 0)
    model = ITEM_KNN.fit(interactions, {"neighbours": 10_000, "shrinkage": 0.0})
    np.testing.assert_allclose(_similarity(model), cosine, atol=1e-5)


def test_item_knn_keeps_the_nearest(interactions: Interactions) -> None:
    every = _similarity(ITEM_KNN.fit(interactions, {"neighbours": 10_000, "shrinkage": 5.0}))
    kept = _similarity(ITEM_KNN.fit(interactions, {"neighbours": 3, "shrinkage": 5.0}))
    column = int(listeners_by_track(interactions).argmax())
    assert set(np.flatnonzero(kept[:, column])) == set(np.argsort(-every[:, column])[:3])


@pytest.mark.parametrize("listeners", [20, 80])
def test_ease_is_the_closed_form_with_few_and_with_many_listeners(interactions: Interactions, listeners: int) -> None:
    few = interactions.of_listeners(np.arange(listeners))
    few = few.without_unknown(few.tracks[:50])
    weights = few.preference().toarray().astype(np.float64)
    inverse = np.linalg.inv(weights.T @ weights + 7.0 * np.eye(50))
    expected = -inverse / np.diag(inverse)
    np.fill_diagonal(expected, 0)
    np.testing.assert_allclose(_similarity(EASE.fit(few, {"penalty": 7.0})), expected, atol=1e-5)


def test_als_solves_a_listener_as_the_library_does(interactions: Interactions) -> None:
    parameters = {"factors": 8, "alpha": 3.0, "regularisation": 0.5, "iterations": 10, "seed": 5}
    model = ALS.fit(interactions, parameters)
    assert isinstance(model, FactorModel)
    library = AlternatingLeastSquares(factors=8, regularization=0.5)
    library.item_factors = model._factors
    confidence = interactions.preference()
    confidence.data = 1 + 3.0 * confidence.data
    expected = library.recalculate_user(np.arange(10), confidence[:10])
    np.testing.assert_allclose(model._solve(interactions.preference())[:10], expected, rtol=1e-2, atol=1e-3)


def test_als_gives_a_track_that_nobody_liked_no_factors(interactions: Interactions) -> None:
    wider = interactions.without_unknown(np.sort(np.append(interactions.tracks, "trk:zzz")))
    parameters = {"factors": 4, "alpha": 3.0, "regularisation": 0.5, "iterations": 3, "seed": 5}
    factors = ALS.fit(wider, parameters).arrays()["factors"]
    assert not factors[-1].any()
    assert factors[:-1].any(axis=1).all()
