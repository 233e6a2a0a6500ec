"""The cube of the lake as history: what is there, which days want scores, and where scores go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from earshot.core.settings import AnomalySettings
from earshot.core.small_tables import SmallTables
from earshot.detectors import daily_series
from earshot.detectors.calendars import Calendar
from earshot.detectors.cube import matrices
from earshot.detectors.daily import DailyMatrix
from earshot.detectors.feedback import exclude, known_incidents
from earshot.detectors.series import HOURS_OF_DAY, SeriesMatrix

CUBE: Final = "gold.activity_cube"
ANOMALIES: Final = "gold.anomalies"


@dataclass(frozen=True)
class History:
    """Every hourly series from the first day to the last.

    Attributes:
        first: First UTC day of the matrices.
        opened: First hour that the cube has; None where it has none.
        matrices: One a metric.
        daily: The same by day, and series that are known by day only.
    """

    first: date
    opened: datetime | None
    matrices: tuple[SeriesMatrix, ...]
    daily: tuple[DailyMatrix, ...] = ()

    def hours_before(self, day: date) -> float:
        """Hours of history before a day begins."""
        if self.opened is None:
            return 0.0
        return max((datetime.combine(day, time(), UTC) - self.opened).total_seconds() / 3600, 0.0)

    def shortage(self, day: date, minimum_hours: int) -> str:
        """What is missing for a day to be judged, in words; empty where nothing is."""
        hours = self.hours_before(day)
        return "" if hours >= minimum_hours else f"{hours:.0f} h of history before {day}; {minimum_hours} h are needed"

    def position(self, day: date) -> int:
        """Where a day stands in the matrices."""
        return (day - self.first).days

    def first_judged(self, minimum_hours: int) -> int:
        """Position of the first day that has enough history before it; at least two days."""
        if self.opened is None:
            return 0
        opened = (self.opened - datetime.combine(self.first, time(), UTC)).total_seconds() / 3600
        return max(int(np.ceil((opened + minimum_hours) / HOURS_OF_DAY)), 2)


def read_history(
    lake: SmallTables, settings: AnomalySettings, last: date, until: datetime | None = None, *, by_day: bool = False
) -> History:
    """Read the cube up to `last`, known incidents marked.

    Args:
        lake: The tables.
        settings: How far back, and how many series at most.
        last: Last day.
        until: Hours that end later have not happened yet; None: all of the last day has.
        by_day: Whether the series by day are wanted too.
    """
    first = last - timedelta(days=settings.history_days)
    days = [("window_date", ">=", first), ("window_date", "<=", last)]
    wanted = ("metric", "grain", "dimensions", "window_start", "value", "volume", "window_date")
    whole = lake.arrow(CUBE, filters=days, columns=wanted)
    hours = whole["window_start"].filter(pc.equal(whole["grain"], "hour"))
    if not len(hours):
        return History(first, None, ())
    opened: datetime = pc.min(hours).as_py().astimezone(UTC)
    began = max(first, opened.date())
    calendar = Calendar(settings.days_off, settings.zones, settings.public_holidays)
    hourly = matrices(whole, began, last, max_series=settings.max_series, until=until)
    found = [calendar.mark(matrix) for matrix in hourly]
    incidents = known_incidents(lake.rows("ops.feedback"), lake.rows("gold.alerts"))
    excluding = tuple(exclude(one, incidents) if incidents else one for one in found)
    if not by_day:
        return History(began, opened, excluding)
    daily = daily_series.read(lake, whole, began, last, calendar=calendar, incidents=incidents)
    return History(began, opened, excluding, daily)


def _scored_totals(lake: SmallTables, first: date, last: date) -> dict[datetime, float]:
    """The hours of the total series that have scores, with the figure that was scored."""
    total = [("metric", "=", "listens"), ("grain", "=", "hour")]
    days = [("window_date", ">=", first), ("window_date", "<=", last), *total]
    rows = lake.arrow(ANOMALIES, filters=days, columns=("dimensions", "window_start", "observed"))
    if not rows.num_rows:
        return {}
    kept = rows.filter(pc.equal(_sizes(rows["dimensions"]), 0))
    stamps, seen = kept["window_start"].to_pylist(), kept["observed"].to_pylist()
    both = zip(stamps, seen, strict=True)
    return {stamp.astimezone(UTC): float(value) for stamp, value in both if value is not None}


def days_to_score(lake: SmallTables, history: History, last: date, minimum_hours: int) -> list[date]:
    """Days with enough history that have no scores, or others than their figures now want; and the last day.

    Args:
        lake: The tables.
        history: Everything up to the last day.
        last: The logical date; always scored.
        minimum_hours: History that a day must have before it.
    """
    scored = _scored_totals(lake, history.first, last)
    total = next((m for m in history.matrices if m.metric == "listens" and () in m.row_by_dimensions()), None)
    wanted = []
    for position in range(history.first_judged(minimum_hours), history.position(last) + 1):
        day = history.first + timedelta(days=position)
        if day == last or total is None or not _as_scored(total, position, scored):
            wanted.append(day)
    return wanted


def write_scores(lake: SmallTables, tables: Sequence[pa.Table], days: Sequence[date]) -> int:
    """Replace the scores of these days in one commit; returns the rows."""
    if not tables:
        return 0
    rows = pa.concat_tables(tables)
    literals = ", ".join(f"'{day.isoformat()}'" for day in days)
    lake.overwrite(ANOMALIES, rows, predicate=f"window_date IN ({literals})")
    return int(rows.num_rows)


def _as_scored(total: SeriesMatrix, position: int, scored: dict[datetime, float]) -> bool:
    row = total.row_by_dimensions()[()]
    hours = slice(position * HOURS_OF_DAY, (position + 1) * HOURS_OF_DAY)
    for stamp, value in zip(total.hours[hours].tolist(), total.values[row, hours], strict=True):
        if np.isfinite(value) and scored.get(stamp.replace(tzinfo=UTC)) != value:
            return False
    return True


def _sizes(maps: pa.ChunkedArray) -> pa.Array:
    arrays = [np.diff(chunk.offsets.to_numpy()) for chunk in maps.chunks]
    return pa.array(np.concatenate(arrays) if arrays else np.zeros(0, dtype=np.int64))


def detected_rows(lake: SmallTables) -> list[dict[str, Any]]:
    """The rows of gold.anomalies that have a severity."""
    rows = lake.arrow(ANOMALIES, columns=("metric", "grain", "dimensions", "window_start", "severity"))
    found: list[dict[str, Any]] = rows.filter(pc.is_valid(rows["severity"])).to_pylist()
    return found
