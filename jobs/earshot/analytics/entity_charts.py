"""The charts of one kind of entity, built while its days go by."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

import pyarrow as pa

from earshot.analytics.built_charts import BuiltCharts
from earshot.analytics.chart_chain import Chain
from earshot.analytics.chart_figures import CodedPlays, Figures, figures
from earshot.analytics.chart_names import Vocabulary
from earshot.analytics.chart_periods import ALL_TIME, KINDS, Period, periods_of
from earshot.analytics.chart_rows import all_time_rows, chart_rows
from earshot.analytics.flagged import FLAGGED
from earshot.analytics.plays import Flags
from earshot.core import columns as c
from earshot.core.arrow_columns import flags, numbers
from earshot.core.measures import UNKNOWN
from earshot.core.settings import MartSettings
from earshot.core.stream_rule import SPOTIFY, StreamRule

ENTITIES: Final = {"track": c.TRACK_ID, "artist": c.ARTIST_ID, "album": c.ALBUM_TITLE}
"""Entity and the column of silver.listens that identifies it."""


_STREAMS: Final = (c.LISTENER_ID, c.COUNTRY, c.TIER, c.ENTITY_ID, FLAGGED)


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
    days: Iterable[tuple[date, pa.Table]],
    *,
    entity: str,
    changed: frozenset[Period],
    built: BuiltCharts,
    rules: ChartRules,
) -> Iterator[pa.Table]:
    """The rows of gold.charts of one kind of entity, a table a period.

    Args:
        days: The days of the changed periods in their order, with all their plays: listener_id, country, tier,
            entity_id, is_flagged, played_ms, duration_ms; nulls included.
        entity: track, artist or album.
        changed: The periods to rank.
        built: The charts so far, of which later ones are repaired.
        rules: What counts.
    """
    dated = [(day, plays.filter(pa.array(_counts(plays, rules.stream))).select(_STREAMS)) for day, plays in days]
    if not sum(streams.num_rows for _, streams in dated):
        return
    charts = _EntityCharts(entity, changed, built, rules)
    streams = charts.coded(pa.concat_tables(streams for _, streams in dated))
    first = 0
    for day, of_day in dated:
        yield from charts.add(day, streams.where(slice(first, first + of_day.num_rows)))
        first += of_day.num_rows
    yield from charts.finish()


def _counts(plays: pa.Table, rule: StreamRule) -> Flags:
    return rule.counted(numbers(plays[c.PLAYED_MS]), numbers(plays[c.DURATION_MS]))


class _EntityCharts:
    """The charts of one kind of entity, built while its days go by."""

    def __init__(self, entity: str, changed: frozenset[Period], built: BuiltCharts, rules: ChartRules) -> None:
        self._entity, self._changed, self._rules = entity, changed, rules
        self._names = Vocabulary()
        self._open: dict[str, tuple[Period, list[CodedPlays]]] = {}
        careers = built.careers(entity, self._names)
        self._chains = {
            kind: Chain(kind, entity, self._starts(kind), built, self._names, careers[kind], rules.places)
            for kind in KINDS
        }

    def coded(self, streams: pa.Table) -> CodedPlays:
        """Streams as numbers: names are looked at once, not once a day."""
        names = self._names
        return CodedPlays(
            names.country.codes(streams[c.COUNTRY], missing=UNKNOWN),
            names.tier.codes(streams[c.TIER], missing=UNKNOWN),
            names.entity.codes(streams[c.ENTITY_ID], missing=UNKNOWN),
            names.listener.codes(streams[c.LISTENER_ID], missing=UNKNOWN),
            flags(streams[FLAGGED]),
        )

    def add(self, day: date, streams: CodedPlays) -> Iterator[pa.Table]:
        """Take the streams of a day; the charts of periods that are over by then."""
        for period in periods_of(day) if len(streams.entity) else ():
            if period not in self._changed:
                continue
            if period.kind in self._open and self._open[period.kind][0] != period:
                yield from self._close(period.kind)
            self._open.setdefault(period.kind, (period, []))[1].append(streams)

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

    def _starts(self, kind: str) -> set[date]:
        return {period.start for period in self._changed if period.kind == kind}

    def _close(self, kind: str) -> Iterator[pa.Table]:
        if kind not in self._open:
            return
        period, parts = self._open.pop(kind)
        for placed, chart in self._chains[kind].place(period.start, self._figures(parts)):
            yield chart_rows(placed, self._entity, chart, self._names)

    def _figures(self, parts: list[CodedPlays]) -> Figures:
        return figures(CodedPlays.joined(parts), self._names, listener_cap=self._rules.listener_cap)
