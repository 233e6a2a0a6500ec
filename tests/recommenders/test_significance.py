from __future__ import annotations

import numpy as np

from earshot.recommenders.significance import bootstrap_means, confidence_better

RNG = np.random.default_rng(3)
SOME = RNG.random(200)


def test_a_model_that_is_better_for_everybody_is_surely_better() -> None:
    assert confidence_better(SOME + 0.1, SOME, resamples=200, seed=1) == 1


def test_the_same_values_are_not_better() -> None:
    assert confidence_better(SOME, SOME, resamples=200, seed=1) == 0


def test_noise_is_not_taken_for_a_difference() -> None:
    noise = RNG.normal(0, 0.2, 200)
    assert 0.02 < confidence_better(SOME + noise - noise.mean(), SOME, resamples=400, seed=1) < 0.98


def test_the_seed_makes_the_answer_repeatable() -> None:
    np.testing.assert_array_equal(
        bootstrap_means(SOME, resamples=50, seed=4), bootstrap_means(SOME, resamples=50, seed=4)
    )


def test_no_listeners_give_no_confidence() -> None:
    assert confidence_better(np.zeros(0), np.zeros(0), resamples=10, seed=1) == 0
