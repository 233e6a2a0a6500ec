"""Concentration: known by hand, and as uncertain as other listeners would make it."""

from __future__ import annotations

import numpy as np
import pytest

from earshot.analytics.optimisation.inequality import MEASURES, concentration, inequality, paid_without


def test_measures_are_those_of_the_textbook() -> None:
    rows = np.array([[1.0, 1, 1, 1], [0, 0, 0, 4], [1, 2, 3, 4], [0, 0, 0, 0]])
    found = {name: inequality(rows)[:, n] for n, name in enumerate(MEASURES)}
    assert found["gini"][:3] == pytest.approx([0, 0.75, 0.25])
    assert found["top_1_percent_share"][:3] == pytest.approx([0.25, 1, 0.4])
    assert found["hhi"][:3] == pytest.approx([0.25, 1, 0.3])
    assert np.isnan(inequality(rows)[3]).all()


def test_a_pool_is_paid_as_a_whole_with_everybody_and_without_each_group() -> None:
    rng = np.random.default_rng(0)
    group, payee = rng.integers(0, 12, 500), rng.integers(0, 30, 500)
    counts = rng.random(500)
    paid = paid_without(group, payee, counts, pool=100.0, size=(12, 30))
    assert paid.sum(axis=1) == pytest.approx(np.full(13, 100.0))
    kept = group != 4
    expected = np.bincount(payee[kept], weights=counts[kept], minlength=30)
    assert paid[5] == pytest.approx(100 * expected / expected.sum())


def _month(rng: np.random.Generator, listeners: int = 600, artists: int = 80) -> dict[str, np.ndarray]:
    """Listeners with tastes; pro rata counts streams, user-centric counts listeners."""
    popularity = 1 / np.arange(1, artists + 1)
    streams = rng.poisson(rng.gamma(0.7, 40, listeners))
    who = np.repeat(np.arange(listeners), streams)
    artist = rng.choice(artists, len(who), p=popularity / popularity.sum())
    group = who % 50
    of = {"pro_rata": np.ones(len(who)), "user_centric": 1 / streams[who]}
    return {
        model: inequality(paid_without(group, artist, counts, pool=1.0, size=(50, artists)))
        for model, counts in of.items()
    }


def test_intervals_cover_what_other_listeners_would_give_about_95_of_100_times() -> None:
    months = [_month(np.random.default_rng(seed)) for seed in range(300)]
    for model in ("pro_rata", "user_centric"):
        mean = np.mean([month[model][0] for month in months], axis=0)
        for n, name in enumerate(MEASURES):
            hits = []
            for month in months:
                (one,) = [e for e in concentration({model: month[model]}, 600) if e.metric == name]
                hits.append(one.lower <= mean[n] <= one.upper)
            assert 0.90 <= np.mean(hits) <= 0.99, (model, name, np.mean(hits))


def test_what_a_model_moves_is_surer_than_either_figure_alone() -> None:
    found = concentration(_month(np.random.default_rng(1)), 600)
    widths = {(e.metric, e.dimensions["model"]): e.upper - e.lower for e in found}
    assert widths["gini_change", "user_centric"] < 0.8 * (widths["gini", "user_centric"] + widths["gini", "pro_rata"])


def test_too_few_groups_of_listeners_have_no_interval_and_say_why() -> None:
    paid = paid_without(np.array([0, 1]), np.array([0, 1]), np.ones(2), pool=1.0, size=(2, 2))
    (gini, *_) = concentration({"pro_rata": inequality(paid)}, 2)
    assert gini.value == 0 and gini.lower is None and "no interval" in str(gini.reason)
