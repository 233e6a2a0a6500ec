"""Intervals of every figure hold the truth of simulated experiments as often as they say."""

from __future__ import annotations

import numpy as np
import pytest

from earshot.automation.offers_trials import cover, simulated_experiment
from earshot.core.settings import OptimisationSettings


@pytest.fixture(scope="module")
def trials() -> dict[str, dict[str, float]]:
    told = cover(30, listeners=4_000, settings=OptimisationSettings(personal_prices=True))
    assert told["trials"] == 30
    return {row["metric"]: row for row in told["coverage"]}


def test_no_figure_is_less_sure_than_it_says(trials: dict[str, dict[str, float]]) -> None:
    assert {name: row["coverage"] for name, row in trials.items() if not row["honest"]} == {}
    assert np.mean([row["coverage"] for row in trials.values()]) > 0.93


def test_every_figure_with_an_interval_has_a_truth(trials: dict[str, dict[str, float]]) -> None:
    assert set(trials) == {
        *("conversion_rate", "effect", "effect_adjusted", "effect_received", "heterogeneity", "effect_of_group"),
        *("effect_spread", "qini", "uplift_area", "policy_value", "policy_gain"),
        *("elasticity", "best_price", "best_price_gain"),
    }


def test_an_interval_that_is_too_narrow_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("earshot.analytics.optimisation.estimates.Z", 1.0)
    told = cover(10, listeners=2_000, settings=OptimisationSettings())
    assert not told["honest"]


def test_the_same_seed_is_the_same_experiment() -> None:
    one, truth = simulated_experiment("which-tier", 4, 500)
    other, _ = simulated_experiment("which-tier", 4, 500)
    assert (one.converted == other.converted).all() and (one.covariates == other.covariates).all()
    assert truth.probability.shape == (500, 4)
