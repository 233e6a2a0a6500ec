"""What a listener's day, or one network's part of it, shows: signals, each with a value and a weight."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

from earshot.core.settings import ManipulationSettings
from earshot.detectors.coordination import Start

# What each signal adds to the score at full strength; a day is suspect from `suspect_score` on.
WEIGHTS: Final = {
    "round_the_clock": 0.45,
    "even_hours": 0.05,
    "few_tracks": 0.25,
    "repeated_tracks": 0.05,
    "loops": 0.45,
    "short_plays": 0.35,
    "velocity": 0.15,
    "shared_devices": 0.15,
    "crowded_network": 0.15,
    "device_churn": 0.05,
    "network_churn": 0.05,
    "coordinated": 0.5,
    "other_country": 0.25,
}

PLAYS_A_TRACK: Final = (3.0, 8.0)
PART_OF_PLAYS: Final = (0.5, 0.8)
PLAYS_AN_HOUR: Final = (25.0, 60.0)
_OTHERS_ON_DEVICE: Final = (0.0, 1.0)
_OTHERS_ON_NETWORK: Final = (1.0, 3.0)
_OTHERS_IN_STEP: Final = (0.0, 2.0)
_DEVICES: Final = (4.0, 8.0)
_NETWORKS: Final = (4.0, 8.0)
_EVEN_HOURS: Final = (0.93, 0.99)
_REPEATED: Final = (0.5, 0.8)
_HOURS: Final = 24

Signal = dict[str, Any]


@dataclass(frozen=True)
class Unit:
    """Plays of a listener on a day: all of them, or those from one network.

    Attributes:
        network: Pseudonym of the network; empty = unknown, or all.
        heard: Plays of which something was heard; `loops` of them last about 31 s, `short` less than a minute.
        plays: Second of the start, milliseconds heard and track of each play.
        devices: Pseudonyms of the devices.
        countries: Countries of the whole day.
        networks: How many networks the plays came from.
    """

    network: str
    heard: int
    loops: int
    short: int
    plays: tuple[Start, ...]
    devices: frozenset[str]
    countries: frozenset[str]
    networks: int = 1

    @property
    def streams(self) -> int:
        """How many plays."""
        return len(self.plays)

    @cached_property
    def tracks(self) -> Counter[str]:
        """Plays by track."""
        return Counter(track for _, _, track in self.plays)

    @cached_property
    def hours(self) -> Counter[int]:
        """Plays by hour of the UTC day."""
        return Counter(start // 3600 % _HOURS for start, _, _ in self.plays)

    def is_busy(self, settings: ManipulationSettings) -> bool:
        """Whether it plays few tracks often: those who share a device or a network with it are its company."""
        return self.streams >= max(settings.minimum_streams, PLAYS_A_TRACK[0] * len(self.tracks))


def together(units: Sequence[Unit]) -> Unit:
    """The units of a day as one."""
    if len(units) == 1:
        (only,) = units
        whole = replace(only, network="", networks=int(only.network != ""))
        vars(whole).update(tracks=only.tracks, hours=only.hours)  # counted already
        return whole
    return Unit(
        network="",
        heard=sum(unit.heard for unit in units),
        loops=sum(unit.loops for unit in units),
        short=sum(unit.short for unit in units),
        plays=tuple(play for unit in units for play in unit.plays),
        devices=frozenset[str]().union(*(unit.devices for unit in units)),
        countries=frozenset[str]().union(*(unit.countries for unit in units)),
        networks=len({unit.network for unit in units if unit.network}),
    )


@dataclass(frozen=True)
class Company:
    """Others who are busy on the same network and devices, and others who act in step with the listener."""

    on_network: int = 0
    on_device: int = 0
    in_step: int = 0


def weigh(unit: Unit, company: Company, settings: ManipulationSettings) -> tuple[list[Signal], float]:
    """Signals that say something, and the score: the sum of their weights, 1 at most; too few streams have none."""
    tracks, hours, streams = unit.tracks, unit.hours, unit.streams
    heard = max(unit.heard, 1)
    is_round_the_clock = len(hours) >= settings.round_the_clock_hours
    values: dict[str, tuple[float, float]] = {
        "round_the_clock": (len(hours), float(is_round_the_clock)),
        "even_hours": _graded(_evenness(hours.values(), _HOURS), _EVEN_HOURS),
        "few_tracks": _graded(streams / max(len(tracks), 1), PLAYS_A_TRACK),
        "repeated_tracks": _graded(1 - _evenness(tracks.values(), streams), _REPEATED),
        "loops": _graded(unit.loops / heard, PART_OF_PLAYS),
        "short_plays": _graded(unit.short / heard, PART_OF_PLAYS),
        "velocity": _graded(streams / max(len(hours), 1), PLAYS_AN_HOUR),
        "shared_devices": _graded(company.on_device, _OTHERS_ON_DEVICE),
        "crowded_network": _graded(company.on_network, _OTHERS_ON_NETWORK),
        "device_churn": _graded(len(unit.devices), _DEVICES),
        "network_churn": _graded(unit.networks, _NETWORKS),
        "coordinated": _graded(company.in_step, _OTHERS_IN_STEP),
        "other_country": (len(unit.countries), float(len(unit.countries) > 1)),
    }
    signals: list[Signal] = [
        {"name": name, "value": float(value), "weight": strength * WEIGHTS[name]}
        for name, (value, strength) in values.items()
        if strength > 0
    ]
    total = round(min(sum(signal["weight"] for signal in signals), 1.0), 9)
    return signals, total if streams >= settings.minimum_streams else 0.0


def _evenness(counts: Iterable[int], among: int) -> float:
    """Shannon's entropy of counts over the largest that `among` outcomes can have; 1 where there is but one outcome."""
    held = sorted(counts)  # in one order, whatever the order of the plays, so that the sum is the same to the bit
    total = sum(held)
    if among <= 1 or not total:
        return 1.0
    return -sum(count / total * math.log(count / total) for count in held) / math.log(among)


def _graded(value: float, bounds: tuple[float, float]) -> tuple[float, float]:
    """A value, and its strength: 0 up to the lower bound, 1 from the upper on."""
    low, high = bounds
    return value, min(max((value - low) / (high - low), 0.0), 1.0)
