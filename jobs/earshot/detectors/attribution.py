"""Which series explains a deviation, and which only show it.

An outage in one country also shows in the total, in every device of that country and a little in
every device. Of all series that deviate at the same time the root is the one whose own deviation,
taken out of all others, leaves least unexplained. Only the root keeps a severity.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from earshot.detectors import evidence
from earshot.detectors.baseline import TINY, SeasonalConfig
from earshot.detectors.interface import DayScores
from earshot.detectors.series import (
    HOURS_OF_DAY,
    Dimensions,
    Flags,
    Floats,
    Kind,
    contradict,
    hourly_need,
    within,
    worse,
)
from earshot.detectors.traces import Left
from earshot.detectors.widening import Surroundings

_ROOTS_TRIED: Final = 12
_RUNNERS_UP: Final = 2
# Missing (or surplus) plays that are so large a part of a slice change what the rest of it looks like.
_MIX: Final = 0.1
_EVENTS_A_DAY: Final = 12
_STILL_ON: Final = 1.0
_LASTING: Final = 0.35
# A deviation of which the roots explain so much is theirs, though chance spread it unevenly.
_MOSTLY: Final = 0.5


@dataclass(frozen=True)
class Event:
    """One thing that happened on a judged day.

    Attributes:
        dimensions: The slice that explains it.
        metric: The metric that shows it best.
        metrics: Metrics of that slice that deviate, the best first.
        hours: Hours of the day in which it is detected.
        deviation: The largest deviation, signed, in standard deviations.
        reach: Hours of the day from which the detections draw.
        runners_up: Other slices that deviate then, those that would explain most first; at most two.
    """

    dimensions: Dimensions
    metric: str
    metrics: tuple[str, ...]
    hours: tuple[int, ...]
    deviation: float
    reach: tuple[int, ...]
    runners_up: tuple[Dimensions, ...] = ()


@dataclass
class _Candidate:
    group: int
    row: int
    dimensions: Dimensions
    flags: Flags
    deviation: Floats


def detected(scores: DayScores, threshold: float, minimum_volume: float) -> Flags:
    """S x 24: hours that deviate for the worse, still do, and have enough behind them."""
    going_on = (np.abs(scores.recent) >= _STILL_ON) & (scores.persistence >= _LASTING)
    metric = scores.matrix.metric
    enough = scores.support >= minimum_volume * np.maximum(scores.window * hourly_need(metric), 1.0)
    bad = scores.deviation * worse(metric) >= 0
    return np.asarray((scores.score >= threshold) & scores.judged & going_on & enough & bad)


def explain(
    day: Sequence[DayScores],
    threshold: float,
    minimum_volume: float,
    config: SeasonalConfig,
    earlier: Sequence[Event] = (),
) -> list[Event]:
    """The events of one day, the clearest first.

    Args:
        day: The scores of one day, one item a metric.
        threshold: Score from which an hour deviates.
        minimum_volume: Plays that must have been due over the window.
        config: The detector's configuration.
        earlier: The events of the day before, whose traces reach into this one.
    """
    limit = evidence.deviation_at(threshold, config)
    left = [Left.whole(scores.frame, scores.matrix.row_by_dimensions()) for scores in day]
    pending = _candidates(day, threshold, minimum_volume)
    slices = {candidate.dimensions for candidate in pending}
    for event in earlier:
        # What lasted to midnight may go on; what had ended speaks for itself no longer.
        goes_on = {event.dimensions} if event.hours[-1] == HOURS_OF_DAY - 1 else set()
        everywhere = range(len(day))
        _take_out(left, event.dimensions, _yesterday(day, event), slices - goes_on, everywhere)
    pending = _again(day, left, pending, limit, config)
    # Where plays are missing the mix of the rest changes: what is counted is explained first.
    counts = [c for c in pending if day[c.group].frame.kind is Kind.COUNT]
    events = _events(day, left, counts, slices, limit, config)
    rest = [c for c in pending if day[c.group].frame.kind is not Kind.COUNT]
    mixed = [_mixed(day, event, slices - {event.dimensions}) for event in events]
    rest = [
        c
        for c in _again(day, left, rest, limit, config)
        if _is_beyond_mix(day[c.group], c) or not any(_is_mix(c, one) for one in mixed)
    ]
    events += _events(day, left, rest, slices, limit, config)
    return sorted(events, key=lambda event: -abs(event.deviation))


def _events(
    day: Sequence[DayScores],
    left: list[Left],
    pending: list[_Candidate],
    slices: set[Dimensions],
    limit: float,
    config: SeasonalConfig,
) -> list[Event]:
    """Root after root, until nothing that deviates is left; `left` is without what they explain."""
    events: list[Event] = []
    while pending and len(events) < _EVENTS_A_DAY:
        (root, hours), *others = _widened(left, pending, _roots(day, left, pending, limit, config), config)
        at_root = sorted(
            (c for c in pending if c.dimensions == root and c.flags[hours[-HOURS_OF_DAY:]].any()),
            key=lambda c: -_peak(c),
        )
        best = at_root[0]
        shown = np.flatnonzero(best.flags)
        peak = float(best.deviation[shown[np.abs(best.deviation[shown]).argmax()]])
        names = tuple(day[c.group].matrix.metric for c in at_root)
        reach = tuple(int(hour) for hour in np.flatnonzero(hours[-HOURS_OF_DAY:]))
        runners_up = tuple(dimensions for dimensions, _ in others[:_RUNNERS_UP])
        events.append(Event(root, names[0], names, tuple(int(hour) for hour in shown), peak, reach, runners_up))
        _take_out(left, root, hours, slices, {c.group for c in pending})
        pending = [
            c
            for c in _again(day, left, pending, limit, config)
            if c.dimensions != root and not _follows(c, root, hours, left[c.group], abs(peak))
        ]
    return events


def _take_out(left: list[Left], root: Dimensions, hours: Flags, slices: set[Dimensions], groups: Iterable[int]) -> None:
    for group in groups:
        left[group] = left[group].without(root, hours, slices)


def _yesterday(day: Sequence[DayScores], event: Event) -> Flags:
    """The hours of yesterday's event as columns of today's frame."""
    hours = np.zeros(day[0].frame.numerator.shape[1], dtype=np.bool_)
    if hours.size > HOURS_OF_DAY:
        hours[list(event.reach)] = True
    return hours


def _mixed(day: Sequence[DayScores], event: Event, slices: set[Dimensions]) -> dict[Dimensions, Flags]:
    """Hours in which an event of counts takes away, or adds, much of what a slice consists of."""
    scores = next(scores for scores in day if scores.matrix.metric == event.metric)
    frame, places = scores.frame, scores.matrix.row_by_dimensions()
    hours = np.zeros(frame.numerator.shape[1], dtype=np.bool_)
    hours[[hour - HOURS_OF_DAY for hour in event.reach]] = True
    taken = frame.numerator - Left.whole(frame, places).without(event.dimensions, hours, slices).numerator
    part = np.abs(taken) / np.maximum(frame.expected, TINY)
    return {dimensions: part[places[dimensions], -HOURS_OF_DAY:] >= _MIX for dimensions in slices & places.keys()}


def _is_beyond_mix(scores: DayScores, candidate: _Candidate) -> bool:
    """Whether it is so large (more than twice what was due) that no other mix of plays could make it."""
    return bool(np.median(scores.effect[candidate.row][candidate.flags]) > 1.0)


def _is_mix(candidate: _Candidate, mixed: dict[Dimensions, Flags]) -> bool:
    hours = mixed.get(candidate.dimensions)
    return hours is not None and bool((hours & candidate.flags).any())


def _candidates(day: Sequence[DayScores], threshold: float, minimum_volume: float) -> list[_Candidate]:
    found = []
    for group, scores in enumerate(day):
        flags = detected(scores, threshold, minimum_volume)
        for row in np.flatnonzero(flags.any(axis=1)):
            where = scores.matrix.dimensions[row]
            found.append(_Candidate(group, int(row), where, flags[row], scores.deviation[row]))
    return found


def _peak(candidate: _Candidate) -> float:
    return float(np.abs(candidate.deviation[candidate.flags]).max(initial=0.0))


def _roots(
    day: Sequence[DayScores],
    left: Sequence[Left],
    pending: list[_Candidate],
    limit: float,
    config: SeasonalConfig,
) -> list[tuple[Dimensions, Flags]]:
    """Slices that could be the root, that which leaves least unexplained first, and the hours that each draws from."""
    strongest: dict[Dimensions, _Candidate] = {}
    for candidate in sorted(pending, key=_peak, reverse=True):
        strongest.setdefault(candidate.dimensions, candidate)
    # Only what is judged again is looked at: the slices of a metric that are pending in it.
    pending_in = [{c.dimensions for c in pending if c.group == group} for group in range(len(day))]
    tried = []
    for dimensions, candidate in list(strongest.items())[:_ROOTS_TRIED]:
        hours = _reach(day[candidate.group], candidate)
        rest = [
            one.without(dimensions, hours, pending_in[group]) if pending_in[group] else one
            for group, one in enumerate(left)
        ]
        unexplained = sum(
            max(_peak(other) - 0.5 * limit, 0.0) for other in _again(day, rest, pending, 0.5 * limit, config, most=9.0)
        )
        tried.append((unexplained - 0.05 * _peak(candidate), len(dimensions), dimensions, hours))
    return [(root, hours) for _, _, root, hours in sorted(tried, key=lambda item: item[:3])]


def _widened(
    left: Sequence[Left],
    pending: Sequence[_Candidate],
    roots: list[tuple[Dimensions, Flags]],
    config: SeasonalConfig,
) -> list[tuple[Dimensions, Flags]]:
    """The roots, the first of them a wider slice where what lies around the first deviates alike."""
    (root, hours), *others = roots
    group = max((c for c in pending if c.dimensions == root), key=_peak).group
    detected_now = {c.dimensions for c in pending if c.group == group}
    of = left[group]
    around = Surroundings.of(of.places, of.frame, of.numerator, hours, config)
    wide = around.widened(root, detected_now)
    return roots if wide == root else [(wide, hours), (root, hours), *(one for one in others if one[0] != wide)]


def _reach(scores: DayScores, candidate: _Candidate) -> Flags:
    """Hours of the frame from which the detections of a candidate draw."""
    total = scores.frame.numerator.shape[1]
    before = total - HOURS_OF_DAY
    reach = np.zeros(total, dtype=np.bool_)
    for hour in np.flatnonzero(candidate.flags):
        end = before + int(hour) + 1
        reach[max(end - int(scores.window[candidate.row, hour]), 0) : end] = True
    return reach


def _again(
    day: Sequence[DayScores],
    left: Sequence[Left],
    pending: Sequence[_Candidate],
    limit: float,
    config: SeasonalConfig,
    most: float = _MOSTLY,
) -> list[_Candidate]:
    """The candidates that still deviate by what is left, and are not explained to the part `most`."""
    kept: list[_Candidate] = []
    for group, scores in enumerate(day):
        members = [candidate for candidate in pending if candidate.group == group]
        if not members:
            continue
        of_members = [candidate.row for candidate in members]
        deviation = evidence.strongest(left[group].deviations(of_members, config))[0][:, -HOURS_OF_DAY:]
        explained = _explained(scores, of_members, left[group].numerator[of_members])
        for candidate, now, share in zip(members, deviation, explained, strict=True):
            same_way = np.sign(now) == np.sign(candidate.deviation)
            flags = candidate.flags & same_way & (np.abs(now) >= limit) & (share < most)
            if flags.any():
                kept.append(replace(candidate, flags=flags, deviation=now))
    return kept


def _explained(scores: DayScores, rows: list[int], left: Floats) -> Floats:
    """R x 24: how much of the deviation of each hour's window has been taken out."""
    frame = scores.frame
    gap = frame.numerator[rows] - frame.expected[rows]
    taken = frame.numerator[rows] - left
    share = np.zeros((len(rows), HOURS_OF_DAY))
    for length in np.unique(scores.window[rows]):
        whole = evidence.trailing(gap, int(length))[:, -HOURS_OF_DAY:]
        part = evidence.trailing(taken, int(length))[:, -HOURS_OF_DAY:]
        ratio = np.where(np.abs(whole) > TINY, part / np.where(np.abs(whole) > TINY, whole, 1.0), 0.0)
        share = np.where(scores.window[rows] == length, ratio, share)
    return share


def _follows(candidate: _Candidate, root: Dimensions, hours: Flags, left: Left, peak: float) -> bool:
    """Whether it overlaps a clearer root and lies within it, or may be all the root's for what the cube tells."""
    here = candidate.dimensions
    shared = hours.copy()
    shared[-HOURS_OF_DAY:] &= candidate.flags
    if contradict(here, root) or not shared[-HOURS_OF_DAY:].any() or _peak(candidate) >= peak:
        return False
    if within(here, root) or not left.tells(here, root):
        return True
    return not within(root, here) and left.could_hold(here, root, shared)
