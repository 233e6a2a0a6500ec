"""Distance to the most alike of the earlier days at the same time: a weekend is compared with a weekend.

The idea is that of nearest past neighbours with time of day as the context, as in contextual anomaly
detection by k nearest neighbours (Burnaev and Ishimtsev, arXiv 1608.04585).
"""

from __future__ import annotations

from typing import Final

import numpy as np

from earshot.detectors.series import Floats
from earshot.detectors.univariate import rolling
from earshot.detectors.univariate.signal import Season, Signal

_DAYS: Final = 14
_PART: Final = 5
_HOURS: Final = 24
_BLOCK: Final = 2_048


def part_of_day(signal: Signal) -> Floats:
    """Distance of the mean of the last fifth of a period to the nearest one at the same time in earlier periods."""
    return signal.spliced(lambda season: _nearest(signal, season, _PART))


def hour(signal: Signal) -> Floats:
    """The same for the last twenty-fourth of a period."""
    return signal.spliced(lambda season: _nearest(signal, season, _HOURS))


def _nearest(signal: Signal, season: Season, share: int) -> Floats:
    if season.rows == 0:
        return np.full(len(signal), np.nan)
    width = max(season.rows // share, 1)
    mean = rolling.trailing_mean(signal.tame, width)
    shift = max(width // 4, 1)
    # The mean a little before each row, at it, and a little after it; of the row that there is not, far from all.
    around = np.full((3, mean.size + 1), np.inf)
    around[0, shift:-1], around[1, :-1], around[2, : -1 - shift] = mean[:-shift], mean, mean[shift:]
    same_time = signal.same_time(season, _DAYS)
    best = np.full(mean.size, np.inf)
    for begin in range(0, mean.size, _BLOCK):
        rows = np.arange(begin, min(begin + _BLOCK, mean.size))
        before = same_time[:, rows[0] : rows[-1] + 1]
        there = np.where(before >= width - 1 + shift, before, mean.size)
        earlier = np.where(before + shift < rows, there, mean.size)
        for means, places in zip(around, (there, there, earlier), strict=True):
            apart = means.take(places)
            apart -= mean[rows]
            best[rows] = np.minimum(best[rows], np.abs(apart, out=apart).min(axis=0))
    return np.where(np.isfinite(best), best, np.nan)
