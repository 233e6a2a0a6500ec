"""Which memos of the charts of all time are of use: up to which days, and made from what."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from datetime import date, timedelta
from pathlib import PurePath
from typing import Final

from earshot.analytics.all_time import Mark
from earshot.analytics.chart_memo import FORMAT
from earshot.core.day_files import DayFiles

_SETTLED: Final = timedelta(days=7)
_DAY: Final = timedelta(days=1)
_MONTHS_OF_A_QUARTER: Final = 3


def marks_of(entity: str, listens: DayFiles, suspects: DayFiles, *, rules: str) -> list[Mark]:
    """The memos that may be used now, by day; each is named for exactly the files that it is made from.

    Late plays, a verdict or an erasure replace files, and so does a compaction: the memo of the old ones is not
    used again.

    Args:
        entity: track, artist or album.
        listens: silver.listens.
        suspects: gold.suspect_listens.
        rules: What the figures of all time depend on besides.
    """
    if not listens.days:
        return []
    days, told, marks = sorted(listens.days), hashlib.sha256(f"{FORMAT} {entity} {rules}".encode()), []
    for until in settled_days(days):
        while days and days[0] <= until:
            day = days.pop(0)
            for files in (listens, suspects):
                names = sorted(PurePath(path).name for path in files.files.get(day, ()))
                told.update("\n".join([day.isoformat(), files.table, *names, ""]).encode())
        marks.append(Mark(until, f"{entity}-{until}-{told.hexdigest()[:32]}.arrow"))
    return marks


def settled_days(days: Collection[date]) -> list[date]:
    """Up to which days memos are worth it: the end of the last month that is over for a week, and of a quarter before.

    The end of a quarter serves where late plays, verdicts or erasures concern the days after it.

    Args:
        days: Those that have plays.
    """
    month = (max(days) - _SETTLED).replace(day=1)
    before = (month - _DAY).replace(day=1)
    quarter = before.replace(month=(before.month - 1) // _MONTHS_OF_A_QUARTER * _MONTHS_OF_A_QUARTER + 1)
    return [first - _DAY for first in (quarter, month) if first > min(days)]
