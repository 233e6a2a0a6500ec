"""Streams that look manipulated, by plain rules: signals of a listener's day, each with a weight.

A day is judged as a whole, and each network from which it came by itself: a hijacked account plays for somebody else
from one network and for its owner from another. Listeners are judged beside those who share a network or a device
with them, or act in step with them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

from earshot.core import columns as c
from earshot.core.settings import ManipulationSettings
from earshot.detectors.coordination import companies, shingles
from earshot.detectors.signals import Company, Signal, Unit, together, weigh
from earshot.detectors.strange_days import ListenerDay

BY_RULE: Final = "by_rule"
_WHOLE_DAY: Final = 0.95

_Shared = dict[str, set[str]]
_Judged = tuple[Unit, list[Signal], float]


def suspects_among(
    day: date, looked_at: Mapping[str, ListenerDay], settings: ManipulationSettings
) -> list[dict[str, Any]]:
    """Rows of gold.suspect_listens of one day, before what people said of them.

    Args:
        day: The UTC day.
        looked_at: What `strange_days` gives.
        settings: Thresholds.

    Returns:
        listener_id, track_id (None: all of that listener and day), listen_date, signals, score, streams, by_rule
        (whether the row is suspect; the whole day of every listener is there in any case). A day that is given only
        because people spoke of the listener is suspect to no rule and nobody's company: what people said of one
        day changes no other.
    """
    odd = {listener: one.units for listener, one in looked_at.items() if one.is_strange}
    on_network, on_device = _sharing(odd, settings)
    wholes = {listener: together(one.units) for listener, one in looked_at.items()}
    in_step = _in_step({listener: wholes[listener] for listener in odd}, settings)
    found = []
    for listener in sorted(looked_at):
        judged: list[_Judged] = []
        units = sorted(looked_at[listener].units, key=lambda unit: unit.network)
        others = in_step.get(listener, 0)
        for unit in units:
            neighbours = on_network[unit.network] - {listener} if unit.network else set()
            sharing = set().union(*(on_device[device] for device in unit.devices)) - {listener}
            company = Company(len(neighbours), len(sharing), others if len(units) == 1 else 0)
            judged.append((unit, *weigh(unit, company, settings)))
        company = Company(in_step=others)
        found += _rows(listener, day, wholes[listener], company, judged, settings, is_strange=listener in odd)
    return found


def _rows(
    listener: str,
    day: date,
    whole: Unit,
    company: Company,
    judged: Sequence[_Judged],
    settings: ManipulationSettings,
    *,
    is_strange: bool,
) -> list[dict[str, Any]]:
    signals, score = weigh(whole, company, settings)
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


def _sharing(by_listener: Mapping[str, Sequence[Unit]], settings: ManipulationSettings) -> tuple[_Shared, _Shared]:
    """Busy listeners by network, and by device."""
    on_network: _Shared = defaultdict(set)
    on_device: _Shared = defaultdict(set)
    for listener, units in by_listener.items():
        for unit in units:
            if unit.is_busy(settings):
                on_network[unit.network].add(listener)
                for device in unit.devices:
                    on_device[device].add(listener)
    return on_network, on_device


def _in_step(wholes: Mapping[str, Unit], settings: ManipulationSettings) -> dict[str, int]:
    """How many others each busy listener starts the same tracks with, at the same times of the day."""
    return companies({name: shingles(whole.plays) for name, whole in wholes.items() if whole.is_busy(settings)})
