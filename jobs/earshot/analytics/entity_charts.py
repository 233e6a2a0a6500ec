"""The charts of one kind of entity, built while its days go by."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Final, NamedTuple

import pyarrow as pa

from earshot.analytics.built_charts import BuiltCharts
from earshot.analytics.chart_chain import Chain
from earshot.analytics.chart_figures import figures
from earshot.analytics.chart_heard import Heard
from earshot.analytics.chart_memory import Memory
from earshot.analytics.chart_names import Vocabulary, names_in
from earshot.analytics.chart_periods import ALL_TIME, ALL_TIME_PERIOD, KINDS, Period, periods_of
from earshot.analytics.chart_rows import all_time_rows, chart_rows
from earshot.analytics.chart_spans import Span, ever
from earshot.analytics.chart_streams import CodedPlays, Coding
from earshot.analytics.chart_tally import Counting, Sums, Tally
from earshot.analytics.flagged import FLAGGED
from earshot.analytics.plays import Flags
from earshot.analytics.running_sums import Lookups, RunningSums
from earshot.core import columns as c
from earshot.core.arrow_columns import flags, numbers
from earshot.core.day_files import TEXT
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
    memories: Mapping[str, Memory],
    changed: frozenset[Period],
    built: BuiltCharts,
    rules: ChartRules,
) -> Iterator[pa.Table]:
    """The rows of gold.charts of some kinds of entity, a table a kind and period.

    Args:
        days: The days of the changed periods in their order, with all their plays: listener_id, country, tier,
            is_flagged, played_ms, duration_ms and the columns of the entities; nulls included. Those that are
            remembered may be left out.
        memories: The kinds of entity (see `ENTITIES`), and what is remembered of the charts of each.
        changed: The periods to rank.
        built: The charts so far, of which later ones are repaired.
        rules: What counts.
    """
    columns = [*dict.fromkeys((*_STREAMS, *(ENTITIES[entity] for entity in memories)))]
    dated = [(day, plays.filter(pa.array(_counts(plays, rules.stream))).select(columns)) for day, plays in days]
    # Names are looked at once, not once a day and kind.
    streams = pa.concat_tables([_none(columns), *(of_day for _, of_day in dated)]).unify_dictionaries().combine_chunks()
    sizes = [(day, of_day.num_rows) for day, of_day in dated]
    del dated
    listeners = names_in(streams[c.LISTENER_ID])
    for entity, memory in memories.items():
        if memory.sums or streams.num_rows:
            names = memory.names(streams, ENTITIES[entity], listeners)
            yield from _EntityCharts(entity, changed, built, rules, memory, names, streams).of_days(sizes)


def _none(columns: Iterable[str]) -> pa.Table:
    return pa.schema([(name, pa.bool_() if name == FLAGGED else TEXT) for name in columns]).empty_table()


def _counts(plays: pa.Table, rule: StreamRule) -> Flags:
    return rule.counted(numbers(plays[c.PLAYED_MS]), numbers(plays[c.DURATION_MS]))


class _Day(NamedTuple):
    day: date
    plays: CodedPlays


class _EntityCharts:
    """The charts of one kind of entity, built while its days go by."""

    def __init__(
        self,
        entity: str,
        changed: frozenset[Period],
        built: BuiltCharts,
        rules: ChartRules,
        memory: Memory,
        names: Vocabulary,
        streams: pa.Table,
    ) -> None:
        self._entity, self._changed, self._rules, self._memory, self._names = entity, changed, rules, memory, names
        codes = [
            known.codes(streams[name], missing=UNKNOWN)
            for name, known in (
                (ENTITIES[entity], names.entity),
                (c.LISTENER_ID, names.listener),
                (c.COUNTRY, names.country),
                (c.TIER, names.tier),
            )
        ]
        self._coding = Coding.of(names)
        self._marked = self._coding.key(*codes) * 2 + flags(streams[FLAGGED])
        self._counting = Counting(self._coding, rules.listener_cap)
        self._lookups = Lookups(self._counting, names)
        self._open: dict[str, tuple[Period, list[_Day]]] = {}
        self._tallies: dict[tuple[date, ...], Tally] = {}
        self._ever, self._of_month = self._running(ALL_TIME_PERIOD), list[_Day]()
        self._unsettled = memory.unsettled()
        self._is_worth = False
        self._read: dict[date, CodedPlays] = {}
        careers = built.careers(entity, names)
        self._chains = {
            kind: Chain(kind, entity, self._starts(kind), built, names, careers[kind], rules.places) for kind in KINDS
        }

    def of_days(self, sizes: Sequence[tuple[date, int]]) -> Iterator[pa.Table]:
        """The charts of days, so many streams each."""
        first, memory = 0, self._memory
        self._is_worth = memory.is_worth(sum(size for day, size in sizes if memory.is_unsettled(day)))
        for day, size in sizes:
            of_day = _Day(day, CodedPlays.of(self._marked[first : first + size]))
            if size:
                yield from self._add(of_day)
            if self._is_worth and self._memory.is_unsettled(day):
                self._read[day] = of_day.plays
            first += size
        yield from self._finish()

    def _add(self, of_day: _Day) -> Iterator[pa.Table]:
        """Take the streams of a day; the charts of periods that are over by then."""
        for period in periods_of(of_day.day):
            if period not in self._changed or self._memory.holds(of_day.day, period):
                continue
            if period == ALL_TIME_PERIOD:
                if self._of_month and self._of_month[-1].day.replace(day=1) != of_day.day.replace(day=1):
                    self._add_month()
                self._of_month.append(of_day)
                continue
            if period.kind in self._open and self._open[period.kind][0] != period:
                yield from self._close(period.kind)
            self._open.setdefault(period.kind, (period, []))[1].append(of_day)

    def _finish(self) -> Iterator[pa.Table]:
        """The charts that are left."""
        for kind, chain in self._chains.items():
            begun = self._memory.begun.get(kind)
            if begun in self._changed and self._open.get(kind, (None,))[0] != begun:  # none of its days was read
                yield from self._close(kind)
                self._open[kind] = begun, []
            yield from self._close(kind)
            for period, chart in chain.finish():
                yield chart_rows(period, self._entity, chart, self._names)
        self._add_month()
        self._settle(date.max)
        if ALL_TIME_PERIOD in self._changed and (sums := self._ever.sums()):
            found = figures(*sums, self._names)
            careers = {kind: chain.careers for kind, chain in self._chains.items()}
            yield all_time_rows(ALL_TIME_PERIOD, self._entity, found, careers, self._names)
        self._keep_streams()

    def _starts(self, kind: str) -> set[date]:
        return {period.start for period in self._changed if period.kind == kind}

    def _running(self, period: Period) -> RunningSums:
        """What the period adds up to, from what is remembered of it on."""
        if period not in self._memory.begun.values():
            return RunningSums(self._lookups)
        sums = self._memory.sums[period.kind].in_terms_of(self._names)
        return RunningSums(self._lookups, sums, self._memory.heard_of(period))

    def _close(self, kind: str) -> Iterator[pa.Table]:
        if kind not in self._open:
            return
        period, days = self._open.pop(kind)
        running = self._running(period)
        for group in self._groups(days):
            sums = running.add(self._tally(group, kind))
            self._keep_sums(kind, Span(period.start, group[-1].day), sums)
        found = running.sums()
        if found is None:
            return
        for placed, chart in self._chains[kind].place(period.start, figures(*found, self._names)):
            yield chart_rows(placed, self._entity, chart, self._names)

    def _add_month(self) -> None:
        """All time takes the days of a month, as they were counted for its chart."""
        days, self._of_month = self._of_month, []
        if not days:
            return
        self._settle(days[0].day)
        for group in self._groups(days):
            tally, last = self._tally(group, "month"), group[-1].day
            if self._is_worth and last in self._memory.recent:
                self._keep_sums(ALL_TIME, ever(last), self._ever.add(tally))
            else:
                self._ever.wait(tally)
        self._tallies = {days: tally for days, tally in self._tallies.items() if len(days) == 1}

    def _groups(self, days: Sequence[_Day]) -> Iterator[list[_Day]]:
        """Recent days by themselves, all others together: what they add up to is kept."""
        recent = self._memory.recent if self._is_worth else ()
        for _, group in groupby(days, key=lambda one: one.day if one.day in recent else None):
            yield list(group)

    def _tally(self, days: Sequence[_Day], kind: str) -> Tally:
        """What days add up to: counted once where more than one kind of period asks."""
        which = tuple(one.day for one in days)
        if which in self._tallies:
            return self._tallies[which]
        tally = self._counting.tally(CodedPlays.joined([one.plays for one in days]).counted())
        if kind == "month" or (len(which) == 1 and which[0] in self._memory.recent):
            self._tallies[which] = tally
        return tally

    def _keep_sums(self, kind: str, span: Span, sums: Sums) -> None:
        if self._is_worth:
            self._memory.keep_sums(kind, span, sums, self._names)

    def _settle(self, day: date) -> None:
        """Remember all plays before a day up to the days that are settled."""
        while self._unsettled and self._unsettled[0] < day:
            whole = ever(self._unsettled.pop(0))
            if sums := self._ever.sums():
                self._memory.keep_sums(ALL_TIME, whole, sums, self._names)
                self._memory.keep_heard(whole, self._ever.heard)

    def _keep_streams(self) -> None:
        """Remember the streams of the days since, and those of a month that is settled now with all before it."""
        if self._is_worth:
            self._memory.keep_streams(self._heard)
        self._memory.settle(self._rules.listener_cap)

    def _heard(self, days: Collection[date]) -> Heard | None:
        """The streams of days that were read; None where one was not."""
        if not all(day in self._read for day in days):
            return None
        tally = self._tallies.get(tuple(days))
        counted = tally.counted if tally else CodedPlays.joined([self._read[day] for day in days]).counted()
        return Heard.of(counted, self._coding, self._names)
