"""Who is moved: found where listeners differ, not found where they do not, and policies worth what is said."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.experiments import experiment

from earshot.analytics.optimisation.answer import answer
from earshot.analytics.optimisation.estimates import Estimate
from earshot.analytics.optimisation.experiment import Experiment
from earshot.analytics.optimisation.policy import policies
from earshot.analytics.optimisation.responses import Responses, Scores, cross_fitted, fit
from earshot.analytics.optimisation.uplift import ranked_groups, uplift
from earshot.core.settings import OptimisationSettings


def _world(seed: int, listeners: int, *, differing: float) -> tuple[Experiment, np.ndarray]:
    """Half are moved by `b` and put off by `c` or the other way round, by one covariate; the truth beside it."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(listeners, 3))
    arm = rng.integers(0, 3, listeners)
    odds = -1.5 + 0.5 * x[:, 1]
    level = 0.4 if differing else 0.0  # the same change of the odds is no same change of the probability
    moved = np.stack([odds, odds + level + differing * x[:, 0], odds + level - differing * x[:, 0]], axis=1)
    probability = 1 / (1 + np.exp(-moved))
    converted = rng.random(listeners) < probability[np.arange(listeners), arm]
    made = experiment(arm, converted, shares=(1 / 3,) * 3, covariates=x, prices=(10.0, 10.0, 10.0))
    return made, probability


def _of(found: list[Estimate], metric: str, **dimensions: str) -> Estimate:
    (one,) = [e for e in found if e.metric == metric and dict(e.dimensions) | dimensions == dict(e.dimensions)]
    return one


def test_listeners_who_differ_are_told_apart_and_a_policy_by_listener_brings_more() -> None:
    made, truth = _world(1, 12_000, differing=0.8)
    scores = cross_fitted(made, folds=5, seed=1)
    found = uplift(made, scores, groups=5)
    assert _of(found, "qini", arm="b").lower > 0
    assert _of(found, "heterogeneity", arm="b").lower > 0.5
    assert _of(found, "effect_spread", arm="b").lower > 0.1
    effects = [_of(found, "effect_of_group", arm="b", group=str(group)).value for group in range(1, 6)]
    assert effects == sorted(effects)
    told = policies(made, scores)
    gain = _of(told, "policy_gain", against="best_arm")
    assert gain.lower > 0
    best = truth.argmax(axis=1)
    possible = 9.5 * (truth[np.arange(len(best)), best] - truth[:, 1]).mean()
    assert gain.value < possible + (gain.upper - gain.value)


def test_where_listeners_do_not_differ_nothing_is_found_more_often_than_by_chance() -> None:
    found = {"qini": 0, "heterogeneity": 0, "effect_spread": 0}
    trials = 60
    for seed in range(trials):
        made, _ = _world(seed, 2_500, differing=0.0)
        estimates = uplift(made, cross_fitted(made, folds=3, seed=seed), groups=3)
        for metric in found:
            found[metric] += _of(estimates, metric, arm="b").lower > 0
    assert all(count <= 6 for count in found.values()), found  # 2.5 % of 60 = 1.5; six come once in three hundred


def test_group_effects_hold_for_a_model_that_is_worth_nothing() -> None:
    hits = []
    for seed in range(100):
        made, truth = _world(seed, 3_000, differing=0.6)
        rng = np.random.default_rng(seed)
        nonsense = rng.random((3_000, 3))
        assigned = made.arm[:, None] == np.arange(3)
        robust = nonsense + assigned * (made.converted[:, None] - nonsense) / assigned.mean(axis=0)
        scores = Scores(nonsense, robust, rng.integers(0, 5, 3_000))
        group = ranked_groups(nonsense[:, 1] - nonsense[:, 0], scores.fold, 4)
        for number in range(1, 5):
            one = _of(uplift(made, scores, groups=4), "effect_of_group", arm="b", group=str(number))
            real = (truth[:, 1] - truth[:, 0])[group == number].mean()
            hits.append(one.lower <= real <= one.upper)
    assert np.mean(hits) > 0.92


def test_predictions_of_a_listener_never_saw_them() -> None:
    made, _ = _world(2, 900, differing=0.5)
    scores = cross_fitted(made, folds=3, seed=0)
    inside = scores.fold == scores.fold[0]
    again = fit(made.where(~inside), seed=0).predict(made.covariates[inside])
    assert again == pytest.approx(scores.predicted[inside])


def test_a_model_comes_back_from_json_and_says_the_same() -> None:
    made, _ = _world(3, 600, differing=0.5)
    model = fit(made, seed=0)
    assert Responses.from_json(model.to_json()).predict(made.covariates) == pytest.approx(
        model.predict(made.covariates)
    )


def test_an_arm_without_a_price_in_a_country_is_never_chosen_there() -> None:
    made, _ = _world(4, 1_500, differing=0.8)
    made.price[:, 2] = np.nan
    scores = cross_fitted(made, folds=3, seed=0)
    told = policies(made, scores)
    assert _of(told, "offered_share", arm="c").value == 0
    assert np.isfinite([e.value for e in told if e.value is not None]).all()
    assert not [e for e in told if e.dimensions.get("policy") == "c"]


def test_no_listener_is_asked_a_price_of_their_own_unless_the_settings_say_so() -> None:
    made, _ = _world(5, 3_000, differing=0.8)
    tiers = replace(made, offered=(None, "premium", "student"))
    assert answer(tiers, OptimisationSettings()).targets
    said = answer(made, OptimisationSettings())
    assert not said.targets
    assert {e.dimensions.get("policy") for e in said.estimates if e.metric == "policy_value"} >= {"b", "best_arm"}
    assert not [e for e in said.estimates if e.metric == "policy_gain" or e.dimensions.get("policy") == "by_listener"]
    assert answer(made, OptimisationSettings(personal_prices=True)).targets
