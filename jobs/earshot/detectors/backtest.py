"""How well a detector finds incidents that were made up in a copy of history, at every threshold."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from earshot.detectors import attribution, evidence
from earshot.detectors.attribution import Event
from earshot.detectors.injection import KINDS, SIZES, Injected, inject
from earshot.detectors.interface import DayScores, FittedDetector
from earshot.detectors.series import HOURS_OF_DAY, SeriesMatrix

CHOSEN_FROM: Final = (6.0, 6.5, 7.0, 7.5, 8.0, 9.0, 10.0)
DEVIATIONS: Final = (5.0, *CHOSEN_FROM, 12.0, 15.0)
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
        recall_by_size: Recall for each size of incident.
        recall_by_both: Recall for each kind and size, `KIND_SIZE`.
        hours_to_detect: By kind, the median of the hours from the beginning of what was found to the end of the
            first hour in which it was; a kind of which nothing was found is left out.
        choosable: Whether the threshold may be chosen.
    """

    threshold: float
    recall: float
    precision: float
    false_groups: int
    recall_by_kind: dict[str, float]
    recall_by_size: dict[str, float] = field(default_factory=dict)
    recall_by_both: dict[str, float] = field(default_factory=dict)
    hours_to_detect: dict[str, float] = field(default_factory=dict)
    choosable: bool = True

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
        """The point with the best F-half, since a false alert costs more; the higher threshold where two are alike.

        The outer points are there to draw the curve, and are not chosen.
        """
        return max(self.points, key=lambda point: (point.choosable, round(point.f_measure(0.5), 3), point.threshold))

    def false_alarms(self, point: Point) -> float:
        """False groups of a point a week and 1,000 series."""
        return 7_000 * point.false_groups / max(self.series_days, 1)

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
    thresholds = {float(evidence.score_of(np.array(far), detector.config)): far in CHOSEN_FROM for far in DEVIATIONS}
    if at is not None:
        nearest = min(thresholds, key=lambda threshold: abs(threshold - at))
        thresholds = {nearest: thresholds[nearest]}
    points = []
    for threshold, choosable in thresholds.items():
        found = [
            _found_after(one, with_incidents[one.metric], rows[one.metric].index(one.row), threshold, minimum_volume)
            for one in made
        ]
        false = _false_groups(as_it_was, threshold, minimum_volume, detector)
        points.append(replace(_point(threshold, made, found, false), choosable=choosable))
    counts = {kind: sum(incident.kind == kind for incident in made) for kind in KINDS}
    series_days = sum(len(matrix.dimensions) for matrix in history) * len(days)
    return Backtest(tuple(points), counts, series_days)


def _found_after(
    incident: Injected, days: Sequence[DayScores], row: int, threshold: float, minimum_volume: float
) -> int | None:
    """Hours from the beginning of the incident to the end of the first hour that shows it; None where none does."""
    for scores in days:
        first = scores.day * HOURS_OF_DAY
        low, high = incident.start - first, incident.stop + _GRACE_HOURS - first
        if high <= 0 or low >= HOURS_OF_DAY:
            continue
        flags = attribution.detected(scores, threshold, minimum_volume)
        shown = np.flatnonzero(flags[row, max(low, 0) : high])
        if shown.size:
            return max(low, 0) + int(shown[0]) + 1 - low
    return None


def _false_groups(
    days: Sequence[Sequence[DayScores]], threshold: float, minimum_volume: float, detector: FittedDetector
) -> int:
    groups = set()
    earlier: Sequence[Event] = ()
    for scores in days:
        earlier = attribution.explain(scores, threshold, minimum_volume, detector.config, earlier)
        groups |= {(event.metric, event.dimensions) for event in earlier}
    return len(groups)


def _point(threshold: float, made: Sequence[Injected], found: Sequence[int | None], false: int) -> Point:
    hits = sum(hours is not None for hours in found)
    of = {incident: hours for incident, hours in zip(made, found, strict=True)}
    precision = hits / (hits + false) if hits + false else 1.0
    by_kind = {kind: _recall([of[one] for one in made if one.kind == kind]) for kind in KINDS}
    by_size = {size: _recall([of[one] for one in made if one.size == size]) for size in SIZES}
    by_both = {
        f"{kind}_{size}": _recall([of[one] for one in made if (one.kind, one.size) == (kind, size)])
        for kind in KINDS
        for size in SIZES
    }
    late = {kind: [hours for one in made if one.kind == kind and (hours := of[one]) is not None] for kind in KINDS}
    after = {kind: float(np.median(hours)) for kind, hours in late.items() if hours}
    return Point(threshold, _recall(list(of.values())), precision, false, by_kind, by_size, by_both, after)


def _recall(found: Sequence[int | None]) -> float:
    return sum(hours is not None for hours in found) / len(found) if found else 0.0
