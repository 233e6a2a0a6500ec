"""What is remembered of the charts of one kind of entity, as a task reads it and adds to it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property, partial
from typing import TypeVar

import numpy as np
import pyarrow as pa

from earshot.analytics.built_charts import CHARTS
from earshot.analytics.chart_heard import Heard
from earshot.analytics.chart_marks import HEARD, Marks, Remembered
from earshot.analytics.chart_names import Vocabulary, names_in, sorted_names, with_all
from earshot.analytics.chart_periods import ALL_TIME, Period
from earshot.analytics.chart_spans import Span, ever
from earshot.analytics.chart_sums import NamedSums
from earshot.analytics.chart_tally import Sums
from earshot.core import columns as c
from earshot.core.errors import OvertakenError
from earshot.core.memo_files import MemoFiles

_Memo = TypeVar("_Memo", Heard, NamedSums)


@dataclass(frozen=True)
class Memory:
    """The memos that a build begins from.

    Attributes:
        marks: What there may be besides; None where nothing is remembered.
        files: Where.
        remembered: By kind of period, until when.
        sums: By kind of period.
        heard: The streams, by their days.
    """

    marks: Marks | None = None
    files: MemoFiles | None = None
    remembered: Remembered = field(default_factory=Remembered)
    sums: Mapping[str, NamedSums] = field(default_factory=dict)
    heard: Mapping[Span, Heard] = field(default_factory=dict)

    @classmethod
    def of(cls, files: MemoFiles, marks: Marks, remembered: Remembered) -> Memory:
        """Read what is remembered.

        Raises:
            OvertakenError: Another run has tidied up meanwhile.
        """

        def read(name: str, kind: Callable[[pa.RecordBatch], _Memo]) -> _Memo:
            memo = files.read(name)
            if memo is None:
                raise OvertakenError(CHARTS, where=files.folder)
            return kind(memo)

        sums = {kind: read(name, NamedSums.from_batch) for kind, name in remembered.sums.items()}
        named = {span: name for spans in remembered.heard.values() for span, name in spans.items()}
        heard = {span: read(name, Heard.from_batch) for span, name in named.items()}
        return cls(marks, files, remembered, sums, heard)

    def heard_of(self, period: Period) -> list[Heard]:
        """The streams that are remembered of one of the newest periods."""
        return [self.heard[span] for span in self.remembered.heard.get(period.kind, ())]

    def holds(self, day: date, period: Period) -> bool:
        """Whether the streams of a day of the period are remembered."""
        return period in self.begun.values() and day <= self.remembered.until[period.kind]

    @cached_property
    def begun(self) -> Mapping[str, Period]:
        """The periods of which something is remembered, by kind."""
        return {} if self.marks is None else {kind: self.marks.periods[kind] for kind in self.sums}

    @property
    def recent(self) -> Sequence[date]:
        """The days up to each of which sums are kept."""
        return () if self.marks is None else self.marks.recent

    def is_worth(self, streams: int) -> bool:
        """Whether so many streams of unsettled days, and those remembered, are worth remembering by day."""
        known = sum(int(of.streams.sum(dtype=np.int64)) for span, of in self.heard.items() if span.first > date.min)
        return self.files is not None and streams + known >= self.files.least

    def keep_sums(self, kind: str, span: Span, sums: Sums, names: Vocabulary) -> None:
        """Keep sums, where they are wanted and not there."""
        if name := self._missing(kind, span):
            self._write(name, NamedSums.of(sums, names).as_batch())

    def keep_heard(self, span: Span, heard: Callable[[], Heard | None]) -> None:
        """Keep the streams of a span, where they are wanted and not there."""
        if name := self._missing(HEARD, span):
            found = heard()
            if found is not None:
                self._write(name, found.as_batch())

    def is_unsettled(self, day: date) -> bool:
        """Whether a day is after the last settled month: it is remembered by itself or with its week."""
        return self.marks is not None and day > max(self.marks.settled, default=date.min)

    def unsettled(self) -> list[date]:
        """Up to which days all plays are still to be remembered."""
        if self.marks is None:
            return []
        after = self.remembered.until.get(ALL_TIME, date.min)
        return [day for day in self.marks.settled if day > after]

    def names(self, streams: pa.Table, entity: str, listeners: pa.Array) -> Vocabulary:
        """Numbers of the names of streams and of what is remembered, in the order of the names.

        Args:
            streams: Dictionary arrays.
            entity: The column that identifies the entity.
            listeners: Those of the streams, sorted.
        """
        sums, heard = self.sums.values(), self.heard.values()
        country, tier = (
            sorted_names(names_in(streams[column]), *(getattr(of, name) for of in sums), *(of.names[n] for of in heard))
            for n, (name, column) in enumerate((("country", c.COUNTRY), ("tier", c.TIER)))
        )
        entities = sorted_names(names_in(streams[entity]), *(of.entity for of in sums))
        return Vocabulary.beginning(with_all(country), with_all(tier), entities, listeners)

    def keep_streams(self, read: Callable[[Collection[date]], Heard | None]) -> None:
        """Keep the streams of the days since the last settled month.

        Args:
            read: Those of days, where they were read.
        """
        for span in self.marks.spans() if self.marks else ():
            self.keep_heard(span, partial(self._streams_of, span, read))

    def settle(self, listener_cap: int) -> None:
        """Put together what is remembered up to the end of a month that is settled now, where nobody did it yet."""
        if self.marks is None or not self.marks.settled or ALL_TIME not in self.sums:
            return
        whole = ever(self.marks.settled[-1])
        if self.remembered.until[ALL_TIME] <= whole.until or self._missing(HEARD, whole) is None:
            return
        parts = [self.heard[span] for span in self.remembered.heard[ALL_TIME] if span.until <= whole.until]
        heard = Heard.merged(parts)
        if self._missing(ALL_TIME, whole):
            self.keep_sums(ALL_TIME, whole, *heard.sums(listener_cap))
        self.keep_heard(whole, lambda: heard)

    def _streams_of(self, span: Span, read: Callable[[Collection[date]], Heard | None]) -> Heard | None:
        if self.marks is None:
            return None
        days = self.marks.days(span)
        parts = {one: heard for one, heard in self.heard.items() if span.first <= one.first and one.until <= span.until}
        rest = [day for day in days if not any(one.first <= day <= one.until for one in parts)]
        if not parts:
            return read(days)
        further = read(rest) if rest else None
        if rest and further is None:
            return None
        return Heard.merged([*parts.values(), *([] if further is None else [further])])

    def _missing(self, what: str, span: Span) -> str | None:
        if self.marks is None or self.files is None:
            return None
        name = self.marks.names.get((what, span))
        return name if name is not None and name not in self.files else None

    def _write(self, name: str, memo: pa.RecordBatch) -> None:
        if self.files is not None:
            self.files.write(name, memo)
