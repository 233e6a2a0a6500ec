from __future__ import annotations

import numpy as np
import pytest

from earshot.recommenders.catalogue_metrics import coverage, novelty, popularity_lift

RANKED = np.array([[0, 1], [0, -1]])
POPULARITY = np.array([8.0, 2.0, 0.0, 1.0], np.float32)


def test_coverage_is_the_share_of_tracks_that_somebody_gets() -> None:
    assert coverage(RANKED, 4) == pytest.approx(2 / 4)


def test_novelty_is_the_mean_surprise_in_bits() -> None:
    assert novelty(RANKED, POPULARITY, 8) == pytest.approx((0 + 2 + 0) / 3)


def test_a_track_that_nobody_liked_is_as_novel_as_one_that_one_listener_liked() -> None:
    assert novelty(np.array([[2]]), POPULARITY, 8) == novelty(np.array([[3]]), POPULARITY, 8) == pytest.approx(3)


def test_popularity_lift_compares_with_what_listeners_played() -> None:
    assert popularity_lift(RANKED, POPULARITY, 3.0) == pytest.approx(6 / 3 - 1)
    assert popularity_lift(np.array([[-1]]), POPULARITY, 3.0) == 0
