"""The scoring of the Numenta Anomaly Benchmark, v1.1.

Lavin and Ahmad, "Evaluating Real-time Anomaly Detection Algorithms", arXiv 1510.03336 (2015), and the
reference implementation numenta/NAB (`sweeper`, `optimizer`, `runner`), whose conventions are kept where
the paper is silent: the first detection in a window counts, early is worth more than late, each false
alarm costs, less where it closely follows a window, and the first rows of a file are not judged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earshot.detectors.series import Floats

PROBATION: Final = 0.15
_PROBATION_ROWS: Final = 5_000
_FAR: Final = 3.0
_NO_DETECTION: Final = 1.1


@dataclass(frozen=True)
class Profile:
    """What a detection, a false alarm and a miss are worth."""

    name: str
    true_positive: float
    false_positive: float
    false_negative: float


STANDARD: Final = Profile("standard", 1.0, 0.11, 1.0)
LOW_FALSE_POSITIVES: Final = Profile("reward_low_FP_rate", 1.0, 0.22, 1.0)
LOW_FALSE_NEGATIVES: Final = Profile("reward_low_FN_rate", 1.0, 0.11, 2.0)
PROFILES: Final = (STANDARD, LOW_FALSE_POSITIVES, LOW_FALSE_NEGATIVES)


@dataclass(frozen=True)
class Labelled:
    """One scored series.

    Attributes:
        scores: One a row.
        windows: First and last row of each labelled window, in order, not overlapping.
    """

    scores: Floats
    windows: Sequence[tuple[int, int]]


@dataclass(frozen=True)
class Sweep:
    """The score of a set of series at each threshold.

    Attributes:
        thresholds: Falling; the first is above every score, so that nothing is detected.
        scores: The sum over the series at each threshold, not normalised.
        windows: Labelled windows of the set, those in probation included.
        missed: The sum when nothing is detected.
    """

    thresholds: Floats
    scores: Floats
    windows: int
    missed: float

    @property
    def best(self) -> float:
        """The threshold with the highest score; of equal ones the highest threshold."""
        return float(self.thresholds[int(np.argmax(self.scores))])

    def at(self, threshold: float) -> float:
        """The sum where a score of at least `threshold` is a detection."""
        reached = int(np.searchsorted(-self.thresholds, -threshold, side="right")) - 1
        return float(self.scores[max(reached, 0)])


def relative_worth(position: Floats) -> Floats:
    """NAB's scaled sigmoid: -1 is a window's left edge, 0 its right edge, and far behind it is -1 in worth."""
    near = np.minimum(position, _FAR)
    return np.where(position > _FAR, -1.0, 2.0 / (1.0 + np.exp(5.0 * near)) - 1.0)


def row_worth(rows: int, windows: Sequence[tuple[int, int]], profile: Profile) -> tuple[Floats, NDArray[np.intp]]:
    """What a detection at each row is worth, and the window that it lies in (-1: none).

    Args:
        rows: Rows of the series.
        windows: First and last row of each window, in order.
        profile: Weights.
    """
    worth = np.full(rows, -1.0 * profile.false_positive)
    inside = np.full(rows, -1, dtype=np.intp)
    most = float(relative_worth(np.array([-1.0]))[0])
    for number, (first, last) in enumerate(windows):
        width = last - first + 1
        steps = np.arange(first, last + 1)
        inside[steps] = number
        worth[steps] = relative_worth(-(last - steps + 1) / width) * profile.true_positive / most
        end = windows[number + 1][0] if number + 1 < len(windows) else rows
        behind = np.arange(last + 1, end)
        distance = (behind - last) / (width - 1) if width > 1 else np.full(behind.size, np.inf)
        worth[behind] = relative_worth(distance) * profile.false_positive
    return worth, inside


def probation(rows: int) -> float:
    """Rows at the beginning that are not judged."""
    return min(float(int(PROBATION * rows)), PROBATION * _PROBATION_ROWS)


def sweep(series: Sequence[Labelled], profile: Profile) -> Sweep:
    """The score of a set of series, all judged at the same threshold, for every threshold.

    Args:
        series: Scores and windows.
        profile: Weights.
    """
    scores, worth, inside = [], [], []
    labelled = 0
    for one in series:
        rows = one.scores.size
        judged = np.arange(rows) >= probation(rows)
        value, window = row_worth(rows, one.windows, profile)
        window = np.where(window >= 0, window + labelled, -1)
        labelled += len(one.windows)
        scores.append(one.scores[judged])
        worth.append(value[judged])
        inside.append(window[judged])
    return _swept(np.concatenate(scores), np.concatenate(worth), np.concatenate(inside), labelled, profile)


def _swept(scores: Floats, worth: Floats, inside: NDArray[np.intp], labelled: int, profile: Profile) -> Sweep:
    order = np.argsort(-scores, kind="stable")
    scores, worth, inside = scores[order], worth[order], inside[order]
    gain = np.where(inside < 0, worth, 0.0)
    judged_windows = 0
    for window in range(labelled):
        rows = np.flatnonzero(inside == window)
        if rows.size:
            judged_windows += 1
            reached = np.maximum.accumulate(np.maximum(worth[rows], -profile.false_negative))
            gain[rows] = np.diff(reached, prepend=-profile.false_negative)
    missed = -profile.false_negative * judged_windows
    total = missed + np.cumsum(gain)
    last_of_equal = np.flatnonzero(np.diff(scores, append=-np.inf) != 0)
    return Sweep(
        np.concatenate([[_NO_DETECTION], scores[last_of_equal]]),
        np.concatenate([[missed], total[last_of_equal]]),
        labelled,
        missed,
    )


def normalised(score: float, swept: Sweep, profile: Profile) -> float:
    """On NAB's scale: 0 is no detection at all, 100 is every window detected at its first row and no false alarm."""
    perfect = swept.windows * profile.true_positive
    span = perfect - swept.missed
    return 100.0 * (score - swept.missed) / span if span > 0 else float("nan")


def optimised(series: Sequence[Labelled], profile: Profile) -> tuple[float, float]:
    """NAB's own protocol: the threshold that is best on these series, and the normalised score there."""
    swept = sweep(series, profile)
    return swept.best, normalised(swept.at(swept.best), swept, profile)


def cross_validated(folds: Sequence[Sequence[Labelled]], profile: Profile) -> float:
    """The normalised score where each fold is judged at the threshold that is best on the other folds."""
    total = missed = 0.0
    windows = 0
    for number, fold in enumerate(folds):
        others = [one for other, rest in enumerate(folds) if other != number for one in rest]
        threshold = sweep(others, profile).best
        held_out = sweep(fold, profile)
        total += held_out.at(threshold)
        missed += held_out.missed
        windows += held_out.windows
    span = windows * profile.true_positive - missed
    return 100.0 * (total - missed) / span if span > 0 else float("nan")


def summary(folds: Sequence[Sequence[Labelled]]) -> Mapping[str, float]:
    """By profile: the score at NAB's optimised threshold, and cross-validated over the folds."""
    everything = [one for fold in folds for one in fold]
    figures: dict[str, float] = {}
    for profile in PROFILES:
        _, figures[profile.name] = optimised(everything, profile)
        figures[f"{profile.name}_cross_validated"] = cross_validated(folds, profile)
    return figures
