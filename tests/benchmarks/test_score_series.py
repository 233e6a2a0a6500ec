"""Hourly series of eight weeks: scored by `score_series`, by the KPI detector, by a home-made z-score, by MSTL.

BENCH_SERIES sets how many series the KPI detector judges in one go (600). What one more day costs when the history
grows is measured on a lake, without Spark.
"""

from __future__ import annotations

import os
import resource
from collections.abc import Callable
from datetime import date
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from earshot.core.settings import AnomalySettings
from earshot.core.small_tables import SmallTables
from earshot.detectors import score_series
from earshot.detectors.baseline import SeasonalConfig
from earshot.detectors.benchmark import vus
from earshot.detectors.history import read_history
from earshot.detectors.seasonal import SeasonalDetector
from earshot.detectors.series import SeriesMatrix
from earshot.detectors.training import champion_or_plain
from earshot.detectors.walk import walk
from stopwatch import ROUNDS, Stopwatch

pytestmark = pytest.mark.benchmark

SERIES = 30
AT_ONCE = int(os.environ.get("BENCH_SERIES", "600"))
DAYS = 56
HOURS = 24 * DAYS
CLOCK = np.arange(HOURS) * 3600.0
HISTORY_DAYS = 35
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


def kpis(values: np.ndarray, first: int = 0) -> SeriesMatrix:
    everywhere = np.ones_like(values, dtype=bool)
    names = tuple((("country", str(row)),) for row in range(len(values)))
    start = np.datetime64("2026-03-02") + np.timedelta64(first, "D")
    return SeriesMatrix("listens", names, start, values, values, everywhere, ~everywhere)


def day_by_day(values: np.ndarray, first: int = 7) -> np.ndarray:
    """Each day from the eighth on, with at most the five weeks before it, as score_anomalies does; learnt each week."""
    scores = np.zeros_like(values)
    for day in range(first, DAYS):
        begin = max(day - HISTORY_DAYS, 0)
        if day % 7 == 0:
            fitted = SeasonalDetector(SeasonalConfig()).fit([kpis(values[:, 24 * begin : 24 * day], begin)])
        (judged,) = fitted.score(kpis(values[:, 24 * begin : 24 * (day + 1)], begin), [day - begin])
        scores[:, 24 * day : 24 * (day + 1)] = judged.score
    return scores


def test_every_hour_is_scored_faster_and_better_than_by_mstl_which_sees_the_whole_series(
    incidents: tuple[np.ndarray, np.ndarray], stopwatch: Stopwatch, show: Callable[[str], None]
) -> None:
    mstl = pytest.importorskip("statsforecast.mstl", reason="statsforecast, the peer, is not installed").mstl
    values, labels = incidents
    many = np.tile(values, (-(-AT_ONCE // SERIES), 1))[:AT_ONCE]
    few, of_few = values[:6], labels[:6]
    mstl(values[0], [24, 168])
    for _ in range(ROUNDS):
        with stopwatch.measure("day by day"):
            found = day_by_day(many)
        with stopwatch.measure("offline"):
            hindsight = np.array([score_series(CLOCK, one, online=False) for one in few])
        with stopwatch.measure("online"):
            online = np.array([score_series(CLOCK, one) for one in few])
        with stopwatch.measure("mstl"):
            whole = np.abs(np.array([mstl(one, [24, 168])["remainder"] for one in few]))
    names = ("day by day", "offline", "online", "mstl")
    sizes = np.array([len(many), len(few), len(few), len(few)])
    ms = 1000 * np.array([stopwatch.processor_median(name) for name in names]) / sizes
    faster = ms[3] / ms[:3]
    show(
        f"processor ms a series: KPI detector day by day {ms[0]:.1f} ({len(many):,} series), score_series offline "
        f"{ms[1]:.1f}, online {ms[2]:.1f}, MSTL {ms[3]:.0f}: {faster[0]:.1f}, {faster[1]:.1f}, {faster[2]:.1f} times "
        f"faster (goal {GOAL_FASTER_THAN_MSTL})"
    )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    show(f"by the clock {stopwatch.median('day by day'):.0f} s for the KPI detector; peak memory {peak:.2f} GiB")
    ours = found[: len(values)]
    reached = [f"{vus_pr(scores, of_few):.2f}" for scores in (ours[:6], hindsight, online, whole)]
    show(f"VUS-PR in the same order: {', '.join(reached)}; the KPI detector on all series {vus_pr(ours, labels):.2f}")
    assert vus_pr(ours[:6], of_few) >= vus_pr(whole, of_few)
    assert vus_pr(hindsight, of_few) >= vus_pr(whole, of_few)
    assert faster[0] >= GOAL_FASTER_THAN_MSTL


def test_online_it_is_better_than_mstl_that_is_fitted_anew_each_day(
    incidents: tuple[np.ndarray, np.ndarray], stopwatch: Stopwatch, show: Callable[[str], None]
) -> None:
    mstl = pytest.importorskip("statsforecast.mstl", reason="statsforecast, the peer, is not installed").mstl
    values, labels = incidents[0][:3], incidents[1][:3]
    anew = np.zeros_like(values)
    with stopwatch.measure("mstl"):
        for row, day in product(range(len(values)), range(15, DAYS)):
            left = mstl(values[row, : 24 * (day + 1)], [24, 168])["remainder"]
            anew[row, 24 * day : 24 * (day + 1)] = np.abs(np.asarray(left)[-24:])
    with stopwatch.measure("day by day"):
        ours = day_by_day(values)
    reached, theirs = vus_pr(ours, labels), vus_pr(anew, labels)
    faster = stopwatch.ratio("mstl", "day by day")
    show(
        f"VUS-PR a day at a time: KPI detector {reached:.2f}, MSTL fitted anew {theirs:.2f}; {faster:.0f} times faster"
    )
    assert reached >= theirs


def test_one_more_day_costs_the_same_after_six_weeks_and_after_twenty(
    tmp_path: Path, stopwatch: Stopwatch, show: Callable[[str], None]
) -> None:
    lakes = {days: SmallTables(str(tmp_path / str(days))) for days in (42, 140)}
    for days, lake in lakes.items():
        lake.overwrite("gold.activity_cube", cube_of(days, series=100).select(lake.schema("gold.activity_cube").names))
    last, settings = date(2026, 7, 19), AnomalySettings()
    model = champion_or_plain(None, settings)
    for _ in range(ROUNDS):
        for days, lake in lakes.items():
            with stopwatch.measure(str(days)):
                known = read_history(lake, settings, last, by_day=True)
                (judged,) = walk(model, known, [last], settings)
            assert judged.scores[0].judged.all()
    ratio = stopwatch.ratio("140", "42")
    show(f"a day of 100 hourly series after 140 days: {ratio:.2f} times what it takes after 42")
    assert ratio < 1.5


def cube_of(days: int, series: int) -> pa.Table:
    """Listens by hour of so many countries, the last day always the same."""
    chance = np.random.default_rng(days)
    hours = np.arange(days * 24)
    start = np.datetime64("2026-07-20T00", "us") - np.timedelta64(days * 24, "h")
    due = 60 * (1 + 0.6 * np.sin(hours * 2 * np.pi / 24))
    plays = chance.poisson(due, (series, hours.size))
    stamps = np.tile(start + hours * np.timedelta64(3_600_000_000, "us"), series)
    names = pa.array([[("country", f"C{row}")] for row in range(series)], pa.map_(pa.string(), pa.string()))
    return pa.table(
        {
            "metric": pa.repeat(pa.scalar("listens"), stamps.size),
            "grain": pa.repeat(pa.scalar("hour"), stamps.size),
            "dimensions": names.take(pa.array(np.repeat(np.arange(series), hours.size))),
            "window_start": pa.array(stamps).cast(pa.timestamp("us", tz="UTC")),
            "value": plays.ravel().astype(float),
            "volume": plays.ravel(),
            "window_date": pa.array(stamps.astype("datetime64[D]")),
        }
    )


def test_the_kpi_detector_judges_a_day_at_the_price_of_some_medians_by_hour(
    stopwatch: Stopwatch, show: Callable[[str], None]
) -> None:
    count = 2_000
    chance = np.random.default_rng(9)
    due = 40 * (1 + 0.6 * np.sin(np.arange(HOURS) * 2 * np.pi / 24))
    values = chance.poisson(due, (count, HOURS)).astype(float)
    matrix = kpis(values)
    fitted = SeasonalDetector(SeasonalConfig()).fit([matrix])
    for _ in range(ROUNDS):
        with stopwatch.measure("earshot"):
            fitted.score(matrix, [DAYS - 1])
        with stopwatch.measure("median"):
            np.median(values.reshape(count, DAYS, 24), axis=1)
    ms, ratio = 1000 * stopwatch.median("earshot") / count, stopwatch.ratio("earshot", "median")
    show(f"KPI detector: {ms:.2f} ms a series and day with {DAYS} days of history, {ratio:.1f}x its medians by hour")
    assert ratio < 150
