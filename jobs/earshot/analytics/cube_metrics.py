"""The metrics of gold.activity_cube for groups of plays, as NumPy arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa

from earshot.analytics.plays import (
    Flags,
    Floats,
    Integers,
    distinct_by_group,
    numbered,
    numbers,
    percentile_by_group,
    ratio,
    sum_by_group,
)
from earshot.core import columns as c
from earshot.core.playback import EXPECTED_STARTUP_MS, MS_PER_HOUR, quality_score

USE_COUNTS: Final = (c.LISTENS, c.COUNTED_LISTENS, c.LISTENERS, c.PLAYED_MS, c.SKIPS)
QUALITY_COUNTS: Final = (c.START_FAILURES, c.EXITS_BEFORE_START, c.REBUFFER_MS)
COUNTS: Final = USE_COUNTS + QUALITY_COUNTS
QUALITY_LEVELS: Final = (
    c.STARTUP_MS_P95,
    c.REBUFFER_RATIO,
    c.REBUFFER_PER_HOUR,
    c.BITRATE_KBPS_MEAN,
    c.QUALITY_SCORE,
)
METRICS: Final = COUNTS + QUALITY_LEVELS

MEASURED: Final = (
    c.PLAYED_MS,
    c.SKIPPED,
    c.START_FAILED,
    c.STARTUP_MS,
    c.REBUFFER_MS,
    c.REBUFFER_COUNT,
    c.BITRATE_KBPS,
)
"""Columns of silver.listens from which the metrics are computed, besides listener and time."""

_IS_COUNTED: Final = "is_counted"


@dataclass(frozen=True)
class MeasuredPlays:
    """What is measured of each play.

    Attributes:
        listener: Number of the listener, below `listeners`.
        listeners: How many there are.
        values: Columns of silver.listens as floats (1 and 0 for true and false), nan where the
            source did not say, and `is_counted`.
    """

    listener: Integers
    listeners: int
    values: Mapping[str, Floats]

    @classmethod
    def of(cls, plays: pa.Table, *, counted_stream_ms: int) -> MeasuredPlays:
        """Read the columns of silver.listens."""
        listener = numbered(plays[c.LISTENER_ID])
        values = {name: numbers(plays[name]) for name in MEASURED}
        values[_IS_COUNTED] = (~(values[c.PLAYED_MS] < counted_stream_ms)).astype(np.float64)
        return cls(listener.codes, len(listener), values)

    def where(self, kept: Flags) -> MeasuredPlays:
        """The plays for which `kept` holds."""
        values = {name: column[kept] for name, column in self.values.items()}
        return MeasuredPlays(self.listener[kept], self.listeners, values)

    def metrics(self, groups: Integers, *, size: int) -> dict[str, Floats]:
        """Every metric of `METRICS` for each of `size` groups; a level without plays behind it is nan.

        The definitions are those of `analytics.activity` and `analytics.audio_quality`.
        """

        def total(values: Floats | Flags) -> Floats:
            return sum_by_group(groups, values, size=size)

        of = self.values
        listens = np.bincount(groups, minlength=size).astype(np.float64)
        played, stalled, failed = (total(of[name]) for name in (c.PLAYED_MS, c.REBUFFER_MS, c.START_FAILED))
        exits = (of[c.PLAYED_MS] == 0) & ~(of[c.START_FAILED] > 0)
        weight = np.where(np.isfinite(of[c.BITRATE_KBPS]), of[c.PLAYED_MS], 0)
        stall_known = total(np.isfinite(of[c.REBUFFER_MS])) > 0
        stall_ratio = np.where(stall_known, ratio(stalled, stalled + played), np.nan)
        stalls_an_hour = np.where(stall_known, ratio(total(of[c.REBUFFER_COUNT]) * MS_PER_HOUR, played), np.nan)
        late = np.maximum(of[c.STARTUP_MS] - EXPECTED_STARTUP_MS, 0) / 1000
        lateness = ratio(total(late), total(np.isfinite(of[c.STARTUP_MS])))
        people = distinct_by_group(groups, self.listener, size=size, among=self.listeners)
        return {
            c.LISTENS: listens,
            c.COUNTED_LISTENS: total(of[_IS_COUNTED]),
            c.LISTENERS: people.astype(np.float64),
            c.PLAYED_MS: played,
            c.SKIPS: total(of[c.SKIPPED]),
            c.START_FAILURES: failed,
            c.EXITS_BEFORE_START: total(exits),
            c.REBUFFER_MS: stalled,
            c.STARTUP_MS_P95: percentile_by_group(groups, of[c.STARTUP_MS], share=0.95, size=size),
            c.REBUFFER_RATIO: stall_ratio,
            c.REBUFFER_PER_HOUR: stalls_an_hour,
            c.BITRATE_KBPS_MEAN: ratio(total(of[c.BITRATE_KBPS] * weight), total(weight)),
            c.QUALITY_SCORE: quality_score(ratio(failed, listens), lateness, stall_ratio),
        }
