"""What the plays of a source looked like on a day, counted in the pass that writes them: the ground for drift.

A profile counts rows, rows an hour, nulls, categories, and values in buckets that grow by five percent; profiles of
parts add up. Plays that arrive more than ten weeks late say nothing of how a source delivers, and are left out.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from earshot.core import columns as c
from earshot.core.partial_figures import Count, Extreme

ROWS, HOURS, NULLS, SHARE, BUCKETS = "rows", "hours", "nulls", "share", "buckets"
WITH_NULLS: Final = (
    *(c.COUNTRY, c.DEVICE, c.TIER, c.APP_VERSION, c.TRACK_TITLE, c.ARTIST_ID, c.ISRC),
    *(c.DURATION_MS, c.PLAYED_MS, c.STARTUP_MS, c.BITRATE_KBPS),
)
WITH_SHARES: Final = (c.COUNTRY, c.DEVICE, c.TIER, c.CONTEXT)
WITH_QUANTILES: Final = (c.PLAYED_MS, c.STARTUP_MS)
HISTORY_DAYS: Final = 70

_OTHERS: Final = "(others)"
_MOST_CATEGORIES: Final = 60
_GROWTH: Final = 1.05
_NOTHING: Final = -1
_US_PER_HOUR: Final = 3_600_000_000
_HOURS_PER_DAY: Final = 24
_LATE_US: Final = 2 * _HOURS_PER_DAY * _US_PER_HOUR
_LARGEST_TABLE: Final = 100_000
_READ: Final = tuple(dict.fromkeys((c.SOURCE, c.STARTED_AT, *WITH_NULLS, *WITH_SHARES, *WITH_QUANTILES)))

Profile = Mapping[str, Mapping[str, int]]
"""Counts by figure (`rows`, `hours`, `nulls`, `share.COLUMN`, `buckets.COLUMN`) and key."""

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class DayProfiles:
    """Profiles of a part of the plays; one of `core.partial_figures`.

    Attributes:
        counts: By source, day (days since 1970), figure and key.
    """

    counts: Mapping[tuple[str, int, str, str], int] = field(default_factory=dict)

    def __add__(self, other: DayProfiles) -> DayProfiles:
        """Of both parts."""
        return DayProfiles(Counter(self.counts) + Counter(other.counts))

    @property
    def value(self) -> dict[str, dict[str, Profile]]:
        """Profiles by source and day (ISO); the last ten weeks, and the categories that are frequent."""
        found: dict[str, dict[str, dict[str, Counter[str]]]] = {}
        newest = max((day for _, day, _, _ in self.counts), default=0)
        for (source, day, figure, key), count in self.counts.items():
            if day > newest - HISTORY_DAYS:
                of_day = found.setdefault(source, {}).setdefault(_iso(day), {})
                of_day.setdefault(figure, Counter())[key] += count
        return {
            source: {day: {name: _frequent(name, n) for name, n in profile.items()} for day, profile in days.items()}
            for source, days in found.items()
        }

    @classmethod
    def of(cls, judged: pa.Table) -> DayProfiles:
        """Of judged lines: those that pass."""
        started, arrived = (judged[name].cast(pa.int64()) for name in (c.STARTED_AT, c.ARRIVED_AT))
        late = pc.subtract(arrived, started)
        recent = pc.less(late, HISTORY_DAYS * _HOURS_PER_DAY * _US_PER_HOUR)
        plays = judged.select(_READ).filter(pc.and_(_passes(judged), pc.fill_null(recent, False))).combine_chunks()
        return cls(_counted(plays)) if plays.num_rows else cls()


def newest_event(judged: pa.Table) -> Extreme:
    """The latest start of lines that pass, in microseconds since 1970."""
    return Extreme.of(pc.if_else(_passes(judged), judged[c.STARTED_AT].cast(pa.int64()), None), largest=True)


def timed_and_late(judged: pa.Table) -> tuple[Count, Count]:
    """Lines that pass, and those of them that arrived later than on the day after their own."""
    days = judged[c.STARTED_AT].cast(pa.date32()).cast(pa.timestamp("us")).cast(pa.int64())
    lags = pc.if_else(_passes(judged), pc.subtract(judged[c.ARRIVED_AT].cast(pa.int64()), days), None)
    return Count.of(pc.is_valid(lags)), Count.of(pc.greater(lags, _LATE_US))


def _passes(judged: pa.Table) -> pa.ChunkedArray:
    aside = pc.greater(pc.list_value_length(judged[c.QUARANTINE_RULES]), 0)
    return pc.and_(pc.invert(aside), pc.is_null(judged[c.FILTERED_REASON]))


def _counted(plays: pa.Table) -> dict[tuple[str, int, str, str], int]:
    sources = pc.dictionary_encode(_column(plays, c.SOURCE))
    hour = _column(plays, c.STARTED_AT).cast(pa.int64()).to_numpy(zero_copy_only=False) // _US_PER_HOUR
    day = hour // _HOURS_PER_DAY
    keys, group = np.unique(sources.indices.to_numpy() * (day.max() + 1) + day, return_inverse=True)
    names = sources.dictionary.to_pylist()
    groups = [(names[key // (day.max() + 1)], int(key % (day.max() + 1))) for key in keys.tolist()]
    tallies = [
        (ROWS, np.zeros(len(day), np.int64), [ROWS]),
        (HOURS, hour % _HOURS_PER_DAY, [str(n) for n in range(_HOURS_PER_DAY)]),
        *((NULLS, _is_null(plays, name), ["", name]) for name in WITH_NULLS if plays[name].null_count),
        *((f"{SHARE}.{name}", *_categories(plays, name)) for name in WITH_SHARES),
        *((f"{BUCKETS}.{name}", *_buckets(plays, name)) for name in WITH_QUANTILES),
    ]
    found: dict[tuple[str, int, str, str], int] = {}
    for figure, codes, words in tallies:
        size = len(words) + 1
        for pair, count in _tallied(group * size + codes + 1, len(groups) * size):
            code = pair % size - 1
            if code != _NOTHING and words[code]:
                found[(*groups[pair // size], figure, words[code])] = count
    return found


def _tallied(codes: Integers, size: int) -> Iterator[tuple[int, int]]:
    """The codes that occur, and how often; by a table of all codes where that is small."""
    if size > _LARGEST_TABLE:
        found, counts = np.unique(codes, return_counts=True)
    else:
        table = np.bincount(codes, minlength=size)
        found = np.flatnonzero(table)
        counts = table[found]
    yield from zip(found.tolist(), counts.tolist(), strict=True)


def _column(plays: pa.Table, name: str) -> pa.Array:
    column = plays[name]
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _is_null(plays: pa.Table, name: str) -> Integers:
    codes: Integers = pc.is_null(plays[name]).to_numpy().astype(np.int64)
    return codes


def _categories(plays: pa.Table, name: str) -> tuple[Integers, list[str]]:
    encoded = pc.dictionary_encode(_column(plays, name))
    codes: Integers = pc.fill_null(encoded.indices, _NOTHING).to_numpy().astype(np.int64)
    return codes, encoded.dictionary.to_pylist()


def _buckets(plays: pa.Table, name: str) -> tuple[Integers, list[str]]:
    """Bucket 0 holds what is not positive, bucket n what is at most 1.05^n."""
    column = _column(plays, name)
    values = pc.fill_null(column, 0).to_numpy(zero_copy_only=False).astype(np.float64)
    bucket = np.ceil(np.log(np.maximum(values, 1.0)) / math.log(_GROWTH)).astype(np.int64)
    codes: Integers = np.where(pc.is_null(column).to_numpy(zero_copy_only=False), _NOTHING, bucket)
    return codes, [str(n) for n in range(int(bucket.max()) + 1)]


def _frequent(figure: str, counts: Counter[str]) -> dict[str, int]:
    if not figure.startswith(SHARE) or len(counts) <= _MOST_CATEGORIES:
        return dict(counts)
    kept = dict(counts.most_common(_MOST_CATEGORIES))
    return {**kept, _OTHERS: kept.get(_OTHERS, 0) + counts.total() - sum(kept.values())}


def joined(profiles: Iterable[Profile]) -> Profile:
    """The profile of all of them together."""
    total: dict[str, Counter[str]] = {}
    for profile in profiles:
        for figure, counts in profile.items():
            total.setdefault(figure, Counter()).update(counts)
    return total


def quantile(buckets: Mapping[str, int], share: float) -> float | None:
    """The value of which `share` of the values are not larger, within two and a half percent; None of nothing."""
    wanted, seen = share * (sum(buckets.values()) - 1), 0
    for bucket, count in sorted((int(bucket), count) for bucket, count in buckets.items()):
        seen += count
        if seen > wanted:
            return 0.0 if bucket == 0 else 2 * _GROWTH**bucket / (_GROWTH + 1)
    return None


def _iso(day: int) -> str:
    return date.fromordinal(date(1970, 1, 1).toordinal() + day).isoformat()
