"""Series by day: slices that are too small for hours, rates of behaviour, figures of the quality gate.

A robust seasonal decomposition: the level is the median of the week before, a day of the week differs from it by the
median of how such days differed, and what that leaves of earlier days, each judged without itself, is the noise.
Counts are compared as Anscombe's square root, fractions as his arcsine (Biometrika 35, 1948), all else as a logarithm.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earshot.detectors import evidence
from earshot.detectors.baseline import SeasonalConfig
from earshot.detectors.medians import nanmedian, nanquantiles
from earshot.detectors.series import Dimensions, Flags, Floats, Kind, kind_of, of_gate

NAME: Final = "seasonal-daily"
WEEK: Final = 7
_LEVEL_DAYS: Final = 4
_REACH: Final = 3 * WEEK
_LEAST_RESIDUALS: Final = 7
_MAD: Final = 1.4826
_TENTH: Final = 1.645
_UNCOUNTED: Final = 0.02
_SUNDAY: Final = 6
_TINY: Final = 1e-9


@dataclass(frozen=True)
class DailyMatrix:
    """All series of one metric by UTC day.

    Attributes:
        metric: The metric.
        dimensions: Of each of the S series.
        first: The first of the D days.
        values: S x D; nan where nothing was told.
        volume: S x D, plays behind it; 0 where they are not known.
        excluded: S x D, days with a known incident: judged, but never learnt from.
        holidays: S x D, whether its country has a holiday.
    """

    metric: str
    dimensions: tuple[Dimensions, ...]
    first: date
    values: Floats
    volume: Floats
    excluded: Flags
    holidays: Flags


@dataclass(frozen=True)
class DailyScores:
    """One day of all series of one metric; every array has S.

    Attributes:
        matrix: The series.
        day: Position of the day.
        expected: The metric as it should be; `lower` and `upper` bound it.
        deviation: Signed, in standard deviations.
        score: 0 to 1, on the scale of the hours.
        judged: Whether there is a figure and enough history.
    """

    matrix: DailyMatrix
    day: int
    expected: Floats
    lower: Floats
    upper: Floats
    deviation: Floats
    score: Floats
    judged: Flags

    @property
    def observed(self) -> Floats:
        """What was seen."""
        return self.matrix.values[:, self.day]

    @property
    def effect(self) -> Floats:
        """(seen - expected) / expected."""
        return np.asarray((self.observed - self.expected) / np.maximum(np.abs(self.expected), _TINY))


def score(matrix: DailyMatrix, day: int, config: SeasonalConfig, *, least_days: int) -> DailyScores:
    """Score a day with what lies before it, and nothing else.

    Args:
        matrix: History and the day.
        day: Position of the day.
        config: Half width of bounds, and what deviation is worth one half.
        least_days: Days with figures that a series must have before it.
    """
    volume = matrix.volume[:, : day + 1]
    scaled = _scaled(matrix.values[:, : day + 1], volume, matrix.metric)
    known = np.where(matrix.excluded[:, : day + 1], np.nan, scaled)
    levels = _levels(known)
    from_level, level = known - levels, levels[:, day]
    weekday = (matrix.first.weekday() + np.arange(day + 1)) % WEEK
    expected = level + _usual(from_level[:, :day], weekday[:day] == weekday[day])
    rested = level + _usual(from_level[:, :day], weekday[:day] == _SUNDAY)
    low, high = np.minimum(expected, rested), np.maximum(expected, rested)
    expected = np.where(matrix.holidays[:, day], np.clip(scaled[:, day], low, high), expected)
    spread = _spread(from_level[:, :day], weekday[:day], _noise(volume[:, day], matrix.metric))
    spread = spread * np.sqrt(1 + 1 / WEEK)
    judged = (np.isfinite(known[:, :day]).sum(axis=1) >= least_days) & np.isfinite(scaled[:, day] + expected + spread)
    deviation = np.where(judged, (scaled[:, day] - expected) / np.where(spread > 0, spread, 1.0), 0.0)
    lower, middle, upper = (
        _back(expected + width * spread, volume[:, day], matrix.metric) for width in (-config.bound, 0.0, config.bound)
    )
    return DailyScores(matrix, day, middle, lower, upper, deviation, evidence.score_of(deviation, config), judged)


def _levels(known: Floats) -> Floats:
    """S x D: the median of the last seven known days of the three weeks before each; nan where fewer than four are."""
    found = np.full(known.shape, np.nan)
    for day in range(_LEVEL_DAYS, known.shape[1]):
        before = known[:, max(day - _REACH, 0) : day][:, ::-1]
        there = np.isfinite(before)
        last = np.where(there & (np.cumsum(there, axis=1) <= WEEK), before, np.nan)
        found[:, day] = np.where(there.sum(axis=1) >= _LEVEL_DAYS, nanmedian(last, axis=1), np.nan)
    return found


def _usual(from_level: Floats, alike: Flags) -> Floats:
    """S: how days like it differed from their level, by half where only one tells; 0 where none does."""
    return _cautious_median(from_level[:, alike])


def _cautious_median(told: Floats) -> Floats:
    if not told.shape[1]:
        return np.zeros(told.shape[0])
    count = np.isfinite(told).sum(axis=1)
    return np.where(count > 0, nanmedian(told, axis=1) * np.where(count > 1, 1.0, 0.5), 0.0)


def _spread(from_level: Floats, weekday: NDArray[np.int_], noise: Floats) -> Floats:
    """S: noise of a day, never less than chance, nor than half of what the other series of the metric have."""
    left = np.full(from_level.shape, np.nan)
    for day in range(from_level.shape[1]):
        others = (weekday == weekday[day]) & (np.arange(weekday.size) != day)
        left[:, day] = from_level[:, day] - _cautious_median(from_level[:, others])
    size = np.abs(left)
    enough = np.isfinite(size).sum(axis=1) >= _LEAST_RESIDUALS
    found = np.full(size.shape[0], np.nan)
    if enough.any():
        middle, tail = nanquantiles(size[enough], (0.5, 0.9))
        found[enough] = np.maximum(_MAD * middle, tail / _TENTH)
        found = np.maximum(found, 0.5 * float(np.median(found[enough])))
    return np.maximum(found, noise)


def _scaled(values: Floats, volume: Floats, metric: str) -> Floats:
    kind = daily_kind(metric)
    if kind is Kind.COUNT:
        return 2 * np.sqrt(np.maximum(values, 0) + 0.375)
    by_play = values / np.where(volume > 0, volume, np.nan) if _is_summed(metric) else values
    if kind is Kind.SHARE:
        return np.asarray(2 * np.arcsin(np.sqrt(np.clip(by_play, 0, 1))))
    return np.log(np.maximum(by_play, _TINY))


def _back(scaled: Floats, volume: Floats, metric: str) -> Floats:
    kind = daily_kind(metric)
    if kind is Kind.COUNT:
        return np.asarray(np.maximum(np.square(np.maximum(scaled, 0) / 2) - 0.375, 0))
    by_play = np.square(np.sin(np.clip(scaled, 0, np.pi) / 2)) if kind is Kind.SHARE else np.exp(scaled)
    return np.asarray(by_play * volume if _is_summed(metric) else by_play)


def _noise(volume: Floats, metric: str) -> Floats:
    """S: the least standard deviation, on the scale of the metric."""
    kind = daily_kind(metric)
    if kind is Kind.COUNT:
        return np.ones(volume.size)
    of_chance = 1 / np.sqrt(np.maximum(volume, 1)) if kind is Kind.SHARE else np.zeros(volume.size)
    return np.asarray(np.where(volume > 0, np.maximum(of_chance, _UNCOUNTED), _UNCOUNTED))


def daily_kind(metric: str) -> Kind:
    """The noise of a metric by day: figures of the gate are fractions, but for its seconds."""
    if of_gate(metric):
        return Kind.LEVEL if metric.endswith("_s") else Kind.SHARE
    return kind_of(metric)


def _is_summed(metric: str) -> bool:
    """Whether its value adds up over plays that it is divided by."""
    return kind_of(metric) in (Kind.SHARE, Kind.AMOUNT) and not metric.endswith(_DIVIDED) and not of_gate(metric)


_DIVIDED: Final = ("_ratio", "_rate", "_share", "_per_hour", "_score")
