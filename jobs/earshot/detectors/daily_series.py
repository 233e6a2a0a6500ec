"""What is judged by day: gold.activity_cube, rates of gold.behaviour, shares of charts and suspects, the gate."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from statistics import median
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from earshot.core import arrow_columns
from earshot.core.daily_metrics import BEHAVIOUR_RATES, GATE_KPIS
from earshot.core.small_tables import SmallTables
from earshot.detectors import mart_series
from earshot.detectors.calendars import Calendar
from earshot.detectors.cube import dimension_codes
from earshot.detectors.daily import DailyMatrix
from earshot.detectors.feedback import KnownIncident, concerns
from earshot.detectors.series import Flags

COLUMNS: Final = ("metric", "dimensions", "window_start", "value", "volume")
_ALL: Final = "ALL"
_DRIFT: Final = "drift."


def read(
    lake: SmallTables,
    cube: pa.Table,
    first: date,
    last: date,
    *,
    calendar: Calendar,
    incidents: Sequence[KnownIncident] = (),
) -> tuple[DailyMatrix, ...]:
    """Every series by day from the first day to the last.

    Args:
        lake: The tables.
        cube: Rows of gold.activity_cube of these days, of both grains.
        first: First UTC day.
        last: Last UTC day.
        calendar: Holidays.
        incidents: Known ones, whose days are not learnt from.
    """
    daily = cube.filter(pc.equal(cube["grain"], "day")).select(COLUMNS)
    shares = [
        _told(metric, dict(slice_), day, share, of)
        for metric, slice_, day, share, of in mart_series.read(lake, cube, first, last)
    ]
    others = [*_of_behaviour(lake, first, last), *shares, *_of_gate(lake, first, last)]
    rows = pa.concat_tables([daily, pa.Table.from_pylist(others, schema=daily.schema)])
    return tuple(matrices(rows, first, last, calendar=calendar, incidents=incidents))


def matrices(
    rows: pa.Table, first: date, last: date, *, calendar: Calendar, incidents: Sequence[KnownIncident] = ()
) -> Iterator[DailyMatrix]:
    """A matrix a metric, by name, from rows with `COLUMNS`."""
    days = (last - first).days + 1
    whole = rows.combine_chunks()
    codes, distinct = dimension_codes(whole["dimensions"])
    stamps = whole["window_start"].cast(pa.timestamp("us"), safe=False).to_numpy().astype("datetime64[D]")
    place = (stamps - np.datetime64(first, "D")).astype(np.int64)
    values = whole["value"].to_numpy().astype(np.float64)
    volumes = np.nan_to_num(whole["volume"].to_numpy().astype(np.float64))
    metric_codes, metrics = arrow_columns.coded(whole["metric"])
    inside = (place >= 0) & (place < days)
    for metric, code in sorted((name, code) for code, name in enumerate(metrics.to_pylist())):
        at = np.flatnonzero(inside & (metric_codes == code))
        if not at.size:
            continue
        held = np.array(sorted(arrow_columns.distinct(codes[at]).tolist(), key=lambda one: distinct[one]), np.int64)
        row_of = np.zeros(len(distinct), dtype=np.int64)
        row_of[held] = np.arange(held.size)
        value, volume = np.full((held.size, days), np.nan), np.zeros((held.size, days))
        value[row_of[codes[at]], place[at]] = values[at]
        volume[row_of[codes[at]], place[at]] = volumes[at]
        names = tuple(distinct[code] for code in held)
        resting = _holidays(names, first, days, calendar)
        yield DailyMatrix(metric, names, first, value, volume, _excluded(names, first, days, incidents), resting)


def _holidays(names: Sequence[tuple[tuple[str, str], ...]], first: date, days: int, calendar: Calendar) -> Flags:
    countries = [dict(dimensions).get("country", "") for dimensions in names]
    by_country = {
        country: [bool(country) and calendar.is_holiday(country, first + timedelta(days=n)) for n in range(days)]
        for country in set(countries)
    }
    return np.array([by_country[country] for country in countries], dtype=np.bool_).reshape(-1, days)


def _excluded(
    names: Sequence[tuple[tuple[str, str], ...]], first: date, days: int, incidents: Sequence[KnownIncident]
) -> Flags:
    found = np.zeros((len(names), days), dtype=np.bool_)
    for incident in incidents:
        begin = max((incident.starts_at.date() - first).days, 0)
        end = (incident.ends_at.date() - first).days + 1
        for row, dimensions in enumerate(names):
            if concerns(incident, dimensions):
                found[row, begin : max(end, begin)] = True
    return found


def _of_behaviour(lake: SmallTables, first: date, last: date) -> Iterator[dict[str, Any]]:
    days = [("day", ">=", first), ("day", "<=", last)]
    rows = lake.arrow("gold.behaviour", days, ("day", "country", "tier", "metric", "value", "volume", "slice"))
    for row in rows.to_pylist():
        if row["metric"] in BEHAVIOUR_RATES and not row.get("slice") and row["value"] is not None:
            fixed = {name: row[name] for name in ("country", "tier") if row[name] != _ALL}
            yield _told(row["metric"], fixed, row["day"], row["value"], row["volume"])


def _of_gate(lake: SmallTables, first: date, last: date) -> Iterator[dict[str, Any]]:
    """The median of the batches that were measured on a day."""
    by_day: dict[tuple[str, date], list[float]] = defaultdict(list)
    for row in lake.arrow("gold.quality_kpis", columns=("measured_at", "suite", "kpi", "value")).to_pylist():
        if row["kpi"] in GATE_KPIS and not row["suite"].startswith(_DRIFT) and row["value"] is not None:
            day = row["measured_at"].astimezone(UTC).date()
            if first <= day <= last:
                by_day[row["kpi"], day].append(float(row["value"]))
    for (kpi, day), values in by_day.items():
        yield _told(kpi, {}, day, median(values), 0)


def _told(metric: str, fixed: Mapping[str, str], day: date, value: float, volume: int | None) -> dict[str, Any]:
    start = datetime.combine(day, time(), UTC)
    figures = (metric, list(fixed.items()), start, float(value), int(volume or 0))
    return dict(zip(COLUMNS, figures, strict=True))
