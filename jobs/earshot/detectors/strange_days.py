"""Which listeners' days show anything strange: counted for everybody, looked at closely for those few."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from earshot.core import columns as c
from earshot.core.arrow_columns import Flags, Integers, distinct
from earshot.core.settings import ManipulationSettings
from earshot.detectors.day_plays import UNKNOWN, DayPlays, Read, first_of, pairs
from earshot.detectors.signals import PART_OF_PLAYS, PLAYS_A_TRACK, PLAYS_AN_HOUR, Unit

READ: Final = (
    c.LISTENER_ID,
    c.NETWORK_TOKEN,
    c.TRACK_ID,
    c.COUNTRY,
    c.STARTED_AT,
    c.PLAYED_MS,
    c.DEVICE_TOKEN,
)
"""Columns of silver.listens that are read."""

_HOURS: Final = 24
_HOUR_S: Final = 3_600
# Whoever plays so much on a day is looked at in any case.
_MANY_STREAMS: Final = 192


@dataclass(frozen=True)
class ListenerDay:
    """What a listener played on a day.

    Attributes:
        units: The plays, by network.
        is_strange: Whether they show a strong signal; false: looked at only because people spoke of the listener.
    """

    units: Sequence[Unit]
    is_strange: bool


def strange_days(
    read: Read, *, settings: ManipulationSettings, known_listeners: Collection[str] = ()
) -> dict[str, ListenerDay]:
    """The listeners of a day who show at least one strong signal, with their plays.

    Args:
        read: Gives columns (`READ`) of the plays of one whole day.
        settings: Thresholds.
        known_listeners: Listeners of whom people spoke: they are given in any case.

    Returns:
        By listener, in their order.
    """
    plays = DayPlays.of(read, least=settings.minimum_streams, known_listeners=known_listeners)
    strange = _are_strange(plays, settings)
    units: dict[str, list[Unit]] = defaultdict(list)
    for name, unit in plays.units(strange | plays.known, settings):
        units[name].append(unit)
    names = set(plays.names[c.LISTENER_ID].take(np.flatnonzero(strange)).to_pylist())
    return {name: ListenerDay(units[name], name in names) for name in sorted(units)}


def _are_strange(plays: DayPlays, settings: ManipulationSettings) -> Flags:
    """Of each listener."""
    listeners = len(plays.known)
    streams = np.bincount(plays.listener, minlength=listeners)
    unit, owner = _units(plays)
    odd = _are_odd(plays, unit, _hours(plays, unit, len(owner)), settings)
    has_odd_unit = np.bincount(owner[odd], minlength=listeners) > 0
    hours = _hours(plays, plays.listener.astype(np.int64), listeners)
    tracks = np.bincount(first_of(distinct(pairs(plays.listener, plays.codes[c.TRACK_ID]))), minlength=listeners)
    looked_at = (
        has_odd_unit
        | (hours >= settings.round_the_clock_hours)
        | (streams >= PLAYS_A_TRACK[0] * tracks)
        | (streams >= _MANY_STREAMS)
        | _are_abroad(plays)
    )
    return np.asarray(looked_at & (streams >= settings.minimum_streams))


def _units(plays: DayPlays) -> tuple[Integers, Integers]:
    """Of each play its unit, and of each unit its listener: first one network of each listener, then all further."""
    listener, network, listeners = plays.listener, plays.codes[c.NETWORK_TOKEN], len(plays.known)
    usual = np.zeros(listeners, np.int32)
    usual[listener] = network
    unit, elsewhere = listener.astype(np.int64), np.flatnonzero(network != usual[listener])
    keys = pairs(listener[elsewhere], network[elsewhere])
    further = distinct(keys)
    unit[elsewhere] = listeners + np.searchsorted(further, keys)
    return unit, np.concatenate([np.arange(listeners), first_of(further)])


def _hours(plays: DayPlays, unit: Integers, size: int) -> Integers:
    """Of each unit, in how many hours of the UTC day something started."""
    is_there = np.zeros(size * _HOURS, np.bool_)
    is_there[unit * _HOURS + plays.start // _HOUR_S % _HOURS] = True
    counts: Integers = is_there.reshape(size, _HOURS).sum(axis=1)
    return counts


def _are_odd(plays: DayPlays, unit: Integers, hours: Integers, settings: ManipulationSettings) -> Flags:
    """Of each unit, whether short plays, loops or haste stand out."""
    size = len(hours)
    streams = np.bincount(unit, minlength=size)
    heard, loops, short = (
        np.bincount(unit[which], minlength=size)
        for which in (plays.heard_ms > 0, plays.loops(settings), plays.short(settings))
    )
    half = PART_OF_PLAYS[0] * np.maximum(heard, 1)
    odd = (short > half) | (loops > half) | (streams >= PLAYS_AN_HOUR[0] * hours)
    return np.asarray(odd & (streams >= settings.minimum_streams))


def _are_abroad(plays: DayPlays) -> Flags:
    """Of each listener, whether the day is known to be of two countries."""
    listeners, codes = len(plays.known), plays.codes[c.COUNTRY]
    told = codes != plays.names[c.COUNTRY].index(UNKNOWN).as_py()
    listener, country = plays.listener[told], codes[told]
    one = np.zeros(listeners, np.int32)
    one[listener] = country
    return np.bincount(listener[country != one[listener]], minlength=listeners) > 0
