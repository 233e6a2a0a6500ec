"""Series by day: what is expected of a day, and of what is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from earshot.analytics.judged_plays import RATES
from earshot.core.daily_metrics import BEHAVIOUR_RATES
from earshot.core.settings import AnomalySettings
from earshot.detectors import daily
from earshot.detectors.baseline import SeasonalConfig
from earshot.detectors.daily import DailyMatrix, DailyScores
from earshot.detectors.daily_findings import verdict
from earshot.detectors.seasonal import SeasonalDetector
from earshot.detectors.series import Dimensions, SeriesMatrix

FIRST = date(2026, 3, 2)  # a Monday
DAYS = 35
TOTAL, SMALL, OTHER = (), (("country", "SE"),), (("country", "PL"),)


def plays(seed: int = 1, growth: float = 1.0) -> DailyMatrix:
    """Plays by day of the whole service and two small countries, busier at weekends."""
    chance = np.random.default_rng(seed)
    week = np.array([1, 1, 1, 1, 1.2, 1.5, 1.4])[np.arange(DAYS) % 7] * growth ** np.arange(DAYS)
    values = chance.poisson(np.outer([5_000, 120, 90], week)).astype(float)
    nothing = np.zeros(values.shape, dtype=bool)
    return DailyMatrix("listens", (TOTAL, SMALL, OTHER), FIRST, values, values.copy(), nothing, nothing.copy())


def judged(matrix: DailyMatrix, day: int) -> DailyScores:
    return daily.score(matrix, day, SeasonalConfig(), least_days=14)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("growth", [1.0, 1.01])
def test_ordinary_days_are_not_told_of_though_weekends_differ_and_plays_grow(seed: int, growth: float) -> None:
    matrix = plays(seed, growth)
    for day in range(14, DAYS):
        assert judged(matrix, day).score.max() < 0.5


def test_a_day_with_half_the_plays_of_a_small_country_stands_out() -> None:
    matrix = plays()
    matrix.values[1, 30] *= 0.1
    scores = judged(matrix, 30)
    assert scores.score[1] > 0.5 > scores.score[[0, 2]].max()
    assert scores.effect[1] < -0.7
    assert scores.observed[1] < scores.lower[1] < scores.expected[1] < scores.upper[1]
    assert judged(matrix, 31).score.max() < 0.5


def test_a_score_by_day_uses_only_the_past() -> None:
    matrix = plays()
    later = replace(matrix, values=matrix.values.copy())
    later.values[:, 25:] = 1e9
    for name in ("score", "expected", "upper"):
        np.testing.assert_array_equal(getattr(judged(matrix, 24), name), getattr(judged(later, 24), name))


def test_a_new_series_is_not_judged_before_it_has_two_weeks() -> None:
    matrix = plays()
    matrix.values[1, :20] = np.nan
    assert not judged(matrix, 33).judged[1]
    assert judged(matrix, 34).judged[1]
    assert judged(matrix, 34).judged[0]


def test_days_of_known_incidents_are_not_learnt_from() -> None:
    matrix = plays()
    matrix.values[1, 20:27] *= 0.2
    known = replace(matrix, excluded=matrix.excluded.copy())
    known.excluded[1, 20:27] = True
    assert judged(matrix, 27).expected[1] < 60
    assert judged(known, 27).expected[1] == pytest.approx(1.4 * 120, rel=0.15)


def test_a_holiday_may_look_like_a_sunday() -> None:
    matrix = plays()
    monday = 28
    matrix.values[:, monday] *= 1.4
    assert judged(matrix, monday).score[0] > 0.5
    resting = replace(matrix, holidays=matrix.holidays.copy())
    resting.holidays[:, monday] = True
    assert judged(resting, monday).score[0] < 0.5


def test_a_figure_of_the_gate_is_judged_as_a_fraction() -> None:
    chance = np.random.default_rng(3)
    values = 0.996 + 0.001 * chance.random((1, DAYS))
    values[0, 30] = 0.9
    nothing = np.zeros(values.shape, dtype=bool)
    matrix = DailyMatrix("validation_success", (TOTAL,), FIRST, values, np.zeros_like(values), nothing, nothing)
    assert judged(matrix, 30).score[0] > 0.5
    assert judged(matrix, 29).score[0] < 0.5
    assert 0.98 < judged(matrix, 30).expected[0] <= 1


def test_the_rates_of_behaviour_are_those_that_its_mart_has() -> None:
    assert set(BEHAVIOUR_RATES) == set(RATES)


def hours_of(matrix: DailyMatrix, rows: list[int]) -> SeriesMatrix:
    values = np.repeat(matrix.values[rows] / 24, 24, axis=1)
    everywhere = np.ones_like(values, dtype=bool)
    names = tuple(matrix.dimensions[row] for row in rows)
    return SeriesMatrix("listens", names, np.datetime64(FIRST), values, values, everywhere, ~everywhere)


def told(matrices: list[DailyMatrix], day: int, hourly: SeriesMatrix) -> list[tuple[str, Dimensions]]:
    (scores,) = SeasonalDetector().fit([hourly]).score(hourly, [day])
    found = verdict(matrices, day, 0.5, AnomalySettings(), ([scores], []))
    assert found.scores or not scores.matrix.began[:, -1].any()
    return [(finding.metric, finding.dimensions) for finding in found.findings]


def test_only_what_no_hour_tells_is_told_by_day() -> None:
    matrix = plays()
    matrix.values[:2, 30] *= 0.1
    assert told([matrix], 30, hours_of(matrix, [0])) == [("listens", SMALL)]
    assert told([matrix], 30, hours_of(matrix, [0, 1])) == []


def test_a_day_that_is_not_over_is_not_judged() -> None:
    matrix = plays()
    matrix.values[1, 30] *= 0.1
    hourly = hours_of(matrix, [0])
    hourly.began[:, 30 * 24 + 20 :] = False
    assert told([matrix], 30, hourly) == []


def test_the_wider_slice_speaks_for_what_lies_in_it() -> None:
    matrix = plays()
    narrow = replace(matrix, dimensions=(TOTAL, SMALL, (("country", "SE"), ("device", "web"))))
    narrow.values[1:, 30] *= 0.1
    assert told([narrow], 30, hours_of(narrow, [0])) == [("listens", SMALL)]
