"""What rises and falls: calibrated where nothing moves, found where something does, quiet where weeks are few."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from earshot.analytics.audience.movements import false_discovery_rates, movements


def _weeks(rng: np.random.Generator, entities: int, *, extra: float, weeks: int = 5) -> np.ndarray:
    means = rng.gamma(1.5, 60, entities)[:, None] * np.array([1.0, 1.1, 0.9, 1.2, 0.4])[:weeks]
    if not extra:
        return rng.poisson(means).astype(float)
    return rng.poisson(means * rng.gamma(1 / extra, extra, means.shape)).astype(float)


@pytest.mark.parametrize("extra", [0.0, 0.05, 0.3])
def test_where_nothing_moves_p_values_are_about_uniform_whatever_the_spread(extra: float) -> None:
    rng = np.random.default_rng(3)
    seen = _weeks(rng, 3_000, extra=extra)
    found = movements(seen[:, -1], seen[:, :-1], seen[:, :-1].sum(0), minimum=20)
    assert found is not None
    assert 0.02 < (found.p < 0.05).mean() < 0.09
    assert (found.q < 0.05).sum() <= 3


def test_a_plain_poisson_test_would_cry_wolf_on_the_same_counts() -> None:
    seen = _weeks(np.random.default_rng(3), 3_000, extra=0.3)
    share = seen[:, -1].sum() / seen.sum()
    naive = stats.binom.sf(seen[:, -1] - 1, seen.sum(1), share)
    assert (np.minimum(naive, 1 - naive) < 0.025).mean() > 0.3


def test_what_doubles_or_vanishes_is_found_and_false_finds_stay_rare() -> None:
    rng = np.random.default_rng(5)
    seen = _weeks(rng, 1_000, extra=0.02)
    seen[:30, -1] = rng.poisson(3 * seen[:30, :-1].mean(1))
    seen[30:50, -1] = 0
    found = movements(seen[:, -1], seen[:, :-1], seen[:, :-1].sum(0), minimum=60)
    assert found is not None
    flagged = set(found.tested[found.q < 0.05].tolist())
    true = set(range(50)) & set(found.tested.tolist())
    assert len(flagged & true) / len(true) > 0.9
    assert len(flagged - true) / len(flagged) < 0.1
    ratio = dict(zip(found.tested.tolist(), found.ratio.tolist(), strict=True))
    assert all(5 < ratio[entity] < 11 for entity in flagged if entity < 30)
    assert all(ratio[entity] == 0 for entity in flagged if 30 <= entity < 50)


def test_a_week_that_is_half_over_moves_nobody() -> None:
    rng = np.random.default_rng(6)
    seen = rng.poisson(np.full((500, 5), 100.0)).astype(float)
    seen[:, -1] = rng.poisson(50, 500)
    found = movements(seen[:, -1], seen[:, :-1], seen[:, :-1].sum(0), minimum=20)
    assert found is not None
    assert not (found.q < 0.05).any()


def test_a_hit_that_makes_half_of_all_streams_moves_nobody_but_itself() -> None:
    rng = np.random.default_rng(7)
    seen = rng.poisson(np.full((300, 5), 100.0)).astype(float)
    seen[0, -1] = 30_000
    found = movements(seen[:, -1], seen[:, :-1], seen[:, :-1].sum(0), minimum=20)
    assert found is not None
    assert found.tested[found.q < 0.05].tolist() == [0]


def test_one_week_before_is_too_few_to_know_how_much_weeks_vary() -> None:
    seen = np.full((10, 5), 100.0)
    seen[:, :3] = 0
    assert movements(seen[:, -1], seen[:, :-1], seen[:, :-1].sum(0), minimum=1) is None


@pytest.mark.parametrize("extra", [0.0, 0.1])
def test_the_tails_are_about_those_of_the_beta_binomial_law(extra: float) -> None:
    rng = np.random.default_rng(8)
    means = np.repeat(rng.gamma(2, 40, 400)[:, None], 5, axis=1)
    seen = rng.poisson(means * (rng.gamma(1 / extra, extra, means.shape) if extra else 1)).astype(float)
    totals = np.full(4, seen[:, :-1].sum() / 4)
    found = movements(seen[:, -1], seen[:, :-1], totals, minimum=20)
    assert found is not None
    before, now = seen[found.tested, :-1], seen[found.tested, -1]
    estimated = np.repeat((before.sum(1) + 0.5)[:, None] / 4, 4, axis=1)
    surplus = max(((before - estimated) ** 2).sum() * 4 / 3 - estimated.sum(), 0)
    size = (estimated**2).sum() / surplus if surplus else 1e9
    factor = np.median((now + 0.5) / (before.sum(1) + 0.5))
    law = stats.betabinom(seen[found.tested].sum(1).astype(int), size, size / factor)
    exact = np.minimum(2 * np.minimum(law.cdf(now), law.sf(now - 1)), 1)
    apart = np.abs(np.log10(found.p) - np.log10(exact))
    assert np.median(apart) < 0.05
    assert apart[exact > 1e-4].max() < 0.35


def test_q_values_are_those_of_benjamini_and_hochberg() -> None:
    p = np.random.default_rng(2).random(200) ** 3
    np.testing.assert_allclose(false_discovery_rates(p), stats.false_discovery_control(p), rtol=1e-12)
