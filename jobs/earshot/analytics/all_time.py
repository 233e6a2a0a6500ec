"""The charts of all time of one kind of entity, built while its days go by, from a memo of those long ago."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from earshot.analytics.chart_memo import ChartMemo, Counted, Sums
from earshot.analytics.chart_names import Vocabulary
from earshot.analytics.chart_streams import CodedPlays, Coding, Groups, Streams
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
        for place in range(len(marks), 0, -1):
            if (batch := files.read(marks[place - 1].name)) is not None:
                return cls(*ChartMemo.from_batch(batch), marks[place - 1].until, marks[place:], files)
        return cls(marks=marks, files=files)


class AllTime:
    """Streams of all time, and what they add up to.

    Args:
        begun: What is known before the days come.
        coding: Of the keys of streams.
        listener_cap: Streams that a listener adds to an entity at most; 0 = all.
    """

    def __init__(self, begun: Begun, coding: Coding, listener_cap: int) -> None:
        self._memo, self._marks, self._files, self._names = begun.memo, list(begun.marks), begun.files, begun.names
        self._coding, self._cap = coding, listener_cap
        self._later: list[CodedPlays] = []

    def add(self, day: date, streams: CodedPlays) -> None:
        """Take the streams of a day; days come in their order, and after those of the memo."""
        self._remember(day)
        self._later.append(streams)

    def sums(self) -> Sums | None:
        """What all streams add up to, with and without flagged ones; None where there are none."""
        self._remember(date.max)
        if not self._later:
            return self._memo.sums if self._memo else None
        return self._added(CodedPlays.joined(self._later).counted())

    def _remember(self, day: date) -> None:
        """Make the memos of the days before this one."""
        while self._marks and self._marks[0].until < day:
            mark = self._marks.pop(0)
            if self._later:
                counted = CodedPlays.joined(self._later).counted()
                sums = self._added(counted)
                whole = _together(self._memo.whole(self._coding), counted) if self._memo else counted
                self._memo, self._later = ChartMemo.of(whole, sums, self._coding), []
            if self._memo and self._files:
                self._files.write(mark.name, self._memo.as_batch(self._names))

    def _added(self, later: Counted) -> Sums:
        if self._memo is None:
            return self._of(later[0]), None if later[1] is None else self._of(later[1])
        earlier = self._memo.earlier(later[0], self._coding)
        together = _together(earlier, later)
        every = self._memo.sums[0].plus(self._of(together[0]), without=self._of(earlier[0]))
        if together[1] is None:
            return every, None
        kept = self._memo.sums[1] or self._memo.sums[0]
        return every, kept.plus(self._of(together[1]), without=self._of(earlier[1] or earlier[0]))

    def _of(self, streams: Streams) -> Groups:
        return Groups.of(streams, self._coding, listener_cap=self._cap)


def _together(one: Counted, other: Counted) -> Counted:
    every = one[0].plus(other[0])
    if one[1] is None and other[1] is None:
        return every, None
    return every, (one[1] or one[0]).plus(other[1] or other[0])
