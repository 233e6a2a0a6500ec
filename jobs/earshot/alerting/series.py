"""The windows around an alert, for the picture in its message: what was seen, what was expected, the band."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from earshot.alerting.rules import DIMENSIONS
from earshot.core.alerts import Alert, Notification, Point
from earshot.core.figures import finite
from earshot.core.small_tables import SmallTables

_ANOMALIES = "gold.anomalies"
_SPAN = {"hour": timedelta(hours=48), "day": timedelta(days=28)}
_AFTER = {"hour": timedelta(hours=6), "day": timedelta(days=3)}
_MOST = 10
_VALUES = ("observed", "expected", "lower", "upper")


def with_series(messages: Sequence[Notification], small_tables: SmallTables) -> list[Notification]:
    """The messages, each with the series of its first alerts that have one."""
    drawn = {
        (alert.fingerprint, alert.starts_at): alert
        for message in messages
        for alert in message.alerts[:_MOST]
        if "metric" in alert.labels and alert.labels.get("grain") in _SPAN
    }
    found = {key: points for key, alert in drawn.items() if (points := _points(alert, small_tables))}
    return [message.model_copy(update={"series": _of(message, found)}) for message in messages]


def _of(message: Notification, found: dict[tuple[str, datetime], tuple[Point, ...]]) -> dict[str, tuple[Point, ...]]:
    own = ((alert.fingerprint, alert.starts_at) for alert in message.alerts[:_MOST])
    return {key[0]: found[key] for key in own if key in found}


def _points(alert: Alert, small_tables: SmallTables) -> tuple[Point, ...]:
    grain = alert.labels["grain"]
    last = alert.evidence.last or alert.ends_at or alert.updated_at
    until = max(last, alert.starts_at) + _AFTER[grain]
    since = min(until - _SPAN[grain], alert.starts_at - _AFTER[grain])
    where = (
        (pc.field("metric") == alert.labels["metric"])
        & (pc.field("grain") == grain)
        & (pc.field("window_date") >= since.date())
        & (pc.field("window_date") <= until.date())
    )
    rows = small_tables.arrow(_ANOMALIES, where, columns=["dimensions", "window_start", *_VALUES])
    own = _of_slice(rows, alert).sort_by("window_start").drop_columns(["dimensions"]).to_pylist()
    points = (
        Point(at=row["window_start"].astimezone(UTC), **{name: finite(row[name]) for name in _VALUES}) for row in own
    )
    return tuple(point for point in points if since <= point.at < until)


def _of_slice(rows: pa.Table, alert: Alert) -> pa.Table:
    """The rows whose dimensions are exactly those of the alert."""
    dimensions = {name: alert.labels[name] for name in DIMENSIONS if name in alert.labels}
    if not rows.num_rows:
        return rows
    maps = pa.concat_arrays(rows["dimensions"].chunks)
    own = pa.array(np.diff(maps.offsets.to_numpy()) == len(dimensions))
    for name, value in dimensions.items():
        found = pc.map_lookup(maps, query_key=pa.scalar(name), occurrence="first")
        own = pc.and_(own, pc.fill_null(pc.equal(found, value), False))
    return rows.filter(own)
