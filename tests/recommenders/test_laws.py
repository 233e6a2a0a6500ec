"""What every recommender must obey, whatever its algorithm."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from earshot.core.settings import RecommenderSettings
from earshot.recommenders.candidates import ALGORITHMS, fit, search_space
from earshot.recommenders.interactions import Interactions, PlayCounts
from earshot.recommenders.models import FittedModel


@pytest.fixture(params=sorted(ALGORITHMS))
def fitted(request: pytest.FixtureRequest, counts: PlayCounts, settings: RecommenderSettings) -> FittedModel:
    return fit(search_space(settings, 200)[request.param][0], counts.interactions())


@pytest.fixture
def histories(counts: PlayCounts) -> Interactions:
    return counts.interactions()


def test_no_recommended_track_was_played(fitted: FittedModel, histories: Interactions) -> None:
    ranked, _, _ = fitted.rank(histories, 20)
    played = histories.plays.toarray() > 0
    for row, tracks in enumerate(ranked):
        assert not played[row, tracks[tracks >= 0]].any()


def test_a_track_that_was_only_skipped_counts_as_played(fitted: FittedModel, histories: Interactions) -> None:
    ranked, _, _ = fitted.rank(histories, 1)
    plays = histories.plays.tolil()
    for row, (first,) in enumerate(ranked):
        plays[row, first] = 1
    again, _, _ = fitted.rank(dataclasses.replace(histories, plays=plays.tocsr()), 20)
    assert not (again == ranked).any()


def test_no_track_is_recommended_twice(fitted: FittedModel, histories: Interactions) -> None:
    ranked, _, _ = fitted.rank(histories, 20)
    assert all(len(set(row[row >= 0])) == (row >= 0).sum() for row in ranked)


def test_scores_are_finite_and_descend(fitted: FittedModel, histories: Interactions) -> None:
    _, scores, _ = fitted.rank(histories, 20)
    assert np.isfinite(scores).all()
    assert (np.diff(scores, axis=1) <= 0).all()


def test_the_same_seed_gives_the_same_ranking(fitted: FittedModel, histories: Interactions) -> None:
    again = fit(fitted.recipe, histories)
    for one, other in zip(fitted.rank(histories, 20), again.rank(histories, 20), strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_order_of_the_listeners_changes_nothing_for_one_of_them(
    fitted: FittedModel, histories: Interactions
) -> None:
    whole, _, _ = fitted.rank(histories, 10)
    alone, _, _ = fitted.rank(histories.of_listeners(np.array([7])), 10)
    np.testing.assert_array_equal(alone[0], whole[7])


def test_a_cold_listener_gets_what_is_popular(fitted: FittedModel, histories: Interactions) -> None:
    nobody = dataclasses.replace(
        histories.of_listeners(np.array([0])),
        plays=histories.plays[[0]] * 0,
        likes=histories.likes[[0]] * 0,
        skips=histories.skips[[0]] * 0,
    )
    ranked, _, cold = fitted.rank(nobody, 5)
    expected = np.lexsort((np.arange(len(fitted.tracks)), -fitted.popularity))[:5]
    np.testing.assert_array_equal(ranked[0], expected)
    assert cold[0] == (fitted.recipe.algorithm != "popularity")


def test_tracks_that_the_model_does_not_know_are_ignored(fitted: FittedModel, histories: Interactions) -> None:
    renamed = dataclasses.replace(histories, tracks=np.array([f"zzz:{i:04d}" for i in range(len(histories.tracks))]))
    ranked, scores, _ = fitted.rank(renamed, 5)
    assert (ranked >= 0).all()
    assert np.isfinite(scores).all()


def test_who_played_everything_gets_nothing(fitted: FittedModel, histories: Interactions) -> None:
    all_tracks = dataclasses.replace(histories, plays=histories.plays + 1 * (histories.plays.toarray() == 0))
    ranked, scores, _ = fitted.rank(dataclasses.replace(all_tracks, plays=type(histories.plays)(all_tracks.plays)), 5)
    assert (ranked == -1).all()
    assert (scores == 0).all()


def test_more_tracks_than_there_are_cannot_be_asked_for(fitted: FittedModel, histories: Interactions) -> None:
    ranked, _, _ = fitted.rank(histories, 10_000)
    assert ranked.shape == (len(histories.listeners), len(fitted.tracks))


def test_the_model_holds_no_listener(fitted: FittedModel, histories: Interactions) -> None:
    sizes = {size for array in fitted.model.arrays().values() for size in array.shape}
    assert len(histories.listeners) not in sizes
