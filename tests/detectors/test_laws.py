"""What holds for every detector of single series, whatever it looks for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as budget
from hypothesis import strategies as st

from earshot.detectors import score_series
from earshot.detectors.univariate.ensemble import DETECTORS

every_detector = pytest.mark.parametrize("detector", sorted(DETECTORS))
either_way = pytest.mark.parametrize("online", [True, False], ids=["online", "offline"])
NUMBERS = st.floats(allow_nan=True, allow_infinity=True, width=64) | st.integers(-3, 3).map(float)
HOUR = 3600.0


def days_of_hours(rows: int = 24 * 20, seed: int = 3) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0, 3, rows)
    return 100 + 30 * np.sin(np.arange(rows) * 2 * np.pi / 24) + noise


def hours(rows: int) -> np.ndarray:
    return np.arange(rows) * HOUR


@every_detector
@either_way
@budget(max_examples=8, deadline=None)
@given(values=st.lists(NUMBERS, min_size=1, max_size=260))
def test_scores_are_finite_fractions_one_a_row(detector: str, online: bool, values: list[float]) -> None:
    scores = score_series(hours(len(values)), values, online=online, detector=detector)
    assert scores.shape == (len(values),)
    assert np.isfinite(scores).all()
    assert ((scores >= 0) & (scores <= 1)).all()


@every_detector
@pytest.mark.parametrize("pace", [HOUR, 1.0], ids=["with a day", "without"])
def test_an_online_score_uses_only_the_past(detector: str, pace: float) -> None:
    values = days_of_hours()
    values[300:310] += 80
    clock = np.arange(values.size) * pace
    whole = score_series(clock, values, detector=detector)
    for rows in (1, 23, 257, 305):
        np.testing.assert_array_equal(score_series(clock[:rows], values[:rows], detector=detector), whole[:rows])


@every_detector
def test_nothing_that_follows_can_change_an_online_score(detector: str) -> None:
    values = days_of_hours()
    wild = np.concatenate([values[:300], [1e300, -1e300, np.nan, np.inf], np.zeros(176)])
    before = score_series(hours(480), values, detector=detector)[:300]
    np.testing.assert_array_equal(score_series(hours(480), wild, detector=detector)[:300], before)


@every_detector
@either_way
@pytest.mark.parametrize("value", [0.0, -1e300, np.nan])
def test_what_never_changes_is_never_abnormal(detector: str, online: bool, value: float) -> None:
    assert score_series(hours(300), np.full(300, value), online=online, detector=detector).max() == 0


@every_detector
@either_way
def test_a_gap_is_never_abnormal_and_changes_no_other_score(detector: str, online: bool) -> None:
    values, clock = days_of_hours(), hours(480)
    holes = np.random.default_rng(5).random(480) < 0.1
    gapped = np.where(holes, np.nan, values)
    scores = score_series(clock, gapped, online=online, detector=detector)
    assert scores[holes].max() == 0
    kept = score_series(clock[~holes], values[~holes], online=online, detector=detector)
    np.testing.assert_array_equal(scores[~holes], kept)


@every_detector
@either_way
def test_the_unit_of_the_values_does_not_matter(detector: str, online: bool) -> None:
    values = days_of_hours()
    values[350] += 60
    told = score_series(hours(480), values, online=online, detector=detector)
    in_other_units = score_series(hours(480), values * 1024, online=online, detector=detector)
    np.testing.assert_allclose(in_other_units, told, atol=1e-6)


@every_detector
@either_way
def test_an_incident_scores_higher_than_quiet_days(detector: str, online: bool) -> None:
    values = days_of_hours(24 * 30)
    values[600:640] += np.random.default_rng(6).normal(150, 60, 40)
    scores = score_series(hours(values.size), values, online=online, detector=detector)
    assert scores[600:660].max() > np.quantile(scores[300:560], 0.99)
