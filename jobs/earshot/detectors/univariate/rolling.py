"""Statistics of the rows before each row, or up to it, as arrays of one figure a row."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

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
    known, lasts = _learnings(values.size, rows, least)
    held = np.minimum(known, rows)
    place = np.multiply.outer(np.asarray(shares), held - 1)
    low = place.astype(int)
    high = np.minimum(low + 1, held - 1)
    ends = np.empty((2, *place.shape))
    for step, (first, last) in enumerate(zip((known - held).tolist(), known.tolist(), strict=True)):
        past = values[first:last].copy()
        past.sort()
        ends[0, :, step] = past[low[:, step]]
        ends[1, :, step] = past[high[:, step]]
    learnt = ends[0] * (1 - place + low) + ends[1] * (place - low)
    unknown = np.full((len(shares), min(least, values.size)), np.nan)
    return list(np.concatenate([unknown, np.repeat(learnt, lasts, axis=1)], axis=1))


@lru_cache(maxsize=64)
def _learnings(size: int, rows: int, least: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """After how many rows quantiles are learnt anew, and for how many rows each is held."""
    known = [least]
    while known[-1] < size:
        known.append(known[-1] + max(min(known[-1], rows) // _RELEARN, 1))
    begins = np.array(known[:-1], dtype=np.intp)
    return begins, np.diff(np.minimum(known, size)).astype(np.intp)


def past_median(values: Floats, rows: int = MEMORY, least: int = 1) -> Floats:
    """Median of the rows before each row."""
    return _before(_series(values).rolling(rows, min_periods=least).median())


def past_bounds(values: Floats, rows: int = MEMORY) -> tuple[Floats, Floats]:
    """Least and greatest of the rows before each row; none of them is nan."""
    if values.size > rows:
        window = _series(values).rolling(rows, min_periods=1)
        return _before(window.min()), _before(window.max())
    low, high = np.full((2, values.size), np.nan)
    np.minimum.accumulate(values[:-1], out=low[1:])
    np.maximum.accumulate(values[:-1], out=high[1:])
    return low, high


def trailing_mean(values: Floats, rows: int) -> Floats:
    """Mean of the last rows, this one included."""
    return np.asarray(_series(values).rolling(rows, min_periods=1).mean().to_numpy())


def faded(values: Floats, span: float) -> Floats:
    """Exponentially weighted mean up to each row; of each of several series where `values` has two dimensions."""
    if values.ndim == 1:
        return np.asarray(_series(values).ewm(span=span, adjust=False).mean().to_numpy())
    import pandas as pd  # noqa: PLC0415 (keeps `import earshot.detectors` light)

    return np.asarray(pd.DataFrame(values.T, copy=False).ewm(span=span, adjust=False).mean().to_numpy()).T


def inner_range(values: Floats) -> Floats:
    """What the rows before each row usually span, never less than a share of their level or of all they span."""
    return _span(values)[1]


def tamed(values: Floats) -> Floats:
    """Values within reach of the median of their past, so that sums of them stay exact.

    A value like 1e150 would otherwise leave its rounding error in every later running sum.
    """
    middle, span = _span(values)
    reach = _REACH * span
    low, high = np.nan_to_num(middle - reach, nan=-np.inf), np.nan_to_num(middle + reach, nan=np.inf)
    return np.clip(values, low, high)


def _span(values: Floats) -> tuple[Floats, Floats]:
    """Median and inner range of the rows before each row."""
    low, high = past_bounds(values)
    below, middle, above = learnt_quantiles(values, (_TAIL, 0.5, 1 - _TAIL))
    usual = np.maximum(above - below, _OF_LEVEL * np.abs(middle))
    return middle, np.maximum(usual, _OF_SPAN * (high - low))


def _series(values: Floats) -> pd.Series[Any]:
    import pandas as pd  # noqa: PLC0415 (keeps `import earshot.detectors` light)

    return pd.Series(values)


def _before(found: pd.Series[Any]) -> Floats:
    before = np.full(found.size, np.nan)
    before[1:] = found.to_numpy()[:-1]
    return before
