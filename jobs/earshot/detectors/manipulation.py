"""Streams that look manipulated, by plain rules: signals of a listener's day, each with a weight.

Spark sums each listener's day by network and keeps those few that show anything strange, in one plan with
one shuffle; what is left is weighed here. A day is judged as a whole, and each network from which it came by
itself: a hijacked account plays for somebody else from one network and for its owner from another.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from earshot.core import columns as c
from earshot.core.settings import ManipulationSettings

# What each signal adds to the score at full strength; a day is suspect from `suspect_score` on.
WEIGHTS: Final = {
    "round_the_clock": 0.45,
    "few_tracks": 0.25,
    "loops": 0.45,
    "short_plays": 0.35,
    "velocity": 0.15,
    "shared_devices": 0.15,
    "crowded_network": 0.15,
    "other_country": 0.25,
}

_SHORT_MS: Final = 60_000
_PLAYS_A_TRACK: Final = (3.0, 8.0)
_PART_OF_PLAYS: Final = (0.5, 0.8)
_PLAYS_AN_HOUR: Final = (25.0, 60.0)
_OTHERS_ON_DEVICE: Final = (0.0, 1.0)
_OTHERS_ON_NETWORK: Final = (1.0, 3.0)
_WHOLE_DAY: Final = 0.95
_IS_STRANGE: Final = "is_strange"

Signal = dict[str, Any]


@dataclass(frozen=True)
class Unit:
    """Plays of a listener on a day: all of them, or those from one network.

    Attributes:
        streams: Plays.
        heard: Plays of which something was heard; `loops` of them last about 31 s, `short` less than a minute.
        hours: Hours of the UTC day with a play.
        tracks: Plays by track.
        devices: Pseudonyms of the devices.
        countries: Countries of the whole day.
    """

    network: str
    streams: int
    heard: int
    loops: int
    short: int
    hours: frozenset[int]
    tracks: Counter[str]
    devices: frozenset[str]
    countries: frozenset[str]

    def is_busy(self, settings: ManipulationSettings) -> bool:
        """Whether it plays few tracks often: those who share a device or a network with it are its company."""
        return self.streams >= max(settings.minimum_streams, _PLAYS_A_TRACK[0] * len(self.tracks))


def strange_days(
    listens: DataFrame, *, settings: ManipulationSettings, known_listeners: Collection[str] = ()
) -> DataFrame:
    """Listeners' days that show at least one strong signal, by network.

    Args:
        listens: Rows of silver.listens, whole days.
        settings: Thresholds.
        known_listeners: Listeners of whom people spoke: their days are given in any case.

    Returns:
        listener_id, listen_date, network_token ("" = unknown), streams, heard, loops, short, hours (array), tracks
        (array, one entry a play), devices (array), countries (array), is_strange (false: given only because people
        spoke of the listener). One shuffle, by listener and day.
    """
    days = [c.LISTENER_ID, c.LISTEN_DATE]
    played = F.coalesce(c.PLAYED_MS, F.lit(0))
    units = (
        listens.select(
            *days,
            F.coalesce(c.NETWORK_TOKEN, F.lit("")).alias(c.NETWORK_TOKEN),
            c.DEVICE_TOKEN,
            c.TRACK_ID,
            c.COUNTRY,
            F.hour(c.STARTED_AT).alias("hour"),
            (played > 0).cast("int").alias("heard"),
            played.between(settings.loop_ms_low, settings.loop_ms_high).cast("int").alias("loops"),
            played.between(settings.loop_ms_low, _SHORT_MS).cast("int").alias("short"),
        )
        .repartition(*days)
        .groupBy(*days, c.NETWORK_TOKEN)
        .agg(
            F.count("*").alias("streams"),
            *(F.sum(name).alias(name) for name in ("heard", "loops", "short")),
            F.collect_set("hour").alias("hours"),
            F.collect_list(c.TRACK_ID).alias("tracks"),
            F.collect_set(c.DEVICE_TOKEN).alias("devices"),
            F.collect_set(c.COUNTRY).alias("countries"),
        )
    )
    of_day = Window.partitionBy(*days)
    known = F.col(c.LISTENER_ID).isin(sorted(known_listeners)) if known_listeners else F.lit(False)
    seen = units.select(
        "*",
        F.sum("streams").over(of_day).alias("day_streams"),
        F.array_distinct(F.flatten(F.collect_list("hours").over(of_day))).alias("day_hours"),
        F.array_distinct(F.flatten(F.collect_list("countries").over(of_day))).alias("day_countries"),
        F.max(_is_odd(settings)).over(of_day).alias("has_odd_unit"),
    )
    enough = F.col("day_streams") >= settings.minimum_streams
    round_the_clock = F.size("day_hours") >= settings.round_the_clock_hours
    is_strange = enough & (F.col("has_odd_unit") | round_the_clock | (F.size("day_countries") > 1))
    kept = ("streams", "heard", "loops", "short", "hours", "tracks", "devices")
    return seen.where(is_strange | known).select(
        *days, c.NETWORK_TOKEN, *kept, F.col("day_countries").alias("countries"), is_strange.alias(_IS_STRANGE)
    )


def _is_odd(settings: ManipulationSettings) -> Column:
    heard = F.greatest("heard", F.lit(1))
    often = F.col("streams") >= _PLAYS_AN_HOUR[0] * F.size("hours")
    return (F.col("streams") >= settings.minimum_streams) & (
        (F.col("short") > _PART_OF_PLAYS[0] * heard) | (F.col("loops") > _PART_OF_PLAYS[0] * heard) | often
    )


def suspects_among(rows: Iterable[Mapping[str, Any]], settings: ManipulationSettings) -> list[dict[str, Any]]:
    """Rows of gold.suspect_listens before what people said of them.

    Args:
        rows: What `strange_days` gives.
        settings: Thresholds.

    Returns:
        listener_id, track_id (None: all of that listener and day), listen_date, signals, score, streams, by_rule
        (whether the row is suspect; the whole day of every listener is there in any case). A day that is given only
        because people spoke of the listener is suspect to no rule and nobody's company: what people said of one
        day changes no other.
    """
    by_day: dict[tuple[str, date], list[Unit]] = defaultdict(list)
    strange: set[tuple[str, date]] = set()
    for row in rows:
        by_day[row[c.LISTENER_ID], row[c.LISTEN_DATE]].append(_unit(row))
        strange |= {(row[c.LISTENER_ID], row[c.LISTEN_DATE])} if row[_IS_STRANGE] else set()
    on_network, on_device = _company({key: units for key, units in by_day.items() if key in strange}, settings)
    found = []
    for listener, day in sorted(by_day):
        judged = []
        for unit in sorted(by_day[listener, day], key=lambda unit: unit.network):
            neighbours = on_network[day, unit.network] - {listener} if unit.network else set()
            sharing = set().union(*(on_device[day, device] for device in unit.devices)) - {listener}
            judged.append((unit, *_weigh(unit, len(neighbours), len(sharing), settings)))
        found += _rows(listener, day, judged, settings, is_strange=(listener, day) in strange)
    return found


def _rows(
    listener: str,
    day: date,
    judged: Sequence[tuple[Unit, list[Signal], float]],
    settings: ManipulationSettings,
    *,
    is_strange: bool,
) -> list[dict[str, Any]]:
    whole = _together([unit for unit, _, _ in judged])
    signals, score = _weigh(whole, 0, 0, settings)
    guilty = [one for one in judged if is_strange and one[2] >= settings.suspect_score]
    part = sum(unit.streams for unit, _, _ in guilty) / whole.streams
    if guilty:
        signals, score = max(
            ((s, x) for _, s, x in guilty if x >= score), key=lambda one: one[1], default=(signals, score)
        )
    # A network by itself stands for the day when nearly all of the day came from it.
    by_rule = part >= _WHOLE_DAY or (is_strange and not guilty and score >= settings.suspect_score)
    rows = [_row(listener, None, day, signals, score, whole.streams, by_rule)]
    if guilty and not by_rule:
        streams: Counter[str] = sum((unit.tracks for unit, _, _ in guilty), Counter())
        _, signals, score = max(guilty, key=lambda one: one[2])
        rows += [_row(listener, track, day, signals, score, whole.tracks[track], True) for track in sorted(streams)]
    return rows


def _row(
    listener: str, track: str | None, day: date, signals: list[Signal], score: float, streams: int, by_rule: bool
) -> dict[str, Any]:
    return {
        c.LISTENER_ID: listener,
        c.TRACK_ID: track,
        c.LISTEN_DATE: day,
        c.SIGNALS: signals,
        c.SCORE: score,
        c.STREAMS: streams,
        "by_rule": by_rule,
    }


def _unit(row: Mapping[str, Any]) -> Unit:
    return Unit(
        network=row[c.NETWORK_TOKEN],
        streams=row["streams"],
        heard=row["heard"],
        loops=row["loops"],
        short=row["short"],
        hours=frozenset(row["hours"]),
        tracks=Counter(row["tracks"]),
        devices=frozenset(row["devices"]),
        countries=frozenset(row["countries"]),
    )


def _together(units: Sequence[Unit]) -> Unit:
    return Unit(
        network="",
        streams=sum(unit.streams for unit in units),
        heard=sum(unit.heard for unit in units),
        loops=sum(unit.loops for unit in units),
        short=sum(unit.short for unit in units),
        hours=frozenset[int]().union(*(unit.hours for unit in units)),
        tracks=sum((unit.tracks for unit in units), Counter()),
        devices=frozenset[str]().union(*(unit.devices for unit in units)),
        countries=frozenset[str]().union(*(unit.countries for unit in units)),
    )


_Company = dict[tuple[date, str], set[str]]


def _company(
    by_day: Mapping[tuple[str, date], Sequence[Unit]], settings: ManipulationSettings
) -> tuple[_Company, _Company]:
    """Busy listeners by day and network, and by day and device."""
    on_network: _Company = defaultdict(set)
    on_device: _Company = defaultdict(set)
    for (listener, day), units in by_day.items():
        for unit in units:
            if unit.is_busy(settings):
                on_network[day, unit.network].add(listener)
                for device in unit.devices:
                    on_device[day, device].add(listener)
    return on_network, on_device


def _weigh(unit: Unit, neighbours: int, sharing: int, settings: ManipulationSettings) -> tuple[list[Signal], float]:
    """Signals that say something, and the score; too few streams have none."""
    heard, hours = max(unit.heard, 1), len(unit.hours)
    is_round_the_clock = hours >= settings.round_the_clock_hours
    values: dict[str, tuple[float, float]] = {
        "round_the_clock": (hours, float(is_round_the_clock)),
        "few_tracks": _graded(unit.streams / max(len(unit.tracks), 1), _PLAYS_A_TRACK),
        "loops": _graded(unit.loops / heard, _PART_OF_PLAYS),
        "short_plays": _graded(unit.short / heard, _PART_OF_PLAYS),
        "velocity": _graded(unit.streams / max(hours, 1), _PLAYS_AN_HOUR),
        "shared_devices": _graded(sharing, _OTHERS_ON_DEVICE),
        "crowded_network": _graded(neighbours, _OTHERS_ON_NETWORK),
        "other_country": (len(unit.countries), float(len(unit.countries) > 1)),
    }
    signals: list[Signal] = [
        {"name": name, "value": float(value), "weight": strength * WEIGHTS[name]}
        for name, (value, strength) in values.items()
        if strength > 0
    ]
    total = round(min(sum(signal["weight"] for signal in signals), 1.0), 6)
    return signals, total if unit.streams >= settings.minimum_streams else 0.0


def _graded(value: float, bounds: tuple[float, float]) -> tuple[float, float]:
    """A value, and its strength: 0 up to the lower bound, 1 from the upper on."""
    low, high = bounds
    return value, min(max((value - low) / (high - low), 0.0), 1.0)
