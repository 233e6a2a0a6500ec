"""Distance of the last few rows to the most alike rows of the past.

A left matrix profile (Yeh et al., "Matrix Profile I", ICDM 2016) of short windows whose level and size
matter, so without z-normalisation; blocks of one matrix product each, over a bounded memory.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from earshot.detectors.series import Floats
from earshot.detectors.univariate.signal import WARM_UP, Signal

_WINDOW: Final = 8
_MEMORY: Final = 4_096
_BLOCK: Final = 64
_STEP: Final = 128


def nearest(signal: Signal) -> Floats:
    """Euclidean distance to the nearest window among the last ones that do not overlap."""
    values = signal.tame
    out = np.full(values.size, np.nan)
    if values.size <= max(2 * _WINDOW, WARM_UP):
        return out
    windows = sliding_window_view(values - np.median(values[:WARM_UP]), _WINDOW)
    squares = np.einsum("ij,ij->i", windows, windows)
    # |a - b|^2 - |a|^2 as one matrix product.
    left = np.column_stack([windows, np.ones(len(windows))])
    right = np.column_stack([-2 * windows, squares]).T.copy()
    # One piece of memory for all blocks: to be given a new one each time costs as much as the product.
    space = np.empty(_BLOCK * (min(len(windows), _MEMORY + _STEP) + _BLOCK))
    too_near = np.arange(_BLOCK + _WINDOW)[None, :] >= np.arange(_BLOCK)[:, None]
    for begin in range(0, len(windows), _BLOCK):
        end = min(begin + _BLOCK, len(windows))
        first, last = max(begin - begin % _STEP - _MEMORY, 0), end - _WINDOW
        if last <= first:
            continue
        distance = space[: (end - begin) * (last - first)].reshape(end - begin, last - first)
        np.matmul(left[begin:end], right[:, first:last], out=distance)
        overlapping = distance[:, max(begin - _WINDOW + 1 - first, 0) :]
        width = overlapping.shape[1]
        np.copyto(overlapping, np.inf, where=too_near[: end - begin, end - begin - 1 - width : end - begin - 1])
        found = distance.min(axis=1) + squares[begin:end]
        known = np.isfinite(found)
        out[begin + _WINDOW - 1 : end + _WINDOW - 1][known] = np.sqrt(np.maximum(found[known], 0.0))
    return out
