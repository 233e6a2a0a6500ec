"""Streams that look manipulated, by plain rules: signals of a listener's day, each with a weight.

A day is judged as a whole, and each network from which it came by itself: a hijacked account plays for somebody else
from one network and for its owner from another. Listeners are judged beside those who share a network or a device
with them, or act in step with them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, Final

from earshot.core import columns as c
from earshot.core.settings import ManipulationSettings
from earshot.detectors.coordination import companies, shingles
from earshot.detectors.signals import Company, Signal, Unit, together, weigh
from earshot.detectors.strange_days import IS_STRANGE, PLAYS

BY_RULE: Final = "by_rule"
_WHOLE_DAY: Final = 0.95

_Shared = dict[tuple[date, str], set[str]]
_Judged = tuple[Unit, list[Signal], float]


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
        strange |= {(row[c.LISTENER_ID], row[c.LISTEN_DATE])} if row[IS_STRANGE] else set()
    odd = {key: units for key, units in by_day.items() if key in strange}
    on_network, on_device = _sharing(odd, settings)
    in_step = _in_step(odd, settings)
    found = []
    for listener, day in sorted(by_day):
        judged: list[_Judged] = []
        units = sorted(by_day[listener, day], key=lambda unit: unit.network)
        others = in_step.get((listener, day), 0)
        for unit in units:
            neighbours = on_network[day, unit.network] - {listener} if unit.network else set()
            sharing = set().union(*(on_device[day, device] for device in unit.devices)) - {listener}
            company = Company(len(neighbours), len(sharing), others if len(units) == 1 else 0)
            judged.append((unit, *weigh(unit, company, settings)))
        found += _rows(listener, day, judged, settings, others=others, is_strange=(listener, day) in strange)
    return found


def _rows(
    listener: str,
    day: date,
    judged: Sequence[_Judged],
    settings: ManipulationSettings,
    *,
    others: int,
    is_strange: bool,
) -> list[dict[str, Any]]:
    whole = together([unit for unit, _, _ in judged])
    signals, score = weigh(whole, Company(in_step=others), settings)
    guilty = [one for one in judged if is_strange and one[2] >= settings.suspect_score]
    part = sum(unit.streams for unit, _, _ in guilty) / whole.streams
    if guilty:
        signals, score = max(
            ((s, x) for _, s, x in guilty if x >= score), key=lambda one: one[1], default=(signals, score)
        )
    # A network by itself stands for the day when nearly all of the day came from it.
    by_rule = part >= _WHOLE_DAY or (is_strange and not guilty and score >= settings.suspect_score)
    tracks = whole.tracks
    rows = [_row(listener, None, day, signals, score, whole.streams, by_rule)]
    if guilty and not by_rule:
        streams: Counter[str] = sum((unit.tracks for unit, _, _ in guilty), Counter())
        _, signals, score = max(guilty, key=lambda one: one[2])
        rows += [_row(listener, track, day, signals, score, tracks[track], True) for track in sorted(streams)]
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
        BY_RULE: by_rule,
    }


def _unit(row: Mapping[str, Any]) -> Unit:
    return Unit(
        network=row[c.NETWORK_TOKEN],
        heard=row["heard"],
        loops=row["loops"],
        short=row["short"],
        plays=tuple((play["start"], play["heard_ms"], play[c.TRACK_ID] or "") for play in row[PLAYS]),
        devices=frozenset(row["devices"]),
        countries=frozenset(row["countries"]),
    )


def _sharing(
    by_day: Mapping[tuple[str, date], Sequence[Unit]], settings: ManipulationSettings
) -> tuple[_Shared, _Shared]:
    """Busy listeners by day and network, and by day and device."""
    on_network: _Shared = defaultdict(set)
    on_device: _Shared = defaultdict(set)
    for (listener, day), units in by_day.items():
        for unit in units:
            if unit.is_busy(settings):
                on_network[day, unit.network].add(listener)
                for device in unit.devices:
                    on_device[day, device].add(listener)
    return on_network, on_device


def _in_step(
    by_day: Mapping[tuple[str, date], Sequence[Unit]], settings: ManipulationSettings
) -> dict[tuple[str, date], int]:
    """How many others each busy listener starts the same tracks with, at the same times of the day."""
    starts: dict[date, dict[str, frozenset[tuple[str, int]]]] = defaultdict(dict)
    for (listener, day), units in by_day.items():
        whole = together(units)
        if whole.is_busy(settings):
            starts[day][listener] = shingles(whole.plays)
    return {(name, day): others for day, of_day in starts.items() for name, others in companies(of_day).items()}
