"""Plays of special accounts before they are measured: who, when, what, and why it ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earshot.importers.simulated import plays as p
from earshot.importers.simulated.plays import KINDS, Plays
from earshot.importers.simulated.population import Clients
from earshot.importers.simulated.quality import measure

Ints = NDArray[np.int64]

HOUR_MS: Final = 3_600_000
GAP_MS: Final = 1_500


@dataclass(frozen=True)
class Sketch:
    """Plays of one account over one stretch of time.

    Attributes:
        client: Of all plays, or of each.
        person: The person whose ordinary plays must give way meanwhile; -1 = nobody's.
    """

    kind: str
    client: int | Ints
    start: Ints
    played: Ints
    track: Ints
    context: int
    reason_end: int = p.TRACKDONE
    ring: int = 0
    person: int = -1

    def __len__(self) -> int:
        """How many plays."""
        return len(self.start)


def one_after_another(begin: int, end: int, tracks: Ints, played: Ints) -> tuple[Ints, Ints, Ints]:
    """Starts, lengths and tracks of plays that follow each other from `begin`; none ends after `end`."""
    ends = begin + np.cumsum(played + GAP_MS)
    kept = int(np.searchsorted(ends, end))
    return (ends - played - GAP_MS)[:kept], played[:kept], tracks[:kept]


def measured(sketches: Sequence[Sketch], clients: Clients, offsets_ms: Ints, rng: np.random.Generator) -> Plays:
    """The plays of all sketches with what the player measured."""
    if not sketches:
        return Plays.none()
    sizes = np.array([len(sketch) for sketch in sketches])
    count = int(sizes.sum())

    def each(values: list[int]) -> Ints:
        return np.repeat(np.array(values, np.int64), sizes)

    client = np.concatenate([np.broadcast_to(s.client, len(s)) for s in sketches]).astype(np.int64)
    start = np.concatenate([s.start for s in sketches]).astype(np.int64)
    offline = np.zeros(count, bool)
    quality = measure(clients, client, start, offline, offsets_ms, rng)
    reason_end = np.where(quality.failed, p.TRACKERROR, each([s.reason_end for s in sketches]))
    return Plays(
        client=client,
        start=start,
        played=np.where(quality.failed, 0, np.concatenate([s.played for s in sketches])).astype(np.int64),
        track=np.concatenate([s.track for s in sketches]).astype(np.int64),
        context=each([s.context for s in sketches]),
        reason_start=np.where(rng.random(count) < 0.95, p.TRACKDONE, p.CLICKROW),  # noqa: PLR2004 (a restart now and then)
        reason_end=reason_end,
        skipped=(reason_end == p.FWDBTN) & ~quality.failed,
        shuffle=np.zeros(count, bool),
        offline=offline,
        failed=quality.failed,
        cdn=quality.cdn,
        startup=quality.startup,
        rebuffers=quality.rebuffers,
        rebuffer_ms=quality.rebuffer_ms,
        bitrate=quality.bitrate,
        kind=each([KINDS.index(s.kind) for s in sketches]),
        ring=each([s.ring for s in sketches]),
    )


def making_way(plays: Plays, persons: Ints, sketches: Sequence[Sketch]) -> Plays:
    """Ordinary plays without those that overlap a stretch of the same person's special ones.

    Args:
        plays: Sorted by person and start.
        persons: Of each play.
        sketches: The stretches; those with person -1 ask for nothing.
    """
    kept = np.ones(len(plays), bool)
    ends = plays.start + plays.played
    for sketch in sketches:
        if sketch.person >= 0 and len(sketch):
            low, high = np.searchsorted(persons, [sketch.person, sketch.person + 1])
            begin, end = int(sketch.start[0]) - GAP_MS, int(sketch.start[-1] + sketch.played[-1]) + GAP_MS
            kept[low:high] &= (ends[low:high] < begin) | (plays.start[low:high] > end)
    return plays if kept.all() else plays.take(kept)
