"""score_series: any series, from one row on."""

from __future__ import annotations

import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as budget
from hypothesis import strategies as st

from earshot.core.errors import ArgumentError
from earshot.detectors import score_series

NUMBERS = st.floats(allow_nan=True, allow_infinity=True, width=64)


def noise(rows: int, seed: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).normal(100, 3, rows)


@budget(max_examples=40, deadline=None)
@given(values=st.lists(NUMBERS, min_size=1, max_size=80), online=st.booleans())
def test_scores_are_finite_fractions(values: list[float], online: bool) -> None:
    scores = score_series(np.arange(len(values)) * 60.0, values, online=online)
    assert scores.shape == (len(values),)
    assert np.isfinite(scores).all()
    assert ((scores >= 0) & (scores <= 1)).all()


@pytest.mark.parametrize("online", [True, False])
@pytest.mark.parametrize("values", [[5.0] * 300, [0.0] * 300, [1e300] * 300, [np.nan] * 300, [7.0]])
def test_what_never_changes_is_never_abnormal(values: list[float], online: bool) -> None:
    assert score_series(np.arange(len(values)), values, online=online).max() == 0


@pytest.mark.parametrize("online", [True, False])
def test_a_spike_stands_out(online: bool) -> None:
    values = noise(2000)
    values[1500] += 40
    scores = score_series(np.arange(2000) * 300.0, values, online=online)
    assert scores[400:].argmax() == 1500 - 400
    assert scores[1500] > 0.7
    assert np.median(scores) < 0.2


def test_a_shift_of_the_level_stands_out() -> None:
    values = noise(2000)
    values[1500:] += 12
    scores = score_series(np.arange(2000) * 300.0, values)
    assert scores[1500:1540].max() > scores[400:1500].max()


@pytest.mark.parametrize("change", ["level", "trend", "variance"])
def test_changes_of_level_trend_and_variance_are_found_by_the_changepoint_detector(change: str) -> None:
    values = noise(2000)
    rest = values[1500:]
    changed = {"level": rest + 9, "trend": rest + 0.05 * np.arange(500), "variance": 100 + 5 * (rest - 100)}
    values[1500:] = changed[change]
    scores = score_series(np.arange(2000) * 60.0, values, detector="changepoint")
    assert scores[1500:].max() > 0.5 > scores[600:1500].max()


def test_a_usual_hour_at_an_unusual_time_stands_out() -> None:
    rows = 24 * 30
    values = 100 + 80 * np.sin(np.arange(rows) / 24 * 2 * np.pi) + noise(rows) / 30
    values[24 * 25 + 6 : 24 * 25 + 9] = values[24 * 25 + 18]
    scores = score_series(np.arange(rows) * 3600.0, values)
    assert scores[24 * 25 + 6] > 0.7
    assert scores[24 * 20 : 24 * 25].max() < 0.6


def test_online_scores_use_only_the_past() -> None:
    values = noise(900)
    whole = score_series(np.arange(900) * 300.0, values)
    changed = np.concatenate([values[:600], [1e300, -1e300, np.nan], np.zeros(297)])
    np.testing.assert_array_equal(score_series(np.arange(600) * 300.0, values[:600]), whole[:600])
    np.testing.assert_array_equal(score_series(np.arange(900) * 300.0, changed)[:600], whole[:600])


def test_the_order_of_the_rows_changes_nothing() -> None:
    values, clock = noise(500), np.arange(500) * 300.0
    values[400] = 300
    order = np.random.default_rng(1).permutation(500)
    np.testing.assert_array_equal(score_series(clock[order], values[order]), score_series(clock, values)[order])


def test_timestamps_may_be_of_any_kind() -> None:
    values = noise(200)
    start = datetime(2026, 3, 1, tzinfo=UTC)
    moments = [start + timedelta(minutes=5 * row) for row in range(200)]
    wanted = score_series(np.arange(200) * 300.0, values)
    for stamps in (
        moments,
        [moment.isoformat() for moment in moments],
        np.array([moment.replace(tzinfo=None) for moment in moments], "datetime64[us]"),
    ):
        np.testing.assert_array_equal(score_series(stamps, values), wanted)


def test_no_rows_have_no_scores() -> None:
    assert score_series([], []).size == 0


def test_an_unknown_detector_is_refused_with_the_nearest() -> None:
    with pytest.raises(ArgumentError, match="seasonal"):
        score_series([0, 1], [1, 2], detector="seasonel")


def test_lengths_must_agree() -> None:
    with pytest.raises(ArgumentError, match="2 timestamps and 3 values"):
        score_series([0, 1], [1, 2, 3])


@pytest.mark.parametrize("detector", ["ensemble", "local", "seasonal", "shift"])
def test_every_detector_has_a_name(detector: str) -> None:
    assert score_series(np.arange(100), noise(100), detector=detector).shape == (100,)


def test_twenty_thousand_rows_take_less_than_two_seconds() -> None:
    values = noise(20_000)
    score_series([0, 1], [1, 2])
    began = time.perf_counter()
    score_series(np.arange(20_000) * 300.0, values)
    assert time.perf_counter() - began < 2


def test_importing_the_detectors_loads_neither_spark_nor_great_expectations() -> None:
    code = "import sys, earshot.detectors as d; d.score_series; print([m for m in HEAVY if m in sys.modules])"
    heavy = "HEAVY = ['pyspark', 'great_expectations', 'mlflow', 'pandas', 'matplotlib', 'deltalake']; "
    told = subprocess.run([sys.executable, "-c", heavy + code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
