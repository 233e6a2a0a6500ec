"""Our detectors and published ones on the same labelled series, judged the same way.

NAB's score at NAB's own optimised threshold, the same with the threshold chosen on other series, and VUS over the
labelled series; false alarms on the unlabelled ones.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from earshot.core.errors import ArgumentError
from earshot.core.explanations import nearest
from earshot.detectors.benchmark import choice, corpus, nab, vus
from earshot.detectors.benchmark.corpus import LabelledSeries
from earshot.detectors.benchmark.published import PUBLISHED, Published, scaled
from earshot.detectors.series import Floats
from earshot.detectors.univariate.calibration import ALARM
from earshot.detectors.univariate.ensemble import DETECTORS, ENSEMBLE
from earshot.detectors.univariate.scoring import score_series

FOLDS: Final = 5
_WEEK_S: Final = 7 * 86_400.0

CONTEXT: Final = (
    {"detector": "ARTime", "NAB standard": 74.9, "NAB low FP": 65.1, "NAB low FN": 80.4},
    {"detector": "Numenta HTM", "NAB standard": 70.5, "NAB low FP": 62.6, "NAB low FN": 75.2},
    {"detector": "CAD OSE", "NAB standard": 69.9, "NAB low FP": 67.0, "NAB low FN": 73.2},
    {"detector": "KNN CAD", "NAB standard": 58.0, "NAB low FP": 43.4, "NAB low FN": 64.8},
    {"detector": "random cut forest", "NAB standard": 51.7, "NAB low FP": 38.4, "NAB low FN": 59.7},
)
"""NAB's scoreboard over its full corpus of 58 series, for comparison only."""


@dataclass(frozen=True)
class Entrant:
    """A detector in one mode."""

    name: str
    mode: str
    score: Callable[[LabelledSeries], Floats]
    published: str = ""


@dataclass(frozen=True)
class Result:
    """What an entrant reached.

    Attributes:
        entrant: Who.
        scores: One array a series.
        threshold: NAB's optimised one, standard profile.
        figures: Named figures.
    """

    entrant: Entrant
    scores: Sequence[Floats]
    threshold: float
    figures: dict[str, float | None]

    def row(self) -> dict[str, Any]:
        """As a row of a table."""
        return {
            "detector": self.entrant.name,
            "mode": self.entrant.mode,
            **self.figures,
            "published": self.entrant.published,
        }


def entrants() -> Iterator[Entrant]:
    """Ours, online and offline, then the published ones."""
    for name in DETECTORS:
        for online in (True, False):
            yield Entrant(name, _mode(online), _ours(name, online=online))
    for name, detector in PUBLISHED.items():
        yield Entrant(name, _mode(detector.online), _theirs(detector), detector.figures)


def evaluate(folder: Path, *, only: Sequence[str] | None = None) -> dict[str, Any]:
    """Every entrant on the series of a folder in NAB's layout.

    Args:
        folder: See `corpus.read`.
        only: Names of detectors; all when None.

    Raises:
        InputError: The folder cannot be read.
        ArgumentError: There is no such detector.
    """
    found = list(entrants())
    unknown = sorted(set(only or ()) - {entrant.name for entrant in found})
    if unknown:
        names = list(dict.fromkeys(entrant.name for entrant in found))
        remedy = f"Did you mean {nearest(unknown[0], names)}? There are {', '.join(names)}."
        raise ArgumentError(f"There is no detector {unknown[0]}.", where="--detector", remedy=remedy)
    series = corpus.read(folder)
    results = [judged(entrant, series) for entrant in found if only is None or entrant.name in only]
    first = results[0]
    chosen = {} if only is not None and ENSEMBLE not in only else {"choice_on_other_series": choice.evaluate(series)}
    return {
        "series": len(series),
        "labelled_windows": sum(len(one.windows) for one in series),
        "contest": [result.row() for result in results],
        f"by_series_of_{first.entrant.name}_{first.entrant.mode}": by_series(first, series),
        **chosen,
        "scoreboard_of_the_full_corpus": list(CONTEXT),
    }


def judged(entrant: Entrant, series: Sequence[LabelledSeries]) -> Result:
    """Score every series, and judge the scores."""
    began = time.perf_counter()
    scores = [entrant.score(one) for one in series]
    seconds = time.perf_counter() - began
    labelled = [nab.Labelled(told, one.windows) for told, one in zip(scores, series, strict=True)]
    folds = [[labelled[place] for place in fold] for fold in corpus.folds(series, FOLDS)]
    reached = nab.summary(folds)
    threshold, _ = nab.optimised(labelled, nab.STANDARD)
    fixed = nab.sweep(labelled, nab.STANDARD)
    volumes = [_volume(told, one) for told, one in zip(scores, series, strict=True) if one.windows]
    ours = entrant.name in DETECTORS
    figures: dict[str, float | None] = {
        "NAB standard": reached["standard"],
        "cross-validated": reached["standard_cross_validated"],
        "at 0.5": nab.normalised(fixed.at(ALARM), fixed, nab.STANDARD) if ours else None,
        "NAB low FP": reached["reward_low_FP_rate"],
        "NAB low FN": reached["reward_low_FN_rate"],
        "VUS-PR": float(np.mean([one.pr for one in volumes])) if volumes else None,
        "VUS-ROC": float(np.mean([one.roc for one in volumes])) if volumes else None,
        "false alarms a 1000 series-weeks": _false_alarms(scores, series, threshold),
        "ms a 1000 rows": 1e6 * seconds / sum(one.values.size for one in series),
    }
    return Result(entrant, scores, threshold, figures)


def by_series(result: Result, series: Sequence[LabelledSeries]) -> list[dict[str, Any]]:
    """One row a series: windows found and false alarms at NAB's threshold, and VUS-PR."""
    told = []
    for scores, one in zip(result.scores, series, strict=True):
        alarms = _alarms(scores, result.threshold)
        hits = [bool(alarms[first : last + 1].any()) for first, last in one.windows]
        outside = alarms & ~vus.labels_of(scores.size, one.windows)
        told.append(
            {
                "series": one.name,
                "rows": scores.size,
                "windows": len(one.windows),
                "found": sum(hits),
                "false alarms": int(outside.sum()),
                "VUS-PR": _volume(scores, one).pr if one.windows else None,
            }
        )
    return told


def _ours(name: str, *, online: bool) -> Callable[[LabelledSeries], Floats]:
    return lambda one: score_series(one.clock, one.values, online=online, detector=name)


def _theirs(detector: Published) -> Callable[[LabelledSeries], Floats]:
    if detector.online:
        return lambda one: detector.score(one.values)
    return lambda one: scaled(detector.score(one.values))


def _mode(online: bool) -> str:
    return "online" if online else "offline"


def _volume(scores: Floats, one: LabelledSeries) -> vus.Volume:
    return vus.volume(scores, vus.labels_of(scores.size, one.windows), vus.buffer_length(one.values))


def _alarms(scores: Floats, threshold: float) -> np.ndarray[Any, np.dtype[np.bool_]]:
    judged = np.arange(scores.size) >= nab.probation(scores.size)
    return judged & (scores >= threshold)


def _false_alarms(scores: Sequence[Floats], series: Sequence[LabelledSeries], threshold: float) -> float | None:
    """Alarms on series without a label, a week and 1,000 series, at NAB's threshold."""
    alarms, weeks = 0, 0.0
    for told, one in zip(scores, series, strict=True):
        if not one.windows:
            alarms += int(_alarms(told, threshold).sum())
            weeks += (one.clock[-1] - one.clock[int(nab.probation(told.size))]) / _WEEK_S
    return 1000 * alarms / weeks if weeks else None
