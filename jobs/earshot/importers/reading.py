"""Landing files as one lazy DataFrame: each task reads its parts and yields plays that are already pseudonyms."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
from pyspark import AccumulatorParam
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import from_arrow_schema

from earshot.core.columns import LISTENER_ID
from earshot.core.settings import Settings
from earshot.importers.dressing import DRESSED, Wardrobe
from earshot.importers.formats import importer_named
from earshot.importers.landing import LandingFile
from earshot.importers.shape import Limits, Part, Source

_TASK_BYTES = 48 * 1024 * 1024
_SMALL_BYTES = 2 * 1024 * 1024

VaultRows = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Reading:
    """Plays to be read, and, once they were, the sealed identities behind their pseudonyms."""

    plays: DataFrame
    _sealed: Any

    @property
    def vault_rows(self) -> list[dict[str, Any]]:
        """Sealed vault rows of the listeners of the plays, after an action."""
        rows: VaultRows = self._sealed.value
        return list(rows.values())


class _Sealed(AccumulatorParam[VaultRows]):
    """Collects vault rows by pseudonym; they are encrypted before they leave the executor."""

    def zero(self, value: VaultRows) -> VaultRows:
        return {}

    def addInPlace(self, value1: VaultRows, value2: VaultRows) -> VaultRows:
        value1.update(value2)
        return value1


@dataclass(frozen=True)
class _Work:
    """What an executor needs to know of a file."""

    format: str
    source: Source
    source_file: str
    arrived_at: datetime


def read_files(spark: SparkSession, files: Sequence[LandingFile], settings: Settings, wardrobe: Wardrobe) -> Reading:
    """The plays of the files that are to be read, columns of `dressing.DRESSED`.

    Args:
        spark: The session.
        files: Of one batch; copies and files that are set aside are not read.
        settings: Where landing/ is, and the limits.
        wardrobe: The secrets of the batch.
    """
    work = [_work(file, settings) for file in files]
    parts = [replace(part, file=n) for n, file in enumerate(files) for part in file.parts]
    tasks = balanced(parts, spark.sparkContext.defaultParallelism)
    sealed = spark.sparkContext.accumulator({}, _Sealed())

    def read(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for task in itertools.chain.from_iterable(batch.column(0).to_pylist() for batch in batches):
            for part in tasks[task]:
                doing = work[part.file]
                for plays in importer_named(doing.format).read(doing.source, part):
                    rows, unmet = wardrobe.dress(
                        plays, source=doing.format, source_file=doing.source_file, arrived_at=doing.arrived_at
                    )
                    if unmet:
                        sealed.add({row[LISTENER_ID]: row for row in unmet})
                    yield rows

    numbered = spark.range(0, len(tasks), 1, max(len(tasks), 1))
    return Reading(numbered.mapInArrow(read, from_arrow_schema(DRESSED)), sealed)


def balanced(parts: Sequence[Part], cores: int) -> list[list[Part]]:
    """The parts in tasks of about equal size: as few as keep every core busy and no task too long."""
    total = sum(part.size for part in parts)
    wanted = max(1, total // _TASK_BYTES, min(cores, total // _SMALL_BYTES))
    tasks: list[list[Part]] = [[] for _ in range(min(wanted, max(len(parts), 1)))]
    loads = [(0, n) for n in range(len(tasks))]
    for part in sorted(parts, key=lambda p: (-p.size, p.file, p.start)):
        load, n = heapq.heappop(loads)
        tasks[n].append(part)
        heapq.heappush(loads, (load + part.size, n))
    return [sorted(task, key=lambda p: (p.file, p.start)) for task in tasks]


def end_of_dated_folder(source_file: str, arrived_at: datetime) -> datetime:
    """When a file arrived: in a dated folder not after the end of that day."""
    try:
        day = datetime.strptime(source_file.split("/", 1)[0], "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        return arrived_at
    return min(arrived_at, day + timedelta(days=1))


def limits_of(settings: Settings) -> Limits:
    """The limits of a line, without what concerns whole files."""
    given = settings.limits
    return Limits(given.max_line_bytes, given.max_text_chars, given.max_nesting, given.max_extra_keys)


def _work(file: LandingFile, settings: Settings) -> _Work:
    source = Source(
        str((settings.landing / file.landing_path).resolve()),
        file.member,
        limits_of(settings),
        settings.ingest.station_time_zone,
        settings.ingest.export_listener,
    )
    return _Work(file.format, source, file.source_file, end_of_dated_folder(file.source_file, file.arrived_at))
