from __future__ import annotations

import dataclasses
from datetime import date, timedelta

import numpy as np
import pytest

from earshot.core.errors import JobSkippedError
from earshot.core.settings import RecommenderSettings
from earshot.recommenders import artefacts
from earshot.recommenders.candidates import BASELINE
from earshot.recommenders.evaluation import Evaluation
from earshot.recommenders.interactions import PlayCounts
from earshot.recommenders.models import Recipe
from earshot.recommenders.training import Candidate, Champion, compare, decide, train

DAY = date(2026, 3, 29)
CHANCE = np.random.default_rng(11)
NOISE = CHANCE.random(300) * 0.1


def candidate(algorithm: str, ndcg: float, *, validation: float | None = None, sure: float = 1.0) -> Candidate:
    recipe = Recipe(algorithm, {} if algorithm == BASELINE else {"x": ndcg})
    evaluation = Evaluation(recipe, 10, NOISE + ndcg, {"ndcg_at_10": ndcg})
    return Candidate(recipe, ndcg if validation is None else validation, evaluation, sure)


POPULARITY = candidate(BASELINE, 0.1, sure=0.0)
ALS = candidate("als", 0.3)
KNN = candidate("item_knn", 0.2)
SETTINGS = RecommenderSettings(resamples=200)


def test_every_algorithm_beats_popularity_where_listeners_have_tastes(
    counts: PlayCounts, settings: RecommenderSettings
) -> None:
    candidates = compare(counts, settings)
    assert {c.recipe.algorithm for c in candidates} == {"popularity", "item_knn", "als", "ease"}
    scores = {c.recipe.algorithm: c.test.score for c in candidates}
    assert all(scores[name] > 1.5 * scores[BASELINE] for name in ("item_knn", "als", "ease"))


def test_als_is_at_least_half_again_as_good_as_popularity(counts: PlayCounts, settings: RecommenderSettings) -> None:
    scores = {c.recipe.algorithm: c.test.metrics["ndcg_at_10"] for c in compare(counts, settings)}
    assert scores["als"] >= 1.5 * scores["popularity"]


def test_the_winner_is_fitted_on_all_days(counts: PlayCounts, settings: RecommenderSettings) -> None:
    training = train(counts, settings, day=DAY, champion=None)
    assert training.decision == "promoted"
    assert training.model is not None
    assert training.model.recipe == training.winner.recipe
    everything = (counts.interactions().likes.toarray() > 0).sum(axis=0)
    np.testing.assert_array_equal(training.model.popularity, everything)


def test_figures_do_not_depend_on_how_many_recipes_are_judged_at_once(
    counts: PlayCounts, settings: RecommenderSettings
) -> None:
    alone, together = (compare(counts, settings.model_copy(update={"threads": threads})) for threads in (1, 3))
    assert [c.recipe for c in alone] == [c.recipe for c in together]
    for one, other in zip(alone, together, strict=True):
        assert one.test.metrics == other.test.metrics
        np.testing.assert_array_equal(one.test.ndcg, other.test.ndcg)


def test_the_test_days_choose_nothing(counts: PlayCounts, settings: RecommenderSettings) -> None:
    chance = np.random.default_rng(0)
    test = counts.phase == 2
    shuffled = counts.columns.copy()
    shuffled[test] = chance.permutation(shuffled[test])
    other = compare(dataclasses.replace(counts, columns=shuffled), settings)
    assert [c.recipe for c in other] == [c.recipe for c in compare(counts, settings)]


def test_too_few_listeners_end_as_skipped(counts: PlayCounts, settings: RecommenderSettings) -> None:
    few = settings.model_copy(update={"minimum_listeners": 81})
    with pytest.raises(JobSkippedError, match="80 listeners, 81 are needed"):
        train(counts, few, day=DAY, champion=None)


def test_too_few_days_end_as_skipped(counts: PlayCounts, settings: RecommenderSettings) -> None:
    one_day = dataclasses.replace(counts, phase=np.full_like(counts.phase, 2))
    with pytest.raises(JobSkippedError, match="liked something new"):
        train(one_day, settings, day=DAY, champion=None)


def test_popularity_is_champion_where_nothing_beats_it() -> None:
    winner, decision, reason = decide([candidate("als", 0.11, sure=0.8), POPULARITY], SETTINGS, champion=None, day=DAY)
    assert winner is POPULARITY
    assert decision == "promoted"
    assert "nothing beats popularity" in reason


def test_the_best_on_validation_is_the_challenger() -> None:
    best_on_test = candidate("item_knn", 0.5, validation=0.1)
    winner, _, _ = decide([ALS, best_on_test, POPULARITY], SETTINGS, champion=None, day=DAY)
    assert winner is ALS


def test_a_champion_that_is_beaten_is_replaced() -> None:
    champion = Champion(KNN.recipe, DAY - timedelta(days=1))
    winner, decision, _ = decide([ALS, KNN, POPULARITY], SETTINGS, champion=champion, day=DAY)
    assert winner is ALS
    assert decision == "promoted"


def test_a_champion_that_is_not_surely_beaten_stays_and_learns_the_new_days() -> None:
    equal = dataclasses.replace(ALS, test=dataclasses.replace(ALS.test, ndcg=CHANCE.permutation(KNN.test.ndcg)))
    champion = Champion(KNN.recipe, DAY - timedelta(days=1))
    winner, decision, _ = decide([equal, KNN, POPULARITY], SETTINGS, champion=champion, day=DAY)
    assert winner is KNN
    assert decision == "refitted"


def test_a_second_training_of_the_same_day_changes_nothing() -> None:
    _, decision, _ = decide([ALS, POPULARITY], SETTINGS, champion=Champion(ALS.recipe, DAY), day=DAY)
    assert decision == "kept"


def test_a_champion_that_no_longer_beats_popularity_goes() -> None:
    faded = candidate("item_knn", 0.1, sure=0.4)
    champion = Champion(faded.recipe, DAY - timedelta(days=1))
    winner, decision, _ = decide([faded, POPULARITY], SETTINGS, champion=champion, day=DAY)
    assert winner is POPULARITY
    assert decision == "promoted"


def test_a_backfill_does_not_replace_a_champion_that_knows_later_days() -> None:
    champion = Champion(KNN.recipe, DAY + timedelta(days=1))
    winner, decision, _ = decide([ALS, KNN, POPULARITY], SETTINGS, champion=champion, day=DAY)
    assert winner is KNN
    assert decision == "kept"


def test_a_champion_outside_the_search_space_is_judged_too(counts: PlayCounts, settings: RecommenderSettings) -> None:
    odd = Recipe("item_knn", {"neighbours": 3, "shrinkage": 0.0})
    assert odd in [c.recipe for c in compare(counts, settings, also=odd)]


def test_the_recipe_survives_the_registry(counts: PlayCounts, settings: RecommenderSettings) -> None:
    training = train(counts, settings, day=DAY, champion=None)
    assert training.model is not None
    metadata = artefacts.describe(training.model, trained_until=DAY)
    champion = Champion.of(metadata)
    assert champion == Champion(training.winner.recipe, DAY)
    assert train(counts, settings, day=DAY, champion=champion).decision == "kept"


def test_a_model_of_unknown_origin_is_no_champion() -> None:
    assert Champion.of({}) is None
    assert Champion.of({"recipe": {"algorithm": "magic", "parameters": {}}, "trained_until": "2026-01-01"}) is None
