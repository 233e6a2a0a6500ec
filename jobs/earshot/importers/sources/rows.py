"""Rows of a database that came after the last ones, as Parquet files."""

from __future__ import annotations

import hashlib
import itertools
import os
import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import (
    DataType,
    DateType,
    DecimalType,
    IntegralType,
    StringType,
    TimestampNTZType,
    TimestampType,
)

from earshot.core.errors import SettingsError
from earshot.core.source_settings import SourceSettings
from earshot.importers.sources.database import Database
from earshot.importers.sources.deliveries import Deliveries, Draft
from earshot.importers.sources.keys import Value, as_json, condition, from_json, literal, shown, up_to

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ORDERED = (IntegralType, DecimalType, StringType, TimestampType, TimestampNTZType, DateType)
_STAGED = "path string"

Batches = Iterator[pa.RecordBatch]


def bring_rows(
    spark: SparkSession, source: SourceSettings, deliveries: Deliveries, *, rows_in_a_file: int = 1_000_000
) -> None:
    """Bring the rows beyond the watermark, up to the highest key of now.

    Args:
        spark: The session.
        source: The database.
        deliveries: What was brought before, the watermark among it.
        rows_in_a_file: About as many; of more rows several files are made.

    Raises:
        DependencyError: The database refused, or its driver is missing.
        SettingsError: The key has no order, or is one time alone.
    """
    database = Database(spark, source)
    kinds = _kinds(database, source)
    low = from_json(deliveries.watermark) if deliveries.watermark else None
    since = condition(source.key, low, source.overlap)
    with database.explained():
        high = _highest(database, source.key, kinds, since)
        if high is None:
            return
        rows = database.rows(f"{since} AND {up_to(source.key, high)}").sortWithinPartitions(*source.key)
        written = rows.mapInArrow(_to_parquet(str(deliveries.draft_path()), rows_in_a_file), _STAGED).collect()
    drafts = [_draft(Path(path), low, high, n if len(written) > 1 else None) for n, (path,) in enumerate(written)]
    new = [draft for draft in drafts if not deliveries.has(draft.item, draft.fingerprint, draft.path.stat().st_size)]
    deliveries.bring(new)
    for draft in drafts:
        draft.path.unlink(missing_ok=True)


def _kinds(database: Database, source: SourceSettings) -> list[DataType]:
    found = {field.name.lower(): field.dataType for field in database.schema}
    for column in source.key:
        if column.lower() not in found:
            raise SettingsError(
                f"There is no column {column}.", where="sources, key key", remedy=f"Use of {', '.join(found)}."
            )
        if not isinstance(found[column.lower()], _ORDERED):
            raise SettingsError(
                f"{column} is {found[column.lower()].simpleString()}, by which rows cannot be told apart.",
                where="sources, key key",
                remedy="Use whole numbers, decimals, times or texts.",
            )
    kinds = [found[column.lower()] for column in source.key]
    if len(kinds) == 1 and source.key[0].lower() in database.times and not source.overlap:
        raise SettingsError(
            f"Rows of the same {source.key[0]} could be missed.",
            where="sources, key key",
            remedy=f'Add a column that tells them apart, key = ["{source.key[0]}", "id"], or an overlap.',
        )
    return kinds


def _highest(
    database: Database, columns: Sequence[str], kinds: Sequence[DataType], since: str
) -> tuple[Value, ...] | None:
    """The highest key of the rows, column by column; None where there are no rows."""
    high: list[Value] = []
    for column, kind in zip(columns, kinds, strict=True):
        same = [f"{known} = {literal(value)}" for known, value in zip(columns, high, strict=False)]
        value = _value(database, f"MAX({column})", " AND ".join([f"({since})", *same]), kind)
        if value is None:
            return None
        high.append(value)
    return tuple(high)


def _value(database: Database, expression: str, where: str, kind: DataType) -> Value | None:
    found = database.one(expression, where, kind.simpleString())
    is_instant = isinstance(kind, TimestampType)
    value: Any = found.select(F.unix_micros("value") if is_instant else F.col("value")).first()[0]  # type: ignore[index]
    return _EPOCH + timedelta(microseconds=value) if is_instant and value is not None else value


def _to_parquet(path: str, most: int) -> Callable[[Batches], Batches]:
    def write(batches: Batches) -> Batches:
        for first in batches:
            own, rows = f"{path}-{uuid.uuid4().hex}", 0
            with open(own, "xb") as draft:
                with pq.ParquetWriter(draft, first.schema, compression="zstd") as writer:
                    for batch in itertools.chain([first], batches):
                        writer.write_batch(batch)
                        rows += len(batch)
                        if rows >= most:
                            break
                draft.flush()
                os.fsync(draft.fileno())
            yield pa.RecordBatch.from_pydict({"path": [own]})

    return write


def _draft(path: Path, low: Sequence[Value] | None, high: Sequence[Value], number: int | None) -> Draft:
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    part = "" if number is None else f"-{number + 1}"
    item = f"{shown(low) if low else 'first'}..{shown(high)}{part}.parquet"
    return Draft(item, digest, path, as_json(high))
