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
    best = np.full(len(signal), np.inf)
    shift = max(width // 4, 1)
    rows = np.arange(len(signal))
    for before in signal.same_time(season, _DAYS):
        whole = before >= width - 1 + shift
        for offset in (-shift, 0, shift):
            there = before + offset
            known = whole & (there < rows)
            best[known] = np.minimum(best[known], np.abs(mean[known] - mean[there[known]]))
    return np.where(np.isfinite(best), best, np.nan)
