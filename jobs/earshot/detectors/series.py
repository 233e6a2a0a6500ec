"""Hourly series as a matrix: one row a series, one column an hour."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earshot.core.daily_metrics import GATE_KPIS

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Hours = NDArray[np.datetime64]

HOURS_OF_DAY: Final = 24
_BLOCK: Final = 128
_SATURDAY: Final = 5


class Kind(StrEnum):
    """What noise a metric has.

    COUNT: plays or people in an hour; over-dispersed Poisson, no row means none.
    SHARE: some of the plays; binomial in the volume.
    AMOUNT: a sum over the plays; its variance grows with the volume.
    LEVEL: a positive figure of the plays (a percentile, a mean); judged as a logarithm.
    """

    COUNT = "count"
    SHARE = "share"
    AMOUNT = "amount"
    LEVEL = "level"


_KINDS: Final[Mapping[str, Kind]] = {
    "listens": Kind.COUNT,
    "plays": Kind.COUNT,
    "listeners": Kind.COUNT,
    "sessions": Kind.COUNT,
    "counted_listens": Kind.SHARE,
    "skips": Kind.SHARE,
    "start_failures": Kind.SHARE,
    "exits_before_start": Kind.SHARE,
    "played_ms": Kind.AMOUNT,
    "rebuffer_ms": Kind.AMOUNT,
    "rebuffer_count": Kind.AMOUNT,
    "rebuffer_per_hour": Kind.AMOUNT,
    "rebuffer_ratio": Kind.AMOUNT,
    "quality_score": Kind.AMOUNT,
}
_COMPLEMENTS: Final = frozenset({"quality_score"})
POINTS: Final = 100.0
_PER_PLAY: Final = ("_ratio", "_rate", "_share", "_per_hour")
_LEVELS: Final = ("_p50", "_p95", "_p99", "_mean", "_score")


def kind_of(metric: str) -> Kind:
    """The kind of a metric; an unknown one by the ending of its name, else a count."""
    if metric in _KINDS:
        return _KINDS[metric]
    if metric.endswith(_PER_PLAY):
        return Kind.SHARE
    return Kind.LEVEL if metric.endswith(_LEVELS) else Kind.COUNT


# Up is worse; what is lost of a quality score is meant, not the score.
_WORSE_UP: Final = (
    "rebuffer",
    "startup",
    "start_failures",
    "exits_before_start",
    "quality_score",
    "error_rate",
    "freshness_s",
    "event_lag_s",
    "suspect_share",
)
_WORSE_DOWN: Final = ("bitrate", "validation_success", "accuracy")
# What a few people who listen much can move: their habits, not their luck with the network.
_PERSONAL: Final = frozenset({"listens", "plays", "counted_listens", "played_ms", "skips", "bitrate_kbps_mean"})
_PEOPLE: Final = frozenset({"listeners", "sessions"})


def worse(metric: str) -> int:
    """1 where more of the numerator is worse, -1 where less is, 0 where both are worth a word."""
    if metric.startswith(_WORSE_UP):
        return 1
    return -1 if metric.startswith(_WORSE_DOWN) else 0


def hourly_need(metric: str) -> float:
    """Volume an hour that a judged slice needs, relative to the minimum volume of a window.

    A few busy people can move what they hear of a small slice, and few people are the slice.
    """
    if metric in _PERSONAL:
        return 2.0
    return 1 / 6 if metric in _PEOPLE else 0.0


def is_complement(metric: str) -> bool:
    """Whether the value is what is left of 100 points: judged by what was lost of them, play by play."""
    return metric in _COMPLEMENTS


def is_per_play(metric: str) -> bool:
    """Whether the value is already divided by its volume."""
    return metric.endswith(_PER_PLAY)


def of_gate(metric: str) -> bool:
    """Whether it is a figure of the quality gate."""
    return metric in GATE_KPIS


Dimensions = tuple[tuple[str, str], ...]


def contradict(one: Dimensions, other: Dimensions) -> bool:
    """Whether both fix a dimension, to different values."""
    values = dict(other)
    return any(values.get(name, value) != value for name, value in one)


def within(narrow: Dimensions, wide: Dimensions) -> bool:
    """Whether every play of `narrow` is one of `wide`."""
    return set(wide) <= set(narrow)


@dataclass(frozen=True)
class SeriesMatrix:
    """All series of one metric over whole UTC days.

    Attributes:
        metric: The metric.
        dimensions: Of each of the S series, sorted by name.
        start: Midnight of the first day.
        values: S x T, the metric; nan where the cube has no row.
        volume: S x T, plays behind it; 0 where the cube has no row.
        began: S x T, whether the series was there already.
        excluded: S x T, hours of known incidents: judged, but never learnt from.
        holidays: S x D, part of the plays that come from countries with a public holiday; None: there are none.
        offsets: S x D, hours by which local clocks are before UTC; nan where a series is of many countries.
        over: So many hours are over, though nothing may have come in the last of them; None: not known.
    """

    metric: str
    dimensions: tuple[Dimensions, ...]
    start: np.datetime64
    values: Floats
    volume: Floats
    began: Flags
    excluded: Flags
    holidays: Floats | None = None
    offsets: Floats | None = None
    over: int | None = None

    @property
    def usable(self) -> Flags:
        """S x T: whether the hour may be learnt from."""
        return self.began & ~self.excluded

    @property
    def kind(self) -> Kind:
        """The noise of the metric."""
        return kind_of(self.metric)

    @property
    def grows_with_plays(self) -> bool:
        """Whether twice the plays have twice the value."""
        return self.kind is not Kind.LEVEL and not is_per_play(self.metric) and not is_complement(self.metric)

    @property
    def days(self) -> int:
        """How many days the matrix spans."""
        return int(self.values.shape[1]) // HOURS_OF_DAY

    @property
    def hours(self) -> Hours:
        """The T hours."""
        return np.asarray(self.start.astype("datetime64[h]") + np.arange(self.values.shape[1]))

    def numerator(self) -> Floats:
        """S x T: what is summed over a window: counts, sums, or logarithms times volume. Read only."""
        return self._numerator

    def exposure(self) -> Floats:
        """S x T: what the numerator is divided by: the hour itself for counts, else the volume. Read only."""
        return self._exposure

    @cached_property
    def _numerator(self) -> Floats:
        found = np.empty_like(self.values)
        for at in row_blocks(len(self.dimensions)):
            found[at] = self._summed(at)
        return _read_only(found)

    @cached_property
    def _exposure(self) -> Floats:
        if self.kind is Kind.COUNT:
            return np.broadcast_to(1.0, self.values.shape)
        return _read_only(np.where(np.isfinite(self.values), self.volume, 0.0))

    def _summed(self, at: slice) -> Floats:
        values, volume = self.values[at], self.volume[at]
        if self.kind is Kind.COUNT:
            return np.nan_to_num(values, nan=0.0)
        if self.kind is Kind.LEVEL:
            return np.nan_to_num(np.log(np.maximum(values, 1e-9)) * volume, nan=0.0)
        if is_complement(self.metric):
            return np.nan_to_num((1 - np.clip(values, 0.0, POINTS) / POINTS) * volume, nan=0.0)
        return np.nan_to_num(values * volume if is_per_play(self.metric) else values, nan=0.0)

    def with_values(self, values: Floats, volume: Floats) -> SeriesMatrix:
        """The same series with other figures."""
        return replace(self, values=values, volume=volume)

    def rows(self, rows: Sequence[int]) -> SeriesMatrix:
        """Only some of the series."""
        kept = np.asarray(rows, dtype=np.int64)
        names = tuple(self.dimensions[row] for row in rows)
        return replace(
            self,
            dimensions=names,
            values=self.values[kept],
            volume=self.volume[kept],
            began=self.began[kept],
            excluded=self.excluded[kept],
            holidays=None if self.holidays is None else self.holidays[kept],
            offsets=None if self.offsets is None else self.offsets[kept],
        )

    def block(self, at: slice) -> SeriesMatrix:
        """Some series that follow one another, as views; what was summed of them is not summed again."""
        found = replace(
            self,
            dimensions=self.dimensions[at],
            values=self.values[at],
            volume=self.volume[at],
            began=self.began[at],
            excluded=self.excluded[at],
            holidays=None if self.holidays is None else self.holidays[at],
            offsets=None if self.offsets is None else self.offsets[at],
        )
        vars(found).update(_numerator=self._numerator[at], _exposure=self._exposure[at])
        return found

    def row_by_dimensions(self) -> dict[Dimensions, int]:
        """Which row has which dimensions."""
        return {dimensions: row for row, dimensions in enumerate(self.dimensions)}


def _read_only(array: Floats) -> Floats:
    array.flags.writeable = False
    return array


def row_blocks(rows: int) -> Iterator[slice]:
    """Rows in blocks whose history fits a processor's cache; at least one block."""
    for begin in range(0, max(rows, 1), _BLOCK):
        yield slice(begin, begin + _BLOCK)


def weekends(first: np.datetime64, days: int) -> Flags:
    """Of each of so many days from `first` on, whether it is a Saturday or Sunday."""
    day = int(first.astype("datetime64[D]").astype(np.int64))
    return (day + np.arange(days) + 3) % 7 >= _SATURDAY  # day 0 of the epoch was a Thursday


def sorted_dimensions(pairs: Mapping[str, str] | Sequence[tuple[str, str]]) -> Dimensions:
    """Dimensions as a hashable, ordered key."""
    return tuple(sorted(dict(pairs).items()))
