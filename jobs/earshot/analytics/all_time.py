"""The charts of all time of one kind of entity, built while its months go by, from a memo of those long ago."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

import pyarrow as pa

from earshot.analytics.chart_memo import ChartMemo
from earshot.analytics.chart_names import Vocabulary
from earshot.analytics.chart_streams import Counted
from earshot.analytics.chart_tally import Counting, Sums, Tally, together
from earshot.core.memo_files import MemoFiles


@dataclass(frozen=True)
class Mark:
    """A memo that there is or is to be.

    Attributes:
        until: The last day that is in it.
        name: Of its file: says what it was made from.
    """

    until: date
    name: str


@dataclass(frozen=True)
class Begun:
    """What is known of all time before its days are read.

    Attributes:
        memo: Of days long ago; None where nothing is remembered.
        names: Numbers of names, beginning with those of the memo.
        until: The last day that is in it.
        marks: Memos that are to be made of later days, by day.
        files: Where to; None where none are made.
    """

    memo: ChartMemo | None = None
    names: Vocabulary = field(default_factory=Vocabulary)
    until: date = date.min
    marks: Sequence[Mark] = ()
    files: MemoFiles | None = None

    @classmethod
    def of(cls, files: MemoFiles, marks: Sequence[Mark]) -> Begun:
        """With the last of these memos that is there."""
        place, batch = _last(files, marks)
        if batch is None:
            return cls(marks=marks, files=files)
        return cls(*ChartMemo.from_batch(batch), marks[place - 1].until, marks[place:], files)


def remembered_until(files: MemoFiles, marks: Sequence[Mark]) -> date:
    """The last day that is in a memo; the first of all days where there is none."""
    place, _ = _last(files, marks)
    return marks[place - 1].until if place else date.min


def _last(files: MemoFiles, marks: Sequence[Mark]) -> tuple[int, pa.RecordBatch | None]:
    """How many of these memos the last one that is there closes, and what it holds."""
    for place in range(len(marks), 0, -1):
        if (batch := files.read(marks[place - 1].name)) is not None:
            return place, batch
    return 0, None


class AllTime:
    """Streams of all time, and what they add up to.

    Args:
        begun: What is known before the months come.
        counting: How streams add up.
    """

    def __init__(self, begun: Begun, counting: Counting) -> None:
        self._memo, self._marks, self._files, self._names = begun.memo, list(begun.marks), begun.files, begun.names
        self._counting = counting
        self._later: list[Counted] = []
        self._of_later: Sums | None = None

    def add(self, month: date, tally: Tally) -> None:
        """Take the streams of a month; months come in their order, and after those of the memo."""
        self._remember(month)
        self._of_later = None if self._later else tally.sums
        self._later.append(tally.counted)

    def sums(self) -> Sums | None:
        """What all streams add up to, with and without flagged ones; None where there are none."""
        self._remember(date.max)
        if self._later:
            return self._with_later(together(*self._later))
        return self._memo.sums if self._memo else None

    def _remember(self, month: date) -> None:
        """Make the memos of the days before this one."""
        while self._marks and self._marks[0].until < month:
            mark = self._marks.pop(0)
            if self._later:
                later, coding = together(*self._later), self._counting.coding
                whole = together(self._memo.whole(coding), later) if self._memo else later
                self._memo, self._later = ChartMemo.of(whole, self._with_later(later), coding), []
            if self._memo and self._files:
                self._files.write(mark.name, self._memo.as_batch(self._names))

    def _with_later(self, later: Counted) -> Sums:
        tally = Tally(later, self._of_later or self._counting.sums(later))
        if self._memo is None:
            return tally.sums
        return self._counting.with_later(self._memo.sums, self._memo.earlier(later[0], self._counting.coding), tally)
