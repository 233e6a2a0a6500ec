"""What an entity reached on the charts before a period: carried from chart to chart, forwards and back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np

from earshot.analytics.chart_figures import Figures, Ranks
from earshot.analytics.plays import Flags, Integers, places_of, with_further
from earshot.core.errors import TableError

NONE, NEW, RE_ENTRY = 0, 1, 2
ENTRIES: Final = (None, "new", "re_entry")
"""Names of the entries, at the place of their numbers."""

_EPOCH: Final = date(1970, 1, 1)


@dataclass(frozen=True)
class Chart:
    """The rows of one period, and where they come from.

    Attributes:
        figures: Keys, streams, listeners, ranks.
        previous_rank: In the period before; 0 = it was not there.
        previous_peak: Best rank of all periods before; 0 = there was none.
        periods: Periods on the chart up to this one.
        entry: NONE, NEW or RE_ENTRY.
    """

    figures: Figures
    previous_rank: Integers
    previous_peak: Integers
    periods: Integers
    entry: Integers

    @property
    def peak(self) -> Integers:
        """Best rank up to this period."""
        return np.where(self.previous_peak > 0, np.minimum(self.previous_peak, self.figures.rank), self.figures.rank)


@dataclass(frozen=True)
class Past(Ranks):
    """Ranks of a chart that stands, and what it says of the past (see `Chart`)."""

    previous_peak: Integers
    periods: Integers


@dataclass(frozen=True)
class Careers:
    """Of every entity that was ranked so far: its best rank, its periods on the chart, its first period.

    Attributes:
        keys: Ascending (see `chart_names.Key`).
        peak: Best rank.
        periods: Periods on the chart; 0 where it was ranked below the chart's places only.
        since: First day of the first period that ranks it, in days since 1970.
    """

    keys: Integers
    peak: Integers
    periods: Integers
    since: Integers

    @classmethod
    def none(cls) -> Careers:
        """Before the first period."""
        empty = np.zeros(0, np.int64)
        return cls(empty, empty, empty, empty)

    def of(self, keys: Integers) -> tuple[Integers, Integers, Integers]:
        """Peak, periods and since of these entities (ascending keys); zeros where there is nothing."""
        if np.array_equal(keys, self.keys):
            return self.peak, self.periods, self.since
        at, there = places_of(keys, self.keys)
        peak, periods, since = (np.zeros(len(keys), np.int64) for _ in range(3))
        for found, values in ((peak, self.peak), (periods, self.periods), (since, self.since)):
            found[there] = values[at[there]]
        return peak, periods, since

    def after(self, chart: Chart, start: date) -> Careers:
        """Carried over a period: its rows have what they reached, everybody else stays as they were."""
        at, is_old = places_of(chart.figures.keys, self.keys)
        since = np.full(len(at), (start - _EPOCH).days, np.int64)
        is_known = is_old & (chart.previous_peak > 0)
        since[is_known] = self.since[at[is_known]]

        is_new = ~is_old
        known = at[is_old]

        def carried(old: Integers, now: Integers) -> Integers:
            values = old.copy()
            values[known] = now[is_old]
            return with_further(values, at, is_new, now)

        return Careers(
            with_further(self.keys, at, is_new, chart.figures.keys),
            carried(self.peak, chart.peak),
            carried(self.periods, chart.periods),
            carried(self.since, since),
        )

    def before(self, chart: Past, places: int) -> Careers:
        """Carried back over a period: its rows have what they had reached before it.

        Raises:
            TableError: The chart ranks an entity of which nothing is known.
        """
        at, is_known = places_of(chart.keys, self.keys)
        if not is_known.all():
            raise TableError(
                "The all-time charts lack entities that earlier charts rank.",
                where="gold.charts",
                remedy="Rows were changed by other hands: move the table away, and build_marts makes it anew.",
            )
        peak, periods = self.peak.copy(), self.periods.copy()
        peak[at] = chart.previous_peak
        periods[at] = chart.periods - on_chart(chart.rank, places)
        stay = np.ones(len(self.keys), bool)
        stay[at] = chart.previous_peak > 0
        return Careers(self.keys[stay], peak[stay], periods[stay], self.since[stay])


def placed(figures: Figures, careers: Careers, previous: Ranks | None, *, places: int) -> Chart:
    """The chart of a period after what was before it.

    Args:
        figures: Of the period.
        careers: Up to the period before.
        previous: Ranks of the period directly before it; None where nothing was played then.
        places: Ranks that are on the chart; 0 = every rank.
    """
    peak, periods, _ = careers.of(figures.keys)
    rank_before = np.zeros(len(figures.keys), np.int64)
    if previous is not None:
        at, there = places_of(figures.keys, previous.keys)
        rank_before[there] = previous.rank[at[there]]
    is_on = on_chart(figures.rank, places)
    came = is_on & ~((rank_before > 0) & on_chart(rank_before, places))
    entry = np.where(came, np.where(periods > 0, RE_ENTRY, NEW), NONE)
    return Chart(figures, rank_before, peak, periods + is_on, entry)


def on_chart(rank: Integers, places: int) -> Flags:
    """Which ranks are on the chart."""
    return rank <= places if places else np.ones(len(rank), bool)
