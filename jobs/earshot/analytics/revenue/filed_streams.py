"""The streams of whole months, from files that a task reads: what divides their pools, without a shuffle."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Final

import pyarrow as pa

from earshot.analytics.flagged import flags_of
from earshot.analytics.revenue.cells import CHOSEN, EARNS_EVERY, EARNS_ORGANIC, FLAGGED
from earshot.analytics.revenue.listeners import MARKS
from earshot.analytics.revenue.month_cells import NAMED, STREAMS, MonthCells, Pools, pools_of_month
from earshot.core import columns as c
from earshot.core.arrow_columns import is_in, numbers
from earshot.core.day_files import DayFiles
from earshot.core.revenue_settings import ArtistCentricSettings
from earshot.core.stream_rule import StreamRule

MOST_PLAYS: Final = 16_000_000
"""A task holds the streams of its month; more of them are shuffled in parts."""

_READ: Final = (*NAMED, c.LISTENER_ID, c.CONTEXT, c.PLAYED_MS, c.DURATION_MS)


@dataclass(frozen=True)
class FiledStreams:
    """Plays of whole months, and the verdicts on them. Can be sent to executors.

    Attributes:
        plays: Files of silver.listens.
        suspects: Files of gold.suspect_listens.
    """

    plays: DayFiles
    suspects: DayFiles

    def pools(self, month: date, rule: StreamRule, rules: ArtistCentricSettings) -> Pools:
        """What divides the pools of a month; every track earns, none has splits.

        Args:
            month: Its first day.
            rule: When a play is a counted stream.
            rules: What a stream counts in the artist-centric model.
        """
        days = sorted(day for day in self.plays.days if day.replace(day=1) == month)
        streams = [_streams(self.plays, self.suspects, day, rule, rules.active_contexts) for day in days]
        cells = MonthCells.of(pa.concat_tables([STREAMS.empty_table(), *streams]))
        del streams
        yield from pools_of_month(cells, rules)


def _streams(files: DayFiles, suspects: DayFiles, day: date, rule: StreamRule, chosen: Collection[str]) -> pa.Table:
    """The counted streams of a day, with `marks`."""
    judged = (c.TRACK_ID,) if day in suspects.days else ()
    plays = files.read(day, (*_READ, *judged))
    marks = CHOSEN * is_in(plays[c.CONTEXT], chosen) + EARNS_EVERY + EARNS_ORGANIC
    if judged:
        marks += FLAGGED * flags_of(plays, suspects, day)
    counts = rule.counted(numbers(plays[c.PLAYED_MS]), numbers(plays[c.DURATION_MS]))
    marked = plays.select([*NAMED, c.LISTENER_ID]).append_column(MARKS, pa.array(marks, pa.int8()))
    return marked.filter(pa.array(counts))
