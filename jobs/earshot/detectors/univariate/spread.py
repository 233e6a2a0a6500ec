"""Noise that has grown or gone: the roughness of the last rows, on a logarithmic scale."""

from __future__ import annotations

from typing import Final

import numpy as np

from earshot.detectors.series import Floats
from earshot.detectors.univariate import rolling
from earshot.detectors.univariate.signal import Signal

_ROWS: Final = 48
_OF_LEVEL: Final = 1e-3


def spread(signal: Signal) -> Floats:
    """Logarithm of the mean step between rows over the last ones, against its median before."""
    values = signal.tame
    steps = np.abs(np.diff(values, prepend=values[0]))
    floor = _OF_LEVEL * np.abs(np.nan_to_num(rolling.past_median(values)))
    rough = np.log(rolling.trailing_mean(steps, _ROWS) + floor + np.finfo(float).tiny)
    out = rough - rolling.past_median(rough)
    out[:_ROWS] = np.nan
    return out
