"""gold.activity_cube: the series that the detectors read, with the hours in which nothing happened."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import combinations
from typing import Any, Final

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import to_arrow_schema

from earshot.analytics.cube_metrics import (
    COUNTS,
    IS_COUNTED,
    MEASURED,
    METRICS,
    QUALITY_COUNTS,
    QUALITY_LEVELS,
    MeasuredPlays,
)
from earshot.analytics.cube_series import PEAK, Cells, Series, series_of
from earshot.analytics.plays import Integers, table_of
from earshot.core import columns as c
from earshot.core.arrow_rows import ArrowRows
from earshot.core.measures import counted, known
from earshot.core.stream_rule import StreamRule
from earshot.core.tables import days_condition, spec_of

DIMENSIONS: Final = (c.COUNTRY, c.DEVICE, c.TIER, c.PLATFORM, c.APP_VERSION, c.CDN)

SHALLOW: Final[tuple[tuple[str, ...], ...]] = (
    (),
    *((name,) for name in DIMENSIONS),
    (c.COUNTRY, c.DEVICE),
    (c.COUNTRY, c.TIER),
    (c.DEVICE, c.CDN),
    (c.DEVICE, c.APP_VERSION),
    (c.APP_VERSION, c.CDN),
    (c.DEVICE, c.APP_VERSION, c.CDN),
)
"""Dimensions that are fixed together, and of which every metric is kept that such a combination carries."""

# A platform is told by its devices.
_CROSSED: Final = tuple(name for name in DIMENSIONS if name != c.PLATFORM)
DEEP: Final[tuple[tuple[str, ...], ...]] = tuple(
    fixed for depth in (2, 3) for fixed in combinations(_CROSSED, depth) if fixed not in SHALLOW
)
"""Every other combination of two and three dimensions: for causes that lie deep, with a floor of their own."""

COMBINATIONS: Final = (*SHALLOW, *DEEP)
"""The dimensions that are fixed together; the empty one is the total."""

REMEMBERED_DAYS: Final = 7
"""A series stays in the cube for so many days after the last one on which it had enough plays."""

_SCHEMA: Final = spec_of("gold.activity_cube").schema
_ARROW: Final = to_arrow_schema(_SCHEMA, timezone="UTC")
_HOURS: Final = 24


@dataclass(frozen=True)
class CubeRules:
    """Which series are kept.

    Attributes:
        minimum_volume: A series is kept by day if it had so many plays on that day or one of the
            `REMEMBERED_DAYS` before it.
        hourly_minimum_volume: The same for the series by hour.
        stream_rule: When a play is a counted stream.
        deep_minimum_volume: The same for the series of `DEEP`, by day and by hour, where it is larger.
    """

    minimum_volume: int
    hourly_minimum_volume: int
    stream_rule: StreamRule
    deep_minimum_volume: int

    def minimum_of(self, fixed: Sequence[str], grain: str) -> int:
        """Plays on one day that a series of these dimensions must have had."""
        least = self.hourly_minimum_volume if grain == "hour" else self.minimum_volume
        return max(least, self.deep_minimum_volume) if tuple(fixed) in DEEP else least


def activity_cube(
    listens: DataFrame, built: DataFrame, *, days: Collection[date], newest: date, rules: CubeRules
) -> ArrowRows:
    """Metrics by hour and day over `COMBINATIONS` of dimensions.

    A count of a series that is kept has a row for every hour of the day, 0 included, up to the hour
    of the newest play of all; a level (percentile, ratio, mean) has a row where it is known.
    Combinations with a CDN or two client dimensions carry listens and the metrics of quality only, those of
    `DEEP` only such of them as are sums.

    Distinct listeners and percentiles over 13 groupings cost Spark an expansion of the plays by 26, sums over 14 more
    one by 14;
    here the plays of a day go once to one Arrow task, which sorts integers. What other days had is told by
    the cube as it stands, or (of days that are built together) by their volumes.

    Args:
        listens: Rows of silver.listens of `days`.
        built: gold.activity_cube of the days before, as it stands; tells which series are remembered.
        days: UTC days to build.
        newest: The newest day of all plays; after its last play the hours are not due yet.
        rules: Which series are kept.

    Returns:
        The columns of gold.activity_cube, a group a day.
    """
    plays = listens.select(
        c.LISTEN_DATE,
        *(known(name).alias(name) for name in DIMENSIONS),
        c.LISTENER_ID,
        c.STARTED_AT,
        *MEASURED,
        counted(rules.stream_rule).alias(IS_COUNTED),
    )
    remembered = _remembered(plays, built, days=days, minimum_volume=rules.minimum_volume)

    def build(key: tuple[Any, ...], left: pa.Table, right: pa.Table) -> pa.Table:
        day = key[0].as_py()
        return cube_of_day(left, right, day=day, is_newest=day == newest, rules=rules)

    count = max(1, min(len(days), int(listens.sparkSession.conf.get("spark.sql.shuffle.partitions") or 1)))
    # One partition, asked for, would be shuffled once more to join the other side.
    plays_of_days, series_of_days = (
        (rows.repartition(count, c.LISTEN_DATE) if count > 1 else rows).groupBy(c.LISTEN_DATE)
        for rows in (plays, remembered)
    )
    return ArrowRows(plays_of_days.cogroup(series_of_days), build, _SCHEMA)


def _remembered(plays: DataFrame, built: DataFrame, *, days: Collection[date], minimum_volume: int) -> DataFrame:
    """Day, dimensions (null where not fixed) and the most plays on one of the days before, of remembered series."""
    first = min(days) - timedelta(days=REMEMBERED_DAYS)
    rows = (
        built.where((F.col(c.GRAIN) == "day") & (F.col(c.METRIC) == c.LISTENS))
        .where(F.col(c.WINDOW_DATE).between(first, max(days)))
        .where(~F.expr(days_condition(c.WINDOW_DATE, days)))
        .select(
            F.col(c.WINDOW_DATE).alias(c.LISTEN_DATE),
            *(F.col(c.DIMENSIONS)[name].alias(name) for name in DIMENSIONS),
            F.col(c.VOLUME).alias(PEAK),
        )
    )
    together = {day for day in days if any(day + timedelta(days=n + 1) in days for n in range(REMEMBERED_DAYS))}
    if together:
        rows = rows.unionByName(_volumes(plays.where(days_condition(c.LISTEN_DATE, together))))
    until = F.date_add(c.LISTEN_DATE, REMEMBERED_DAYS)
    return (
        rows.where(F.col(PEAK) >= minimum_volume)
        .withColumn(c.LISTEN_DATE, F.explode(F.sequence(F.date_add(c.LISTEN_DATE, 1), until)))
        .where(days_condition(c.LISTEN_DATE, days))
        .groupBy(c.LISTEN_DATE, *DIMENSIONS)
        .agg(F.max(PEAK).alias(PEAK))
    )


def _volumes(plays: DataFrame) -> DataFrame:
    """Plays by day and `COMBINATIONS` of dimensions; the plays themselves are counted once, not once a combination."""
    cells = plays.groupBy(c.LISTEN_DATE, *DIMENSIONS).agg(F.count("*").alias(PEAK))
    return cells.groupingSets(
        [[cells[c.LISTEN_DATE], *(cells[name] for name in fixed)] for fixed in COMBINATIONS],
        cells[c.LISTEN_DATE],
        *(cells[name] for name in DIMENSIONS),
    ).agg(F.sum(PEAK).alias(PEAK))


def cube_of_day(plays: pa.Table, remembered: pa.Table, *, day: date, is_newest: bool, rules: CubeRules) -> pa.Table:
    """The cube of one day.

    Args:
        plays: The day's plays: the columns of silver.listens that are measured, `is_counted`, dimensions not null.
        remembered: Series that had enough plays on a day before: dimensions, null where not fixed, and `peak`.
        day: The UTC day.
        is_newest: Whether no later play is known: hours after the day's last play are left out.
        rules: Which series are kept.
    """
    cells = Cells.of(plays, remembered, DIMENSIONS)
    measured = MeasuredPlays.of(plays, cells.of_play)
    due = int(cells.hour.max()) + 1 if is_newest and len(cells.hour) else _HOURS
    parts = []
    for fixed in COMBINATIONS:
        series = series_of(cells, remembered, fixed, minimum_volume=rules.minimum_of(fixed, "day"))
        by_hour = series.where(series.peak >= rules.minimum_of(fixed, "hour"))
        for grain, found, slots in (("hour", by_hour, due), ("day", series, 1)):
            if len(found):
                window = found.of_cell * slots + (cells.hour if grain == "hour" else 0)
                groups = np.where(found.of_cell >= 0, window, -1)
                names = _metrics_of(fixed)
                metrics = measured.metrics(groups, size=len(found) * slots, names=names)
                parts.append(_rows(found, names, grain, metrics, slots=slots, day=day))
    return pa.concat_tables(parts) if parts else _ARROW.empty_table()


def _metrics_of(fixed: Sequence[str]) -> tuple[str, ...]:
    if tuple(fixed) in DEEP:
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
