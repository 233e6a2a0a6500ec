"""Sub-sequence PCA: how badly the main shapes of the past describe the last rows.

The sub-space method of Shyu et al. ("A novel anomaly detection scheme based on principal component classifier",
2003) on sliding windows, as Sub-PCA in TSB-AD, but with components that are learnt from the past alone.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from earshot.detectors.series import Floats
from earshot.detectors.univariate.checkpoints import checkpoints
from earshot.detectors.univariate.signal import Signal

_WINDOW: Final = 32
_MEMORY: Final = 10_000
_EXPLAINED: Final = 0.9


def subsequence_pca(signal: Signal) -> Floats:
    """Norm of what the components that explain nine tenths of the past leave of each window."""
    values = signal.tame
    out = np.full(values.size, np.nan)
    for begin, end in checkpoints(values.size, 4 * _WINDOW):
        past = sliding_window_view(values[max(begin - _MEMORY, 0) : begin], _WINDOW)
        mean = past.mean(axis=0)
        spread = max(float(np.abs(past - mean).max()), 1e-150)
        centred = (past - mean) / spread
        share, shapes = np.linalg.eigh(centred.T @ centred)
        share = np.cumsum(share[::-1]) / max(float(share.sum()), np.finfo(float).tiny)
        kept = shapes[:, ::-1][:, : int(np.searchsorted(share, _EXPLAINED)) + 1]
        here = sliding_window_view(values[begin - _WINDOW + 1 : end], _WINDOW) - mean
        out[begin:end] = np.linalg.norm(here - here @ kept @ kept.T, axis=1)
    return out
