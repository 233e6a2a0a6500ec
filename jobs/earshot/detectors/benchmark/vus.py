"""Volume under the surface of range-based curves: VUS-PR and VUS-ROC.

Paparrizos, Boniol, Palpanas, Tsay, Elmore and Franklin, "Volume Under the Surface: A New Accuracy Evaluation
Measure for Time-Series Anomaly Detection", PVLDB 15(11), 2022; figures are those of the authors' public
implementation (`RangeAUC_volume_opt` with 250 thresholds), reached without its loops over rows.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from earshot.detectors.series import Floats

THRESHOLDS: Final = 250
_LAGS: Final = 400
_FIRST_LAG: Final = 3
_LONGEST: Final = 300
_USUAL: Final = 125
_ROWS_FOR_PERIOD: Final = 20_000

Ranges = list[tuple[int, int]]


class Volume(NamedTuple):
    """Both volumes, each 0 to 1."""

    pr: float
    roc: float


def buffer_length(values: Floats) -> int:
    """The greatest buffer around a window: the lag with the highest peak of autocorrelation, as TSB-AD takes it.

    Args:
        values: The series; gaps are filled with its mean.
    """
    from scipy.signal import argrelextrema  # noqa: PLC0415 (keeps `import earshot.detectors` light)

    told = np.asarray(values[:_ROWS_FOR_PERIOD], dtype=np.float64)
    told = np.where(np.isfinite(told), told, np.nanmean(told) if np.isfinite(told).any() else 0.0)
    centred = told - told.mean()
    size = 1 << (2 * told.size - 1).bit_length()
    spectrum = np.abs(np.fft.rfft(centred, size)) ** 2
    correlation = np.fft.irfft(spectrum, size)[: min(_LAGS + 1, told.size)]
    if correlation.size <= _FIRST_LAG or correlation[0] <= 0:
        return _USUAL
    correlation = correlation[_FIRST_LAG:] / correlation[0]
    peaks = argrelextrema(correlation, np.greater)[0]
    if peaks.size == 0:
        return _USUAL
    best = int(peaks[np.argmax(correlation[peaks])])
    return best + _FIRST_LAG if _FIRST_LAG <= best <= _LONGEST else _USUAL


def volume(scores: Floats, labels: NDArray[np.bool_], buffer: int) -> Volume:
    """VUS-PR and VUS-ROC of one series, over buffers of 0 to `buffer` rows.

    Args:
        scores: One a row, higher is more abnormal.
        labels: Whether the row is abnormal; at least one is, and one is not.
        buffer: The greatest buffer, see `buffer_length`.
    """
    ranges = _ranges(labels)
    thresholds = np.sort(scores)[::-1][np.linspace(0, scores.size - 1, THRESHOLDS).astype(int)]
    # The rank of a row is the first threshold that it reaches.
    rank = np.searchsorted(-thresholds, -scores, side="left")
    predicted = _reached(rank, np.ones(scores.size))
    hits = _reached(rank[labels], np.ones(int(labels.sum())))
    surfaces = [_areas(rank, labels, ranges, width, predicted, hits) for width in range(buffer + 1)]
    return Volume(*np.mean(surfaces, axis=0).tolist())


def _areas(
    rank: NDArray[np.intp], labels: NDArray[np.bool_], ranges: Ranges, width: int, predicted: Floats, hits: Floats
) -> tuple[float, float]:
    rows, positives = rank.size, int(labels.sum())
    near, weight = _extension(ranges, width, labels)
    extended = _reached(rank[near], weight)
    true = hits + extended
    possible = positives + extended / 2
    touched = np.sort([rank[first : last + 1].min() for first, last in _merged(ranges, width, rows)])
    existence = np.searchsorted(touched, np.arange(THRESHOLDS), side="right") / touched.size
    recall = np.concatenate([[0.0], np.minimum(true / possible, 1) * existence])
    fall_out = np.concatenate([[0.0], (predicted - true) / (rows - possible)])
    precision = true / predicted
    pr = float(np.dot(np.diff(recall), precision))
    recall, fall_out = np.append(recall, 1.0), np.append(fall_out, 1.0)
    return pr, float(np.dot(np.diff(fall_out), (recall[1:] + recall[:-1]) / 2))


def _reached(rank: NDArray[np.intp], weight: Floats) -> Floats:
    """The weight of the rows that reach each threshold."""
    kept = rank < THRESHOLDS
    return np.cumsum(np.bincount(rank[kept], weights=weight[kept], minlength=THRESHOLDS))


def _extension(ranges: Ranges, width: int, labels: NDArray[np.bool_]) -> tuple[NDArray[np.intp], Floats]:
    """Rows within half a buffer of a window, outside every window, and their share of a label."""
    half, rows = width // 2, labels.size
    share = np.zeros(rows)
    for first, last in ranges:
        after = np.arange(last + 1, min(last + half + 1, rows))
        share[after] += np.sqrt(1 - (after - last) / max(width, 1))
        before = np.arange(max(first - half, 0), first)
        share[before] += np.sqrt(1 - (first - before) / max(width, 1))
    near = np.flatnonzero((share > 0) & ~labels)
    return near, np.minimum(share[near], 1.0)


def _merged(ranges: Ranges, width: int, rows: int) -> Ranges:
    """The windows with their buffers, joined where these meet."""
    half = width // 2
    joined = []
    begin = max(ranges[0][0] - half, 0)
    for (_, last), (following, _) in itertools.pairwise(ranges):
        if last + half < following - half:
            joined.append((begin, last + half))
            begin = following - half
    joined.append((begin, min(ranges[-1][1] + half, rows - 1)))
    return joined


def _ranges(labels: NDArray[np.bool_]) -> Ranges:
    edges = np.diff(np.concatenate([[0], labels.astype(int), [0]]))
    return list(zip(np.flatnonzero(edges == 1).tolist(), (np.flatnonzero(edges == -1) - 1).tolist(), strict=True))


def labels_of(rows: int, windows: Sequence[tuple[int, int]]) -> NDArray[np.bool_]:
    """One flag a row from first and last rows of windows."""
    labels = np.zeros(rows, dtype=bool)
    for first, last in windows:
        labels[first : last + 1] = True
    return labels
