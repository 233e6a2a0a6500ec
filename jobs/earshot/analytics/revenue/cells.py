"""What streams of listeners count in each model, and how many listeners they are of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from earshot.analytics.plays import Integers
from earshot.analytics.revenue.models import MODELS, Streams
from earshot.analytics.revenue.rounding import Weights, added_up, joined, totals
from earshot.core.arrow_columns import opens
from earshot.core.revenue_settings import ArtistCentricSettings

EVERY: Final = "every"
ORGANIC: Final = "organic"
KINDS: Final = (EVERY, ORGANIC)
"""All streams, and those that are not flagged."""

FLAGGED, CHOSEN, EARNS_EVERY, EARNS_ORGANIC = 1, 2, 4, 8
"""Bits of `marks`: the play is flagged, was chosen, its track earns (of all streams; of those not flagged)."""


_ENOUGH_FRACTIONS: Final = 4_000_000


@dataclass(frozen=True)
class Cells:
    """Streams that no model tells apart, a row each: by listener, among these by pool, among these by artist.

    Attributes:
        listener: Listener and month.
        pool: Country and tier.
        artist: Of the tracks.
        row: For what they are counted, 0 to some number: artist, pool and month, and what else is to be told apart.
        marks: Bits.
        plays: How many streams the cell stands for.
        of_month: By kind, all streams of the listener in the month, over all pools.
    """

    listener: Integers
    pool: Integers
    artist: Integers
    row: Integers
    marks: Integers
    plays: Integers
    of_month: Mapping[str, Integers]

    def kept(self, kind: str) -> Integers:
        """How many streams of the kind each cell stands for."""
        return kept(self.plays, self.marks, kind)


def kept(plays: Integers, marks: Integers, kind: str) -> Integers:
    """How many of the streams of each cell are of the kind."""
    return plays if kind == EVERY else np.where(marks & FLAGGED, 0, plays)


@dataclass(frozen=True)
class Counts:
    """What the streams of each row count.

    Attributes:
        streams: Counted streams of each row.
        weights: By model, what the streams count; fractions of a row may repeat.
    """

    streams: Integers
    weights: Mapping[str, Weights]

    def added_up(self) -> Counts:
        """The same, with the fractions of a row added up by denominator."""
        sums = {model: added_up(of, parts=len(self.streams)) for model, of in self.weights.items()}
        return Counts(self.streams, sums)


class SumsOfRows:
    """Counts that are added up while they come.

    Args:
        rows: How many there are.
    """

    def __init__(self, rows: int) -> None:
        nothing = np.zeros(0, np.int64)
        self._sums = Counts(np.zeros(rows, np.int64), dict.fromkeys(MODELS, Weights(nothing, nothing, nothing)))
        self._more: list[Counts] = []
        self._waiting = 0

    def copy(self) -> SumsOfRows:
        """The same so far."""
        other = SumsOfRows(0)
        other._sums, other._more, other._waiting = self._sums, list(self._more), self._waiting
        return other

    def add(self, counts: Counts) -> None:
        """Take counts whose fractions are added up."""
        self._more.append(counts)
        self._waiting += _fractions(counts)
        if self._waiting > max(_fractions(self._sums), _ENOUGH_FRACTIONS):
            self.sums()

    def sums(self) -> Counts:
        """All that came, added up."""
        of, rows = [self._sums, *self._more], len(self._sums.streams)
        self._sums = Counts(
            np.sum([counts.streams for counts in of], axis=0),
            {model: joined([counts.weights[model] for counts in of], parts=rows) for model in MODELS},
        )
        self._more, self._waiting = [], 0
        return self._sums


def _fractions(counts: Counts) -> int:
    return sum(len(of.part) for of in counts.weights.values())


def counts_of(cells: Cells, rules: ArtistCentricSettings, *, rows: int) -> dict[str, Counts]:
    """The counts of both `KINDS`; the same object where they do not differ.

    Args:
        cells: All those of some listeners in some pools.
        rules: What a stream counts in the artist-centric model.
        rows: How many there are.
    """
    every = _counts(cells, EVERY, rules, rows)
    is_same = (
        not (cells.marks & FLAGGED).any()
        and np.array_equal((cells.marks & EARNS_EVERY) > 0, (cells.marks & EARNS_ORGANIC) > 0)
        and np.array_equal(cells.of_month[EVERY], cells.of_month[ORGANIC])
    )
    return {EVERY: every, ORGANIC: every if is_same else _counts(cells, ORGANIC, rules, rows)}


def listeners_of_rows(cells: Cells, kind: str, *, rows: int) -> Integers:
    """Listeners of the artist of each row in the month, each in one row of the artist only.

    Args:
        cells: All those of some listeners, in all pools.
        kind: Whose streams of this kind there are.
        rows: How many there are.
    """
    firsts = _firsts(cells, np.flatnonzero(cells.kept(kind) > 0))
    return np.bincount(cells.row[firsts], minlength=rows)


def spread(values: Integers, *, of: Integers) -> Integers:
    """Of each value, the sum of those of its run: of those beside it whose code is the same."""
    first = np.flatnonzero(opens(of))
    sums = np.add.reduceat(values, first) if len(first) else values
    return np.repeat(sums, np.diff(first, append=len(values)))


def _counts(cells: Cells, kind: str, rules: ArtistCentricSettings, rows: int) -> Counts:
    plays = cells.kept(kind)
    streams = Streams(
        streams=plays,
        earning=np.where(cells.marks & (EARNS_EVERY if kind == EVERY else EARNS_ORGANIC), plays, 0),
        chosen=np.where(cells.marks & CHOSEN, plays, 0),
        of_listener=spread(plays, of=np.cumsum(opens(cells.listener) | opens(cells.pool))),
        of_listener_month=cells.of_month[kind],
    )
    weights = {model: Weights(cells.row, *counting(streams, rules)) for model, counting in MODELS.items()}
    return Counts(totals(cells.row, plays, size=rows), weights)


def _firsts(cells: Cells, heard: Integers) -> Integers:
    """Of these cells, one of each listener and artist."""
    listener, artist = cells.listener[heard], cells.artist[heard]
    pair = listener * (int(artist.max(initial=0)) + 1) + artist
    pools = np.bincount(listener[opens(listener) | opens(cells.pool[heard])])
    in_several = (pools > 1)[listener]
    alone = heard[~in_several & opens(pair)]
    _, first = np.unique(pair[in_several], return_index=True)
    return np.concatenate([alone, heard[in_several][first]])
