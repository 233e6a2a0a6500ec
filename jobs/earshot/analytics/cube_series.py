"""Which series of the cube a day has, and which of its plays belong to each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from earshot.analytics.plays import Flags, Integers, hours_of_day, mixed, numbered
from earshot.core import columns as c
from earshot.core.day_files import TEXT
from earshot.core.measures import UNKNOWN

PEAK = "peak"


@dataclass(frozen=True)
class Cells:
    """Plays of a day that no series tells apart, and the series of the days before: dimensions as numbers.

    Attributes:
        of_play: Of each play, its cell.
        hour: Of each cell, the UTC hour.
        plays: Of each cell, how many plays it has.
        codes: Of each cell and dimension, the number of the value.
        remembered: The same of the remembered series, 0 where a dimension is not fixed.
        names: Of each dimension, the values by number.
    """

    of_play: Integers
    hour: Integers
    plays: Integers
    codes: Mapping[str, Integers]
    remembered: Mapping[str, Integers]
    names: Mapping[str, pa.Array]

    @classmethod
    def of(cls, plays: pa.Table, remembered: pa.Table, dimensions: Sequence[str]) -> Cells:
        """Number the dimensions of the plays and of the remembered series."""
        count, hours = plays.num_rows, hours_of_day(plays[c.STARTED_AT])
        both = {
            name: numbered(pa.chunked_array([*plays[name].chunks, *_filled(remembered[name])], TEXT), missing=UNKNOWN)
            for name in dimensions
        }
        every = mixed([hours, *(of.codes[:count] for of in both.values())], [24, *map(len, both.values())], count)
        keys, of_play = np.unique(every, return_inverse=True)
        codes: dict[str, Integers] = {}
        for name in reversed(dimensions):
            keys, codes[name] = np.divmod(keys, max(len(both[name]), 1))
        size = len(keys)
        return cls(
            of_play,
            keys,
            np.bincount(of_play, minlength=size),
            codes,
            {name: of.codes[count:] for name, of in both.items()},
            {name: of.names for name, of in both.items()},
        )


@dataclass(frozen=True)
class Series:
    """The series of a combination of dimensions that are kept.

    Attributes:
        of_cell: Of each cell, its series; -1 where it is not kept.
        peak: Of each series, its most plays on one day.
        values: The value of each fixed dimension.
    """

    of_cell: Integers
    peak: Integers
    values: Mapping[str, pa.Array]

    def __len__(self) -> int:
        """How many series there are."""
        return len(self.peak)

    def where(self, kept: Flags) -> Series:
        """Only these series."""
        place = np.where(kept, np.cumsum(kept) - 1, -1)
        of_cell = np.where(self.of_cell >= 0, place[self.of_cell], -1) if len(place) else self.of_cell
        chosen = pa.array(np.flatnonzero(kept))
        return Series(of_cell, self.peak[kept], {name: of.take(chosen) for name, of in self.values.items()})


def series_of(cells: Cells, remembered: pa.Table, fixed: Sequence[str], *, minimum_volume: int) -> Series:
    """The series with enough plays on the day itself, and the remembered ones that had enough.

    Args:
        cells: The day.
        remembered: Dimensions (null where not fixed) and `peak` of series that had enough plays before.
        fixed: Dimensions that are fixed together.
        minimum_volume: Enough.
    """
    sizes = [len(cells.names[name]) for name in fixed]
    key_of_cell = mixed([cells.codes[name] for name in fixed], sizes, len(cells.plays))
    own, place = np.unique(key_of_cell, return_inverse=True)
    volume = np.bincount(place, weights=cells.plays, minlength=len(own)).astype(np.int64)
    enough = volume >= minimum_volume
    rows = np.flatnonzero(_fixes(remembered, fixed) & (remembered[PEAK].to_numpy() >= minimum_volume))
    before = mixed([cells.remembered[name][rows] for name in fixed], sizes, len(rows))
    keys, series = np.unique(np.concatenate([own[enough], before]), return_inverse=True)
    peaks = np.concatenate([volume[enough], remembered[PEAK].to_numpy()[rows]]).astype(np.int64)
    peak = np.zeros(len(keys), np.int64)
    np.maximum.at(peak, series, peaks)
    values: dict[str, pa.Array] = {}
    rest = keys
    for name, size in zip(reversed(fixed), reversed(sizes), strict=True):
        rest, codes = np.divmod(rest, max(size, 1))
        values[name] = cells.names[name].take(pa.array(codes))
    return Series(_places(keys, key_of_cell), peak, values)


def _places(keys: Integers, wanted: Integers) -> Integers:
    """Where the wanted keys stand among ascending ones; -1 where they do not."""
    if not len(keys):
        return np.full(len(wanted), -1)
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[at] == wanted, at, -1)


def _fixes(rows: pa.Table, fixed: Sequence[str]) -> Flags:
    """Whether exactly these dimensions are not null."""
    mask = np.ones(rows.num_rows, bool)
    for name in rows.column_names:
        if name not in {PEAK, c.LISTEN_DATE}:
            mask &= rows[name].is_valid().to_numpy() == (name in fixed)
    return mask


def _filled(column: pa.ChunkedArray) -> list[pa.Array]:
    """Nothing where a dimension is not fixed."""
    return [pc.fill_null(chunk, "").dictionary_encode() for chunk in column.chunks]
