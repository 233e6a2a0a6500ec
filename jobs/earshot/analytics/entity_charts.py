"""The charts of one kind of entity, built while its days go by."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

import pyarrow as pa

from earshot.analytics.all_time import AllTime, Begun
from earshot.analytics.built_charts import BuiltCharts
from earshot.analytics.chart_chain import Chain
from earshot.analytics.chart_figures import figures
from earshot.analytics.chart_periods import ALL_TIME_PERIOD, KINDS, Period, periods_of
from earshot.analytics.chart_rows import all_time_rows, chart_rows
from earshot.analytics.chart_streams import CodedPlays, Coding
from earshot.analytics.chart_tally import Counting
from earshot.analytics.flagged import FLAGGED
from earshot.analytics.plays import Flags
from earshot.core import columns as c
from earshot.core.arrow_columns import flags, numbers
from earshot.core.measures import UNKNOWN
from earshot.core.settings import MartSettings
from earshot.core.stream_rule import SPOTIFY, StreamRule

ENTITIES: Final = {"track": c.TRACK_ID, "artist": c.ARTIST_ID, "album": c.ALBUM_TITLE}
"""Entity and the column of silver.listens that identifies it."""


_STREAMS: Final = (c.LISTENER_ID, c.COUNTRY, c.TIER, FLAGGED)


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
    begun: Mapping[str, Begun],
    changed: frozenset[Period],
    built: BuiltCharts,
    rules: ChartRules,
) -> Iterator[pa.Table]:
    """The rows of gold.charts of some kinds of entity, a table a kind and period.

    Args:
        days: The days of the changed periods in their order, with all their plays: listener_id, country, tier,
            is_flagged, played_ms, duration_ms and the columns of the entities; nulls included. Of all time, those
            after the memos suffice.
        begun: The kinds of entity (see `ENTITIES`), and what is remembered of all time of each.
        changed: The periods to rank.
        built: The charts so far, of which later ones are repaired.
        rules: What counts.
    """
    columns = [*dict.fromkeys((*_STREAMS, *(ENTITIES[entity] for entity in begun)))]
    dated = [(day, plays.filter(pa.array(_counts(plays, rules.stream))).select(columns)) for day, plays in days]
    if not dated:
        return
    # Names are looked at once, not once a day and kind.
    streams = pa.concat_tables(of_day for _, of_day in dated).unify_dictionaries().combine_chunks()
    sizes = [(day, of_day.num_rows) for day, of_day in dated]
    del dated
    for entity, remembered in begun.items():
        if remembered.memo or streams.num_rows:
            yield from _EntityCharts(entity, changed, built, rules, remembered, streams).of_days(sizes)


def _counts(plays: pa.Table, rule: StreamRule) -> Flags:
    return rule.counted(numbers(plays[c.PLAYED_MS]), numbers(plays[c.DURATION_MS]))


class _EntityCharts:
    """The charts of one kind of entity, built while its days go by."""

    def __init__(
        self,
        entity: str,
        changed: frozenset[Period],
        built: BuiltCharts,
        rules: ChartRules,
        begun: Begun,
        streams: pa.Table,
    ) -> None:
        self._entity, self._changed, self._rules, self._until = entity, changed, rules, begun.until
        self._names = names = begun.names
        codes = [
            known.codes(streams[name], missing=UNKNOWN)
            for name, known in (
                (ENTITIES[entity], names.entity),
                (c.LISTENER_ID, names.listener),
                (c.COUNTRY, names.country),
                (c.TIER, names.tier),
            )
        ]
        coding = Coding.of(names)
        self._marked = coding.key(*codes) * 2 + flags(streams[FLAGGED])
        self._open: dict[str, tuple[Period, list[CodedPlays]]] = {}
        self._counting = Counting(coding, rules.listener_cap)
        self._all_time = AllTime(begun, self._counting)
        careers = built.careers(entity, names)
        self._chains = {
            kind: Chain(kind, entity, self._starts(kind), built, names, careers[kind], rules.places) for kind in KINDS
        }

    def of_days(self, sizes: Iterable[tuple[date, int]]) -> Iterator[pa.Table]:
        """The charts of days, so many streams each."""
        first = 0
        for day, size in sizes:
            yield from self._add(day, slice(first, first + size))
            first += size
        yield from self._finish()

    def _add(self, day: date, rows: slice) -> Iterator[pa.Table]:
        """Take the streams of a day; the charts of periods that are over by then."""
        streams = CodedPlays.of(self._marked[rows])
        for period in periods_of(day) if len(streams.marked) else ():
            if period.kind not in self._chains or not (period in self._changed or self._is_later(period)):
                continue
            if period.kind in self._open and self._open[period.kind][0] != period:
                yield from self._close(period.kind)
            self._open.setdefault(period.kind, (period, []))[1].append(streams)

    def _finish(self) -> Iterator[pa.Table]:
        """The charts that are left."""
        for kind, chain in self._chains.items():
            yield from self._close(kind)
            for period, chart in chain.finish():
                yield chart_rows(period, self._entity, chart, self._names)
        if ALL_TIME_PERIOD in self._changed and (sums := self._all_time.sums()):
            found = figures(*sums, self._names)
            careers = {kind: chain.careers for kind, chain in self._chains.items()}
            yield all_time_rows(ALL_TIME_PERIOD, self._entity, found, careers, self._names)

    def _starts(self, kind: str) -> set[date]:
        return {period.start for period in self._changed if period.kind == kind}

    def _close(self, kind: str) -> Iterator[pa.Table]:
        if kind not in self._open:
            return
        period, parts = self._open.pop(kind)
        tally = self._counting.tally(CodedPlays.joined(parts).counted())
        if self._is_later(period):
            self._all_time.add(period.start, tally)
        if period not in self._changed:
            return
        found = figures(*tally.sums, self._names)
        for placed, chart in self._chains[kind].place(period.start, found):
            yield chart_rows(placed, self._entity, chart, self._names)

    def _is_later(self, period: Period) -> bool:
        """Whether all time takes the streams of this period: a month after the memo."""
        return period.kind == "month" and period.start > self._until and ALL_TIME_PERIOD in self._changed
