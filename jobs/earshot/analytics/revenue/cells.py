"""What streams of listeners count in each model, and how many listeners they are of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from earshot.analytics.plays import Flags, Integers
from earshot.analytics.revenue.models import MODELS, Streams
from earshot.analytics.revenue.rounding import Weights, added_up, totals
from earshot.core.revenue_settings import ArtistCentricSettings

EVERY: Final = "every"
ORGANIC: Final = "organic"
KINDS: Final = (EVERY, ORGANIC)
"""All streams, and those that are not flagged."""

FLAGGED, CHOSEN, EARNS_EVERY, EARNS_ORGANIC = 1, 2, 4, 8
"""Bits of `marks`: the play is flagged, was chosen, its track earns (of all streams; of those not flagged)."""


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
    """

    listener: Integers
    pool: Integers
    artist: Integers
    row: Integers
    marks: Integers
    plays: Integers


@dataclass(frozen=True)
class Counts:
    """What the streams of each row count.

    Attributes:
        streams: Counted streams of each row.
        listeners: Listeners of the artist in the month, each in one row of the artist only.
        weights: By model, what the streams count; fractions of a row may repeat.
    """

    streams: Integers
    listeners: Integers
    weights: Mapping[str, Weights]

    def added_up(self) -> Counts:
        """The same, with the fractions of a row added up by denominator."""
        sums = {model: added_up(of, parts=len(self.streams)) for model, of in self.weights.items()}
        return Counts(self.streams, self.listeners, sums)


def counts_of(cells: Cells, rules: ArtistCentricSettings, *, rows: int) -> dict[str, Counts]:
    """The counts of both `KINDS`; the same object where they do not differ.

    Args:
        cells: All those of some listeners.
        rules: What a stream counts in the artist-centric model.
        rows: How many there are.
    """
    opens_listener = _opens(cells.listener)
    runs = np.flatnonzero(opens_listener), np.flatnonzero(opens_listener | _opens(cells.pool))
    every = _counts(cells, cells.plays, (cells.marks & EARNS_EVERY) > 0, runs, rules, rows)
    is_flagged, earns = (cells.marks & FLAGGED) > 0, (cells.marks & EARNS_ORGANIC) > 0
    if not is_flagged.any() and np.array_equal(earns, (cells.marks & EARNS_EVERY) > 0):
        return {EVERY: every, ORGANIC: every}
    return {EVERY: every, ORGANIC: _counts(cells, np.where(is_flagged, 0, cells.plays), earns, runs, rules, rows)}


def _counts(
    cells: Cells,
    kept: Integers,
    earns: Flags,
    runs: tuple[Integers, Integers],
    rules: ArtistCentricSettings,
    rows: int,
) -> Counts:
    of_listener, of_pool = runs
    streams = Streams(
        streams=kept,
        earning=np.where(earns, kept, 0),
        chosen=np.where(cells.marks & CHOSEN, kept, 0),
        of_listener=_spread(kept, of_pool),
        of_listener_month=_spread(kept, of_listener),
    )
    weights = {model: Weights(cells.row, *counting(streams, rules)) for model, counting in MODELS.items()}
    firsts = _firsts(cells, np.flatnonzero(kept > 0))
    return Counts(totals(cells.row, kept, size=rows), np.bincount(cells.row[firsts], minlength=rows), weights)


def _opens(codes: Integers) -> Flags:
    """Where another code begins than stood before."""
    opens: Flags = np.diff(codes, prepend=-1) != 0
    return opens


def _spread(values: Integers, first: Integers) -> Integers:
    """Of each value, the sum of those of its run: `first` is where runs begin."""
    sums = np.add.reduceat(values, first) if len(first) else values
    return np.repeat(sums, np.diff(first, append=len(values)))


def _firsts(cells: Cells, heard: Integers) -> Integers:
    """Of these cells, one of each listener and artist."""
    listener, artist = cells.listener[heard], cells.artist[heard]
    pair = listener * (int(artist.max(initial=0)) + 1) + artist
    pools = np.bincount(listener[_opens(listener) | _opens(cells.pool[heard])])
    in_several = (pools > 1)[listener]
    alone = heard[~in_several & _opens(pair)]
    _, first = np.unique(pair[in_several], return_index=True)
    return np.concatenate([alone, heard[in_several][first]])
