"""The charts of one kind of period and entity, one after the other: new ones are placed, later ones repaired."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date

from earshot.analytics.built_charts import BuiltCharts
from earshot.analytics.chart_careers import Careers, Chart, placed
from earshot.analytics.chart_figures import Figures, Ranks
from earshot.analytics.chart_names import Vocabulary
from earshot.analytics.chart_periods import Period


class Chain:
    """Carries what entities reached from the first period that changed to the last one.

    What was reached before the first is what was reached up to now, carried back over the charts
    that stand since then. Ranks of later periods stay; only their past is computed again.

    Args:
        kind: day, week or month.
        entity: track, artist or album.
        changed: First days of the periods that are ranked anew.
        built: The charts so far.
        names: Numbers of names.
        careers: Up to the last period of `built`.
        places: Ranks that are on the chart; 0 = every rank.
    """

    def __init__(
        self,
        kind: str,
        entity: str,
        changed: Collection[date],
        built: BuiltCharts,
        names: Vocabulary,
        careers: Careers,
        places: int,
    ) -> None:
        self._kind, self._entity, self._names, self._built, self._places = kind, entity, names, built, places
        self.careers = careers
        self._last: tuple[Period, Ranks] | None = None
        first = min(changed, default=date.max)
        standing = [start for start in built.starts(kind) if start >= first]
        for start in reversed(standing):
            self.careers = self.careers.before(built.past(Period(kind, start), entity, names), places)
        self._later = [start for start in standing if start not in changed]
        before = Period(kind, first).previous if changed else None
        if before and before in built.files:
            self._last = before, built.ranks(before, entity, names)

    def place(self, start: date, figures: Figures) -> Iterator[tuple[Period, Chart]]:
        """The chart of a period, after those that stand before it; periods must come in their order."""
        while self._later and self._later[0] < start:
            yield self._repaired(self._later.pop(0))
        yield self._next(start, figures)

    def finish(self) -> Iterator[tuple[Period, Chart]]:
        """The charts after the last new one."""
        while self._later:
            yield self._repaired(self._later.pop(0))

    def _repaired(self, start: date) -> tuple[Period, Chart]:
        return self._next(start, self._built.figures(Period(self._kind, start), self._entity, self._names))

    def _next(self, start: date, figures: Figures) -> tuple[Period, Chart]:
        period = Period(self._kind, start)
        last, ranks = self._last or (None, None)
        chart = placed(figures, self.careers, ranks if last == period.previous else None, places=self._places)
        self.careers, self._last = self.careers.after(chart, start), (period, figures)
        return period, chart
