"""The metrics of gold.activity_cube for groups of plays, as NumPy arrays."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa

from earshot.analytics.plays import (
    Flags,
    Floats,
    Integers,
    distinct_by_group,
    percentile_of_ascending,
    ratio,
    sum_by_group,
)
from earshot.core import columns as c
from earshot.core.arrow_columns import coded, numbers
from earshot.core.measures import UNKNOWN
from earshot.core.playback import EXPECTED_STARTUP_MS, MS_PER_HOUR, quality_score
from earshot.core.stream_rule import StreamRule

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
    c.DURATION_MS,
    c.SKIPPED,
    c.START_FAILED,
    c.STARTUP_MS,
    c.REBUFFER_MS,
    c.REBUFFER_COUNT,
    c.BITRATE_KBPS,
)
"""Columns of silver.listens from which the metrics are computed, besides listener and time."""

IS_COUNTED: Final = "is_counted"
_STALLS_TOLD: Final = "stalls_told"
_STARTUPS_TOLD: Final = "startups_told"
_LATE_MS: Final = "late_ms"
_BITRATE_TOLD_MS: Final = "bitrate_told_ms"


@dataclass(frozen=True)
class MeasuredPlays:
    """What is measured of each play: what can be added by cell, what cannot play by play.

    Attributes:
        sums: By name, the sum of each cell: whole numbers, so that no order of the plays changes them.
        listener: Number of the listener of each play, and the cell of the play.
        people: How many listeners there may be.
        startup: startup_ms where it is known, ascending, and the cell of the play of each.
    """

    sums: Mapping[str, Floats]
    listener: tuple[Integers, Integers]
    people: int
    startup: tuple[Floats, Integers]

    @classmethod
    def of(cls, plays: pa.Table, cell: Integers, rule: StreamRule) -> MeasuredPlays:
        """Read the columns of silver.listens.

        Args:
            plays: The plays.
            cell: Of each play, its cell.
            rule: When a play is a counted stream.
        """
        listener, people = coded(plays[c.LISTENER_ID], missing=UNKNOWN)
        startup = numbers(plays[c.STARTUP_MS])
        told = np.flatnonzero(np.isfinite(startup))
        by_startup = told[np.argsort(startup[told], kind="stable")]
        size = int(cell.max(initial=-1)) + 1
        sums = {name: sum_by_group(cell, values, size=size) for name, values in _added(plays, startup, rule)}
        return cls(sums, (listener, cell), len(people), (startup[by_startup], cell[by_startup]))

    def metrics(self, groups: Integers, *, size: int, names: Collection[str] = METRICS) -> dict[str, Floats]:
        """The metrics of each of `size` groups; a level without plays behind it is nan.

        The definitions are those of `analytics.activity` and `analytics.audio_quality`.

        Args:
            groups: Of each cell, its group; -1 = none.
            size: Number of groups.
            names: Those of `METRICS` that are wanted.
        """
        kept = groups >= 0
        kept_groups = groups[kept]

        def total(name: str) -> Floats:
            return np.bincount(kept_groups, weights=self.sums[name][kept], minlength=size).astype(np.float64)

        listens, played, stalled, failed = (
            total(name) for name in (c.LISTENS, c.PLAYED_MS, c.REBUFFER_MS, c.START_FAILED)
        )
        stall_known = total(_STALLS_TOLD) > 0
        stall_ratio = np.where(stall_known, ratio(stalled, stalled + played), np.nan)
        stalls_an_hour = np.where(stall_known, ratio(total(c.REBUFFER_COUNT) * MS_PER_HOUR, played), np.nan)
        lateness = ratio(total(_LATE_MS), total(_STARTUPS_TOLD)) / 1000
        found = {
            c.LISTENS: listens,
            c.COUNTED_LISTENS: total(IS_COUNTED),
            c.PLAYED_MS: played,
            c.SKIPS: total(c.SKIPPED),
            c.START_FAILURES: failed,
            c.EXITS_BEFORE_START: total(c.EXITS_BEFORE_START),
            c.REBUFFER_MS: stalled,
            c.REBUFFER_RATIO: stall_ratio,
            c.REBUFFER_PER_HOUR: stalls_an_hour,
            c.BITRATE_KBPS_MEAN: ratio(total(c.BITRATE_KBPS), total(_BITRATE_TOLD_MS)),
            c.QUALITY_SCORE: quality_score(ratio(failed, listens), lateness, stall_ratio),
        }
        if c.STARTUP_MS_P95 in names:
            found[c.STARTUP_MS_P95] = self._percentile(groups, 0.95, size)
        if c.LISTENERS in names:
            found[c.LISTENERS] = self._listeners(groups, size).astype(np.float64)
        return found

    def _listeners(self, groups: Integers, size: int) -> Integers:
        listener, cell = self.listener
        group = groups[cell]
        kept = group >= 0
        return distinct_by_group(group[kept], listener[kept], size=size, among=self.people)

    def _percentile(self, groups: Integers, share: float, size: int) -> Floats:
        startup, cell = self.startup
        group = groups[cell]
        kept = np.flatnonzero(group >= 0)
        return percentile_of_ascending(group[kept], startup[kept], share=share, size=size)


def _added(plays: pa.Table, startup: Floats, rule: StreamRule) -> Iterator[tuple[str, Floats | Flags]]:
    """What is added up, by name; nan where the source did not say."""
    of = {name: numbers(plays[name]) for name in MEASURED if name != c.STARTUP_MS}
    yield c.LISTENS, np.ones(plays.num_rows)
    yield IS_COUNTED, rule.counted(of[c.PLAYED_MS], of[c.DURATION_MS])
    yield c.EXITS_BEFORE_START, (of[c.PLAYED_MS] == 0) & ~(of[c.START_FAILED] > 0)
    for name in (c.PLAYED_MS, c.SKIPPED, c.START_FAILED, c.REBUFFER_MS, c.REBUFFER_COUNT):
        yield name, of[name]
    yield _STALLS_TOLD, np.isfinite(of[c.REBUFFER_MS])
    yield _STARTUPS_TOLD, np.isfinite(startup)
    yield _LATE_MS, np.maximum(startup - EXPECTED_STARTUP_MS, 0)
    weight = np.where(np.isfinite(of[c.BITRATE_KBPS]), of[c.PLAYED_MS], 0)
    yield _BITRATE_TOLD_MS, weight
    yield c.BITRATE_KBPS, of[c.BITRATE_KBPS] * weight
