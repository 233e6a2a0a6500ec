"""Spectral residual: what stands out of the smoothed spectrum of the last rows.

Ren et al., "Time-Series Anomaly Detection Service at Microsoft", KDD 2019, section 3.1, with the points
that it adds by extrapolation so that the last row does not lie at the edge of the window.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from earshot.detectors.series import Floats
from earshot.detectors.univariate.signal import Signal

_WINDOW: Final = 128
_AHEAD: Final = 5
_SMOOTH: Final = 3
_NEAR: Final = 21
_BLOCK: Final = 4_096


def spectral_residual(signal: Signal) -> Floats:
    """Saliency of each row over the mean saliency of the rows before it in its window, less one."""
    values = signal.tame
    out = np.full(values.size, np.nan)
    if values.size < _WINDOW:
        return out
    windows = sliding_window_view(values, _WINDOW)
    for begin in range(0, len(windows), _BLOCK):
        block = windows[begin : begin + _BLOCK]
        out[begin + _WINDOW - 1 : begin + _WINDOW - 1 + len(block)] = _salience(block)
    return out


def _salience(windows: Floats) -> Floats:
    last = windows[:, -1:]
    slopes = (last - windows[:, -1 - _AHEAD : -1]) / np.arange(_AHEAD, 0, -1)
    ahead = windows[:, -_AHEAD, None] + _AHEAD * slopes.mean(axis=1, keepdims=True)
    spectrum = np.fft.rfft(np.concatenate([windows, np.repeat(ahead, _AHEAD, axis=1)], axis=1), axis=1)
    size = np.abs(spectrum)
    least = np.maximum(np.finfo(float).eps * size.max(axis=1, keepdims=True), np.finfo(float).smallest_normal * 1e16)
    log = np.log(np.maximum(size, least))
    padded = np.pad(log, ((0, 0), (_SMOOTH // 2, _SMOOTH // 2)), mode="edge")
    smooth = sliding_window_view(padded, _SMOOTH, axis=1).mean(axis=2)
    residual = np.exp(log - smooth) * spectrum / np.maximum(size, least)
    salient = np.abs(np.fft.irfft(residual, windows.shape[1] + _AHEAD, axis=1))[:, : windows.shape[1]]
    usual = salient[:, -1 - _NEAR : -1].mean(axis=1)
    return np.asarray(salient[:, -1] / np.maximum(usual, np.finfo(float).tiny) - 1)
