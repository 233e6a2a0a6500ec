"""What an entity reached on the charts before a period: carried from chart to chart, forwards and back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np

from earshot.analytics.chart_figures import Figures, Ranks
from earshot.analytics.plays import Flags, Integers
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
        """Peak, periods and since of these entities; zeros where there is nothing."""
        return (
            found(self.keys, self.peak, keys),
            found(self.keys, self.periods, keys),
            found(self.keys, self.since, keys),
        )

    def after(self, chart: Chart, start: date) -> Careers:
        """Carried over a period: its rows have what they reached, everybody else stays as they were."""
        new = chart.figures.keys
        stay = ~np.isin(self.keys, new, assume_unique=True)
        is_first = chart.previous_peak == 0
        since = np.where(is_first, (start - _EPOCH).days, found(self.keys, self.since, new))
        keys = np.concatenate([self.keys[stay], new])
        order = np.argsort(keys, kind="stable")
        columns = ((self.peak, chart.peak), (self.periods, chart.periods), (self.since, since))
        return Careers(keys[order], *(np.concatenate([old[stay], now])[order] for old, now in columns))

    def before(self, chart: Past, places: int) -> Careers:
        """Carried back over a period: its rows have what they had reached before it.

        Raises:
            TableError: The chart ranks an entity of which nothing is known.
        """
        gone = np.isin(self.keys, chart.keys, assume_unique=True)
        if np.count_nonzero(gone) != len(chart.keys):
            raise TableError(
                "The all-time charts lack entities that earlier charts rank.",
                where="gold.charts",
                remedy="Rows were changed by other hands: move the table away, and build_marts makes it anew.",
            )
        there = chart.previous_peak > 0
        peak, periods = self.peak.copy(), self.periods.copy()
        peak[gone] = chart.previous_peak
        periods[gone] = chart.periods - on_chart(chart.rank, places)
        stay = np.ones(len(self.keys), bool)
        stay[gone] = there
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
        rank_before = found(previous.keys, previous.rank, figures.keys)
    is_on = on_chart(figures.rank, places)
    came = is_on & ~((rank_before > 0) & on_chart(rank_before, places))
    entry = np.where(came, np.where(periods > 0, RE_ENTRY, NEW), NONE)
    return Chart(figures, rank_before, peak, periods + is_on, entry)


def on_chart(rank: Integers, places: int) -> Flags:
    """Which ranks are on the chart."""
    return rank <= places if places else np.ones(len(rank), bool)


def found(keys: Integers, values: Integers, wanted: Integers) -> Integers:
    """The values of the wanted keys (ascending keys); 0 where a key is not there."""
    if not len(keys):
        return np.zeros(len(wanted), np.int64)
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[at] == wanted, values[at], 0)
