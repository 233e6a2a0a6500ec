"""Which series the days before a day had: as the cube tells, or the plays of days that are built with it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from earshot.analytics.cube_series import PEAK
from earshot.analytics.plays import Integers, counted_keys, mixed, numbered
from earshot.core import columns as c
from earshot.core.cube_combinations import DIMENSIONS
from earshot.core.day_files import DayFiles
from earshot.core.measures import UNKNOWN

REMEMBERED_DAYS: Final = 7
"""A series stays in the cube for so many days after the last one on which it had enough plays."""

_SCHEMA: Final = pa.schema([*((name, pa.string()) for name in DIMENSIONS), (PEAK, pa.int64())])


class Memory:
    """What days had, each looked at once while days go by.

    Args:
        plays: Of the days that are built together.
        cube: gold.activity_cube of other days.
        minimum_volume: Series with fewer plays on a day are forgotten.
        combinations: Dimensions that are fixed together.
    """

    def __init__(
        self, plays: DayFiles, cube: DayFiles, minimum_volume: int, combinations: Sequence[Sequence[str]]
    ) -> None:
        self._plays, self._cube, self._minimum = plays, cube, minimum_volume
        self._combinations = combinations
        self._known: dict[date, pa.Table] = {}

    def before(self, day: date) -> pa.Table:
        """The series of the `REMEMBERED_DAYS` before a day: dimensions, null where not fixed, and the most plays."""
        earlier = sorted(days_before([day]))
        self._known = {one: self._known[one] if one in self._known else self._of(one) for one in earlier}
        rows = pa.concat_tables([_SCHEMA.empty_table(), *self._known.values()])
        most = rows.group_by(list(DIMENSIONS), use_threads=False).aggregate([(PEAK, "max")])
        return most.rename_columns({f"{PEAK}_max": PEAK}).select(_SCHEMA.names)

    def _of(self, day: date) -> pa.Table:
        if day in self._plays.days:
            return volumes(self._plays.read(day, DIMENSIONS), self._minimum, self._combinations)
        if day in self._cube.days:
            return self._told(day)
        return _SCHEMA.empty_table()

    def _told(self, day: date) -> pa.Table:
        rows = self._cube.read(day, (c.METRIC, c.GRAIN, c.DIMENSIONS, c.VOLUME))
        chosen = pc.and_(_is(rows[c.METRIC], c.LISTENS), _is(rows[c.GRAIN], "day"))
        found = rows.filter(pc.and_(chosen, pc.greater_equal(rows[c.VOLUME], self._minimum)))
        fixed = [pc.map_lookup(found[c.DIMENSIONS], pa.scalar(name), "first") for name in DIMENSIONS]
        return pa.table([*fixed, found[c.VOLUME]], schema=_SCHEMA)


def days_before(days: Iterable[date]) -> frozenset[date]:
    """The days of which something is remembered on one of these."""
    return frozenset(day - timedelta(days=n) for day in days for n in range(1, REMEMBERED_DAYS + 1))


def volumes(plays: pa.Table, minimum_volume: int, combinations: Sequence[Sequence[str]]) -> pa.Table:
    """Plays by combinations of dimensions, where there are enough.

    Args:
        plays: The dimensions of the plays, nulls included.
        minimum_volume: Enough.
        combinations: Dimensions that are fixed together.
    """
    names = {name: numbered(plays[name], missing=UNKNOWN) for name in DIMENSIONS}
    sizes = {name: len(of) for name, of in names.items()}
    every = mixed([of.codes for of in names.values()], list(sizes.values()), plays.num_rows)
    cells, counts = counted_keys(every, size=math.prod(sizes.values()))
    codes: dict[str, Integers] = {}
    for name in reversed(DIMENSIONS):
        cells, codes[name] = np.divmod(cells, max(sizes[name], 1))
    parts = [_SCHEMA.empty_table()]
    for fixed in combinations:
        keys, place = np.unique(
            mixed([codes[name] for name in fixed], [sizes[name] for name in fixed], len(counts)), return_inverse=True
        )
        volume = np.bincount(place, weights=counts, minlength=len(keys)).astype(np.int64)
        keys, volume = keys[volume >= minimum_volume], volume[volume >= minimum_volume]
        columns: dict[str, pa.Array] = {name: pa.nulls(len(keys), pa.string()) for name in DIMENSIONS}
        for name in reversed(fixed):
            keys, at = np.divmod(keys, sizes[name])
            columns[name] = names[name].names.take(pa.array(at))
        parts.append(pa.table({**columns, PEAK: volume}, schema=_SCHEMA))
    return pa.concat_tables(parts)


def _is(column: pa.ChunkedArray, value: str) -> pa.ChunkedArray:
    return pc.equal(column.cast(pa.string()), value)
