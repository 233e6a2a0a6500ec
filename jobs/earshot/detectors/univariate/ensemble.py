"""Every detector under its name, and the ensemble that is used when none is named.

Alarms come from three questions that are as different as can be: is the value beyond all seen, is this hour like the
same hour of no earlier day, has the level moved as never before. What is below alarms is ranked by the mean energy of
three deviations. It is what most folds of series choose for the others, see `benchmark.choice`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from earshot.detectors.series import Floats
from earshot.detectors.univariate import calibration, same_time
from earshot.detectors.univariate.calibration import Calibration
from earshot.detectors.univariate.changepoint import changepoint
from earshot.detectors.univariate.holt_winters import holt_winters
from earshot.detectors.univariate.isolation_forest import isolation_forest
from earshot.detectors.univariate.level import level, local
from earshot.detectors.univariate.nearest import nearest
from earshot.detectors.univariate.seasonal import seasonal
from earshot.detectors.univariate.shift import shift
from earshot.detectors.univariate.signal import Signal
from earshot.detectors.univariate.spectral_residual import spectral_residual
from earshot.detectors.univariate.spread import spread
from earshot.detectors.univariate.subsequence_pca import subsequence_pca
from earshot.detectors.univariate.trend import trend

Deviation = Callable[[Signal], Floats]
"""What a detector is: from a series to one deviation a row, in any unit, farther from 0 is more abnormal,
nan where nothing is known; it uses only the rows up to the one that it judges."""


@dataclass(frozen=True)
class Detector:
    """Deviations and what they are for.

    Attributes:
        alarming: Those whose records are alarms.
        unusual: Those whose energy ranks the rest.
    """

    alarming: Sequence[Deviation]
    unusual: Sequence[Deviation]

    def online(self, signal: Signal, config: Calibration) -> Floats:
        """Scores of 0 to 1 that use only the past."""
        if signal.still[-1]:
            return np.zeros(len(signal))
        found = _Found(signal)
        scores = calibration.online(found.all(self.alarming), found.all(self.unusual), signal.period, config)
        return np.where(signal.still, 0.0, scores)

    def in_hindsight(self, signal: Signal, config: Calibration) -> Floats:
        """Scores of 0 to 1 that use the whole series."""
        if signal.still[-1]:
            return np.zeros(len(signal))
        forward, backward = _Found(signal), _Found(signal.reversed())
        early = np.arange(len(signal)) < len(signal) / 2
        longer_side = [np.where(early, backward(one)[::-1], forward(one)) for one in self.unusual]
        return calibration.in_hindsight(forward.all(self.alarming), longer_side, signal.period, config)


class _Found:
    """Deviations of one series, each computed once."""

    def __init__(self, signal: Signal) -> None:
        self._signal = signal
        self._known: dict[Deviation, Floats] = {}

    def __call__(self, deviation: Deviation) -> Floats:
        if deviation not in self._known:
            self._known[deviation] = deviation(self._signal)
        return self._known[deviation]

    def all(self, deviations: Sequence[Deviation]) -> list[Floats]:
        return [self(one) for one in deviations]


def _changes(*deviations: Deviation) -> Detector:
    return Detector(deviations, deviations)


def _single(deviation: Deviation) -> Detector:
    return Detector([deviation], [deviation])


ENSEMBLE: Final = "ensemble"
DETECTORS: Final[Mapping[str, Detector]] = {
    ENSEMBLE: Detector([level, same_time.hour, shift], [nearest, same_time.hour, level]),
    "changepoint": _changes(changepoint, shift, trend, spread),
    "holt-winters": _single(holt_winters),
    "isolation-forest": _single(isolation_forest),
    "level": _single(level),
    "local": _single(local),
    "nearest": _single(nearest),
    "same-time": _single(same_time.hour),
    "seasonal": _single(seasonal),
    "shift": _single(shift),
    "spectral-residual": _single(spectral_residual),
    "spread": _single(spread),
    "subsequence-pca": _single(subsequence_pca),
    "trend": _single(trend),
}
