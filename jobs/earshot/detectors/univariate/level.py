"""How far a value is from the level of the rows before it: of all of them, or of the last few."""

from __future__ import annotations

from typing import Final

from earshot.detectors.series import Floats
from earshot.detectors.univariate import rolling
from earshot.detectors.univariate.signal import Signal

_NEAR: Final = 20


def level(signal: Signal) -> Floats:
    """Signed distance from the median of all earlier rows."""
    return signal.values - rolling.past_median(signal.values)


def local(signal: Signal) -> Floats:
    """Signed distance from the median of the last rows."""
    return signal.values - rolling.past_median(signal.values, _NEAR)
