"""Detections against incidents that are known to have happened."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from earshot.detectors.series import Dimensions, contradict, sorted_dimensions

_GRAINS: Final = {"hour": timedelta(hours=1), "day": timedelta(days=1)}


@dataclass(frozen=True)
class Detection:
    """A window with a severity."""

    metric: str
    dimensions: Dimensions
    starts_at: datetime
    ends_at: datetime

    @property
    def group(self) -> tuple[str, Dimensions]:
        """What the fingerprint of its alert rests on."""
        return self.metric, self.dimensions


@dataclass(frozen=True)
class Incident:
    """Something that really happened."""

    incident_id: str
    kind: str
    metrics: frozenset[str]
    dimensions: Dimensions
    starts_at: datetime
    ends_at: datetime

    def shown_by(self, detection: Detection) -> bool:
        """Whether the detection overlaps it, in one of its metrics, and does not contradict its dimensions."""
        overlaps = detection.starts_at < self.ends_at and detection.ends_at > self.starts_at
        return overlaps and detection.metric in self.metrics and not contradict(detection.dimensions, self.dimensions)


@dataclass(frozen=True)
class Agreement:
    """How detections and incidents agree.

    Attributes:
        recall: Found incidents / incidents; 1 where there was none.
        precision: Groups of detections that show an incident / groups; 1 where there was none.
        incidents: One row each: kind, whether found, hours to the first detection, by which series.
        false_groups: The groups that show none.
    """

    recall: float
    precision: float
    groups: int
    incidents: list[dict[str, Any]]
    false_groups: list[dict[str, Any]]


def detections_of(rows: Iterable[Mapping[str, Any]]) -> list[Detection]:
    """The rows of gold.anomalies that have a severity."""
    found = []
    for row in rows:
        if row["severity"] is not None:
            start = _utc(row["window_start"])
            where = sorted_dimensions(dict(row["dimensions"] or {}))
            found.append(Detection(row["metric"], where, start, start + _GRAINS.get(row["grain"], _GRAINS["hour"])))
    return found


def incidents_of(rows: Iterable[Mapping[str, Any]]) -> list[Incident]:
    """The rows of truth/incidents."""
    return [
        Incident(
            str(row["incident_id"]),
            str(row["kind"]),
            frozenset(row["metrics"]),
            sorted_dimensions(dict(row["dimensions"] or {})),
            _utc(row["starts_at"]),
            _utc(row["ends_at"]),
        )
        for row in rows
    ]


def compare(detections: Sequence[Detection], incidents: Sequence[Incident]) -> Agreement:
    """Recall by incident, precision by group of detections with one metric and the same dimensions."""
    true_groups, told = set(), []
    for incident in incidents:
        showing = [detection for detection in detections if incident.shown_by(detection)]
        true_groups |= {detection.group for detection in showing}
        first = min(showing, key=lambda detection: detection.starts_at, default=None)
        late = None if first is None else max((first.ends_at - incident.starts_at).total_seconds() / 3600, 0.0)
        told.append(
            {
                "incident": incident.incident_id,
                "kind": incident.kind,
                "dimensions": _words(incident.dimensions),
                "found": first is not None,
                "hours_to_detect": late,
                "first_shown_by": "" if first is None else f"{first.metric} {_words(first.dimensions)}",
            }
        )
    groups = {detection.group for detection in detections}
    false = [
        {"metric": metric, "dimensions": _words(dimensions), "first": min(_starts(detections, (metric, dimensions)))}
        for metric, dimensions in sorted(groups - true_groups)
    ]
    found = sum(bool(row["found"]) for row in told)
    return Agreement(
        recall=found / len(incidents) if incidents else 1.0,
        precision=len(true_groups) / len(groups) if groups else 1.0,
        groups=len(groups),
        incidents=told,
        false_groups=false,
    )


def _starts(detections: Sequence[Detection], group: tuple[str, Dimensions]) -> list[datetime]:
    return [detection.starts_at for detection in detections if detection.group == group]


def _words(dimensions: Dimensions) -> str:
    return " x ".join(f"{name}={value}" for name, value in dimensions) or "total"


def _utc(at: datetime) -> datetime:
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
