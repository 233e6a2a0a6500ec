"""A level that has moved: the mean of the last rows less the mean of as many before them."""

from __future__ import annotations

from typing import Final

import numpy as np

from earshot.detectors.series import Floats
from earshot.detectors.univariate import rolling
from earshot.detectors.univariate.signal import Signal

_PART: Final = 3
_ROWS: Final = 96
_LEAST: Final = 8


def shift(signal: Signal) -> Floats:
    """Signed step between two neighbouring windows of a third of a period."""
    values = signal.tame
    return signal.spliced(lambda season: _step(values, max(season.rows // _PART, _LEAST) if season.rows else _ROWS))


def _step(values: Floats, width: int) -> Floats:
    mean = rolling.trailing_mean(values, width)
    out = np.full(values.size, np.nan)
    out[2 * width - 1 :] = mean[2 * width - 1 :] - mean[width - 1 : -width]
    return out
