"""What listeners' streams count, from files that tasks read: each task looks at every play, and keeps its listeners."""

from __future__ import annotations

import math
import zlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql.pandas.types import from_arrow_schema

from earshot.analytics.flagged import flags_of
from earshot.analytics.play_days import FiledPlays
from earshot.analytics.plays import Names, counted_keys, mixed, numbered
from earshot.analytics.revenue.listeners import (
    CHOSEN,
    EARNS_EVERY,
    EARNS_ORGANIC,
    FLAGGED,
    KEYS,
    MARKS,
    PLAYS,
    WORK,
    counts_of_cells,
    counts_schema,
)
from earshot.core import columns as c
from earshot.core.arrow_columns import Integers, coded, is_in, numbers
from earshot.core.arrow_rows import ArrowTasks
from earshot.core.day_files import DayFiles
from earshot.core.measures import UNKNOWN
from earshot.core.revenue_settings import ArtistCentricSettings
from earshot.core.stream_rule import StreamRule

MOST_TASKS: Final = 16
"""With more, that each task reads every play costs more than a shuffle of the plays."""

_NAMED: Final = (c.COUNTRY, c.TIER, c.ARTIST_ID)
_READ: Final = (*_NAMED, c.LISTENER_ID, c.TRACK_ID, c.CONTEXT, c.PLAYED_MS, c.DURATION_MS)
_MARKS: Final = 16


@dataclass(frozen=True)
class FiledStreams:
    """Plays of whole months, and the verdicts on them. Can be sent to executors.

    Attributes:
        plays: Files of silver.listens.
        suspects: Files of gold.suspect_listens.
    """

    plays: FiledPlays
    suspects: DayFiles

    def counts(self, months: Collection[date], rule: StreamRule, rules: ArtistCentricSettings, tasks: int) -> DataFrame:
        """The counts of all listeners; every track earns, none has splits.

        Args:
            months: First days of the months to pay.
            rule: When a play is a counted stream.
            rules: What a stream counts in the artist-centric model.
            tasks: Into how many parts the listeners are divided.

        Returns:
            Rows of `counts_schema`.
        """
        files, suspects = self.plays.files, self.suspects
        days = sorted(day for day in files.days if day.replace(day=1) in months)

        def of_part(part: int) -> Iterator[pa.Table]:
            streams = [_streams(files.read(day, _READ), suspects, day, rule, rules.active_contexts) for day in days]
            cells = _cells(pa.concat_tables(streams), part, tasks) if streams else None
            if cells is not None and cells.num_rows:
                yield counts_of_cells(cells, rules)

        return ArrowTasks(self.plays.spark, range(tasks), of_part, from_arrow_schema(counts_schema())).frame()


def _streams(plays: pa.Table, suspects: DayFiles, day: date, rule: StreamRule, chosen: Collection[str]) -> pa.Table:
    """The counted streams of a day, with `marks` and the month."""
    marks = FLAGGED * flags_of(plays, suspects, day) + CHOSEN * is_in(plays[c.CONTEXT], chosen)
    month = pa.repeat(pa.scalar(day.replace(day=1), pa.date32()), plays.num_rows)
    counts = rule.counted(numbers(plays[c.PLAYED_MS]), numbers(plays[c.DURATION_MS]))
    marked = plays.select([*_NAMED, c.LISTENER_ID]).append_column(c.MONTH, month)
    return marked.append_column(MARKS, pa.array(marks + EARNS_EVERY + EARNS_ORGANIC, pa.int8())).filter(
        pa.array(counts)
    )


def _cells(streams: pa.Table, part: int, parts: int) -> pa.Table:
    """A row for each different row of the streams of some listeners, with how many there are."""
    listener, people = coded(streams[c.LISTENER_ID], missing=UNKNOWN)
    is_ours = np.array([zlib.crc32(name.encode()) % parts == part for name in people.to_pylist()], np.bool_)
    ours = streams.filter(pa.array(is_ours[listener]))
    names = {name: numbered(ours[name], missing=UNKNOWN) for name in (*_NAMED, c.LISTENER_ID)}
    months, month = np.unique(ours[c.MONTH].cast(pa.int32()).to_numpy(), return_inverse=True)
    marks = ours[MARKS].to_numpy().astype(np.int64)
    sizes = [len(months), *(len(of) for of in names.values()), _MARKS]
    keys, plays = counted_keys(
        mixed([month, *(of.codes for of in names.values()), marks], sizes, ours.num_rows), size=math.prod(sizes)
    )
    keys, marks = np.divmod(keys, _MARKS)
    columns: dict[str, pa.Array] = {
        MARKS: pa.array(marks),
        PLAYS: pa.array(plays),
        WORK: pa.nulls(len(keys), pa.string()),
    }
    for name, of in reversed(names.items()):
        keys, codes = np.divmod(keys, max(len(of), 1))
        columns[name] = _dictionary(of, codes)
    columns[c.MONTH] = pa.array(months[keys], pa.int32()).cast(pa.date32())
    return pa.table({name: columns[name] for name in (*KEYS, c.LISTENER_ID, MARKS, PLAYS)})


def _dictionary(names: Names, codes: Integers) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32)), names.names)
