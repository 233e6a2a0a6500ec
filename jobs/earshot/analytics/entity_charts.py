"""The charts of one kind of entity, built while its days go by."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
import pyarrow as pa

from earshot.analytics.built_charts import BuiltCharts
from earshot.analytics.chart_chain import Chain
from earshot.analytics.chart_figures import CodedPlays, Figures, figures
from earshot.analytics.chart_names import Vocabulary
from earshot.analytics.chart_periods import ALL_TIME, KINDS, Period, periods_of
from earshot.analytics.chart_rows import all_time_rows, chart_rows
from earshot.analytics.flagged import FLAGGED
from earshot.analytics.plays import flags
from earshot.core import columns as c
from earshot.core.settings import MartSettings
from earshot.core.stream_rule import SPOTIFY, StreamRule

ENTITIES: Final = {"track": c.TRACK_ID, "artist": c.ARTIST_ID, "album": c.ALBUM_TITLE}
"""Entity and the column of silver.listens that identifies it."""

NUMBER: Final = "number"
"""Of an entity: its place in `ENTITIES`."""


@dataclass(frozen=True)
class ChartRules:
    """How streams become ranks.

    Attributes:
        stream: When a play is a counted stream.
        places: Ranks that are on the chart, for periods_on_chart and entry; 0 = every rank.
        listener_cap: Streams that a listener adds to an entity in a period at most; 0 = all.
    """

    stream: StreamRule = SPOTIFY
    places: int = 0
    listener_cap: int = 0

    @classmethod
    def of(cls, settings: MartSettings) -> ChartRules:
        """The rules that are set."""
        return cls(settings.stream_rule, settings.chart_places, settings.chart_listener_cap)


def charts_of_days(
    batches: Iterator[pa.RecordBatch], *, changed: frozenset[Period], built: BuiltCharts, rules: ChartRules
) -> Iterator[pa.Table]:
    """The rows of gold.charts, a table a period and kind of entity.

    Args:
        batches: Counted streams by `NUMBER` and listen_date, with listener_id, country, tier,
            entity_id (none null) and is_flagged: every stream of the changed periods.
        changed: The periods to rank.
        built: The charts so far, of which later ones are repaired.
        rules: What counts.
    """
    entities = list(ENTITIES)
    number, charts = -1, _EntityCharts("", changed, built, rules)
    for of, day, plays in _days(batches):
        if of != number:
            yield from charts.finish()
            number, charts = of, _EntityCharts(entities[of], changed, built, rules)
        yield from charts.add(day, plays)
    yield from charts.finish()


def _days(batches: Iterator[pa.RecordBatch]) -> Iterator[tuple[int, date, pa.Table]]:
    """Number of the entity, day, and all its plays."""
    now: tuple[int, int] | None = None
    parts: list[pa.RecordBatch] = []
    for batch in batches:
        numbers = batch.column(NUMBER).to_numpy(zero_copy_only=False).astype(np.int64)
        days = batch.column(c.LISTEN_DATE).cast(pa.int32()).to_numpy(zero_copy_only=False).astype(np.int64)
        turns = np.flatnonzero(np.diff(numbers) | np.diff(days)) + 1
        for first, last in zip([0, *turns], [*turns, batch.num_rows], strict=True):
            if first == last:
                continue
            if now is not None and now != (numbers[first], days[first]):
                yield now[0], _date(now[1]), pa.Table.from_batches(parts)
                parts = []
            now = int(numbers[first]), int(days[first])
            parts.append(batch.slice(first, last - first))
    if now is not None:
        yield now[0], _date(now[1]), pa.Table.from_batches(parts)


def _date(days: int) -> date:
    return date.fromordinal(date(1970, 1, 1).toordinal() + days)


class _EntityCharts:
    """The charts of one kind of entity, built while its days go by."""

    def __init__(self, entity: str, changed: frozenset[Period], built: BuiltCharts, rules: ChartRules) -> None:
        self._entity, self._changed, self._built, self._rules = entity, changed, built, rules
        self._names = Vocabulary()
        self._open: dict[str, tuple[Period, list[CodedPlays]]] = {}
        self._chains: dict[str, Chain] = {}

    def add(self, day: date, plays: pa.Table) -> Iterator[pa.Table]:
        """Take the plays of a day; the charts of periods that are over by then."""
        if not self._chains:
            self._begin()
        coded = CodedPlays(
            self._names.country.codes(plays[c.COUNTRY]),
            self._names.tier.codes(plays[c.TIER]),
            self._names.entity.codes(plays[c.ENTITY_ID]),
            self._names.listener.codes(plays[c.LISTENER_ID]),
            flags(plays[FLAGGED]),
        )
        for period in periods_of(day):
            if period not in self._changed:
                continue
            if period.kind in self._open and self._open[period.kind][0] != period:
                yield from self._close(period.kind)
            self._open.setdefault(period.kind, (period, []))[1].append(coded)

    def finish(self) -> Iterator[pa.Table]:
        """The charts that are left."""
        for kind, chain in self._chains.items():
            yield from self._close(kind)
            for period, chart in chain.finish():
                yield chart_rows(period, self._entity, chart, self._names)
        if ALL_TIME in self._open:
            period, parts = self._open.pop(ALL_TIME)
            found = self._figures(parts)
            careers = {kind: chain.careers for kind, chain in self._chains.items()}
            yield all_time_rows(period, self._entity, found, careers, self._names)

    def _begin(self) -> None:
        careers = self._built.careers(self._entity, self._names)
        for kind in KINDS:
            changed = {period.start for period in self._changed if period.kind == kind}
            self._chains[kind] = Chain(
                kind, self._entity, changed, self._built, self._names, careers[kind], self._rules.places
            )

    def _close(self, kind: str) -> Iterator[pa.Table]:
        if kind not in self._open:
            return
        period, parts = self._open.pop(kind)
        for placed, chart in self._chains[kind].place(period.start, self._figures(parts)):
            yield chart_rows(placed, self._entity, chart, self._names)

    def _figures(self, parts: list[CodedPlays]) -> Figures:
        return figures(CodedPlays.joined(parts), self._names, listener_cap=self._rules.listener_cap)
