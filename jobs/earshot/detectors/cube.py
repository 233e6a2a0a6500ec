"""gold.activity_cube as matrices, one a metric, without a loop over its rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from earshot.detectors.series import HOURS_OF_DAY, Dimensions, Floats, Kind, SeriesMatrix, kind_of, sorted_dimensions

_MIX: Final = np.uint64(0x9E3779B97F4A7C15)


def matrices(
    cube: pa.Table, first: date, last: date, *, max_series: int = 5_000, until: datetime | None = None
) -> list[SeriesMatrix]:
    """The hourly series of the cube from `first` to `last`, both included.

    Args:
        cube: Columns metric, grain, dimensions (map), window_start, value, volume.
        first: First UTC day.
        last: Last UTC day.
        max_series: Series kept for each metric, those with most volume first.
        until: Hours that do not end by then have not happened yet, and are no gaps; nor are those after the
            last hour that any series has.

    Returns:
        A matrix a metric, by name; a series begins with its first hour; from there on the missing
        hours of a count are 0, before it, and on days without any row of it, they are nan.
    """
    start = np.datetime64(first, "D")
    hours = ((last - first).days + 1) * HOURS_OF_DAY
    # The rows by day stay where they are: to take a map column apart costs more than all that follows.
    is_hourly = pc.equal(cube["grain"], "hour").to_numpy()
    stamps = cube["window_start"].cast(pa.timestamp("us"), safe=False).to_numpy().astype("datetime64[h]")
    column = (stamps - start.astype("datetime64[h]")).astype(np.int64)
    inside = is_hourly & (column >= 0) & (column < hours)
    codes, distinct = dimension_codes(cube["dimensions"])
    metrics = cube["metric"].combine_chunks().dictionary_encode()
    names = metrics.dictionary.to_pylist()
    metric_codes = metrics.indices.to_numpy(zero_copy_only=False)
    values = cube["value"].to_numpy().astype(np.float64)
    volumes = np.nan_to_num(cube["volume"].to_numpy().astype(np.float64))
    opened = int(column[inside].min()) if inside.any() else 0
    last_seen = int(column[inside].max()) + 1 if inside.any() else 0
    over = last_seen if until is None else min(_whole_hours(start, until), hours)
    ended = min(last_seen, over)
    found = []
    for code in sorted(range(len(names)), key=lambda index: str(names[index])):
        of_metric = np.flatnonzero(inside & (metric_codes == code))
        if of_metric.size:
            rows = (codes[of_metric], column[of_metric], values[of_metric], volumes[of_metric])
            matrix = _matrix(str(names[code]), distinct, start, (hours, opened, ended), rows, max_series)
            found.append(replace(matrix, over=over))
    return found


def _whole_hours(start: np.datetime64, until: datetime) -> int:
    stop = np.datetime64(until.astimezone(UTC).replace(tzinfo=None), "h")
    return max(int((stop - start.astype("datetime64[h]")).astype(np.int64)), 0)


def _matrix(
    metric: str,
    distinct: list[Dimensions],
    start: np.datetime64,
    span: tuple[int, int, int],
    rows: tuple[NDArray[np.int64], NDArray[np.int64], Floats, Floats],
    max_series: int,
) -> SeriesMatrix:
    codes, columns, values, volumes = rows
    hours, opened, ended = span
    size = np.bincount(codes, weights=volumes, minlength=len(distinct))
    present = np.unique(codes)
    largest = present[np.argsort(-size[present], kind="stable")][:max_series]
    kept = np.array(sorted(largest.tolist(), key=lambda code: distinct[code]), dtype=np.int64)
    position = np.full(len(distinct), -1)
    position[kept] = np.arange(kept.size)
    held = position[codes] >= 0
    at = (position[codes][held], columns[held])
    value = np.full((kept.size, hours), np.nan)
    volume = np.zeros((kept.size, hours))
    value[at] = values[held]
    volume[at] = volumes[held]
    seen = np.isfinite(value)
    began = np.where(seen.any(axis=1), seen.argmax(axis=1), hours)
    # A series that begins within a day of the first row of the cube was there all along.
    began = np.where(began <= opened + HOURS_OF_DAY, opened, began)
    clock = np.arange(hours)[None, :]
    # The cube keeps series by day: a day without any row of a series is one on which it was not kept.
    kept_days = np.repeat(seen.reshape(kept.size, -1, HOURS_OF_DAY).any(axis=2), HOURS_OF_DAY, axis=1)
    there = (clock >= began[:, None]) & (clock < ended) & kept_days
    if kind_of(metric) is Kind.COUNT:
        value = np.where(there & ~seen, 0.0, value)
    names = tuple(distinct[code] for code in kept)
    return SeriesMatrix(metric, names, start, value, volume, there, np.zeros_like(there))


def dimension_codes(column: pa.ChunkedArray) -> tuple[NDArray[np.int64], list[Dimensions]]:
    """Of each row, the number of its dimensions; and the dimensions by number."""
    maps = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
    if len(maps) == 0:
        return np.zeros(0, dtype=np.int64), []
    keys, items, offsets = maps.keys, maps.items, maps.offsets.to_numpy()
    key_codes = keys.dictionary_encode().indices.to_numpy(zero_copy_only=False).astype(np.uint64)
    item_codes = items.dictionary_encode().indices.to_numpy(zero_copy_only=False).astype(np.uint64)
    pairs = _scatter(key_codes * np.uint64(1_000_003) + item_codes)
    # The sum does not depend on the order of the pairs.
    sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(pairs, dtype=np.uint64)])
    hashes = sums[offsets[1:]] - sums[offsets[:-1]]
    encoded = pa.array(hashes).dictionary_encode()  # by a hash table; np.unique would sort every row
    codes = encoded.indices.to_numpy().astype(np.int64)
    representative = np.zeros(len(encoded.dictionary), np.int64)
    representative[codes] = np.arange(codes.size)
    decoded: Iterable[Any] = maps.take(pa.array(representative)).to_pylist()
    return codes, [sorted_dimensions(pairs_of or ()) for pairs_of in decoded]


def _scatter(codes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finaliser of SplitMix64: well-mixed 64 bits for each code."""
    with np.errstate(over="ignore"):
        z = (codes + np.uint64(1)) * _MIX
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        mixed: NDArray[np.uint64] = z ^ (z >> np.uint64(31))
        return mixed
