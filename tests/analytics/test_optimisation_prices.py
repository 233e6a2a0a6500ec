"""Prices: elasticities that are known, best prices within what was tried, and refusals where nothing varied."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from tests.experiments import experiment

from earshot.analytics.optimisation.demand import fit_demand
from earshot.analytics.optimisation.estimates import Estimate
from earshot.analytics.optimisation.experiment import Experiment
from earshot.analytics.optimisation.prices import price_sensitivity

PRICES = (10.0, 7.0, 8.5, 11.5, 13.0)


def _asked(
    seed: int, listeners: int, slope: float, level: float = -1.0, prices: tuple[float, ...] = PRICES
) -> Experiment:
    rng = np.random.default_rng(seed)
    arm = rng.integers(0, len(prices), listeners)
    odds = level + slope * (np.array(prices)[arm] / prices[0] - 1)
    converted = rng.random(listeners) < 1 / (1 + np.exp(-odds))
    return experiment(arm, converted, shares=(1 / len(prices),) * len(prices), prices=prices)


def _told(made: Experiment, **changed: float) -> dict[str, Estimate]:
    rules = {"minimum_outcomes": 25, "mismatch_p": 0.001, "seed": 0, **changed}
    return {e.metric: e for e in price_sensitivity(made, **rules)}  # type: ignore[arg-type]


def test_the_curve_is_that_of_logistic_regression() -> None:
    made = _asked(0, 4_000, -2.0)
    relative = made.price[0, made.arm] / 10
    ours = fit_demand(np.zeros(4_000, np.int64), relative, made.converted)
    theirs = LogisticRegression(C=np.inf).fit((relative - 1)[:, None], made.converted)
    assert ours is not None
    assert ours.parameters == pytest.approx([theirs.intercept_[0], theirs.coef_[0, 0]], abs=1e-3)


def test_elasticity_and_best_price_are_covered_about_95_of_100_times() -> None:
    share = 1 / (1 + np.exp(1.0))
    grid = np.linspace(0.7, 1.3, 201)
    brought = 0.5 + (grid * 10 - 0.5) / (1 + np.exp(1.0 + 2.0 * (grid - 1)))
    truth = {"elasticity": -2.0 * (1 - share), "best_price": 10 * grid[brought.argmax()]}
    hits: dict[str, list[bool]] = {name: [] for name in truth}
    for seed in range(300):
        told = _told(_asked(seed, 2_000, -2.0))
        for name, value in truth.items():
            hits[name].append(told[name].lower <= value <= told[name].upper)
    assert abs(np.mean(hits["elasticity"]) - 0.95) < 0.045
    assert np.mean(hits["best_price"]) > 0.92
    assert 7.1 < truth["best_price"] < 12.9  # it lies between the prices that were tried


def test_what_hardly_answers_to_the_price_is_best_sold_at_the_highest_that_was_tried_and_not_beyond() -> None:
    told = _told(_asked(1, 20_000, -0.2))
    assert told["best_price"].value == told["best_price"].upper == pytest.approx(13.0)
    assert told["best_price_gain"].lower > 0


def test_one_price_tells_nothing_and_is_refused() -> None:
    told = _told(_asked(2, 2_000, -2.0, prices=(10.0, 10.0)))
    assert told["elasticity"].value is None
    assert "without variation by design" in str(told["elasticity"].reason)
    assert "best_price" not in told


def test_a_price_at_which_nobody_bought_is_refused_rather_than_extrapolated() -> None:
    made = _asked(3, 600, -40.0)
    told = _told(made)
    assert told["elasticity"].value is None and "are needed" in str(told["elasticity"].reason)


def test_shares_that_do_not_lie_on_the_curve_get_no_best_price() -> None:
    rng = np.random.default_rng(4)
    arm = rng.integers(0, 5, 20_000)
    converted = rng.random(20_000) < np.array([0.1, 0.3, 0.1, 0.3, 0.1])[arm]
    told = _told(experiment(arm, converted, shares=(0.2,) * 5, prices=PRICES))
    assert told["best_price"].value is None and "not lie on the curve" in str(told["best_price"].reason)


def test_arms_that_offer_another_tier_say_nothing_of_its_price() -> None:
    made = _asked(5, 3_000, -2.0, prices=(10.0, 6.0))
    told = _told(experiment(made.arm, made.converted, prices=(10.0, 6.0), offered=("premium", "student")))
    assert all(e.value is None for e in told.values())
