"""How far the last hours are from what they should be, over windows of several lengths.

Counts and shares are compared on scales on which their noise is the same at every size: Anscombe's
square root for over-dispersed counts, his arcsine for shares (Biometrika 35, 1948), both of the
figures divided by their dispersion. A rise of a count is measured in plain standard deviations of what was due.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earshot.detectors.baseline import TINY, SeasonalConfig
from earshot.detectors.series import Flags, Floats, Kind, row_blocks

_KEPT: Final = 0.95
_LARGEST: Final = 1e150
# Below so many plays (as a root) a rise is still measured by its own noise, too.
_LEAST_ROOT: Final = 2.0
# 1 / E[u | u < q95] for a chi-square variable of one degree of freedom.
_TRIM_CORRECTION: Final = 1.318
_FLOOR: Final = {Kind.COUNT: 1.0, Kind.SHARE: 1.0, Kind.AMOUNT: 0.0, Kind.LEVEL: 0.0}


@dataclass(frozen=True)
class Dispersion:
    """Noise relative to its plainest model, for each window length: log d = a + b log(1 + volume).

    Attributes:
        intercept: W.
        slope: W.
    """

    intercept: Floats
    slope: Floats

    def of(self, volume: Floats) -> Floats:
        """S x W for series of this mean hourly volume."""
        logs = np.log1p(np.minimum(volume, 1e15))[:, None]
        return np.asarray(np.exp(np.clip(self.intercept[None, :] + self.slope[None, :] * logs, -60, 60)))


@dataclass(frozen=True)
class Frame:
    """Judged hours with the hours before them that their windows reach.

    Attributes:
        kind: The noise of the metric.
        numerator: S x H.
        expected: S x H, expected numerator.
        exposure: S x H.
        dispersion: S x W.
        inflation: S, of the variance, for the uncertainty of the baseline.
        usable: S x H.
    """

    kind: Kind
    numerator: Floats
    expected: Floats
    exposure: Floats
    dispersion: Floats
    inflation: Floats
    usable: Flags

    def rows(self, rows: list[int] | slice, numerator: Floats | None = None) -> Frame:
        """Only some series, with other numerators if given."""
        return Frame(
            self.kind,
            self.numerator[rows] if numerator is None else numerator,
            self.expected[rows],
            self.exposure[rows],
            self.dispersion[rows],
            self.inflation[rows],
            self.usable[rows],
        )


def trailing(folded: Floats, window: int) -> Floats:
    """Sums over the last `window` columns, fewer at the beginning."""
    sums = np.cumsum(folded, axis=1)
    out = sums.copy()
    out[:, window:] -= sums[:, :-window]
    return out


def trailing_each(folded: Floats, windows: tuple[int, ...]) -> Iterator[Floats]:
    """`trailing` for each window in turn."""
    sums = np.cumsum(folded, axis=1)
    for window in windows:
        out = np.empty_like(sums)
        out[:, :window] = sums[:, :window]
        np.subtract(sums[:, window:], sums[:, :-window], out=out[:, window:])
        yield out


def unit_variance(expected: Floats, exposure: Floats, kind: Kind) -> Floats:
    """Variance of the numerator at dispersion 1."""
    if kind is Kind.SHARE:
        share = np.clip(expected / np.maximum(exposure, TINY), 0.0, 1.0)
        return np.asarray(exposure * np.maximum(share * (1 - share), 1e-4))
    return exposure if kind is Kind.LEVEL else np.maximum(expected, 0.0)


def dispersion_of(
    numerator: Floats, expected: Floats, exposure: Floats, usable: Flags, kind: Kind, windows: tuple[int, ...]
) -> tuple[Floats, Floats]:
    """Robust dispersion of each series for each window, and the windows that stand behind it (both S x W)."""
    parts = [
        _dispersion_of_some(numerator[at], expected[at], exposure[at], usable[at], kind, windows)
        for at in row_blocks(numerator.shape[0])
    ]
    own, behind = zip(*parts, strict=True)
    return np.concatenate(own), np.concatenate(behind)


def _dispersion_of_some(
    numerator: Floats, expected: Floats, exposure: Floats, usable: Flags, kind: Kind, windows: tuple[int, ...]
) -> tuple[Floats, Floats]:
    open_hours = usable & (exposure > 0)
    residual = np.where(open_hours, numerator - expected, 0.0)
    variance = np.where(open_hours, unit_variance(expected, exposure, kind), 0.0)
    floor = 0.5 if kind in (Kind.COUNT, Kind.SHARE) else TINY
    found, behind = [], []
    each = zip(windows, trailing_each(residual, windows), trailing_each(variance, windows), strict=True)
    for window, gaps, variances in each:
        ratio = np.clip(gaps[:, window - 1 :], -_LARGEST, _LARGEST)
        np.square(ratio, out=ratio)
        bottom = variances[:, window - 1 :]
        usable_windows = bottom > floor
        np.divide(ratio, bottom, out=ratio, where=usable_windows)
        ratio[~usable_windows] = np.inf
        held = usable_windows.sum(axis=1)
        kept = np.maximum((held * _KEPT).astype(int), 1)
        found.append(np.where(held > 0, _sum_of_least(ratio, kept) / kept * _TRIM_CORRECTION, np.nan))
        behind.append(held / window)
    return np.stack(found, axis=1), np.stack(behind, axis=1).astype(np.float64)


def _sum_of_least(figures: Floats, kept: NDArray[np.intp]) -> Floats:
    """Of each row, the sum of its so many least figures that are finite."""
    if kept.size and (kept == kept[0]).all():
        least = np.partition(figures, int(kept[0]) - 1, axis=1)[:, : int(kept[0])]
        return np.asarray(np.where(np.isfinite(least), least, 0.0).sum(axis=1))
    ordered = np.sort(figures, axis=1)
    sums = np.cumsum(np.where(np.isfinite(ordered), ordered, 0.0), axis=1)
    return np.take_along_axis(sums, np.minimum(kept - 1, sums.shape[1] - 1)[:, None], axis=1)[:, 0]


def pool(dispersion: Floats, behind: Floats, volume: Floats) -> Dispersion:
    """The line of log dispersion over log volume that fits the series of a metric."""
    intercepts, slopes = [], []
    logs = np.log1p(np.minimum(volume, 1e15))
    for column in range(dispersion.shape[1]):
        ok = np.isfinite(dispersion[:, column]) & (dispersion[:, column] > TINY) & (behind[:, column] > 0)
        if not ok.any():
            intercepts.append(0.0)
            slopes.append(0.0)
            continue
        x, y = logs[ok], np.log(dispersion[ok, column])
        weight = np.sqrt(behind[ok, column])
        centre = np.average(x, weights=weight)
        spread = float(np.sum(weight * np.square(x - centre)))
        slope = float(np.sum(weight * (x - centre) * (y - np.average(y, weights=weight))) / max(spread, 1.0))
        slope = float(np.clip(slope, 0.0, 1.0))
        intercepts.append(float(np.median(y - slope * x)))
        slopes.append(slope)
    return Dispersion(np.array(intercepts), np.array(slopes))


def shrunk(own: Floats, behind: Floats, pooled: Floats, kind: Kind, config: SeasonalConfig) -> Floats:
    """S x W dispersions: a series' own, leaning on that of its metric, never below the plain noise."""
    strength = config.prior_hours / np.array(config.windows)[None, :]
    known = np.isfinite(own)
    mixed = (behind * np.where(known, own, 0.0) + strength * pooled) / (np.where(known, behind, 0.0) + strength)
    return np.maximum(mixed, np.maximum(_FLOOR[kind], 0.5 * pooled))


def deviations(frame: Frame, config: SeasonalConfig) -> Floats:
    """S x H x W: signed standard deviations of each trailing window from what it should be."""
    return np.stack(list(_deviation_each(frame, config, plain_rises=frame.kind is Kind.COUNT)), axis=2)


def largest(frame: Frame, config: SeasonalConfig) -> Floats:
    """S x H: the largest deviation over the windows, without its sign, on scales on which noise is the same."""
    return np.concatenate([_largest_of_some(frame.rows(at), config) for at in row_blocks(frame.numerator.shape[0])])


def _largest_of_some(frame: Frame, config: SeasonalConfig) -> Floats:
    each = _deviation_each(frame, config)
    found = np.abs(next(each))
    for deviation in each:
        np.maximum(found, np.abs(deviation, out=deviation), out=found)
    return found


def _deviation_each(frame: Frame, config: SeasonalConfig, *, plain_rises: bool = False) -> Iterator[Floats]:
    judged = frame.usable & (frame.exposure > 0)
    numerator = np.where(judged, frame.numerator, 0.0)
    expected = np.where(judged, frame.expected, 0.0)
    exposure = np.where(judged, frame.exposure, 0.0) if frame.kind in (Kind.SHARE, Kind.LEVEL) else expected
    inflation = np.sqrt(frame.inflation)[:, None]
    parts = (numerator, expected) if exposure is expected else (numerator, expected, exposure)
    each = (trailing_each(array, config.windows) for array in parts)
    for position, (seen, due, *rest) in enumerate(zip(*each, strict=True)):
        exposed = rest[0] if rest else due
        dispersion = np.maximum(frame.dispersion[:, position : position + 1], TINY)
        yield _standardised(seen, due, exposed, dispersion, frame.kind, plain_rises) / inflation


def _standardised(
    seen: Floats, due: Floats, exposed: Floats, dispersion: Floats, kind: Kind, plain_rises: bool
) -> Floats:
    if kind is Kind.LEVEL:
        return np.asarray((seen - due) / np.sqrt(dispersion * np.maximum(exposed, TINY))) * (exposed > 0)
    if kind is Kind.SHARE:
        trials = exposed / dispersion
        observed = (np.maximum(seen, 0) / dispersion + 0.375) / (trials + 0.75)
        wanted = (np.maximum(due, 0) / dispersion + 0.375) / (trials + 0.75)
        gap = np.arcsin(np.sqrt(np.clip(observed, 0, 1))) - np.arcsin(np.sqrt(np.clip(wanted, 0, 1)))
        return np.asarray(2 * np.sqrt(trials + 0.5) * gap)
    deviation, usual = _root(seen, dispersion), _root(due, dispersion)
    deviation -= usual
    if plain_rises:
        _measure_rises(deviation, usual)
    deviation *= 2
    return deviation


def _measure_rises(deviation: Floats, usual: Floats) -> None:
    """Measure what is above its due by the noise of what was due, not by its own, in place.

    With square roots a and b of seen and due, 2 (a - b) + (a - b)^2 / b = (a^2 - b^2) / b.
    """
    rise = np.maximum(deviation, 0.0)
    rise *= rise
    np.maximum(usual, _LEAST_ROOT, out=usual)
    usual *= 2
    rise /= usual
    deviation += rise


def _root(sums: Floats, dispersion: Floats) -> Floats:
    """Anscombe's square root; in place, since it is taken of every window of all history."""
    root = np.maximum(sums, 0.0)
    root /= dispersion
    root += 0.375
    return np.sqrt(root, out=root)


def strongest(deviation: Floats) -> tuple[Floats, np.ndarray[tuple[int, ...], np.dtype[np.intp]]]:
    """The largest deviation over the windows, signed, and which window it was (both S x H)."""
    at = np.abs(deviation).argmax(axis=2)
    return np.take_along_axis(deviation, at[:, :, None], axis=2)[:, :, 0], at


def score_of(deviation: Floats, config: SeasonalConfig) -> Floats:
    """Deviation to 0..1; one half at `config.half_score` standard deviations."""
    squared = np.square(np.minimum(np.abs(deviation), 1e6))
    return np.asarray(squared / (squared + config.half_score**2))


def deviation_at(score: float, config: SeasonalConfig) -> float:
    """The inverse of `score_of`."""
    bounded = min(max(score, 0.0), 1 - 1e-9)
    return float(config.half_score * np.sqrt(bounded / (1 - bounded)))
