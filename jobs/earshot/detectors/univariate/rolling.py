"""Statistics of the rows before each row, or up to it, as arrays of one figure a row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from earshot.detectors.series import Floats

if TYPE_CHECKING:
    import pandas as pd

MEMORY: Final = 10_000
_TAIL: Final = 0.02
_OF_LEVEL: Final = 0.01
_OF_SPAN: Final = 0.1
_REACH: Final = 20.0
_RELEARN: Final = 10


def learnt_quantiles(values: Floats, shares: Sequence[float], rows: int = MEMORY, least: int = 1) -> list[Floats]:
    """Quantiles of the rows before, learnt anew whenever a tenth more rows are known; nan before `least` are."""
    out = np.full((len(shares), values.size), np.nan)
    known = least
    while known < values.size:
        following = known + max(min(known, rows) // _RELEARN, 1)
        past = np.sort(values[max(known - rows, 0) : known])
        place = np.multiply(shares, past.size - 1)
        low = place.astype(int)
        high = np.minimum(low + 1, past.size - 1)
        out[:, known:following] = (past[low] * (1 - place + low) + past[high] * (place - low))[:, None]
        known = following
    return list(out)


def past_median(values: Floats, rows: int = MEMORY, least: int = 1) -> Floats:
    """Median of the rows before each row."""
    return _before(_series(values).rolling(rows, min_periods=least).median())


def past_bounds(values: Floats, rows: int = MEMORY) -> tuple[Floats, Floats]:
    """Least and greatest of the rows before each row."""
    window = _series(values).rolling(rows, min_periods=1)
    return _before(window.min()), _before(window.max())


def trailing_mean(values: Floats, rows: int) -> Floats:
    """Mean of the last rows, this one included."""
    return np.asarray(_series(values).rolling(rows, min_periods=1).mean().to_numpy())


def faded(values: Floats, span: float) -> Floats:
    """Exponentially weighted mean up to each row."""
    return np.asarray(_series(values).ewm(span=span, adjust=False).mean().to_numpy())


def inner_range(values: Floats) -> Floats:
    """What the rows before each row usually span, never less than a share of their level or of all they span."""
    low, high = past_bounds(values)
    below, middle, above = learnt_quantiles(values, (_TAIL, 0.5, 1 - _TAIL))
    return np.maximum(np.maximum(above - below, _OF_LEVEL * np.abs(middle)), _OF_SPAN * (high - low))


def tamed(values: Floats) -> Floats:
    """Values within reach of the median of their past, so that sums of them stay exact.

    A value like 1e150 would otherwise leave its rounding error in every later running sum.
    """
    (middle,), reach = learnt_quantiles(values, (0.5,)), _REACH * inner_range(values)
    low, high = np.nan_to_num(middle - reach, nan=-np.inf), np.nan_to_num(middle + reach, nan=np.inf)
    return np.clip(values, low, high)


def _series(values: Floats) -> pd.Series[Any]:
    import pandas as pd  # noqa: PLC0415 (keeps `import earshot.detectors` light)

    return pd.Series(values)


def _before(found: pd.Series[Any]) -> Floats:
    return np.asarray(found.shift(1).to_numpy())
