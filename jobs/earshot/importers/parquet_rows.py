"""Rows of Parquet files, numbered from 1."""

from __future__ import annotations

import io
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from earshot.importers.shape import Source
from earshot.importers.streams import ExpansionError, open_content

_ROWS = 10_000
_TWO = 2
_IN_MEMORY = 64 * 1024 * 1024
_ALWAYS_ALLOWED = 64 * 1024 * 1024
_FIRST_US, _LAST_US = -62_135_596_800_000_000, 253_402_300_799_999_999
_EPOCH = datetime(1970, 1, 1)

Batches = Iterator[tuple[int, pa.RecordBatch]]


def parquet_columns(source: Source) -> tuple[str, ...]:
    """The names of the columns.

    Raises:
        OSError: It is no Parquet, or damaged.
    """
    with _opened(source) as file:
        return tuple(file.schema_arrow.names)


def parquet_batches(source: Source) -> Batches:
    """Row batches, each with the number of its first row; fewer rows at once where their texts are long.

    Raises:
        OSError: The file is damaged, or expands beyond what any log does.
    """
    row, expanded = 1, 0
    most = max(_ALWAYS_ALLOWED, source.limits.max_expansion * (source.size or Path(source.path).stat().st_size))
    with _opened(source) as file:
        groups = map(file.metadata.row_group, range(file.metadata.num_row_groups))
        _refuse_bomb(sum(group.total_byte_size for group in groups), most)
        for encoded in file.iter_batches(_ROWS):
            for batch in _few_enough(encoded):
                expanded += _text_bytes(batch)
                _refuse_bomb(expanded, most)
                yield row, _decoded(batch)
                row += len(batch)


def _refuse_bomb(size: int, most: int) -> None:
    if size > most:
        raise ExpansionError(f"it expands to more than {most:,} bytes (limits.max_expansion)")


def _few_enough(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """The batch in pieces whose texts fit into memory."""
    if len(batch) < _TWO or _text_bytes(batch) <= _IN_MEMORY:
        yield batch
        return
    half = len(batch) // _TWO
    yield from _few_enough(batch.slice(0, half))
    yield from _few_enough(batch.slice(half))


def _text_bytes(batch: pa.RecordBatch) -> int:
    """Bytes of the texts, each as often as rows have it."""
    encoded = [column for column in batch.columns if pa.types.is_dictionary(column.type)]
    return sum(pc.sum(pc.binary_length(text.dictionary).take(text.indices)).as_py() or 0 for text in encoded)


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _decoded(batch: pa.RecordBatch) -> pa.RecordBatch:
    columns = [
        column.dictionary_decode() if pa.types.is_dictionary(column.type) else column for column in batch.columns
    ]
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)


def parquet_rows(source: Source) -> Iterator[tuple[int, dict[str, Any]]]:
    """Rows as Python values; times beyond the calendar's years as whole numbers, bytes as the texts that they are.

    Some writers do not mark their texts as such.

    Raises:
        OSError: The file is damaged.
    """
    for first, batch in parquet_batches(source):
        columns = {field.name: _values(batch.column(n)) for n, field in enumerate(batch.schema)}
        for n in range(len(batch)):
            yield first + n, {name: values[n] for name, values in columns.items()}


@contextmanager
def _opened(source: Source) -> Iterator[pq.ParquetFile]:
    with open_content(source) as stream, tempfile.SpooledTemporaryFile(_IN_MEMORY) as copy:
        file: Any = stream
        if not isinstance(stream, io.BufferedReader) or not isinstance(stream.raw, io.FileIO):
            shutil.copyfileobj(stream, copy)
            copy.seek(0)
            file = copy
        try:
            schema = pq.read_schema(pa.PythonFile(file, "r"))
            texts = [field.name for field in schema if _is_text(field.type)]
            yield pq.ParquetFile(pa.PythonFile(file, "r"), read_dictionary=texts)
        except pa.ArrowException as error:
            raise OSError(f"damaged Parquet ({type(error).__name__})") from None


def _values(column: pa.Array) -> list[Any]:
    if not pa.types.is_timestamp(column.type):
        values: list[Any] = column.to_pylist()
        return [told.decode("utf-8", "backslashreplace") if isinstance(told, bytes) else told for told in values]
    zone = UTC if column.type.tz else None
    micros = pc.cast(pc.cast(column, pa.timestamp("us", column.type.tz), safe=False), pa.int64()).to_pylist()
    return [None if us is None else _moment(us, zone) for us in micros]


def _moment(us: int, zone: Any) -> datetime | int:
    return (_EPOCH + timedelta(microseconds=us)).replace(tzinfo=zone) if _FIRST_US <= us <= _LAST_US else us * 1000
