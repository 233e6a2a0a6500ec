"""Average effects: known by hand, covered as often as is said, and more exact where the past explains."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import binomtest
from tests.experiments import experiment

from earshot.analytics.optimisation.effects import effects, wilson
from earshot.analytics.optimisation.estimates import Estimate


def _one(found: list[Estimate], metric: str) -> Estimate:
    (estimate,) = [e for e in found if e.metric == metric and e.dimensions["arm"] == "b"]
    return estimate


@pytest.mark.parametrize(("converted", "listeners"), [(0, 20), (20, 20), (3, 40), (500, 1_000)])
def test_the_interval_of_a_share_is_wilsons(converted: int, listeners: int) -> None:
    theirs = binomtest(converted, listeners).proportion_ci(0.95, method="wilson")
    assert wilson(converted, listeners) == pytest.approx((theirs.low, theirs.high))


def test_newcombes_interval_is_that_of_his_paper() -> None:
    # Newcombe (1998), table II, example (a): 56/70 and 48/80, method 10: 0.0524 to 0.3339
    arm = np.repeat([1, 0], [70, 80])
    converted = np.concatenate([np.arange(70) < 56, np.arange(80) < 48])
    effect = _one(effects(experiment(arm, converted)), "effect")
    assert (effect.value, effect.lower, effect.upper) == pytest.approx((0.2, 0.0524, 0.3339), abs=1e-4)


def test_intervals_cover_the_effect_about_95_of_100_times_and_the_adjusted_ones_are_narrower() -> None:
    covered: dict[str, list[bool]] = {"effect": [], "effect_adjusted": [], "effect_received": []}
    widths: dict[str, list[float]] = {name: [] for name in covered}
    z = np.linspace(-8, 8, 4_001)
    left = np.average(1 / (1 + np.exp(2.2 * z - 0.5)), weights=np.exp(-z * z / 2))
    truth = {"effect": 0.6 * 0.15 * left, "effect_adjusted": 0.6 * 0.15 * left, "effect_received": 0.15 * left}
    for seed in range(600):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=(1_000, 3))
        arm = (rng.random(1_000) < 0.4).astype(int)
        reached = (rng.random(1_000) < 0.6) & (arm == 1)
        base = 1 / (1 + np.exp(0.5 - 2.2 * x[:, 0]))
        probability = base + reached * 0.15 * (1 - base)
        converted = rng.random(1_000) < probability
        found = effects(experiment(arm, converted, shares=(0.6, 0.4), covariates=x, received=reached))
        for name, value in truth.items():
            one = _one(found, name)
            covered[name].append(one.lower <= value <= one.upper)
            widths[name].append(one.upper - one.lower)
    for name, hits in covered.items():
        assert abs(np.mean(hits) - 0.95) < 3.5 * math.sqrt(0.95 * 0.05 / 600), name
    assert np.mean(widths["effect_adjusted"]) < 0.85 * np.mean(widths["effect"])


def test_those_not_reached_dilute_the_effect_of_all_and_not_that_of_the_reached() -> None:
    rng = np.random.default_rng(5)
    arm = (rng.random(40_000) < 0.5).astype(int)
    reached = (rng.random(40_000) < 0.3) & (arm == 1)
    converted = rng.random(40_000) < 0.1 + 0.2 * reached
    found = effects(experiment(arm, converted, received=reached))
    assert _one(found, "effect").value == pytest.approx(0.06, abs=0.01)
    assert _one(found, "effect_received").value == pytest.approx(0.2, abs=0.03)


def test_where_next_to_nobody_was_reached_every_effect_is_possible_and_no_bound_is_made_up() -> None:
    rng = np.random.default_rng(6)
    arm = (rng.random(400) < 0.5).astype(int)
    reached = np.arange(400) == np.flatnonzero(arm)[0]
    received = _one(effects(experiment(arm, rng.random(400) < 0.1, received=reached)), "effect_received")
    assert (received.lower, received.upper) == (None, None)
    assert received.reason


def test_an_empty_arm_has_no_rate_and_no_effect() -> None:
    found = effects(experiment(np.zeros(50, int), np.ones(50)))
    assert _one(found, "conversion_rate").value is None
    assert _one(found, "effect").reason == "nobody is in the arm, or in control"
