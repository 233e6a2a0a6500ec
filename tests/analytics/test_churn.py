"""The churn model: the past only, in the order of time, calibrated, and champion only where it wins."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score
from sklearn.preprocessing import StandardScaler

from churn_worlds import FIRST_DAY, alike, days_of, leaving
from earshot.analytics.churn.features import FEATURES, ListenerDays, snapshot
from earshot.analytics.churn.judging import confidence_better, judge
from earshot.analytics.churn.model import RECIPES, ChurnModel, fit
from earshot.analytics.churn.training import Training, days_needed, shortage, train
from earshot.core.config import load_settings
from earshot.core.errors import IntegrityError
from earshot.core.settings import ChurnSettings

SETTINGS = ChurnSettings()
LAST = FIRST_DAY + 119


def _until(days: ListenerDays, last: int) -> ListenerDays:
    kept = days.day <= last
    columns = {
        name: getattr(days, name)[kept] for name in ("listener", "day", "sessions", "minutes", "listens", "skips")
    }
    return replace(days, **columns)


def _trained(days: ListenerDays, last: int = LAST, champion: str | None = None) -> Training:
    training = train(days, SETTINGS, last=last, champion=champion)
    assert isinstance(training, Training)
    return training


@pytest.fixture(scope="module")
def world() -> ListenerDays:
    return leaving(1)


def test_features_of_a_day_know_nothing_of_later_days(world: ListenerDays) -> None:
    day = FIRST_DAY + 60
    whole = snapshot(world, day, history=28, horizon=14)
    past = snapshot(_until(world, day), day, history=28, horizon=14)
    np.testing.assert_array_equal(whole.features, past.features)
    np.testing.assert_array_equal(whole.listener, past.listener)
    assert past.left.all(), "without later days everybody would seem gone"


def test_features_and_outcome_of_listeners_that_one_can_count_by_hand() -> None:
    active = np.zeros((4, 60), bool)
    active[0, [10, 20, 30]] = True  # back on the last day of the horizon
    active[0, 44] = True
    active[1, [29, 30]] = True  # never again
    active[2, [1, 2]] = True  # before the history: not judged
    active[3, [3, 45]] = True  # back one day too late
    active[3, 4] = True
    taken = snapshot(days_of(active, np.random.default_rng(0)), FIRST_DAY + 30, history=28, horizon=14)
    assert taken.listener.tolist() == [0, 1, 3]
    assert taken.left.tolist() == [False, True, True]
    told = dict(zip(FEATURES, taken.features.T.tolist(), strict=True))
    assert told["recency_days"] == [0, 0, 26]
    assert told["active_days"] == [3, 2, 2]
    assert told["active_days_7"] == [1, 2, 0]
    assert told["mean_gap_days"] == [10, 1, 1]
    assert told["overdue"] == [0, 0, 26]
    assert told["tenure_days"] == [20, 1, 27]


def test_the_regression_is_the_one_that_scikit_learn_finds(world: ListenerDays) -> None:
    learnt, later = (snapshot(world, FIRST_DAY + at, history=28, horizon=14) for at in (40, 60))
    model = fit("logistic", [learnt], later, strength=1.0, horizon=14, history=28)
    scaler = StandardScaler().fit(learnt.features)
    peer = LogisticRegression(C=1.0, tol=1e-10, max_iter=5_000).fit(scaler.transform(learnt.features), learnt.left)
    np.testing.assert_allclose(model.coefficients, peer.coef_[0], atol=1e-4)
    score = peer.decision_function(scaler.transform(later.features))[:, None]
    platt = LogisticRegression(C=math.inf, tol=1e-10, max_iter=5_000).fit(score, later.left)
    np.testing.assert_allclose([model.slope, model.offset], [platt.coef_[0, 0], platt.intercept_[0]], atol=1e-3)


def test_figures_are_those_of_scikit_learn(world: ListenerDays) -> None:
    rng = np.random.default_rng(4)
    risk = np.round(rng.random(2_000), 2)
    left = rng.random(2_000) < risk
    found = judge(risk, left)
    assert found.brier == pytest.approx(brier_score_loss(left, risk))
    assert found.log_loss == pytest.approx(log_loss(left, np.clip(risk, 1e-12, 1 - 1e-12)))
    assert found.auc == pytest.approx(roc_auc_score(left, risk))
    assert found.ece < 0.05, "these probabilities are the true ones"
    assert judge(risk**3, left).ece > 0.15, "these are too low"


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_where_leavers_grow_quiet_the_model_beats_the_recency_alone_and_is_calibrated(seed: int) -> None:
    training = _trained(leaving(seed, listeners=4_000))
    figures = {one.recipe: one.judgement for one in training.candidates}
    assert training.winner.recipe == "logistic"
    assert training.decision == "promoted"
    assert training.winner.beats_baseline > 0.95
    assert figures["logistic"].brier < figures["recency"].brier < figures["base_rate"].brier
    assert figures["logistic"].ece < 0.05
    assert figures["logistic"].auc > 0.75


def test_where_all_are_alike_nothing_beats_the_recency_alone() -> None:
    training = _trained(alike(1))
    assert training.winner.recipe in {"recency", "base_rate"}
    assert training.winner.recipe == "recency"
    assert training.reason == "nothing beats the recency alone"
    assert training.winner.judgement.auc == pytest.approx(0.5, abs=0.1)


def test_a_champion_that_wins_no_more_gives_way_and_one_that_wins_again_is_fitted_anew() -> None:
    assert _trained(alike(1), champion="logistic").decision == "promoted"
    again = _trained(leaving(1, listeners=4_000), champion="logistic")
    assert (again.winner.recipe, again.decision) == ("logistic", "refitted")


def test_days_after_the_last_are_not_looked_at(world: ListenerDays) -> None:
    last = FIRST_DAY + 100
    one, other = _trained(world, last), _trained(_until(world, last), last)
    assert one.model == other.model
    assert [c.judgement.brier for c in one.candidates] == [c.judgement.brier for c in other.candidates]


def test_no_outcome_that_was_learnt_lies_among_the_judged_days(world: ListenerDays) -> None:
    """The days of the test's outcome are scrambled: the figures change, what was fitted to be judged does not."""
    last, horizon = LAST, SETTINGS.horizon_days
    scrambled = _until(world, last - horizon)
    judged = {one.recipe: one.judgement for one in _trained(world).candidates}
    without = train(scrambled, SETTINGS, last=last, champion=None)
    assert without == "nothing to tell apart: of the listeners of the test everybody or nobody left"
    learnt = [snapshot(scrambled, last - 3 * horizon - 7 * n, history=28, horizon=horizon) for n in range(8)]
    learnt = [taken for taken in learnt if taken.day >= FIRST_DAY + 27]
    calibration = snapshot(scrambled, last - 2 * horizon, history=28, horizon=horizon)
    test = snapshot(world, last - horizon, history=28, horizon=horizon)
    for recipe in RECIPES:
        model = fit(recipe, learnt, calibration, strength=SETTINGS.strength, horizon=horizon, history=28)
        assert judge(model.risk(test.features), test.left).brier == judged[recipe].brier


def test_too_little_history_and_too_few_listeners_say_what_is_missing() -> None:
    assert days_needed(SETTINGS) == 70
    assert shortage(0, 68, SETTINGS) == "too little history: 69 days of sessions, 70 are needed"
    assert shortage(0, 69, SETTINGS) == ""
    few = train(leaving(1, listeners=60), SETTINGS, last=LAST, champion=None)
    assert isinstance(few, str)
    assert few.startswith("too few listeners: ")


def test_the_shortest_history_that_is_enough_can_be_trained_on() -> None:
    days = leaving(2, days=70, listeners=3_000)
    assert isinstance(train(days, SETTINGS, last=FIRST_DAY + 69, champion=None), Training)


def test_a_model_is_plain_numbers_that_come_back_as_they_were(world: ListenerDays, tmp_path: Path) -> None:
    model = _trained(world).model
    model.save(tmp_path)
    again = ChurnModel.load(tmp_path)
    assert again == model
    taken = snapshot(world, LAST, history=28, horizon=14)
    np.testing.assert_array_equal(again.risk(taken.features), model.risk(taken.features))
    (tmp_path / "churn.json").write_text('{"recipe": "logistic"}')
    with pytest.raises(IntegrityError, match="no churn model"):
        ChurnModel.load(tmp_path)


def test_the_base_rate_gives_everybody_the_same_risk(world: ListenerDays) -> None:
    learnt, later = (snapshot(world, FIRST_DAY + at, history=28, horizon=14) for at in (40, 60))
    model = fit("base_rate", [learnt], later, strength=1.0, horizon=14, history=28)
    assert model.risk(later.features) == pytest.approx(later.left.mean(), abs=1e-6)
    assert expit(model.offset) == pytest.approx(later.left.mean(), abs=1e-6)


def test_confidence_is_that_of_paired_differences() -> None:
    rng = np.random.default_rng(1)
    errors = rng.random(500)
    assert confidence_better(errors, errors) == 0.0
    assert confidence_better(errors, errors + 0.01 + rng.normal(0, 0.01, 500)) > 0.999
    assert confidence_better(errors + 0.01 + rng.normal(0, 0.01, 500), errors) < 0.001


def test_the_settings_hold_what_the_docstrings_say() -> None:
    assert load_settings().churn == ChurnSettings()
