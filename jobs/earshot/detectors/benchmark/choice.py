"""Which deviations should raise alarms, and when they are believed: chosen on some series, judged on others.

The ensemble's choice was made with every series of the corpus in sight. Here the same choice is made anew for each
fold of series from the other folds alone, calibration and threshold included, so that nothing is judged that was chosen
from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations, product
from typing import Any, Final, NamedTuple

import numpy as np

from earshot.detectors.benchmark import corpus, nab
from earshot.detectors.benchmark.corpus import LabelledSeries
from earshot.detectors.benchmark.nab import STANDARD, Labelled
from earshot.detectors.series import Floats
from earshot.detectors.univariate import calibration, same_time
from earshot.detectors.univariate.ensemble import Deviation
from earshot.detectors.univariate.level import level, local
from earshot.detectors.univariate.scoring import CONFIGURATION
from earshot.detectors.univariate.seasonal import seasonal
from earshot.detectors.univariate.shift import shift
from earshot.detectors.univariate.signal import Signal
from earshot.detectors.univariate.spread import spread

CANDIDATES: Final[Mapping[str, Deviation]] = {
    "level": level,
    "local": local,
    "seasonal": seasonal,
    "part of day": same_time.part_of_day,
    "hour": same_time.hour,
    "shift": shift,
    "spread": spread,
}
CALIBRATIONS: Final = tuple(
    replace(CONFIGURATION, confident=confident, first_share=first)
    for confident, first in product((20.0, 50.0, 100.0, 200.0), (0.2, 1.0))
)
MOST: Final = 3
FOLDS: Final = 5


class Choice(NamedTuple):
    """Deviations by name, and a calibration by its place in `CALIBRATIONS`."""

    names: tuple[str, ...]
    calibration: int

    def __str__(self) -> str:
        """For a table."""
        chosen = CALIBRATIONS[self.calibration]
        return f"{' + '.join(self.names)}; {chosen.confident:g} rows, {chosen.first_share:g} periods"


def evaluate(series: Sequence[LabelledSeries]) -> list[dict[str, Any]]:
    """One row a fold: what the other folds chose, and NAB's standard score of the fold; then all folds together.

    Args:
        series: Labelled or not, without gaps.
    """
    names = [chosen for count in range(1, MOST + 1) for chosen in combinations(CANDIDATES, count)]
    choices = [Choice(chosen, place) for chosen in names for place in range(len(CALIBRATIONS))]
    signals = [Signal(one.values, one.clock) for one in series]
    margins = [_margins(signal) for signal in signals]
    alarms = {choice: _alarms(choice, signals, margins, series) for choice in choices}
    rows: list[dict[str, Any]] = []
    total, missed, windows = 0.0, 0.0, 0
    folds = corpus.folds(series, FOLDS)
    for number, fold in enumerate(folds):
        others = [place for other in folds if other is not fold for place in other]
        best = max(choices, key=lambda choice: _best(alarms[choice], others))
        threshold = nab.sweep([alarms[best][place] for place in others], STANDARD).best
        judged = nab.sweep([alarms[best][place] for place in fold], STANDARD)
        reached = judged.at(threshold)
        score = nab.normalised(reached, judged, STANDARD) if judged.windows else None
        rows.append({"fold": str(number + 1), "chosen": str(best), "threshold": threshold, "NAB standard": score})
        total, missed, windows = total + reached, missed + judged.missed, windows + judged.windows
    span = windows * STANDARD.true_positive - missed
    whole = 100 * (total - missed) / span if span > 0 else None
    return [*rows, {"fold": "all", "chosen": "", "threshold": None, "NAB standard": whole}]


def _margins(signal: Signal) -> dict[tuple[str, int], Floats]:
    found = {name: deviation(signal) for name, deviation in CANDIDATES.items()}
    return {
        (name, place): calibration.margin(deviation, signal.period, config)
        for name, deviation in found.items()
        for place, config in enumerate(CALIBRATIONS)
    }


def _alarms(
    choice: Choice,
    signals: Sequence[Signal],
    margins: Sequence[Mapping[tuple[str, int], Floats]],
    series: Sequence[LabelledSeries],
) -> list[Labelled]:
    found = []
    for signal, known, one in zip(signals, margins, series, strict=True):
        together = np.asarray(np.sum([known[name, choice.calibration] for name in choice.names], axis=0))
        found.append(Labelled(calibration.alarms(together, signal.period, CONFIGURATION), one.windows))
    return found


def _best(alarms: Sequence[Labelled], places: Sequence[int]) -> float:
    swept = nab.sweep([alarms[place] for place in places], STANDARD)
    return swept.at(swept.best)
