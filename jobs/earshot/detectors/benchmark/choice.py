"""Which deviations should raise alarms: chosen on some series, judged on others.

The ensemble's choice was made with every series of the corpus in sight. Here the same choice is made anew for each
fold of series from the other folds alone, threshold included, so that nothing is judged that was chosen from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any, Final

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
MOST: Final = 3
FOLDS: Final = 5

Choice = tuple[str, ...]


def evaluate(series: Sequence[LabelledSeries]) -> list[dict[str, Any]]:
    """One row a fold: what the other folds chose, and NAB's standard score of the fold; then all folds together.

    Args:
        series: Labelled or not, without gaps.
    """
    choices = [chosen for count in range(1, MOST + 1) for chosen in combinations(CANDIDATES, count)]
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
        rows.append(
            {"fold": str(number + 1), "chosen": " + ".join(best), "threshold": threshold, "NAB standard": score}
        )
        total, missed, windows = total + reached, missed + judged.missed, windows + judged.windows
    span = windows * STANDARD.true_positive - missed
    whole = 100 * (total - missed) / span if span > 0 else None
    return [*rows, {"fold": "all", "chosen": "", "threshold": None, "NAB standard": whole}]


def _margins(signal: Signal) -> dict[str, Floats]:
    return {
        name: calibration.margin(deviation(signal), signal.period, CONFIGURATION)
        for name, deviation in CANDIDATES.items()
    }


def _alarms(
    choice: Choice, signals: Sequence[Signal], margins: Sequence[Mapping[str, Floats]], series: Sequence[LabelledSeries]
) -> list[Labelled]:
    found = []
    for signal, known, one in zip(signals, margins, series, strict=True):
        together = np.asarray(np.sum([known[name] for name in choice], axis=0))
        found.append(Labelled(calibration.alarms(together, signal.period, CONFIGURATION), one.windows))
    return found


def _best(alarms: Sequence[Labelled], places: Sequence[int]) -> float:
    swept = nab.sweep([alarms[place] for place in places], STANDARD)
    return swept.at(swept.best)
