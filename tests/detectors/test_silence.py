"""No data is a state of its own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

import kpi_series
from earshot.detectors.interface import DayScores
from earshot.detectors.seasonal import SeasonalDetector
from earshot.detectors.series import Dimensions, SeriesMatrix
from earshot.detectors.silence import silent, stopped

GERMANY: Dimensions = (("country", "DE"),)
DAY = 12


def listens(size: float = 30.0) -> SeriesMatrix:
    return next(matrix for matrix in kpi_series.history(14, size=size) if matrix.metric == "listens")


def scored(matrix: SeriesMatrix) -> DayScores:
    return SeasonalDetector().fit([matrix]).score(matrix, [DAY])[0]


def hours(flags: np.ndarray, matrix: SeriesMatrix, dimensions: Dimensions) -> list[int]:
    return np.flatnonzero(flags[matrix.row_by_dimensions()[dimensions]]).tolist()


def test_a_slice_that_stops_has_no_data_and_one_that_drops_has_little() -> None:
    matrix = listens()
    row = matrix.row_by_dimensions()[GERMANY]
    stops, drops = matrix.values.copy(), matrix.values.copy()
    stops[row, DAY * 24 + 9 : DAY * 24 + 15] = 0
    drops[row, DAY * 24 + 9 : DAY * 24 + 15] = np.maximum(np.round(0.1 * drops[row, DAY * 24 + 9 : DAY * 24 + 15]), 1)
    quiet = scored(matrix.with_values(stops, matrix.volume))
    found = hours(stopped(quiet), matrix, GERMANY)
    assert found
    assert set(found) <= set(range(9, 15))
    assert found[-1] == 14
    assert hours(stopped(quiet), matrix, ()) == []
    assert not stopped(scored(matrix.with_values(drops, matrix.volume))).any()


def test_an_hour_without_a_play_of_a_slice_with_few_is_no_news() -> None:
    matrix = listens(size=1.0)
    assert (matrix.values[:, DAY * 24 : (DAY + 1) * 24] == 0).any()
    assert not stopped(scored(matrix)).any()


def test_hours_in_which_nothing_came_from_anywhere_are_of_the_total() -> None:
    matrix = listens()
    end = DAY * 24 + 16
    ended = replace(matrix, over=DAY * 24 + 20, began=matrix.began.copy(), values=matrix.values.copy())
    ended.began[:, end:] = False
    ended.values[:, end:] = np.nan
    scores = scored(ended)
    found = hours(silent(scores), matrix, ())
    assert found
    assert set(found) <= {16, 17, 18, 19}
    assert not silent(scores).sum() > len(found)
    assert not silent(scored(replace(ended, over=end))).any()
