"""gold.audio_quality by day, week, month, country or whatever else its cells tell, without the plays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql.pandas.types import to_arrow_schema

from earshot.core import columns as c
from earshot.core.log_histogram import Sketches
from earshot.core.playback import LEVELS, SKETCHES, SUMS, Integers, levels
from earshot.core.stall_effect import TERMS, StallEffect, stall_effect
from earshot.core.tables import spec_of

Period = Literal["hour", "day", "week", "month"]

DIMENSIONS: Final = (c.COUNTRY, c.DEVICE, c.CDN, c.APP_VERSION)
PERCENTILES: Final = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
EFFECT: Final = ("leaving_ratio", "leaving_lower", "leaving_upper", "leaving_stalled", "leaving_plays")
"""Columns of a roll-up that tell of `core.stall_effect.StallEffect`; null where too little is known."""

COLUMNS: Final = (c.QUALITY_DATE, c.HOUR_START, *DIMENSIONS, *SUMS, *SKETCHES.values(), c.STALL_LEAVING)
"""What of gold.audio_quality is needed."""

_SCHEMA: Final = to_arrow_schema(spec_of("gold.audio_quality").schema, timezone="UTC")


def roll_up(cells: pa.Table, *, period: Period | None = None, by: Sequence[str] = ()) -> pa.Table:
    """The figures of playback quality over groups of cells.

    Ratios, means and the quality score are those of all plays of the group, exactly; percentiles are within
    `core.log_histogram.RELATIVE_ERROR` of the plays' own. Cells that were written before there were sketches
    (played_ms is null) are left out: rebuild their days.

    Args:
        cells: `COLUMNS` of rows of gold.audio_quality.
        period: UTC hour, day, ISO week or month; None for all time.
        by: Dimensions to keep, of `DIMENSIONS`.

    Returns:
        period_start (where there is a period), the dimensions, the columns of `SUMS` and `LEVELS`, of each measure
        of `SKETCHES` the `PERCENTILES` (`startup_ms_p50`, ...), and those of `EFFECT`; in the order of the keys.
    """
    if c.STALL_LEAVING not in cells.column_names:
        cells = _SCHEMA.empty_table()
    cells = cells.filter(pc.is_valid(cells[c.PLAYED_MS])).combine_chunks()
    keys = {name: cells[name] for name in by}
    if period is not None:
        start = pc.floor_temporal(cells[c.HOUR_START], unit=period, week_starts_monday=True)
        keys = {c.PERIOD_START: start, **keys}
    values, places, size = _grouped(keys, cells.num_rows)
    sums = {name: _summed(_whole(cells[name]), places, size) for name in SUMS}
    sketches = {name: Sketches.of_maps(cells[column]).regrouped(places, size=size) for name, column in SKETCHES.items()}
    figures: dict[str, Any] = {**values, **sums}
    totals = {name: sketch.totals for name, sketch in sketches.items()}
    figures |= levels(sums, startups=totals[c.STARTUP_MS], stalls=totals[c.REBUFFER_MS])
    for name, sketch in sketches.items():
        figures |= {f"{name}_{which}": sketch.quantile(share) for which, share in PERCENTILES.items()}
    effects = _effects(cells[c.STALL_LEAVING], places, size)
    told = [(e.ratio, e.lower, e.upper, e.stalled, e.plays) if e else (None,) * len(EFFECT) for e in effects]
    kinds = (pa.float64(), pa.float64(), pa.float64(), pa.int64(), pa.int64())
    figures |= {name: pa.array([row[n] for row in told], kinds[n]) for n, name in enumerate(EFFECT)}
    return pa.table({name: _nulled(column) for name, column in figures.items()})


def measures() -> tuple[str, ...]:
    """The columns of a roll-up beside its keys."""
    percentiles = (f"{name}_{which}" for name in SKETCHES for which in PERCENTILES)
    return (*SUMS, *LEVELS, *percentiles, *EFFECT)


def _grouped(keys: Mapping[str, pa.ChunkedArray], rows: int) -> tuple[dict[str, Any], Integers, int]:
    """Values of the keys by group, the group of each row, and how many groups there are."""
    codes = np.zeros(rows, np.int64)
    names: dict[str, Any] = {}
    for key, column in keys.items():
        found, place = np.unique(column.to_numpy(), return_inverse=True)
        names[key] = (found, column.type)
        codes = codes * max(len(found), 1) + place
    groups, places = np.unique(codes, return_inverse=True)
    values: dict[str, Any] = {}
    left = groups
    for key in reversed(list(keys)):
        found, kind = names[key]
        values[key] = pa.array(found[left % max(len(found), 1)]).cast(kind)
        left = left // max(len(found), 1)
    return {key: values[key] for key in keys}, places, len(groups)


def _summed(values: Any, places: Integers, size: int) -> Any:
    sums = np.zeros(size, values.dtype)
    np.add.at(sums, places, values)
    return sums


def _whole(column: pa.ChunkedArray) -> Integers:
    values: Integers = pc.fill_null(column, 0).to_numpy()
    return values


def _effects(maps: pa.ChunkedArray, places: Integers, size: int) -> list[StallEffect | None]:
    there = np.asarray(pc.is_valid(maps))
    rows = [dict(row) for row in pc.drop_null(maps).to_pylist()]
    parts = np.array([[row.get(term, 0.0) for term in TERMS] for row in rows]).reshape(-1, len(TERMS))
    sums = np.stack([_summed(parts[:, n], places[there], size) for n in range(len(TERMS))], axis=1)
    return [stall_effect(dict(zip(TERMS, map(float, row), strict=True))) for row in sums]


def _nulled(column: Any) -> pa.Array:
    if isinstance(column, np.ndarray):
        return pa.array(column, mask=np.isnan(column)) if column.dtype == np.float64 else pa.array(column)
    return column
