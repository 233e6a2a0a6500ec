"""Robust seasonal decomposition: what is left of a value after the median of the same time on earlier days."""

from __future__ import annotations

from typing import Final

import numpy as np

from earshot.detectors.series import Floats
from earshot.detectors.univariate.signal import Season, Signal

_PERIODS: Final = 4


def seasonal(signal: Signal) -> Floats:
    """Signed distance from the median of three neighbouring rows in each of the last four periods."""
    return signal.spliced(lambda season: _residual(signal, season))


def _residual(signal: Signal, season: Season) -> Floats:
    rows = np.arange(len(signal))
    if season.rows == 0:
        return np.full(len(signal), np.nan)
    near = np.full((3 * _PERIODS, len(signal)), np.nan)
    for period, before in enumerate(signal.same_time(season, _PERIODS)):
        for place, offset in enumerate((-1, 0, 1)):
            there = np.where(before >= 0, before + offset, -1)
            known = (there >= 0) & (there < rows)
            near[3 * period + place, known] = signal.values[there[known]]
    out = np.full(len(signal), np.nan)
    some = np.isfinite(near).any(axis=0)
    out[some] = signal.values[some] - np.nanmedian(near[:, some], axis=0)
    return out
