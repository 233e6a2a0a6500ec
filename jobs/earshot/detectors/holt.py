"""A profile that follows level and trend: Holt smooths how each day compared with it, and outliers cannot drag it.

Gelper, Fried and Croux, "Robust forecasting with exponential and Holt-Winters smoothing" (Journal of Forecasting 29,
2010): each one-step error is cut at twice its own smoothed scale before it teaches anything. The trend is damped
(Gardner and McKenzie, Management Science 31, 1985). Days of history are compared with what was foreseen for them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from earshot.detectors import baseline
from earshot.detectors.baseline import TINY, Baseline
from earshot.detectors.medians import nanmedian
from earshot.detectors.series import HOURS_OF_DAY, Floats, Kind, SeriesMatrix

NAME: Final = "holt-winters"
_CUT: Final = 2.0
_FIRST_SCALE: Final = 0.05
_MOST: Final = 1.0
_UNLIKE: Final = 1 / 3
_CHANCE: Final = 3.0


@dataclass(frozen=True)
class Holt:
    """Smoothing of the logarithm of days relative to their profile.

    Attributes:
        level: Part of an error that the level learns.
        trend: Part of it that the trend learns.
        damping: What remains of the trend after a day.
        scale: Part of an error's size that its scale learns.
        plays: A day of a series with so many plays teaches half as much as one of a large series.
    """

    level: float = 0.35
    trend: float = 0.08
    damping: float = 0.9
    scale: float = 0.15
    plays: float = 500.0
    name: str = NAME

    def follow(self, matrix: SeriesMatrix, day: int, learnt: Baseline) -> Baseline:
        """The profile times what the days before foresee, by series; a percentile or mean stays as it is."""
        if matrix.kind is Kind.LEVEL or day < 1:
            return learnt
        stop = day * HOURS_OF_DAY
        usable = matrix.usable[:, :stop]
        seen = baseline.fold(np.where(usable, matrix.numerator()[:, :stop], 0.0))
        due = np.where(usable, learnt.in_sample.reshape(usable.shape) * matrix.exposure()[:, :stop], 0.0)
        due = baseline.fold(due)
        foreseen = self._foreseen(_alike(seen, due).sum(axis=2), due.sum(axis=2), _plays(matrix, stop))
        factor = np.exp(np.clip(foreseen, -_MOST, _MOST))
        return replace(learnt, rate=learnt.rate * factor[:, day:], in_sample=learnt.in_sample * factor[:, :day, None])

    def _foreseen(self, seen: Floats, due: Floats, plays: Floats) -> Floats:
        """S x (D + 1): for each day, and the one after the last, the logarithm that the days before it foresee."""
        series, days = seen.shape
        level, trend, scale = np.zeros(series), np.zeros(series), np.full(series, _FIRST_SCALE)
        out = np.zeros((series, days + 1))
        trust = plays / (plays + self.plays)
        for day in range(days):
            told = (seen[:, day] > 0) & (due[:, day] > 0)
            ratio = np.where(told, seen[:, day] / np.maximum(due[:, day], TINY), 1.0)
            error = np.where(told, np.log(np.maximum(ratio, TINY)) - out[:, day], 0.0)
            cut = np.clip(error, -_CUT * scale, _CUT * scale) * trust[:, day]
            size = 1.25 * np.minimum(np.abs(error), 2 * _CUT * scale)
            scale = np.where(told, np.maximum(scale + self.scale * (size - scale), 0.1 * _FIRST_SCALE), scale)
            level = level + self.damping * trend + self.level * cut
            trend = self.damping * trend + self.trend * cut
            out[:, day + 1] = level + self.damping * trend
        return out


def _alike(seen: Floats, due: Floats) -> Floats:
    """S x D x 24: hours that differ from their day by a third, beyond chance, follow it: what broke is no trend."""
    there = due > 0
    ratio = np.where(there, seen / np.where(there, due, 1.0), np.nan)
    middle = nanmedian(ratio, axis=2)[:, :, None]
    usual = np.where(np.isfinite(middle), middle, 1.0) * due
    reach = _UNLIKE * usual + _CHANCE * np.sqrt(np.maximum(usual, 1.0))
    return np.where(np.abs(seen - usual) > reach, usual, seen)


def _plays(matrix: SeriesMatrix, stop: int) -> Floats:
    """S x D."""
    plays = matrix.values if matrix.kind is Kind.COUNT else matrix.volume
    told = np.where(matrix.usable, np.nan_to_num(plays), 0.0)[:, :stop]
    return np.asarray(baseline.fold(told).sum(axis=2))
