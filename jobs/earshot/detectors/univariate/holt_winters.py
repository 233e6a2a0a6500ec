"""Additive Holt-Winters smoothing that outliers cannot drag along.

Gelper, Fried and Croux, "Robust forecasting with exponential and Holt-Winters smoothing" (Journal of
Forecasting 29, 2010): each one-step error is cut at twice its own smoothed scale before it teaches anything.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from earshot.detectors.series import Floats
from earshot.detectors.univariate.signal import WARM_UP, Season, Signal

_LEVEL: Final = 0.1
_TREND: Final = 0.001
_SEASON: Final = 0.3
_SCALE: Final = 0.02
_CUT: Final = 2.0


def holt_winters(signal: Signal) -> Floats:
    """Signed one-step forecast error."""
    values = signal.tame
    return signal.spliced(lambda season: _errors(values, season))


def _errors(values: Floats, season: Season) -> Floats:
    period = max(season.rows, 1)
    seasonal = [0.0] * period
    level, trend, scale = float(values[0]), 0.0, 0.0
    out = np.full(values.size, np.nan)
    for row, value in enumerate(values.tolist()):
        place = row % period
        error = value - (level + trend + seasonal[place])
        out[row] = error
        warm = row >= max(period, WARM_UP)
        limit = _CUT * scale if warm and scale > 0 else abs(error)
        cut = min(max(error, -limit), limit)
        scale += _SCALE * (min(abs(error), 2 * limit) * 1.25 - scale) if row else abs(error)
        level += trend + _LEVEL * cut
        trend += _TREND * cut
        if season.rows:
            seasonal[place] += (_SEASON if warm else 1 - _LEVEL) * cut * (1 - _LEVEL)
    out[: min(period, values.size) + 1] = np.nan
    return out
