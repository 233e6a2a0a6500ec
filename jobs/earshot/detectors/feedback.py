"""Incidents that people confirmed: they are judged, but never learnt from."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np

from earshot.detectors.series import Dimensions, SeriesMatrix, sorted_dimensions, within

DIMENSIONS: Final = ("country", "device", "tier", "platform", "app_version", "cdn")
_CONFIRMED: Final = "confirmed"


@dataclass(frozen=True)
class KnownIncident:
    """A slice and the time in which something is known to have been wrong with it."""

    dimensions: Dimensions
    starts_at: datetime
    ends_at: datetime


def known_incidents(feedback: Iterable[Mapping[str, Any]], alerts: Iterable[Mapping[str, Any]]) -> list[KnownIncident]:
    """What ops.feedback confirms.

    Args:
        feedback: Rows of ops.feedback; the latest verdict on a subject holds. The subject of an alert is its
            fingerprint, that of an incident JSON with `dimensions`, `starts_at` and `ends_at`.
        alerts: Rows of gold.alerts, with labels as a mapping.
    """
    latest: dict[tuple[str, str], tuple[datetime, str]] = {}
    for row in feedback:
        key = (str(row["subject_kind"]), str(row["subject"]))
        at = _utc(row["at"]) or datetime.min.replace(tzinfo=UTC)
        if key not in latest or at >= latest[key][0]:
            latest[key] = (at, str(row["verdict"]))
    confirmed = {key for key, (_, verdict) in latest.items() if verdict == _CONFIRMED}
    fingerprints = {subject for kind, subject in confirmed if kind == "alert"}
    found = [_of_alert(row) for row in alerts if row["fingerprint"] in fingerprints]
    found += [_of_json(subject) for kind, subject in sorted(confirmed) if kind == "incident"]
    return [incident for incident in found if incident is not None]


def exclude(matrix: SeriesMatrix, incidents: Sequence[KnownIncident]) -> SeriesMatrix:
    """The matrix with the hours of known incidents excluded from learning.

    An incident concerns its own slice, what lies within it, and what it lies within.
    """
    excluded = matrix.excluded.copy()
    hours = matrix.hours
    for incident in incidents:
        start, end = (
            np.datetime64(at.astimezone(UTC).replace(tzinfo=None)) for at in (incident.starts_at, incident.ends_at)
        )
        inside = (hours + np.timedelta64(1, "h") > start) & (hours < end)
        for row, dimensions in enumerate(matrix.dimensions):
            if concerns(incident, dimensions):
                excluded[row, inside] = True
    return replace(matrix, excluded=excluded)


def concerns(incident: KnownIncident, dimensions: Dimensions) -> bool:
    """Whether a series lies in the incident's slice, or the slice in it."""
    return within(dimensions, incident.dimensions) or within(incident.dimensions, dimensions)


def _of_alert(row: Mapping[str, Any]) -> KnownIncident | None:
    starts_at = _utc(row["starts_at"])
    if starts_at is None:
        return None
    labels = dict(row.get("labels") or {})
    ends_at = _utc(row.get("ends_at")) or _utc(row.get("updated_at")) or starts_at + timedelta(hours=1)
    dimensions = sorted_dimensions([(name, labels[name]) for name in DIMENSIONS if name in labels])
    return KnownIncident(dimensions, starts_at, ends_at)


def _of_json(subject: str) -> KnownIncident | None:
    try:
        told = json.loads(subject)
        dimensions = sorted_dimensions({str(name): str(value) for name, value in told.get("dimensions", {}).items()})
        starts_at, ends_at = (_utc(datetime.fromisoformat(told[key])) for key in ("starts_at", "ends_at"))
    except (ValueError, KeyError, AttributeError, TypeError):
        return None
    return KnownIncident(dimensions, starts_at, ends_at) if starts_at and ends_at else None


def _utc(at: datetime | None) -> datetime | None:
    if at is None:
        return None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
