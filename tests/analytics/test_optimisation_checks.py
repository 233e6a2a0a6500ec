"""An experiment that does not keep to its plan is refused, and one without a plan claims no cause."""

from __future__ import annotations

import numpy as np
import pytest
from tests.experiments import experiment

from earshot.analytics.optimisation.answer import NOT_DRAWN, answer
from earshot.analytics.optimisation.checks import check
from earshot.core.settings import OptimisationSettings

SETTINGS = OptimisationSettings()


def _draw(seed: int, listeners: int = 4_000, share: float = 0.5) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return (rng.random(listeners) < share).astype(int), (rng.random(listeners) < 0.2).astype(float)


def test_experiments_that_keep_to_their_plan_are_hardly_ever_refused() -> None:
    rng = np.random.default_rng(0)
    refused = 0
    for seed in range(400):
        arm, converted = _draw(seed, 500)
        x = rng.normal(size=(500, 4))
        refused += bool(check(experiment(arm, converted, covariates=x), mismatch_p=0.01).reason)
    assert refused / 400 < 0.05  # two tests at 1 % each


def test_a_lost_arm_a_leaking_arm_and_a_sorted_arm_are_refused_and_nothing_else_is_told() -> None:
    arm, converted = _draw(1)
    rng = np.random.default_rng(1)
    leaking = experiment(arm, converted).where(~((arm == 1) & (rng.random(4_000) < 0.15)))
    lost = experiment(arm, converted, shares=(0.25, 0.25))
    x = rng.normal(size=(4_000, 2))
    sorted_in = experiment((x[:, 0] + rng.normal(size=4_000) * 4 > 0).astype(int), converted, covariates=x)
    for broken, why in (
        (leaking, "not as large as planned"),
        (lost, "50% of the plan is in no arm"),
        (sorted_in, "differed before"),
    ):
        said = answer(broken, SETTINGS)
        assert said.scores is None
        (effect,) = [e for e in said.estimates if e.metric == "effect"]
        assert effect.value is None and effect.reason and why in effect.reason
        assert {e.metric for e in said.estimates} == {"sample_ratio_p", "balance_p", "effect"}


def test_without_control_the_experiment_is_refused() -> None:
    said = answer(experiment(np.ones(300, int), np.zeros(300)), SETTINGS)
    assert "control 0, b 300" in str(next(e.reason for e in said.estimates if e.metric == "effect"))


def test_without_a_lottery_differences_are_associations_and_the_rest_is_refused() -> None:
    arm, converted = _draw(2)
    said = answer(experiment(arm, converted, shares=None, received=arm), SETTINGS)
    assert {e.design for e in said.estimates} == {"association"}
    assert {e.metric for e in said.estimates if e.value is not None} >= {"conversion_rate", "effect", "effect_adjusted"}
    assert {e.metric for e in said.estimates if e.reason == NOT_DRAWN} == {"uplift", "policy_value", "elasticity"}
    assert not {"effect_received", "qini", "sample_ratio_p"} & {e.metric for e in said.estimates}


@pytest.mark.parametrize("outcome", [0.0, 1.0])
def test_where_everybody_or_nobody_converts_the_interval_has_a_width_and_uplift_is_refused(outcome: float) -> None:
    arm, _ = _draw(3, 400)
    said = answer(experiment(arm, np.full(400, outcome)), SETTINGS)
    rates = [e for e in said.estimates if e.metric == "conversion_rate"]
    assert all(e.value == outcome and e.upper - e.lower > 0.005 for e in rates)
    (effect,) = [e for e in said.estimates if e.metric == "effect"]
    assert effect.value == 0 and effect.lower < -0.01 < 0.01 < effect.upper
    assert [e for e in said.estimates if e.metric == "uplift" and "are needed" in str(e.reason)]
