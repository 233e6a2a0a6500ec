"""Sums of a period while its days go by, beginning from what is remembered of it."""

from __future__ import annotations

from collections.abc import Sequence

from earshot.analytics.chart_heard import Asked, Heard
from earshot.analytics.chart_names import Vocabulary
from earshot.analytics.chart_streams import Counted
from earshot.analytics.chart_tally import Counting, Sums, Tally, together


class Lookups:
    """What days that are remembered say of the pairs of later ones: looked up once for all periods.

    Args:
        counting: How streams add up.
        names: What the numbers of the later days stand for.
    """

    def __init__(self, counting: Counting, names: Vocabulary) -> None:
        self.counting, self.names = counting, names
        self._asked: dict[int, tuple[Tally, Asked]] = {}
        self._found: dict[tuple[int, int], tuple[Heard, Counted]] = {}

    def earlier(self, heard: Heard, tally: Tally) -> Counted:
        """The streams of the remembered days whose pair of entity and listener is in the tally, too."""
        place = id(heard), id(tally)
        if place not in self._found:
            coding = self.counting.coding
            if place[1] not in self._asked:
                self._asked[place[1]] = tally, Asked.of(tally.counted[0], coding)
            self._found[place] = heard, heard.earlier(self._asked[place[1]][1], coding, self.names)
        return self._found[place][1]


class RunningSums:
    """What the streams of a period add up to so far.

    Args:
        lookups: Into the days that are remembered.
        sums: What these days add up to; None where nothing is remembered.
        heard: Their streams.
    """

    def __init__(self, lookups: Lookups, sums: Sums | None = None, heard: Sequence[Heard] = ()) -> None:
        self._lookups, self._heard = lookups, list(heard)
        self._later: list[Counted] = []
        self._waiting: list[Tally] = []
        self._sums = sums

    def wait(self, tally: Tally) -> None:
        """Take later streams; with others that wait, they are added at once."""
        self._waiting.append(tally)

    def add(self, tally: Tally) -> Sums:
        """Take later streams; what all add up to."""
        self._settle()
        return self._added(tally)

    def sums(self) -> Sums | None:
        """What all streams add up to; None where there are none."""
        self._settle()
        return self._sums

    def heard(self) -> Heard | None:
        """All streams, which stand in one piece from then on; None where there are none."""
        self._settle()
        counting, names = self._lookups.counting, self._lookups.names
        parts = [*self._heard, *(Heard.of(streams, counting.coding, names) for streams in self._later)]
        if not parts:
            return None
        self._heard, self._later = [Heard.merged(parts)], []
        return self._heard[0]

    def _settle(self) -> None:
        if self._waiting:
            waiting, self._waiting = self._waiting, []
            one = waiting[0] if len(waiting) == 1 else None
            self._added(one or self._lookups.counting.tally(together(*(tally.counted for tally in waiting))))

    def _added(self, tally: Tally) -> Sums:
        counting, streams = self._lookups.counting, tally.counted[0]
        if self._sums is None:
            self._sums = tally.sums
        else:
            heard = (self._lookups.earlier(heard, tally) for heard in self._heard)
            shared = together(*heard, *(counting.of_pairs(later, streams) for later in self._later))
            self._sums = counting.with_later(self._sums, shared, tally)
        self._later.append(tally.counted)
        return self._sums
