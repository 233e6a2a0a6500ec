"""Hourly series of eight weeks: scored by `score_series`, by the KPI detector, by a home-made z-score, by MSTL."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from earshot.detectors import score_series
from earshot.detectors.baseline import SeasonalConfig
from earshot.detectors.benchmark import vus
from earshot.detectors.seasonal import SeasonalDetector
from earshot.detectors.series import SeriesMatrix
from stopwatch import ROUNDS, Stopwatch

pytestmark = pytest.mark.benchmark

SERIES = 30
DAYS = 56
HOURS = 24 * DAYS
CLOCK = np.arange(HOURS) * 3600.0
GOAL_FASTER_THAN_MSTL = 20


@pytest.fixture(scope="module")
def incidents() -> tuple[np.ndarray, np.ndarray]:
    """Plays by hour with a rhythm of day and week, each series with one incident; and where it is."""
    chance = np.random.default_rng(8)
    hours = np.arange(HOURS)
    due = 200 * (1 + 0.6 * np.sin(hours * 2 * np.pi / 24)) * np.where(hours // 24 % 7 >= 5, 1.3, 1.0)
    values = chance.poisson(due, (SERIES, HOURS)).astype(float)
    labels = np.zeros((SERIES, HOURS), dtype=bool)
    for row in range(SERIES):
        begin, length = int(chance.integers(24 * 21, HOURS - 48)), int(chance.integers(2, 24))
        labels[row, begin : begin + length] = True
        values[row, begin : begin + length] *= chance.choice([0.5, 0.7, 1.4, 1.8])
    return values, labels


def vus_pr(scores: np.ndarray, labels: np.ndarray) -> float:
    return float(np.mean([vus.volume(told, truth, 24).pr for told, truth in zip(scores, labels, strict=True)]))


def home_made(values: np.ndarray) -> np.ndarray:
    """What a dashboard computes: distance from the same hour's median of four weeks, in rolling deviations."""
    series = pd.Series(values)
    usual = pd.concat([series.shift(24 * day) for day in range(1, 29)], axis=1).median(axis=1)
    residual = (series - usual).abs()
    return np.nan_to_num((residual / residual.rolling(24 * 14, min_periods=24).median().shift(1)).to_numpy())


def test_a_series_costs_little_more_than_a_home_made_z_score(
    incidents: tuple[np.ndarray, np.ndarray], stopwatch: Stopwatch, show: Callable[[str], None]
) -> None:
    values, labels = incidents
    score_series(CLOCK, values[0])
    home_made(values[0])
    for _ in range(ROUNDS):
        with stopwatch.measure("earshot"):
            ours = np.array([score_series(CLOCK, one) for one in values])
        with stopwatch.measure("z-score"):
            theirs = np.array([home_made(one) for one in values])
    ms, ratio = 1000 * stopwatch.median("earshot") / SERIES, stopwatch.ratio("earshot", "z-score")
    reached, floor = vus_pr(ours, labels), vus_pr(theirs, labels)
    show(f"score_series: {ms:.1f} ms a series, {ratio:.2f}x a home-made z-score; VUS-PR {reached:.2f}, its {floor:.2f}")
    assert reached >= floor
    assert ratio < 20


def test_a_series_is_scored_faster_than_by_mstl(
    incidents: tuple[np.ndarray, np.ndarray], stopwatch: Stopwatch, show: Callable[[str], None]
) -> None:
    mstl = pytest.importorskip("statsforecast.mstl", reason="statsforecast, the peer, is not installed").mstl
    values, labels = incidents
    values, labels = values[:6], labels[:6]
    mstl(values[0], [24, 168])
    for _ in range(ROUNDS):
        with stopwatch.measure("earshot"):
            ours = np.array([score_series(CLOCK, one, online=False) for one in values])
        with stopwatch.measure("online"):
            online = np.array([score_series(CLOCK, one) for one in values])
        with stopwatch.measure("mstl"):
            theirs = np.abs(np.array([mstl(one, [24, 168])["remainder"] for one in values]))
    faster, offline = 1 / stopwatch.ratio("online", "mstl"), 1 / stopwatch.ratio("earshot", "mstl")
    show(f"{faster:.0f}x faster than statsforecast's MSTL (goal {GOAL_FASTER_THAN_MSTL}), offline {offline:.0f}x")
    reached = [f"{vus_pr(scores, labels):.2f}" for scores in (online, ours, theirs)]
    show(f"VUS-PR online {reached[0]}, offline {reached[1]}, MSTL {reached[2]}")
    assert vus_pr(ours, labels) >= vus_pr(theirs, labels)


def test_the_kpi_detector_judges_a_day_at_the_price_of_some_medians_by_hour(
    stopwatch: Stopwatch, show: Callable[[str], None]
) -> None:
    count = 2_000
    chance = np.random.default_rng(9)
    due = 40 * (1 + 0.6 * np.sin(np.arange(HOURS) * 2 * np.pi / 24))
    values = chance.poisson(due, (count, HOURS)).astype(float)
    everywhere = np.ones_like(values, dtype=bool)
    matrix = SeriesMatrix(
        "listens",
        tuple((("country", str(row)),) for row in range(count)),
        np.datetime64("2026-03-02"),
        values,
        values,
        everywhere,
        ~everywhere,
    )
    fitted = SeasonalDetector(SeasonalConfig()).fit([matrix])
    for _ in range(ROUNDS):
        with stopwatch.measure("earshot"):
            fitted.score(matrix, [DAYS - 1])
        with stopwatch.measure("median"):
            np.median(values.reshape(count, DAYS, 24), axis=1)
    ms, ratio = 1000 * stopwatch.median("earshot") / count, stopwatch.ratio("earshot", "median")
    show(f"KPI detector: {ms:.2f} ms a series and day with {DAYS} days of history, {ratio:.1f}x its medians by hour")
    assert ratio < 150
