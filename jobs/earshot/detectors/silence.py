"""No data is not little data: hours in which plays were due and nothing came at all."""

from __future__ import annotations

from typing import Final

import numpy as np

from earshot.detectors.baseline import TINY
from earshot.detectors.interface import DayScores
from earshot.detectors.series import HOURS_OF_DAY, Flags, Floats, Kind, SeriesMatrix

JUDGED: Final = "judged"
NO_DATA: Final = "no_data"
# e^-14: nobody happens to play for so long once in a million.
DUE: Final = 14.0
_ALL: Final = "listens"


def stopped(scores: DayScores) -> Flags:
    """S x 24: hours of a series of counts that has stopped, though other series go on."""
    frame = scores.frame
    if frame.kind is not Kind.COUNT:
        return np.zeros((frame.numerator.shape[0], HOURS_OF_DAY), dtype=np.bool_)
    quiet = frame.usable & (frame.numerator == 0)
    return _too_long(quiet, frame.expected, frame.dispersion)


def silent(scores: DayScores) -> Flags:
    """S x 24: hours that are over, in which nothing came from anywhere; of the total of all plays only."""
    matrix, frame = scores.matrix, scores.frame
    found = np.zeros((frame.numerator.shape[0], HOURS_OF_DAY), dtype=np.bool_)
    total = matrix.row_by_dimensions().get(())
    first = _nothing_after(matrix)
    if matrix.metric != _ALL or total is None or matrix.over is None or first >= matrix.over:
        return found
    columns = np.arange(frame.numerator.shape[1]) + (scores.day + 1) * HOURS_OF_DAY - frame.numerator.shape[1]
    quiet = np.zeros(frame.numerator.shape, dtype=np.bool_)
    quiet[total] = (columns >= first) & (columns < matrix.over)
    return _too_long(quiet, frame.expected, frame.dispersion)


def _nothing_after(matrix: SeriesMatrix) -> int:
    """Column of the first hour after the last one with data."""
    there = np.flatnonzero(matrix.began.any(axis=0))
    return int(there[-1]) + 1 if there.size else 0


def _too_long(quiet: Flags, expected: Floats, dispersion: Floats) -> Flags:
    """S x 24: whether so much was due since it went quiet that chance cannot be why."""
    due = np.cumsum(np.where(quiet, expected, 0.0), axis=1)
    since = due - np.maximum.accumulate(np.where(quiet, 0.0, due), axis=1)
    return np.asarray(quiet & (since / np.maximum(dispersion[:, :1], TINY) >= DUE))[:, -HOURS_OF_DAY:]
