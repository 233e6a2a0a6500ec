"""The streams of whole months, from files that a task reads: what divides their pools, without a shuffle."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
import pyarrow as pa

from earshot.analytics.flagged import flags_of
from earshot.analytics.plays import Flags, Integers
from earshot.analytics.revenue.cells import CHOSEN, EARNS_EVERY, EARNS_ORGANIC, FLAGGED
from earshot.analytics.revenue.gathered_streams import NAMED, STREAMS, GatheredStreams
from earshot.analytics.revenue.joined_cells import joined_cells
from earshot.analytics.revenue.month_cells import Pools, pools_of_month
from earshot.analytics.revenue.month_memory import MonthMemory
from earshot.core import columns as c
from earshot.core.arrow_columns import coded, is_in, numbers
from earshot.core.day_files import TEXT, DayFiles
from earshot.core.revenue_settings import ArtistCentricSettings
from earshot.core.stream_rule import StreamRule

MOST_PLAYS: Final = 60_000_000
"""A task holds the different streams of its month, up to thirty bytes each while parts are joined; months of more
plays are shuffled."""

_AT_ONCE: Final = 32_000_000
"""So many streams are counted together before they join those before them."""


@dataclass(frozen=True)
class Earning:
    """The tracks that have streams enough in a month.

    Attributes:
        every: Of all streams.
        organic: Of those that are not flagged.
    """

    every: frozenset[str]
    organic: frozenset[str]


@dataclass(frozen=True)
class FiledStreams:
    """Plays of whole months, and the verdicts on them. Can be sent to executors.

    Attributes:
        plays: Files of silver.listens.
        suspects: Files of gold.suspect_listens.
        rule: When a play is a counted stream.
        without: Batches of plays that are left out.
    """

    plays: DayFiles
    suspects: DayFiles
    rule: StreamRule
    without: frozenset[str] = frozenset()

    def of_day(self, day: date, columns: Sequence[str]) -> tuple[pa.Table, Flags]:
        """Columns of the counted streams of a day, and which of these streams are flagged."""
        judged = (c.LISTENER_ID, c.TRACK_ID) if day in self.suspects.days else ()
        batch = (c.BATCH_ID,) if self.without else ()
        read = dict.fromkeys((*columns, c.PLAYED_MS, c.DURATION_MS, *judged, *batch))
        plays = self.plays.read(day, tuple(read))
        counts = self.rule.counted(numbers(plays[c.PLAYED_MS]), numbers(plays[c.DURATION_MS]))
        if batch:
            counts &= ~is_in(plays[c.BATCH_ID], self.without)
        is_flagged = flags_of(plays, self.suspects, day) if judged else np.zeros(plays.num_rows, np.bool_)
        return plays.select(list(columns)).filter(pa.array(counts)), is_flagged[counts]

    def pools(
        self,
        month: date,
        rules: ArtistCentricSettings,
        *,
        splits: pa.Table | None = None,
        earning: Earning | None = None,
        memory: MonthMemory | None = None,
    ) -> Pools:
        """What divides the pools of a month.

        Args:
            month: Its first day.
            rules: What a stream counts in the artist-centric model.
            splits: Tracks and their parts, as `splits.split_tracks` has them; None where no track has splits.
            earning: The tracks that may earn; None where every track may.
            memory: What is remembered of the month; None where all its days are to be read.
        """
        split = None if splits is None else frozenset(splits[c.TRACK_ID].to_pylist())
        days = sorted(day for day in self.plays.days if day.replace(day=1) == month)
        begun = memory.begun() if memory else None
        gathered = GatheredStreams({c.LISTENER_ID: begun.listeners, **begun.cells.named} if begun else None)
        cells = begun.cells if begun else None
        further = [day for day in days if begun is None or day > begun.until]
        for group in memory.groups(further) if memory else [further]:
            for day in group:
                gathered.add(self._marked(day, rules.active_contexts, split, earning))
                if gathered.streams >= _AT_ONCE or day == group[-1]:
                    cells = gathered.cells() if cells is None else joined_cells(cells, gathered.cells())
            if memory and cells:
                memory.keep(group[-1], cells, gathered.listeners)
        yield from () if cells is None else pools_of_month(cells, rules, splits)

    def _marked(
        self, day: date, chosen: Collection[str], split: frozenset[str] | None, earning: Earning | None
    ) -> pa.Table:
        tracks = (c.TRACK_ID,) if split is not None or earning else ()
        streams, is_flagged = self.of_day(day, (*NAMED, c.CONTEXT, *tracks))
        marks = FLAGGED * is_flagged + CHOSEN * is_in(streams[c.CONTEXT], chosen) + _earns(streams, earning)
        works = pa.nulls(streams.num_rows, TEXT) if split is None else _those_of(streams[c.TRACK_ID], split)
        columns = [*(streams[name] for name in NAMED), works, pa.array(marks, pa.int8())]
        return pa.table(columns, schema=STREAMS)


def _earns(streams: pa.Table, earning: Earning | None) -> Integers | int:
    if earning is None:
        return EARNS_EVERY + EARNS_ORGANIC
    every, organic = (is_in(streams[c.TRACK_ID], tracks) for tracks in (earning.every, earning.organic))
    marks: Integers = EARNS_EVERY * every + EARNS_ORGANIC * organic
    return marks


def _those_of(tracks: pa.ChunkedArray, some: frozenset[str]) -> pa.DictionaryArray:
    """The tracks where they are some of these, null elsewhere."""
    codes, names = coded(tracks, missing="")
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32), mask=~is_in(tracks, some)), names)
