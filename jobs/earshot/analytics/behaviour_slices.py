"""What gold.behaviour says of parts of the plays: by the hour of the listener's own clock, by context, by track."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa

from earshot.analytics.behaviour_sums import Metric, sums_of
from earshot.analytics.judged_plays import Judged
from earshot.analytics.plays import Flags, Floats, Integers, Names, mixed, numbered, ratio
from earshot.core import columns as c
from earshot.core.arrow_columns import micros
from earshot.core.local_time import local_seconds, weekdays_and_hours, zone_of
from earshot.core.measures import UNKNOWN

BY_CONTEXT: Final = {
    f"{rate}_by_context": rate for rate in ("completion_rate", "skip_rate", "repeat_rate", "discovery_rate")
}
BY_TRACK: Final = {f"{rate}_by_track": rate for rate in ("completion_rate", "skip_rate", "repeat_rate")}
LOCAL_LISTENS: Final = "local_listens"
WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
LOCAL_HOURS: Final = tuple(f"{day} {hour:02d}" for day in WEEKDAYS for hour in range(24))
"""The slices of `local_listens`: weekday and hour of the listener's clock."""


@dataclass(frozen=True)
class Split:
    """Sums of the plays of a day by country, tier and slice; sums over all countries or tiers follow from them.

    Attributes:
        names: The slices.
        rates: Name to plays that do it and plays that tell, each countries x tiers x slices.
        counts: Name to plays and the plays that they are a part of.
    """

    names: pa.Array
    rates: Mapping[str, tuple[Floats, Floats]]
    counts: Mapping[str, tuple[Floats, Floats]]

    def over(self, axes: tuple[int, ...]) -> Iterator[Metric]:
        """The metrics, summed over countries (0), tiers (1) or both."""
        for name, sums in self.rates.items():
            part, told = (values.sum(axes, keepdims=True).ravel() for values in sums)
            yield name, ratio(part, told), told
        for name, sums in self.counts.items():
            part, told = (values.sum(axes, keepdims=True).ravel() for values in sums)
            yield name, part, np.where(part > 0, told, 0)


def by_context(plays: pa.Table, found: Mapping[str, Judged], country: Names, tier: Names) -> Split:
    """Rates and plays by context."""
    context = numbered(plays[c.CONTEXT], missing=UNKNOWN)
    shape = (len(country), len(tier), len(context))
    groups = mixed((country.codes, tier.codes, context.codes), shape, plays.num_rows)
    listens = np.bincount(groups, minlength=math.prod(shape)).astype(np.float64).reshape(shape)
    rates = sums_of(found, BY_CONTEXT, groups, shape)
    return Split(context.names, rates, {"listens_by_context": (listens, listens)})


def by_local_hour(plays: pa.Table, country: Names, tier: Names) -> Split:
    """Plays by weekday and hour of the listener's clock, of the plays whose time zone is known."""
    clock, shown = local_hours(plays)
    shape = (len(country), len(tier), len(LOCAL_HOURS))
    groups = mixed((country.codes, tier.codes, clock), shape, plays.num_rows)[shown]
    listens = np.bincount(groups, minlength=math.prod(shape)).astype(np.float64).reshape(shape)
    told = np.broadcast_to(listens.sum(2, keepdims=True), shape)
    return Split(pa.array(LOCAL_HOURS, pa.string()), {}, {LOCAL_LISTENS: (listens, told)})


def by_track(found: Mapping[str, Judged], track: Names, *, minimum_volume: int) -> Split:
    """Rates by track, of all countries and tiers, where enough plays tell."""
    rates = sums_of(found, BY_TRACK, track.codes, (1, 1, len(track)))
    enough = {name: (part, np.where(told >= minimum_volume, told, 0)) for name, (part, told) in rates.items()}
    return Split(track.names, enough, {})


def local_hours(plays: pa.Table) -> tuple[Integers, Flags]:
    """Of each play, the place of its weekday and hour in `LOCAL_HOURS`, and whether its time zone is known at all."""
    seconds = micros(plays[c.STARTED_AT]) // 1_000_000
    zones = numbered(plays[c.TIME_ZONE], missing="")
    clock, shown = np.zeros(plays.num_rows, np.int64), np.zeros(plays.num_rows, np.bool_)
    for code, name in enumerate(zones.names.to_pylist()):
        if name and (zone := zone_of(name)):
            here = zones.codes == code
            weekday, hour = weekdays_and_hours(local_seconds(zone, seconds[here]))
            clock[here], shown[here] = (weekday - 1) * 24 + hour, True
    return clock, shown
