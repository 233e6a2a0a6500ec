"""Which days of the daily series are told of, and their rows of gold.anomalies."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import numpy as np
import pyarrow as pa

from earshot.core.settings import AnomalySettings
from earshot.detectors import daily, silence
from earshot.detectors.attribution import Event
from earshot.detectors.baseline import TINY, SeasonalConfig
from earshot.detectors.daily import DailyMatrix, DailyScores
from earshot.detectors.interface import DayScores
from earshot.detectors.series import Dimensions, Flags, Kind, of_gate, within, worse
from earshot.detectors.severity import severity_of

GRAIN: Final = "day"


@dataclass(frozen=True)
class DailyFinding:
    """A series that was wrong for a day, and how bad that is."""

    metric: str
    row: int
    dimensions: Dimensions
    severity: str
    share: float


@dataclass(frozen=True)
class DailyVerdict:
    """The daily series of one day.

    Attributes:
        scores: One item a metric.
        findings: What is told of.
    """

    scores: tuple[DailyScores, ...] = ()
    findings: tuple[DailyFinding, ...] = ()


def verdict(
    matrices: Sequence[DailyMatrix],
    day: int,
    threshold: float,
    settings: AnomalySettings,
    hourly: tuple[Sequence[DayScores], Sequence[Event]],
) -> DailyVerdict:
    """Judge a day that is over; what its hours tell already is scored and not told again.

    Args:
        matrices: One a metric.
        day: Position of the day.
        threshold: Score from which a day is told of.
        settings: History and volume that a series must have.
        hourly: Scores by hour of the day, and the events found in them.
    """
    by_hour, events = hourly
    if not any(scores.matrix.began[:, (scores.day + 1) * 24 - 1].any() for scores in by_hour):
        return DailyVerdict()
    config, least = SeasonalConfig(), settings.minimum_history_days
    scores = tuple(daily.score(matrix, day, config, least_days=least) for matrix in matrices)
    told = {(one.matrix.metric, one.matrix.dimensions[row]) for one in by_hour for row in _any(one.judged)}
    found = [finding for one in scores for finding in _findings(one, threshold, settings.minimum_volume, told)]
    roots = [event.dimensions for event in events]
    free = [one for one in found if of_gate(one.metric) or not any(_related(one.dimensions, root) for root in roots)]
    widest = [one for one in free if not any(_inside(one, other) for other in free)]
    return DailyVerdict(scores, tuple(widest))


def rows(judged: DailyVerdict, schema: pa.Schema) -> Iterator[pa.Table]:
    """Every judged series of the day, a table a metric."""
    severity = {(one.metric, one.row): one for one in judged.findings}
    for scores in judged.scores:
        matrix = scores.matrix
        kept = _any(scores.judged)
        start = np.datetime64(matrix.first + timedelta(days=scores.day), "us")
        told = [severity.get((matrix.metric, row)) for row in kept]
        parts = [
            None if one is None else [{"name": n, "value": v, "share": one.share} for n, v in one.dimensions]
            for one in told
        ]
        figures = {
            name: pa.array(getattr(scores, name)[kept]) for name in ("observed", "expected", "lower", "upper", "score")
        }
        yield pa.table(
            {
                "metric": pa.repeat(pa.scalar(matrix.metric), len(kept)),
                "grain": pa.repeat(pa.scalar(GRAIN), len(kept)),
                "dimensions": pa.array([list(matrix.dimensions[row]) for row in kept], schema.field("dimensions").type),
                "window_start": pa.array(np.repeat(start, len(kept))).cast(pa.timestamp("us", tz="UTC")),
                **figures,
                "severity": pa.array([None if one is None else one.severity for one in told], pa.string()),
                "contributors": pa.array(parts, schema.field("contributors").type),
                "detector": pa.repeat(pa.scalar(daily.NAME), len(kept)),
                "state": pa.array(np.where(_stopped(scores)[kept], silence.NO_DATA, silence.JUDGED), pa.string()),
                "window_date": pa.array(np.repeat(start.astype("datetime64[D]"), len(kept))),
            }
        )


def _findings(
    scores: DailyScores, threshold: float, minimum_volume: float, told: Collection[tuple[str, Dimensions]]
) -> Iterator[DailyFinding]:
    matrix = scores.matrix
    gate = of_gate(matrix.metric)
    total = matrix.dimensions.index(()) if () in matrix.dimensions else None
    bad = (scores.score >= threshold) & scores.judged & (scores.deviation * worse(matrix.metric) >= 0)
    usual = np.median(matrix.volume[:, max(scores.day - daily.WEEK, 0) : scores.day + 1], axis=1)
    for row in np.flatnonzero(bad & (gate | (usual >= minimum_volume))).tolist():
        dimensions = matrix.dimensions[row]
        if (matrix.metric, dimensions) not in told:
            reach = 1.0 if gate or total is None else float(np.clip(usual[row] / max(usual[total], TINY), 0, 1))
            severity = severity_of(float(scores.effect[row]), reach)
            yield DailyFinding(matrix.metric, row, dimensions, severity, reach)


def _any(judged: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> list[int]:
    rows = judged if judged.ndim == 1 else judged.any(axis=1)
    return [int(row) for row in np.flatnonzero(rows)]


def _stopped(scores: DailyScores) -> Flags:
    """S: whether nothing came on the day though so much was due that chance cannot be why."""
    counted = daily.daily_kind(scores.matrix.metric) is Kind.COUNT
    return np.asarray(counted & (scores.observed == 0) & (scores.lower >= silence.DUE))


def _related(one: Dimensions, other: Dimensions) -> bool:
    return within(one, other) or within(other, one)


def _inside(one: DailyFinding, other: DailyFinding) -> bool:
    """Whether the other says the same of a wider slice, or of the same by a metric before it."""
    if one.dimensions == other.dimensions:
        return other.metric < one.metric and not of_gate(one.metric)
    return within(one.dimensions, other.dimensions) and not of_gate(other.metric)
