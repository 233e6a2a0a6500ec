"""The seasonal detector on series whose truth is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import kpi_series
from earshot.detectors.attribution import detected
from earshot.detectors.interface import DayScores, FittedDetector
from earshot.detectors.seasonal import SeasonalDetector
from earshot.detectors.series import Kind, SeriesMatrix, contradict, kind_of, within

THRESHOLD, VOLUME = 0.5, 30


def fitted(history: list[SeriesMatrix]) -> FittedDetector:
    return SeasonalDetector().fit(history)


def listens(history: list[SeriesMatrix]) -> SeriesMatrix:
    return next(matrix for matrix in history if matrix.metric == "listens")


def detections(scores: DayScores, dimensions: tuple[tuple[str, str], ...]) -> list[int]:
    row = scores.matrix.row_by_dimensions()[dimensions]
    return np.flatnonzero(detected(scores, THRESHOLD, VOLUME)[row]).tolist()


def outage(cell: dict[str, str], hour: int, due: float) -> float:
    return due * 0.1 if cell["country"] == "DE" and 12 * 24 + 10 <= hour < 12 * 24 + 14 else due


def test_an_ordinary_day_has_no_detection() -> None:
    history = kpi_series.history(14)
    detector = fitted(history)
    for matrix in history:
        for scores in detector.score(matrix, range(5, 14)):
            assert not detected(scores, THRESHOLD, VOLUME).any()


def test_an_outage_is_seen_in_its_hours_and_ends_with_them() -> None:
    scores = fitted(kpi_series.history(14)).score(listens(kpi_series.history(14, change=outage)), [12])[0]
    hours = detections(scores, (("country", "DE"),))
    assert hours
    assert set(hours) <= set(range(10, 16))
    assert set(hours) & set(range(10, 14))


def test_expected_and_bounds_hold_what_was_expected() -> None:
    matrix = listens(kpi_series.history(14))
    scores = fitted([matrix]).score(matrix, [13])[0]
    total = matrix.row_by_dimensions()[()]
    inside = (scores.lower[total] <= scores.observed[total]) & (scores.observed[total] <= scores.upper[total])
    assert inside.mean() > 0.9
    assert np.abs(scores.observed[total].sum() / scores.expected[total].sum() - 1) < 0.15
    assert (scores.lower >= 0).all()


def test_a_score_uses_only_the_past() -> None:
    matrix = listens(kpi_series.history(14))
    later = matrix.values.copy()
    later[:, 11 * 24 :] *= 7
    detector = fitted([matrix])
    before, after = (detector.score(m, [10])[0] for m in (matrix, matrix.with_values(later, matrix.volume)))
    np.testing.assert_array_equal(before.score, after.score)
    np.testing.assert_array_equal(before.expected, after.expected)


def test_a_score_uses_only_the_past_hours_of_its_day() -> None:
    matrix = listens(kpi_series.history(14))
    later = matrix.values.copy()
    later[:, 13 * 24 + 12 :] = 0
    detector = fitted([matrix])
    before, after = (detector.score(m, [13])[0] for m in (matrix, matrix.with_values(later, matrix.volume)))
    np.testing.assert_array_equal(before.score[:, :12], after.score[:, :12])


def test_scores_are_fractions_whatever_the_figures() -> None:
    matrix = listens(kpi_series.history(6))
    wild = matrix.values.copy()
    wild[:, 5 * 24 :] = 1e300
    wild[0, 3 * 24] = 1e300
    wild[1, :] = 0
    scores = fitted([matrix]).score(matrix.with_values(wild, matrix.volume), [5])[0]
    assert np.isfinite(scores.score).all()
    assert ((scores.score >= 0) & (scores.score <= 1)).all()


def test_an_old_incident_hardly_moves_what_is_expected() -> None:
    quiet = listens(kpi_series.history(14))
    values = quiet.values.copy()
    values[:, 12 * 24 + 10 : 12 * 24 + 14] *= 0.1
    loud = quiet.with_values(values, quiet.volume)
    expected = [fitted([m]).score(m, [13])[0].expected[:, 10:14].sum() for m in (quiet, loud)]
    assert expected[1] == pytest.approx(expected[0], rel=0.1)


def test_hours_of_known_incidents_are_not_learnt_from() -> None:
    matrix = listens(kpi_series.history(14, change=outage))
    excluded = matrix.excluded.copy()
    excluded[:, 12 * 24 + 10 : 12 * 24 + 14] = True
    changed = matrix.values.copy()
    changed[:, 12 * 24 + 10 : 12 * 24 + 14] = 1e6
    known = replace(matrix, excluded=excluded)
    detector = fitted([known])
    one, other = (detector.score(m, [13])[0] for m in (known, known.with_values(changed, matrix.volume)))
    np.testing.assert_array_equal(one.expected, other.expected)
    np.testing.assert_array_equal(one.score, other.score)


def test_parameters_restore_the_detector() -> None:
    history = kpi_series.history(8)
    detector = fitted(history)
    again = SeasonalDetector().restore(detector.parameters())
    np.testing.assert_array_equal(detector.score(history[0], [7])[0].score, again.score(history[0], [7])[0].score)


def test_slow_stalls_of_one_device_are_seen() -> None:
    def stalls(cell: dict[str, str], hour: int, mean: float) -> float:
        return mean * 6 if cell == {"country": "US", "device": "ios"} and 11 * 24 <= hour < 11 * 24 + 8 else mean

    history = kpi_series.history(14, stalls=stalls)
    matrix = next(m for m in history if m.metric == "rebuffer_ms")
    scores = fitted(kpi_series.history(14)).score(matrix, [11])[0]
    assert detections(scores, (("country", "US"), ("device", "ios")))
    assert not detections(scores, (("country", "DE"), ("device", "web")))


def test_metrics_have_the_noise_of_their_kind() -> None:
    assert kind_of("listens") is Kind.COUNT
    assert kind_of("start_failures") is Kind.SHARE
    assert kind_of("rebuffer_ratio") is Kind.AMOUNT
    assert kind_of("startup_ms_p95") is Kind.LEVEL
    assert kind_of("unheard_of_rate") is Kind.SHARE


def test_dimensions_contradict_only_where_both_are_fixed() -> None:
    germany, german_ios, brazil = (("country", "DE"),), (("country", "DE"), ("device", "ios")), (("country", "BR"),)
    assert contradict(germany, brazil)
    assert not contradict(germany, (("device", "ios"),))
    assert not contradict((), brazil)
    assert within(german_ios, germany)
    assert not within(germany, german_ios)
