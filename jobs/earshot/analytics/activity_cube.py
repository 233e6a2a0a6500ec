"""gold.activity_cube: the series that the detectors read, with the hours in which nothing happened."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import numpy as np
import pyarrow as pa
from pyspark.sql.pandas.types import to_arrow_schema

from earshot.analytics.cube_memory import REMEMBERED_DAYS, Memory, days_before
from earshot.analytics.cube_metrics import COUNTS, MEASURED, METRICS, QUALITY_COUNTS, QUALITY_LEVELS, MeasuredPlays
from earshot.analytics.cube_series import Cells, Series, series_of
from earshot.analytics.play_days import FiledPlays
from earshot.analytics.plays import Integers, table_of
from earshot.core import columns as c
from earshot.core.arrow_rows import ArrowTasks
from earshot.core.cube_combinations import DEEP, DIMENSIONS, SHALLOW
from earshot.core.day_files import DayFiles
from earshot.core.stream_rule import StreamRule
from earshot.core.tables import spec_of

__all__ = ["REMEMBERED_DAYS", "CubeRules", "activity_cube", "cube_of_day"]

READ: Final = (*DIMENSIONS, c.LISTENER_ID, c.STARTED_AT, *MEASURED)
"""Columns of silver.listens that the cube is made of."""

_SCHEMA: Final = spec_of("gold.activity_cube").schema
_ARROW: Final = to_arrow_schema(_SCHEMA, timezone="UTC")
_HOURS: Final = 24
_MOST_RUNS: Final = 16


@dataclass(frozen=True)
class CubeRules:
    """Which series are kept.

    Attributes:
        minimum_volume: A series is kept by day if it had so many plays on that day or one of the
            `REMEMBERED_DAYS` before it.
        hourly_minimum_volume: The same for the series by hour.
        stream_rule: When a play is a counted stream.
        deep_minimum_volume: The same for the series of `deep`, by day and by hour, where it is larger.
        shallow: Dimensions that are fixed together, with every metric.
        deep: The same with sums only, where `shallow` does not have them.
    """

    minimum_volume: int
    hourly_minimum_volume: int
    stream_rule: StreamRule
    deep_minimum_volume: int
    shallow: tuple[tuple[str, ...], ...] = SHALLOW
    deep: tuple[tuple[str, ...], ...] = DEEP

    @property
    def combinations(self) -> tuple[tuple[str, ...], ...]:
        """Every combination of dimensions, the total (of none) first."""
        return tuple(dict.fromkeys(((), *self.shallow, *self.deep)))

    def is_deep(self, fixed: Sequence[str]) -> bool:
        """Whether only sums are kept of a combination, above a floor of its own."""
        return bool(fixed) and tuple(fixed) not in self.shallow

    def minimum_of(self, fixed: Sequence[str], grain: str) -> int:
        """Plays on one day that a series of these dimensions must have had."""
        least = self.hourly_minimum_volume if grain == "hour" else self.minimum_volume
        return max(least, self.deep_minimum_volume) if self.is_deep(fixed) else least


def activity_cube(
    listens: FiledPlays, built: DayFiles, *, days: Collection[date], newest: date, rules: CubeRules
) -> ArrowTasks:
    """Metrics by hour and day over combinations of dimensions.

    A count of a series that is kept has a row for every hour of the day, 0 included, up to the hour
    of the newest play of all; a level (percentile, ratio, mean) has a row where it is known.
    Combinations with a CDN or two client dimensions carry listens and the metrics of quality only, deep ones
    only such of them as are sums.

    Distinct listeners and percentiles over 13 groupings cost Spark an expansion of the plays by 26, sums over 14 more
    one by 14; here a task reads the plays of a day once, and sorts integers. What other days had is told by
    the cube as it stands, or (of days that are built together) by their volumes.

    Args:
        listens: Rows of silver.listens, those of `days` among them.
        built: gold.activity_cube as it stands; tells which series are remembered, but for `days`.
        days: UTC days to build.
        newest: The newest day of all plays; after its last play the hours are not due yet.
        rules: Which series are kept.

    Returns:
        The columns of gold.activity_cube, some days that follow one another a task.
    """
    files, standing = listens.files, built.of(days_before(days).difference(days))

    def of_run(run: Sequence[date]) -> Iterator[pa.Table]:
        memory = Memory(files.of(days), standing, rules.minimum_volume, rules.combinations)
        for day in run:
            rows = files.read(day, READ)
            yield cube_of_day(rows, memory.before(day), day=day, is_newest=day == newest, rules=rules)

    return ArrowTasks(listens.spark, _runs(sorted(days)), of_run, _SCHEMA)


def _runs(days: Sequence[date]) -> list[Sequence[date]]:
    """The days in some tasks: what is remembered of a day need not be read again for the one after it."""
    length = max(REMEMBERED_DAYS, math.ceil(len(days) / _MOST_RUNS))
    return [days[first : first + length] for first in range(0, len(days), length)]


def cube_of_day(plays: pa.Table, remembered: pa.Table, *, day: date, is_newest: bool, rules: CubeRules) -> pa.Table:
    """The cube of one day.

    Args:
        plays: The day's plays: columns `READ`, nulls included.
        remembered: Series that had enough plays on a day before: dimensions, null where not fixed, and `peak`.
        day: The UTC day.
        is_newest: Whether no later play is known: hours after the day's last play are left out.
        rules: Which series are kept.
    """
    cells = Cells.of(plays, remembered, DIMENSIONS)
    measured = MeasuredPlays.of(plays, cells.of_play, rules.stream_rule)
    due = int(cells.hour.max()) + 1 if is_newest and len(cells.hour) else _HOURS
    parts = []
    for fixed in rules.combinations:
        series = series_of(cells, remembered, fixed, minimum_volume=rules.minimum_of(fixed, "day"))
        by_hour = series.where(series.peak >= rules.minimum_of(fixed, "hour"))
        for grain, found, slots in (("hour", by_hour, due), ("day", series, 1)):
            if len(found):
                window = found.of_cell * slots + (cells.hour if grain == "hour" else 0)
                groups = np.where(found.of_cell >= 0, window, -1)
                names = _metrics_of(fixed, rules)
                metrics = measured.metrics(groups, size=len(found) * slots, names=names)
                parts.append(_rows(found, names, grain, metrics, slots=slots, day=day))
    return pa.concat_tables(parts) if parts else _ARROW.empty_table()


def _metrics_of(fixed: Sequence[str], rules: CubeRules) -> tuple[str, ...]:
    if rules.is_deep(fixed):
        return (c.LISTENS, *QUALITY_COUNTS)
    is_delivery = c.CDN in fixed or len(set(fixed) & {c.DEVICE, c.APP_VERSION, c.PLATFORM}) > 1
    return (c.LISTENS, *QUALITY_COUNTS, *QUALITY_LEVELS) if is_delivery else METRICS


def _rows(
    series: Series, names: Sequence[str], grain: str, metrics: Mapping[str, Any], *, slots: int, day: date
) -> pa.Table:
    """Long rows of the metrics of `series` x `slots` windows."""
    count = len(series) * slots
    listens = metrics[c.LISTENS]
    values = np.concatenate([metrics[name] for name in names])
    present = np.flatnonzero(np.concatenate([np.full(count, name in COUNTS) for name in names]) | np.isfinite(values))
    window = present % count
    midnight = np.datetime64(day, "us")
    return table_of(
        {
            c.METRIC: _repeated(names, present // count),
            c.GRAIN: _repeated([grain], np.zeros(len(present), np.int64)),
            c.DIMENSIONS: _maps(series).take(pa.array(window // slots)),
            c.WINDOW_START: pa.array(midnight + (window % slots) * np.timedelta64(3_600_000_000, "us")).cast(
                pa.timestamp("us", "UTC")
            ),
            c.VALUE: values[present],
            c.VOLUME: listens[window].astype(np.int64),
            c.WINDOW_DATE: pa.array(np.full(len(present), midnight.astype("datetime64[D]"))),
        },
        _ARROW,
    )


def _repeated(names: Sequence[str], places: Integers) -> pa.Array:
    return pa.array(list(names), pa.string()).take(pa.array(places))


def _maps(series: Series) -> pa.Array:
    """The dimensions of each series as a map, in the order of `DIMENSIONS`."""
    fixed = [name for name in DIMENSIONS if name in series.values]
    count, width = len(series), len(fixed)
    keys = pa.array(fixed * count, pa.string())
    columns = [series.values[name].to_pylist() for name in fixed]
    items = pa.array([value for row in zip(*columns, strict=True) for value in row], pa.string())
    offsets = pa.array(np.arange(count + 1) * width, pa.int32())
    return pa.MapArray.from_arrays(offsets, keys, items).cast(_ARROW.field(c.DIMENSIONS).type)
