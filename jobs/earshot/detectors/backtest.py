"""How well a detector finds incidents that were made up in a copy of history, at every threshold."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import numpy as np

from earshot.detectors import attribution, evidence
from earshot.detectors.attribution import Event
from earshot.detectors.injection import KINDS, Injected, inject
from earshot.detectors.interface import DayScores, FittedDetector
from earshot.detectors.series import HOURS_OF_DAY, SeriesMatrix

DEVIATIONS: Final = (7.0, 7.5, 8.0, 9.0, 10.0)
_GRACE_HOURS: Final = 3
_THREADS: Final = 2


@dataclass(frozen=True)
class Point:
    """Precision and recall at one threshold.

    Attributes:
        threshold: Score from which an hour is a detection.
        recall: Found incidents / made-up incidents.
        precision: Found incidents / (found incidents + false groups).
        false_groups: Series that were detected though nothing had been made up in them, after attribution.
        recall_by_kind: Recall for each kind of incident.
    """

    threshold: float
    recall: float
    precision: float
    false_groups: int
    recall_by_kind: dict[str, float]

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        return self.f_measure(1.0)

    def f_measure(self, beta: float) -> float:
        """Van Rijsbergen's F: recall weighs `beta` times as much as precision."""
        weighted = beta**2 * self.precision + self.recall
        return (1 + beta**2) * self.precision * self.recall / weighted if weighted else 0.0

    def precision_of(self, kind: str, incidents: dict[str, int]) -> float:
        """Precision of one kind, with its part of the false groups."""
        found = self.recall_by_kind[kind] * incidents[kind]
        false = self.false_groups * incidents[kind] / max(sum(incidents.values()), 1)
        return found / (found + false) if found + false else 1.0


@dataclass(frozen=True)
class Backtest:
    """A detector's figures over thresholds.

    Attributes:
        points: One a threshold, ascending.
        incidents: How many of each kind were made up.
        series_days: Judged series times judged days: what false groups are counted over.
    """

    points: tuple[Point, ...]
    incidents: dict[str, int]
    series_days: int

    def best(self) -> Point:
        """The point with the best F-half, since a false alert costs more; the higher threshold where two are alike."""
        return max(self.points, key=lambda point: (round(point.f_measure(0.5), 3), point.threshold))

    def at(self, threshold: float) -> Point:
        """The point nearest to a threshold."""
        return min(self.points, key=lambda point: abs(point.threshold - threshold))


def backtest(
    detector: FittedDetector,
    history: Sequence[SeriesMatrix],
    *,
    incidents: int,
    judged_days: int,
    minimum_volume: float,
    seed: int,
    at: float | None = None,
) -> Backtest:
    """Judge the last days of history twice: as it was, and with incidents made up in it.

    Args:
        detector: What is tried.
        history: One matrix a metric; at least `judged_days` + 2 days.
        incidents: How many to make up.
        judged_days: Days at the end of history that are judged.
        minimum_volume: Plays that must be due over a window.
        seed: Of the incidents.
        at: Only the threshold nearest to this is tried.
    """
    end = max((matrix.days for matrix in history), default=0)
    days = range(max(end - judged_days, 2), end)
    disturbed, made = inject(history, incidents, len(days), minimum_volume, seed)
    rows = {matrix.metric: [one.row for one in made if one.metric == matrix.metric] for matrix in disturbed}
    touched = [matrix for matrix in disturbed if rows[matrix.metric]]
    with ThreadPoolExecutor(_THREADS) as pool:  # NumPy lets go of the interpreter while it computes
        whole = pool.map(lambda matrix: detector.score(matrix, days), history)
        parts = pool.map(lambda matrix: detector.score(matrix, days, rows[matrix.metric]), touched)
        as_it_was = list(zip(*whole, strict=True))
        with_incidents = {matrix.metric: scores for matrix, scores in zip(touched, parts, strict=True)}
    thresholds = [float(evidence.score_of(np.array(deviation), detector.config)) for deviation in DEVIATIONS]
    if at is not None:
        thresholds = [min(thresholds, key=lambda threshold: abs(threshold - at))]
    points = []
    for threshold in thresholds:
        hits = [
            _is_found(one, with_incidents[one.metric], rows[one.metric].index(one.row), threshold, minimum_volume)
            for one in made
        ]
        false = _false_groups(as_it_was, threshold, minimum_volume, detector)
        points.append(_point(threshold, made, hits, false))
    counts = {kind: sum(incident.kind == kind for incident in made) for kind in KINDS}
    series_days = sum(len(matrix.dimensions) for matrix in history) * len(days)
    return Backtest(tuple(points), counts, series_days)


def _is_found(incident: Injected, days: Sequence[DayScores], row: int, threshold: float, minimum_volume: float) -> bool:
    for scores in days:
        first = scores.day * HOURS_OF_DAY
        low, high = incident.start - first, incident.stop + _GRACE_HOURS - first
        if high <= 0 or low >= HOURS_OF_DAY:
            continue
        flags = attribution.detected(scores, threshold, minimum_volume)
        if flags[row, max(low, 0) : high].any():
            return True
    return False


def _false_groups(
    days: Sequence[Sequence[DayScores]], threshold: float, minimum_volume: float, detector: FittedDetector
) -> int:
    groups = set()
    earlier: Sequence[Event] = ()
    for scores in days:
        earlier = attribution.explain(scores, threshold, minimum_volume, detector.config, earlier)
        groups |= {(event.metric, event.dimensions) for event in earlier}
    return len(groups)


def _point(threshold: float, made: Sequence[Injected], hits: Sequence[bool], false: int) -> Point:
    found = sum(hits)
    by_kind = {}
    for kind in KINDS:
        of_kind = [hit for incident, hit in zip(made, hits, strict=True) if incident.kind == kind]
        by_kind[kind] = sum(of_kind) / len(of_kind) if of_kind else 0.0
    recall = found / len(made) if made else 0.0
    precision = found / (found + false) if found + false else 1.0
    return Point(threshold, recall, precision, false, by_kind)
