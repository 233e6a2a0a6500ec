"""What a finding says of its cause: the share that it explains, what was ruled out, and one sentence for people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from earshot.core.figures import spoken
from earshot.detectors.attribution import Event
from earshot.detectors.baseline import TINY
from earshot.detectors.interface import DayScores
from earshot.detectors.series import HOURS_OF_DAY, Dimensions, Floats, Kind, is_complement, is_per_play

# So much of a deviation may lie elsewhere among a dimension's values than the plays do, and it is still even.
_EVEN: Final = 0.15
# So much of what was due must be in slices that the cube keeps, or nothing is said of their dimension.
_KNOWN: Final = 0.7
_LEAST_VALUES: Final = 2
# Standard deviations from which a slice is said to deviate.
_DEVIATES: Final = 3.0


@dataclass(frozen=True)
class Cause:
    """Why an event is put down to its slice.

    Attributes:
        explained: Part (0 to 1) of the deviation over these hours that lies in the slice: of the total's where the
            total itself deviates so, else of all slices that do and fix the same dimensions; 1 for the total.
        ruled_out: Dimensions over whose values the deviation is spread as the plays are.
        sentence: All of it, in one sentence.
    """

    explained: float
    ruled_out: tuple[str, ...]
    sentence: str


def cause_of(scores: DayScores, event: Event) -> Cause:
    """What can be said of the cause of an event.

    Args:
        scores: Of the event's metric, on its day.
        event: The event.
    """
    seen, due = (_over_hours(of, event) for of in (scores.frame.numerator, scores.frame.expected))
    size = _over_hours(scores.frame.exposure, event) if scores.matrix.kind is Kind.LEVEL else due
    places = scores.matrix.row_by_dimensions()
    gap = seen - due
    explained = _explained(scores, event, places, gap) if event.dimensions else 1.0
    ruled_out = _ruled_out(places, event.dimensions, gap, size)
    return Cause(explained, ruled_out, _sentence(scores, event, explained, ruled_out))


def words_of(slice_: Dimensions) -> str:
    """A slice as people say it."""
    return " x ".join(f"{name} {value}" for name, value in slice_) or "everywhere"


def _explained(scores: DayScores, event: Event, places: dict[Dimensions, int], gap: Floats) -> float:
    own = places[event.dimensions]
    hours = scores.deviation[:, list(event.hours)] * np.sign(event.deviation)
    deviates = (hours.max(axis=1) >= _DEVIATES) & (gap * gap[own] > 0)
    total, fixed = places.get(()), {name for name, _ in event.dimensions}
    alike = [row for one, row in places.items() if {name for name, _ in one} == fixed and (deviates[row] or row == own)]
    whole = gap[total] if total is not None and deviates[total] else gap[alike].sum()
    return float(np.clip(gap[own] / whole, 0.0, 1.0)) if abs(whole) > TINY else 1.0


def _ruled_out(places: dict[Dimensions, int], slice_: Dimensions, gap: Floats, size: Floats) -> tuple[str, ...]:
    """Dimensions that the slice does not fix, and over which its deviation is even.

    The cube fixes three dimensions at most: of a slice that fixes three, the slices are asked that fix two of them.
    """
    others = sorted({name for dimensions in places for name, _ in dimensions} - {name for name, _ in slice_})
    wider = [tuple(pair for pair in slice_ if pair is not left_out) for left_out in slice_]
    found = []
    for name in others:
        for within in (slice_, *wider):
            rows = [places[one] for one in places if _adds(one, within, name)]
            if len(rows) >= _LEAST_VALUES and within in places and _covers(size, rows, places[within]):
                if _is_even(gap[rows], size[rows]):
                    found.append(name)
                break
    return tuple(found)


def _adds(dimensions: Dimensions, slice_: Dimensions, name: str) -> bool:
    return len(dimensions) == len(slice_) + 1 and name in dict(dimensions) and set(slice_) < set(dimensions)


def _covers(size: Floats, rows: list[int], whole: int) -> bool:
    return bool(np.abs(size[rows]).sum() >= _KNOWN * np.abs(size[whole]))


def _is_even(gap: Floats, size: Floats) -> bool:
    shares, wanted = gap / (gap.sum() or TINY), size / (size.sum() or TINY)
    return bool(0.5 * np.abs(shares - wanted).sum() <= _EVEN)


def _over_hours(figures: Floats, event: Event) -> Floats:
    return np.asarray(figures[:, -HOURS_OF_DAY:][:, list(event.hours)].sum(axis=1))


def _sentence(scores: DayScores, event: Event, explained: float, ruled_out: tuple[str, ...]) -> str:
    row = scores.matrix.row_by_dimensions()[event.dimensions]
    hours = list(event.hours)
    observed, expected = scores.observed[row, hours], scores.expected[row, hours]
    is_sum = scores.matrix.kind is not Kind.LEVEL and not is_per_play(event.metric) and not is_complement(event.metric)
    add = np.nansum if is_sum else np.nanmean
    seen, due = (float(add(figures)) if np.isfinite(figures).any() else 0.0 for figures in (observed, expected))
    figures = f"{spoken(seen, event.metric)} seen, {spoken(due, event.metric)} due"
    what = f"the {'rise' if seen > due else 'drop'} in {event.metric} ({figures})"
    told = (
        f"{words_of(event.dimensions)} explains {explained:.0%} of {what}" if event.dimensions else f"{what} is general"
    )
    return f"{told}; not {', '.join(ruled_out)}" if ruled_out else told
