"""Parquet files beside a Delta table: written by Arrow tasks or by Spark, not yet seen by any reader.

An Arrow task writes its rows itself and returns what a commit needs to know of its files; the rows never
pass through Spark's row format. A file of a task that failed is named by nobody, and VACUUM takes it away.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, unquote

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyspark.sql.pandas.types import to_arrow_schema

from earshot.core import columns as c
from earshot.core.tables import columns_with_statistics, spec_of

STAGED: Final = "path string, size bigint, partition map<string, string>, stats string"
"""What an Arrow task returns of its files, as Spark has it."""

_NULL_PARTITION: Final = "__HIVE_DEFAULT_PARTITION__"
_ROWS_OF_A_GROUP: Final = 256 * 1024
# Of 67 letters a pseudonym has, Parquet's own limit holds 15,000 listeners; what does not fit is written as plain text.
_DICTIONARY_BYTES: Final = 16 << 20
_RARELY_THE_SAME: Final = frozenset({c.LISTEN_ID, c.PLAYED_MS, c.SOURCE_LINE, c.RAW})
_COUNTS: Final = frozenset({c.STREAMS, c.LISTENERS, c.CAREERS})
"""Whole numbers, most of them small: packed into the bits that they need, which is quicker than a dictionary."""
_SCHEMA: Final = pa.schema(
    [
        ("path", pa.string()),
        ("size", pa.int64()),
        ("partition", pa.map_(pa.string(), pa.string())),
        ("stats", pa.string()),
    ]
)


@dataclass(frozen=True)
class StagedFile:
    """A Parquet file below the table's folder.

    Attributes:
        path: Relative to the table.
        size: Bytes.
        partition: Values of the partition columns; they are not in the file.
        stats: Rows, bounds and nulls by column, as Delta's log has them (JSON).
    """

    path: str
    size: int
    partition: Mapping[str, str | None]
    stats: str


@dataclass(frozen=True)
class Stage:
    """A folder below a table in which files of one commit are written. Can be sent to executors.

    Attributes:
        table: Name of the table.
        path: The table's folder.
        folder: Relative to it; NAME=VALUE in it are partition columns that all files share.
    """

    table: str
    path: str
    folder: str

    @property
    def schema(self) -> pa.Schema:
        """The table's columns as Arrow has them."""
        return to_arrow_schema(spec_of(self.table).schema, timezone="UTC")

    @property
    def columns(self) -> pa.Schema:
        """The columns that the files have: all but those of partitions."""
        return pa.schema([field for field in self.schema if field.name not in spec_of(self.table).partition_by])

    @property
    def encoding(self) -> dict[str, Any]:
        """How Parquet has them: statistics where the log wants them, no dictionary of what is rarely the same."""
        repeated, counts = list[str](), list[str]()
        for field in self.columns:
            if field.name in _COUNTS:
                counts += _leaves(field.name, field.type)
            elif field.name not in _RARELY_THE_SAME and not pa.types.is_timestamp(field.type):
                repeated += _leaves(field.name, field.type)
        statistics = columns_with_statistics(spec_of(self.table))
        return {
            "store_schema": False,
            "use_dictionary": repeated,
            "column_encoding": dict.fromkeys(counts, "DELTA_BINARY_PACKED"),
            "dictionary_pagesize_limit": _DICTIONARY_BYTES,
            "write_statistics": statistics,
        }

    def write(self, rows: pa.Table) -> list[StagedFile]:
        """Write the rows of one task, a file a partition.

        Args:
            rows: The table's columns, without those that the folder fixes; texts may be dictionary arrays.
        """
        inner = [name for name in spec_of(self.table).partition_by if f"{name}=" not in self.folder]
        return [self._write(values, part) for values, part in _by_partition(rows, inner)]

    def open(self) -> StageWriter:
        """A writer of one file, piece by piece; the folder fixes every partition column."""
        return StageWriter(self)

    def found(self) -> list[StagedFile]:
        """The files that Spark wrote into the folder."""
        root = Path(self.path)
        return [self.described(file.relative_to(root)) for file in sorted((root / self.folder).rglob("*.parquet"))]

    def described(self, relative: Path) -> StagedFile:
        """One file of the folder, from its footer and its path."""
        spec, file = spec_of(self.table), Path(self.path) / relative
        values = dict(part.split("=", 1) for part in relative.parts[:-1] if "=" in part)
        partition = {
            name: None if values[name] == _NULL_PARTITION else unquote(values[name]) for name in spec.partition_by
        }
        stats = footer_statistics(pq.read_metadata(file), columns_with_statistics(spec))
        return StagedFile(quote(relative.as_posix(), safe="/=-_."), file.stat().st_size, partition, json.dumps(stats))

    def new_file(self, values: Mapping[str, Any] | None = None) -> Path:
        """Where a further file may be written, relative to the table; its folder is made."""
        places = [f"{name}={_in_a_path(value)}" for name, value in (values or {}).items()]
        relative = Path(self.folder, *places, f"part-{uuid.uuid4().hex}.parquet")
        (Path(self.path) / relative).parent.mkdir(parents=True, exist_ok=True)
        return relative

    def _write(self, values: Mapping[str, Any], rows: pa.Table) -> StagedFile:
        relative = self.new_file(values)
        typed = {field.name: _typed(rows[field.name], field.type) for field in self.columns}
        identities = (name for name in spec_of(self.table).identity if name in typed)
        typed |= {name: _without_absent(typed[name]) for name in identities}
        pq.write_table(pa.table(typed).unify_dictionaries(), Path(self.path) / relative, **self.encoding)
        return self.described(relative)


class StageWriter:
    """Writes one file of a stage, piece by piece.

    Args:
        stage: Where to.
    """

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._pieces: list[pa.Table] = []
        self._rows = 0
        self._relative: Path | None = None
        self._writer: pq.ParquetWriter | None = None

    def write(self, rows: pa.Table) -> None:
        """Add rows, the columns of the stage."""
        self._pieces.append(rows)
        self._rows += rows.num_rows
        if self._rows >= _ROWS_OF_A_GROUP:
            self._flush()

    def close(self) -> list[StagedFile]:
        """Finish the file; none where there were no rows."""
        if self._rows:
            self._flush()
        if self._writer is None or self._relative is None:
            return []
        self._writer.close()
        return [self._stage.described(self._relative)]

    def _flush(self) -> None:
        if self._writer is None:
            self._relative = self._stage.new_file()
            place = Path(self._stage.path) / self._relative
            self._writer = pq.ParquetWriter(place, self._stage.columns, **self._stage.encoding)
        columns = self._stage.columns
        self._writer.write_table(pa.concat_tables(self._pieces).select(columns.names).cast(columns))
        self._pieces, self._rows = [], 0


def as_rows(files: Iterable[StagedFile]) -> pa.RecordBatch:
    """Files as the rows that a task returns (`STAGED`)."""
    listed = list(files)
    return pa.RecordBatch.from_arrays(
        [
            pa.array([file.path for file in listed], pa.string()),
            pa.array([file.size for file in listed], pa.int64()),
            pa.array([list(file.partition.items()) for file in listed], _SCHEMA.field("partition").type),
            pa.array([file.stats for file in listed], pa.string()),
        ],
        schema=_SCHEMA,
    )


def as_files(rows: pa.Table) -> list[StagedFile]:
    """The files that tasks returned, by path."""
    found = [StagedFile(r["path"], r["size"], dict(r["partition"]), r["stats"]) for r in rows.to_pylist()]
    return sorted(found, key=lambda file: file.path)


def _by_partition(rows: pa.Table, columns: Sequence[str]) -> Iterator[tuple[dict[str, Any], pa.Table]]:
    """The values of the partition columns, and the rows that have them, in the order of the values."""
    if not columns:
        if rows.num_rows:
            yield {}, rows
        return
    keys = rows.select(columns).append_column("row", pa.array(np.arange(rows.num_rows)))
    groups = keys.group_by(columns, use_threads=False).aggregate([("row", "min"), ("row", "count")]).to_pylist()
    if len(groups) == 1:
        yield {name: groups[0][name] for name in columns}, rows
        return
    ordered = rows.take(pc.sort_indices(keys, [(name, "ascending") for name in (*columns, "row")]))
    first = 0
    for group in sorted(groups, key=lambda group: [(group[name] is None, group[name] or "") for name in columns]):
        yield {name: group[name] for name in columns}, ordered.slice(first, group["row_count"])
        first += group["row_count"]


def _typed(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    return column if pa.types.is_dictionary(column.type) and column.type.value_type == kind else column.cast(kind)


def _without_absent(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The column without dictionary values that no row of it has: Parquet would keep whom the rows do not name."""
    if not pa.types.is_dictionary(column.type):
        return column
    whole = column.unify_dictionaries().combine_chunks()
    used = pc.unique(whole.indices).drop_null()
    if len(used) == len(whole.dictionary):
        return column
    places = pc.index_in(whole.indices, value_set=used)
    return pa.chunked_array([pa.DictionaryArray.from_arrays(places, whole.dictionary.take(used))])


def _leaves(path: str, kind: pa.DataType) -> list[str]:
    """Where the values of a column lie in Parquet; of lists and maps the column alone."""
    if not pa.types.is_struct(kind):
        return [path]
    return [leaf for field in kind for leaf in _leaves(f"{path}.{field.name}", field.type)]


def _in_a_path(value: Any) -> str:
    return _NULL_PARTITION if value is None else quote(str(value), safe="")


def footer_statistics(footer: pq.FileMetaData, columns: Sequence[str]) -> dict[str, Any]:
    """Delta's statistics of a Parquet file, from its footer: bounds of numbers and times, nulls of all."""
    lows: dict[str, Any] = {}
    highs: dict[str, Any] = {}
    nulls: dict[str, int] = {}
    wanted = set(columns)
    for group in range(footer.num_row_groups):
        rows = footer.row_group(group)
        for n in range(rows.num_columns):
            chunk = rows.column(n)
            name, found = chunk.path_in_schema, chunk.statistics
            if name not in wanted or found is None:
                continue
            nulls[name] = nulls.get(name, 0) + (found.null_count or 0)
            if found.has_min_max and isinstance(found.min, int | float | datetime | date) and found.min == found.min:
                lows[name] = min(lows.get(name, found.min), found.min)
                highs[name] = max(highs.get(name, found.max), found.max)
    bounded = [name for name in lows if not isinstance(lows[name], bool)]
    return {
        "numRecords": footer.num_rows,
        "minValues": {name: _bound(lows[name], timedelta()) for name in bounded},
        "maxValues": {name: _bound(highs[name], timedelta(microseconds=999)) for name in bounded},
        "nullCount": nulls,
    }


def _bound(value: Any, slack: timedelta) -> Any:
    """A bound as Delta's log has it: times are cut to milliseconds, so the upper one is raised first."""
    if isinstance(value, datetime):
        return (value + slack).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
    return value.isoformat() if isinstance(value, date) else value
