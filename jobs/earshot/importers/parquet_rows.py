"""Rows of Parquet files, numbered from 1."""

from __future__ import annotations

import io
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from earshot.importers.shape import Source
from earshot.importers.streams import open_content

_ROWS = 10_000
_IN_MEMORY = 64 * 1024 * 1024
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
    """Row batches, each with the number of its first row.

    Raises:
        OSError: The file is damaged.
    """
    row = 1
    with _opened(source) as file:
        for batch in file.iter_batches(_ROWS):
            yield row, batch
            row += len(batch)


def parquet_rows(source: Source) -> Iterator[tuple[int, dict[str, Any]]]:
    """Rows as Python values; times beyond the calendar's years as whole numbers.

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
            yield pq.ParquetFile(pa.PythonFile(file, "r"))
        except pa.ArrowException as error:
            raise OSError(f"damaged Parquet ({type(error).__name__})") from None


def _values(column: pa.Array) -> list[Any]:
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if not pa.types.is_timestamp(column.type):
        values: list[Any] = column.to_pylist()
        return values
    zone = UTC if column.type.tz else None
    micros = pc.cast(pc.cast(column, pa.timestamp("us", column.type.tz), safe=False), pa.int64()).to_pylist()
    return [None if us is None else _moment(us, zone) for us in micros]


def _moment(us: int, zone: Any) -> datetime | int:
    return (_EPOCH + timedelta(microseconds=us)).replace(tzinfo=zone) if _FIRST_US <= us <= _LAST_US else us * 1000
