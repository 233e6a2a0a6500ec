"""What gold.behaviour says of parts of the plays: by the hour of the listener's own clock, by context, by track."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import pyarrow as pa

from earshot.analytics.plays import Flags, Floats, Integers, Names, flags, numbered, ratio, sum_by_group
from earshot.core import columns as c
from earshot.core.local_time import local_seconds, weekdays_and_hours, zone_of

BY_CONTEXT: Final = {
    "completion_rate_by_context": "is_completed",
    "skip_rate_by_context": "was_skipped",
    "repeat_rate_by_context": "is_repeat",
    "discovery_rate_by_context": "is_discovery",
}
BY_TRACK: Final = {
    "completion_rate_by_track": "is_completed",
    "skip_rate_by_track": "was_skipped",
    "repeat_rate_by_track": "is_repeat",
}
LOCAL_LISTENS: Final = "local_listens"
WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
LOCAL_HOURS: Final = tuple(f"{day} {hour:02d}" for day in WEEKDAYS for hour in range(24))
"""The slices of `local_listens`: weekday and hour of the listener's clock."""

Metric = tuple[str, Floats, Floats]
"""Name, values and volumes by group."""


def in_context(plays: pa.Table, groups: Integers, size: int) -> tuple[Names, list[Metric]]:
    """Rates and plays by context; groups are the given ones, each split by the contexts."""
    context = numbered(plays[c.CONTEXT])
    split = groups * max(len(context), 1) + context.codes
    volume = np.bincount(split, minlength=size * len(context)).astype(np.float64)
    metrics = list(_rates(plays, BY_CONTEXT, split, size * len(context)))
    return context, [*metrics, ("listens_by_context", volume, volume)]


def of_tracks(plays: pa.Table, *, minimum_volume: int) -> tuple[Names, list[Metric]]:
    """Rates by track, of those that enough plays tell of."""
    track = numbered(plays[c.TRACK_ID])
    metrics = _rates(plays, BY_TRACK, track.codes, len(track))
    return track, [(name, values, np.where(told >= minimum_volume, told, 0)) for name, values, told in metrics]


def on_local_clocks(
    plays: pa.Table, groups: Integers, size: int, clock: Integers, shown: Flags
) -> tuple[Names, list[Metric]]:
    """Plays by weekday and hour of the listener's clock; the volume is the plays of the group that have a clock.

    Args:
        plays: Of one day.
        groups: Of each play, its group.
        size: Number of groups.
        clock: Of `local_hours`.
        shown: Of `local_hours`.
    """
    slices = len(LOCAL_HOURS)
    listens = np.bincount((groups * slices + clock)[shown], minlength=size * slices).astype(np.float64)
    told = np.repeat(np.bincount(groups[shown], minlength=size), slices).astype(np.float64)
    names = Names(clock, pa.array(LOCAL_HOURS, pa.string()))
    return names, [(LOCAL_LISTENS, listens, np.where(listens > 0, told, 0))]


def local_hours(plays: pa.Table) -> tuple[Integers, Flags]:
    """Of each play, the place of its weekday and hour in `LOCAL_HOURS`, and whether its time zone is known at all."""
    seconds = plays[c.STARTED_AT].cast(pa.timestamp("s", "UTC"), safe=False).cast(pa.int64()).to_numpy()
    zones = numbered(plays[c.TIME_ZONE].fill_null(""))
    clock, shown = np.zeros(plays.num_rows, np.int64), np.zeros(plays.num_rows, np.bool_)
    for code, name in enumerate(zones.names.to_pylist()):
        if name and (zone := zone_of(name)):
            here = zones.codes == code
            weekday, hour = weekdays_and_hours(local_seconds(zone, seconds[here]))
            clock[here], shown[here] = (weekday - 1) * 24 + hour, True
    return clock, shown


def _rates(plays: pa.Table, rates: dict[str, str], groups: Integers, size: int) -> Iterator[Metric]:
    for metric, column in rates.items():
        told = sum_by_group(groups, plays[column].is_valid().to_numpy(), size=size)
        yield metric, ratio(sum_by_group(groups, flags(plays[column]), size=size), told), told
