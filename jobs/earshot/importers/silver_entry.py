"""The plays of a batch on their way from bronze to silver: Arrow tasks copy what passed, and count it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyspark.sql import SparkSession

from earshot.core import columns as c
from earshot.core.partial_figures import CountBy, Partials, added, values_of
from earshot.core.staging import STAGED, Stage, StagedFile, as_files, as_rows
from earshot.importers.accumulators import Added
from earshot.importers.play_files import DECIDES, SILVER_SCHEMA, passed

ACCEPTED_BY_FILE: Final = "accepted_by_file"
_ROW_GROUPS: Final = 4
_TELLINGS: Final = SILVER_SCHEMA.field(c.TELLINGS)


@dataclass(frozen=True)
class Entry:
    """How plays enter silver. Sent to executors.

    Attributes:
        bronze: Folder of bronze.listens.
        stage: Where the files for silver.listens go.
        batch_id: Of the plays.
        told: Plays of the batch that are told elsewhere, too: source_file, source_line, kept (false: it does not
            enter), sources (all that tell of it).
        compare: Figures of plays that enter.
    """

    bronze: str
    stage: Stage
    batch_id: str
    told: pa.Table
    compare: Callable[[pa.Table], Partials]

    def plays(self, path: str) -> Iterator[pa.Table]:
        """The plays of a file of bronze that enter, piece by piece: columns of silver.listens, texts as dictionaries.

        A dictionary is taken over from file to file as it is, where a text would be looked up again.
        """
        schema = self.stage.schema
        names = [name for name in schema.names if name not in {c.BATCH_ID, c.TELLINGS}]
        coded = [name for name in names if schema.field(name).type == pa.string() and name != c.LISTEN_ID]
        with pq.ParquetFile(f"{self.bronze}/{path}", read_dictionary=coded) as file:
            for first in range(0, file.num_row_groups, _ROW_GROUPS):
                groups = list(range(first, min(first + _ROW_GROUPS, file.num_row_groups)))
                lines = file.read_row_groups(groups, columns=[*names, *DECIDES], use_threads=False)
                plays = told_once(lines.drop_columns(list(DECIDES)), self.told, passed(lines))
                yield plays.append_column(c.BATCH_ID, pa.repeat(self.batch_id, plays.num_rows))


def enter_silver(spark: SparkSession, files: Sequence[str], entry: Entry) -> tuple[list[StagedFile], dict[str, Any]]:
    """Stage the plays that enter, a task a file of bronze.

    Args:
        spark: The session.
        files: Of the batch, relative to bronze.listens.
        entry: How they enter.

    Returns:
        The staged files, and what was observed: accepted plays by file (`ACCEPTED_BY_FILE`), and figures of `compare`.
    """
    observed = spark.sparkContext.accumulator({}, Added())

    def copy(numbers: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for number in (n for batch in numbers for n in batch.column(0).to_pylist()):
            for plays in entry.plays(files[number]):
                counted = {ACCEPTED_BY_FILE: CountBy.of(plays[c.SOURCE_FILE])}
                observed.add(added([counted, entry.compare(plays)]))
                yield as_rows(entry.stage.write(plays))

    numbered = spark.range(0, len(files), 1, max(len(files), 1))
    staged = as_files(numbered.mapInArrow(copy, STAGED).toArrow())
    return staged, values_of(observed.value)


def told_once(plays: pa.Table, told: pa.Table, enter: pa.ChunkedArray) -> pa.Table:
    """The plays that enter, without those that are told better elsewhere; `sources` and `tellings` name all that tell.

    Args:
        plays: source_file, source_line, sources, and more.
        told: Those of them that are told elsewhere, too: source_file, source_line, kept, sources, tellings.
        enter: Whether each play may enter at all. None that is in `told` may not.
    """
    if not told.num_rows or not plays.num_rows:
        return plays.append_column(_TELLINGS, pa.nulls(plays.num_rows, _TELLINGS.type)).filter(enter)
    places = _places(plays, told)
    kept = told[c.KEPT].combine_chunks().to_numpy(zero_copy_only=False)
    stays = (places < 0) | kept[places]
    of_play = told.select([c.SOURCES, c.TELLINGS]).take(pa.array(places, mask=places < 0)).combine_chunks()
    merged = pc.coalesce(of_play[c.SOURCES], plays[c.SOURCES].combine_chunks())
    plays = plays.set_column(plays.schema.get_field_index(c.SOURCES), c.SOURCES, merged)
    return plays.append_column(_TELLINGS, of_play[c.TELLINGS].cast(_TELLINGS.type)).filter(
        pc.and_(enter, pa.array(stays))
    )


def _places(plays: pa.Table, told: pa.Table) -> Any:
    """Of each play, its row in `told`; -1 where it has none."""
    lines = told[c.SOURCE_LINE].combine_chunks()
    asked = np.flatnonzero(pc.is_in(plays[c.SOURCE_LINE], value_set=lines).to_numpy())
    keys = [
        pc.binary_join_element_wise(rows[c.SOURCE_LINE].cast(pa.string()), rows[c.SOURCE_FILE].cast(pa.string()), ":")
        for rows in (plays.select([c.SOURCE_LINE, c.SOURCE_FILE]).take(pa.array(asked)), told)
    ]
    places = np.full(plays.num_rows, -1, np.int64)
    places[asked] = pc.fill_null(pc.index_in(keys[0], value_set=keys[1].combine_chunks()), -1).to_numpy()
    return places
