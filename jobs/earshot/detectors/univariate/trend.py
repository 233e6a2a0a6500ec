"""A slope that has turned: the last step between neighbouring windows less the one before it."""

from __future__ import annotations

from typing import Final

import numpy as np

from earshot.detectors.series import Floats
from earshot.detectors.univariate import rolling
from earshot.detectors.univariate.signal import Signal

_ROWS: Final = 96


def trend(signal: Signal) -> Floats:
    """Signed second difference of the means of three neighbouring windows, each of one period."""
    values = signal.tame
    return signal.spliced(lambda season: _turn(values, season.rows or _ROWS))


def _turn(values: Floats, width: int) -> Floats:
    mean = rolling.trailing_mean(values, width)
    out = np.full(values.size, np.nan)
    out[3 * width - 1 :] = mean[3 * width - 1 :] - 2 * mean[2 * width - 1 : -width] + mean[width - 1 : -2 * width]
    return out
