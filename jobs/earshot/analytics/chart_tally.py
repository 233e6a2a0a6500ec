"""What counted streams add up to, and how sums of earlier streams take in later ones."""

from __future__ import annotations

from dataclasses import dataclass

from earshot.analytics.chart_streams import Coding, Counted, Groups, Streams
from earshot.analytics.plays import places_of

Sums = tuple[Groups, Groups | None]
"""What streams add up to, and those of them that are not flagged; None where none is flagged."""


@dataclass(frozen=True)
class Tally:
    """Streams of some days, and what they add up to."""

    counted: Counted
    sums: Sums


@dataclass(frozen=True)
class Counting:
    """How streams add up.

    Attributes:
        coding: Of their keys.
        listener_cap: Streams that a listener adds to an entity at most; 0 = all.
    """

    coding: Coding
    listener_cap: int = 0

    def tally(self, counted: Counted) -> Tally:
        """Streams with their sums."""
        return Tally(counted, self.sums(counted))

    def sums(self, counted: Counted) -> Sums:
        """What streams add up to."""
        every, organic = counted
        return self._groups(every), None if organic is None else self._groups(organic)

    def with_later(self, sums: Sums, shared: Counted, later: Tally) -> Sums:
        """What streams add up to with later ones.

        Sums of an entity and those of different listeners add up, as a cap concerns one listener of one entity. So
        both sums are added, and only pairs of an entity and a listener that have streams in both are counted anew.

        Args:
            sums: Of the earlier streams.
            shared: Those of them whose pair has later streams, too.
            later: Further streams.
        """
        again = self.of_pairs(later.counted, shared[0])
        counted = [self.sums(streams) for streams in (shared, again, together(shared, again))]

        def added(kind: int) -> Groups:
            earlier, further, of_shared, of_again, of_both = (
                one[kind] or one[0] for one in (sums, later.sums, *counted)
            )
            return earlier.plus(further.less(of_again).plus(of_both).less(of_shared))

        is_flagged = sums[1] is not None or later.sums[1] is not None
        return added(0), added(1) if is_flagged else None

    def _groups(self, streams: Streams) -> Groups:
        return Groups.of(streams, self.coding, listener_cap=self.listener_cap)

    def of_pairs(self, counted: Counted, those: Streams) -> Counted:
        """The streams of pairs of an entity and a listener that have some of those streams."""
        pairs = those.keys // self.coding.places

        def of(streams: Streams) -> Streams:
            return streams.where(places_of(streams.keys // self.coding.places, pairs)[1])

        every, organic = counted
        return of(every), None if organic is None else of(organic)


def together(*counted: Counted) -> Counted:
    """All of these streams."""
    if len(counted) == 1:
        return counted[0]
    half = len(counted) // 2
    (every, organic), (further, of_further) = together(*counted[:half]), together(*counted[half:])
    is_flagged = organic is not None or of_further is not None
    return every.plus(further), (organic or every).plus(of_further or further) if is_flagged else None
