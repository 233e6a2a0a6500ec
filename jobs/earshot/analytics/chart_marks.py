"""Which memos of charts there may be, what they are named for, and which of those that are there serve a build."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache, cached_property
from typing import Final

from earshot.analytics.chart_periods import ALL_TIME, Period
from earshot.analytics.chart_spans import (
    Span,
    ever,
    is_over,
    open_periods,
    settled_before,
    settled_days,
    weeks,
)
from earshot.core.day_files import DayFiles
from earshot.core.memo_files import RECENT_DAYS, MemoFiles, memo_name

_FORMAT: Final = 2
"""Changes with the columns of a memo, and with what they mean."""

HEARD: Final = "heard"
"""What a memo of streams says; one of sums says a kind of period."""

_DAY: Final = timedelta(days=1)

Wanted = tuple[str, Span]
"""What a memo says, and of which days."""


@dataclass(frozen=True)
class Remembered:
    """The memos that a build of one kind of entity begins from, by kind of the newest periods.

    Attributes:
        until: The last day that is in them.
        sums: Name of the memo of sums.
        heard: The spans of the days up to that one, and the names of the memos of their streams.
    """

    until: Mapping[str, date] = field(default_factory=dict)
    sums: Mapping[str, str] = field(default_factory=dict)
    heard: Mapping[str, Mapping[Span, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Marks:
    """Memos that may be made of the charts of one kind of entity. Can be sent to executors.

    Attributes:
        names: Of each memo that there may be now, its name.
        settled: Up to which days all plays are remembered, in their order.
        recent: Up to which of the last days sums are remembered, in their order.
        since: The last day before those of `weeks`.
        weeks: The days that have plays since then, by week.
    """

    names: Mapping[Wanted, str]
    settled: tuple[date, ...]
    recent: tuple[date, ...]
    since: date
    weeks: Mapping[Span, tuple[date, ...]]

    @property
    def newest(self) -> date:
        """The last day that has plays."""
        return self.recent[-1]

    @cached_property
    def periods(self) -> Mapping[str, Period]:
        """The periods that the newest day is in, by kind."""
        return open_periods(self.newest)

    def reads(self, changed: Collection[Period], existing: Collection[date], until: Mapping[str, date]) -> set[date]:
        """The days whose plays are needed, where those up to some day of the newest periods are remembered."""
        return {
            day
            for period in changed
            for day in (existing if period.kind == ALL_TIME else frozenset(period.days).intersection(existing))
            if self.periods.get(period.kind) != period or day > until.get(period.kind, date.min)
        }

    def spans(self) -> Iterator[Span]:
        """What the days after the settled ones are remembered by: weeks that are over, and days."""
        for week, days in self.weeks.items():
            if not self.settled or week.first > self.settled[-1]:
                yield from [week] if is_over(week, self.newest) else (Span(day, day) for day in days)

    def days(self, span: Span) -> list[date]:
        """Its days that have plays."""
        return span.of([day for days in self.weeks.values() for day in days])

    def remembered(self, files: MemoFiles, changed: Collection[Period]) -> Remembered:
        """The memos that are there and reach the furthest."""
        found = _Found(self.names, cache(lambda name: files.read(name) is not None))
        until, sums, heard = dict[str, date](), dict[str, str](), dict[str, Mapping[Span, str]]()
        for kind, period in self.periods.items():
            furthest = self._furthest(period, found) if period in changed else None
            if furthest:
                until[kind], sums[kind], heard[kind] = furthest
        return Remembered(until, sums, heard)

    def of_use(self, files: MemoFiles) -> Iterator[str]:
        """Names that are not to be deleted: none of a day where its week has one, none that a longer one replaces."""
        found = _Found(self.names, lambda name: name in files)
        settled = self.settled[-1] if self.settled and found.name(HEARD, ever(self.settled[-1])) else date.min
        whole = {day for week, days in self.weeks.items() if found.name(HEARD, week) for day in days}
        for (what, span), name in self.names.items():
            is_whole = span.first == date.min and span.until in self.settled
            is_replaced = span.until <= settled and not is_whole
            is_in_week = what == HEARD and span.first == span.until and span not in self.weeks and span.first in whole
            if not is_replaced and not is_in_week:
                yield name

    def _furthest(self, period: Period, found: _Found) -> tuple[date, str, Mapping[Span, str]] | None:
        first = date.min if period.kind == ALL_TIME else period.start
        for until in sorted({*self.recent, *self._wholes()}, reverse=True):
            sums = found.name(period.kind, Span(first, until))
            heard = self._covering(first, until, found) if sums else None
            if sums and heard is not None:
                return until, sums, heard
        return None

    def _wholes(self) -> list[date]:
        return sorted(span.until for what, span in self.names if what == HEARD and span.first == date.min)

    def _covering(self, first: date, until: date, found: _Found) -> Mapping[Span, str] | None:
        """Memos of the streams of exactly the days from the first one on; None where one is missing."""
        if first > date.min:
            return self._tiled(first, until, found)
        wholes = [ever(day) for day in self._wholes() if day <= until]
        for whole in reversed(wholes):
            if whole.until < min(self.since, until):
                return None
            name = found.name(HEARD, whole)
            rest = self._tiled(whole.until + _DAY, until, found) if name else None
            if name and rest is not None:
                return {whole: name, **rest}
        return self._tiled(first, until, found) if self.since == date.min else None

    def _tiled(self, first: date, until: date, found: _Found) -> Mapping[Span, str] | None:
        tiles: dict[Span, str] = {}
        for week, all_days in self.weeks.items():
            days = [day for day in all_days if first <= day <= until]
            whole = found.name(HEARD, week) if len(days) == len(all_days) else None
            spans = [week] if whole else [Span(day, day) for day in days]
            for span in spans:
                name = found.name(HEARD, span)
                if name is None:
                    return None
                tiles[span] = name
        return tiles


@dataclass(frozen=True)
class _Found:
    """Names of memos that are there."""

    names: Mapping[Wanted, str]
    is_there: Callable[[str], bool]

    def name(self, what: str, span: Span) -> str | None:
        """The name of a memo, if it is there."""
        name = self.names.get((what, span))
        return name if name is not None and self.is_there(name) else None


def marks_of(entities: Iterable[str], listens: DayFiles, suspects: DayFiles, *, rules: str) -> dict[str, Marks]:
    """The memos of each kind of entity that may be used now, named for exactly the files they are made from.

    Late plays, a verdict or an erasure replace files, and so does a compaction: the memo of the old ones is not
    used again.

    Args:
        entities: track, artist, album.
        listens: silver.listens, of all days.
        suspects: gold.suspect_listens.
        rules: What the figures depend on besides.
    """
    if not listens.days:
        return {}
    days = sorted(listens.days)
    settled = settled_days(days)
    recent = [day for day in days[-RECENT_DAYS:] if not settled or day > settled[-1]]
    wholes = sorted({*settled, *settled_before(days)})
    since = wholes[-2] if len(wholes) > 1 else date.min
    by_week = weeks([day for day in days if day > since])
    wanted: list[Wanted] = [(HEARD, ever(until)) for until in wholes]
    wanted += [(HEARD, week) for week in by_week]
    wanted += [(HEARD, Span(day, day)) for of_week in by_week.values() for day in of_week]
    for kind, period in open_periods(days[-1]).items():
        first = date.min if kind == ALL_TIME else period.start
        wanted += [(kind, Span(first, day)) for day in [*(wholes if kind == ALL_TIME else ()), *recent] if day >= first]
    made_from = {day: f"{listens.named(day)}\n{suspects.named(day)}" for day in days}
    names = {one: _name(one, rules, made_from) for one in wanted}
    return {
        entity: Marks(
            {one: f"{entity}-{name}" for one, name in names.items()},
            tuple(settled),
            tuple(recent),
            since,
            {week: tuple(of_week) for week, of_week in by_week.items()},
        )
        for entity in entities
    }


def _name(wanted: Wanted, rules: str, made_from: Mapping[date, str]) -> str:
    what, span = wanted
    return memo_name(f"{what}-{span.until}", [f"{_FORMAT} {rules}", *(made_from[day] for day in span.of(made_from))])
