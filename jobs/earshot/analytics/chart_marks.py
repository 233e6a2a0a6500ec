"""Which memos of the charts of all time are of use: up to which days, and made from what."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Collection, Iterable
from datetime import date, timedelta
from typing import Final

from earshot.analytics.all_time import Mark
from earshot.analytics.chart_memo import FORMAT
from earshot.core.day_files import DayFiles

_SETTLED: Final = timedelta(days=7)
_DAY: Final = timedelta(days=1)
_MONTHS_OF_A_QUARTER: Final = 3


def marks_of(entities: Iterable[str], listens: DayFiles, suspects: DayFiles, *, rules: str) -> dict[str, list[Mark]]:
    """The memos of each kind of entity that may be used now, by day; named for exactly the files they are made from.

    Late plays, a verdict or an erasure replace files, and so does a compaction: the memo of the old ones is not
    used again.

    Args:
        entities: track, artist, album.
        listens: silver.listens.
        suspects: gold.suspect_listens.
        rules: What the figures of all time depend on besides.
    """
    if not listens.days:
        return {entity: [] for entity in entities}
    told, days, names = hashlib.sha256(f"{FORMAT} {rules}".encode()), sorted(listens.days), []
    for until in settled_days(listens.days):
        end = bisect_right(days, until)
        made_from = [
            part
            for day in days[:end]
            for files in (listens, suspects)
            for part in (f"\n{day} {files.table}", *(path.rpartition("/")[2] for path in files.files.get(day, ())))
        ]
        told.update("\n".join(made_from).encode())
        days = days[end:]
        names.append((until, f"{until}-{told.hexdigest()[:32]}.arrow"))
    return {entity: [Mark(until, f"{entity}-{name}") for until, name in names] for entity in entities}


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
