"""The streams of a month up to one of its last days, remembered as they were counted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any, Final, NamedTuple, Self

import numpy as np
import pyarrow as pa

from earshot.analytics.revenue.month_cells import MonthCells
from earshot.core.day_files import DayFiles
from earshot.core.memo_files import RECENT_DAYS, MemoFiles, listed, memo_name, one_row

_FORMAT: Final = 1
_NAMES: Final = ("countries", "tiers", "artists", "works")


class Begun(NamedTuple):
    """What is known of a month before its days are read.

    Attributes:
        until: The last day that is in it.
        cells: The streams up to that day.
        listeners: Their names, by number.
    """

    until: date
    cells: MonthCells
    listeners: pa.Array


@dataclass(frozen=True)
class MonthMemory:
    """The memos of a month. Can be sent to executors.

    Attributes:
        files: Where.
        names: Of the memo up to each of the last days that have plays, in their order.
    """

    files: MemoFiles
    names: Mapping[date, str]

    @classmethod
    def of(cls, files: MemoFiles, month: date, tables: Sequence[DayFiles], *, rules: str) -> Self:
        """Named for the files that they are made from: who finds another one there finds no memo.

        Args:
            files: Where.
            month: Its first day.
            tables: silver.listens and gold.suspect_listens.
            rules: What the streams of a month depend on besides.
        """
        made_from, names = [f"{_FORMAT} {rules}"], dict[date, str]()
        for day in sorted(day for day in tables[0].days if day.replace(day=1) == month):
            made_from += [table.named(day) for table in tables]
            names[day] = memo_name(str(day), made_from)
        return cls(files, dict(list(names.items())[-RECENT_DAYS:]))

    def begun(self) -> Begun | None:
        """The memo that reaches the furthest; None where there is none that is whole."""
        for until, name in reversed(list(self.names.items())):
            memo = self.files.read(name)
            if memo is not None:
                return Begun(until, *_from_batch(memo))
        return None

    def keep(self, until: date, cells: MonthCells, listeners: pa.Array) -> None:
        """Remember the streams up to a day, if it is one of the last ones."""
        if until in self.names:
            self.files.write(self.names[until], _as_batch(cells, listeners))

    def groups(self, days: Iterable[date]) -> Iterator[list[date]]:
        """The last days by themselves, those before together."""
        for _, group in groupby(days, key=lambda day: day if day in self.names else None):
            yield list(group)


def _as_batch(cells: MonthCells, listeners: pa.Array) -> pa.RecordBatch:
    columns: dict[str, Any] = {name: getattr(cells, name) for name in (*_NAMES, "titles", "keys")}
    plays = cells.plays.astype(np.min_scalar_type(int(cells.plays.max(initial=0))))
    return one_row(columns | {"listeners": listeners, "plays": plays})


def _from_batch(memo: pa.RecordBatch) -> tuple[MonthCells, pa.Array]:
    countries, tiers, artists, works = (listed(memo, name) for name in _NAMES)
    titles, keys, plays = (listed(memo, name).to_numpy() for name in ("titles", "keys", "plays"))
    listeners = listed(memo, "listeners")
    return MonthCells(countries, tiers, artists, works, len(listeners), titles, keys, plays), listeners
