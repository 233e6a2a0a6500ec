"""Landing files as one lazy DataFrame: each task reads its parts and yields plays that are already pseudonyms."""

from __future__ import annotations

import hashlib
import heapq
import itertools
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
from pyspark import Accumulator
from pyspark.sql import DataFrame, SparkSession

from earshot.core.columns import LISTENER_ID, REASON
from earshot.core.partial_figures import Partials
from earshot.core.settings import Settings
from earshot.core.staging import STAGED, StagedFile, as_files
from earshot.importers.accumulators import Added, ByKey, Rows
from earshot.importers.bronze import Staged
from earshot.importers.dressing import Wardrobe
from earshot.importers.formats import importer_named, known_importers
from earshot.importers.landing import LandingFile, limits_of
from earshot.importers.lastfm_1k import Lastfm1K, Lastfm1KProfiles
from earshot.importers.names import landed
from earshot.importers.shape import Importer, Part, Source

_TASK_BYTES = 160 * 1024 * 1024
_CHUNK = 4 * 1024 * 1024
_SMALL_BYTES = 2 * 1024 * 1024
_OPENING_BYTES = 16 * 1024

CHANGED = "it was changed after it was listed; a later run takes it"
VANISHED = "it vanished after it was listed; a later run takes it when it is back"

Profile = tuple[str, str | None]


Batches = Iterator[pa.RecordBatch]


@dataclass(frozen=True)
class Reading:
    """Plays to be read, and, once they were, what was met on the way."""

    _tasks: DataFrame
    _read: Callable[[Batches], Batches]
    _sealed: Any
    _lost: Any

    def written(self, write: Callable[[Batches], Batches]) -> list[StagedFile]:
        """Read the plays in as many tasks as there are cores to feed, and write them there.

        Args:
            write: Gets the plays of a task (columns of `dressing.DRESSED`); returns `core.staging.STAGED`.
        """
        read = self._read
        return as_files(self._tasks.mapInArrow(lambda numbers: write(read(numbers)), STAGED).toArrow())

    def figures(self) -> Accumulator[Partials]:
        """Where the tasks of this reading put what they observe."""
        return self._tasks.sparkSession.sparkContext.accumulator({}, Added())

    @property
    def vault_rows(self) -> list[dict[str, Any]]:
        """Sealed vault rows of the listeners of the plays, after an action."""
        rows: Rows = self._sealed.value
        return list(rows.values())

    @property
    def lost(self) -> dict[str, str]:
        """Files that were gone when they were to be read, or others than before, and which of the two."""
        found: Rows = self._lost.value
        return {name: row[REASON] for name, row in found.items()}


@dataclass(frozen=True)
class _Work:
    """What an executor needs to know of a file."""

    importer: Importer
    source: Source
    source_file: str
    sha256: str


def read_files(spark: SparkSession, files: Sequence[LandingFile], settings: Settings, wardrobe: Wardrobe) -> Reading:
    """What reads the plays of the files, columns of `dressing.DRESSED`.

    Args:
        spark: The session.
        files: Of one batch; copies and files that are set aside are not read.
        settings: Where landing/ is, and the limits.
        wardrobe: The secrets of the batch.
    """
    importers, profiles = known_importers(), _profiles(files, settings)
    work = [_work(file, settings, importers, profiles) for file in files]
    parts = [replace(part, file=n) for n, file in enumerate(files) if work[n] for part in file.parts]
    tasks = balanced(parts, spark.sparkContext.defaultParallelism)
    sealed = spark.sparkContext.accumulator({}, ByKey())
    lost = spark.sparkContext.accumulator({}, ByKey())

    def read(batches: Batches) -> Batches:
        for task in itertools.chain.from_iterable(batch.column(0).to_pylist() for batch in batches):
            for part in tasks[task]:
                doing = work[part.file]
                if doing is None:
                    continue
                try:
                    check_unchanged(doing.source, doing.sha256)
                    for plays in doing.importer.read(doing.source, part):
                        rows, unmet = wardrobe.dress(
                            plays,
                            source=doing.importer.source,
                            source_file=doing.source_file,
                            arrived_at=doing.source.arrived_at,
                        )
                        if unmet:
                            sealed.add({row[LISTENER_ID]: row for row in unmet})
                        yield rows
                except FileNotFoundError as error:
                    reason = CHANGED if isinstance(error, ChangedError) else VANISHED
                    lost.add({doing.source_file: {REASON: reason}})

    numbered = spark.range(0, len(tasks), 1, max(len(tasks), 1))
    return Reading(numbered, read, sealed, lost)


def balanced(parts: Sequence[Part], cores: int) -> list[list[Part]]:
    """The parts in tasks of about equal size: as few as keep every core busy and no task too long."""
    total = sum(_weight(part) for part in parts)
    rounds = -(-total // (_TASK_BYTES * cores))
    wanted = max(1, min(rounds * cores, total // _SMALL_BYTES))
    tasks: list[list[Part]] = [[] for _ in range(min(wanted, max(len(parts), 1)))]
    loads = [(0, n) for n in range(len(tasks))]
    for part in sorted(parts, key=lambda p: (-p.size, p.file, p.start)):
        load, n = heapq.heappop(loads)
        tasks[n].append(part)
        heapq.heappush(loads, (load + _weight(part), n))
    return [sorted(task, key=lambda p: (p.file, p.start)) for task in tasks]


def _weight(part: Part) -> int:
    """Bytes to read, and as many as could be read while a file is opened and its few lines become a batch."""
    return part.size + _OPENING_BYTES


def end_of_dated_folder(source_file: str, arrived_at: datetime) -> datetime:
    """When a file arrived: in a dated folder not after the end of that day."""
    try:
        day = datetime.strptime(source_file.split("/", 1)[0], "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        return arrived_at
    return min(arrived_at, day + timedelta(days=1))


def read_whole(
    files: Sequence[LandingFile],
    read: Callable[[Sequence[LandingFile]], Reading],
    stage: Callable[[Reading], Staged],
) -> tuple[list[LandingFile], Reading, Staged]:
    """Stage a batch; if files vanished or changed after they were listed, once more without them.

    Args:
        files: Of the batch.
        read: Reads them.
        stage: Judges their plays and writes them.

    Returns:
        The files, those that were lost set aside (a later run takes them), and what was read and written last.
    """
    kept = list(files)
    while True:
        reading = read(kept)
        staged = stage(reading)
        lost = reading.lost
        if not lost:
            return kept, reading, staged
        kept = [_set_aside(file, lost.get(file.copy_of or file.source_file, "")) for file in kept]


def check_unchanged(source: Source, sha256: str) -> None:
    """Check that the first bytes of a file are those that were listed; what was added since is not read.

    Raises:
        ChangedError: They are others.
        FileNotFoundError: The file is gone.
    """
    stat = os.stat(source.path)
    if source.listed_at_ns == stat.st_mtime_ns and source.size == stat.st_size:
        return
    digest, left = hashlib.sha256(), source.size or 0
    with open(source.path, "rb") as stream:
        while piece := stream.read(min(_CHUNK, left)):
            digest.update(piece)
            left -= len(piece)
    if digest.hexdigest() != sha256:
        raise ChangedError(source.path)


class ChangedError(FileNotFoundError):
    """The file that was listed is not there any more: another one is."""


def _set_aside(file: LandingFile, reason: str) -> LandingFile:
    return replace(file, reason=reason, format="", parts=()) if reason else file


def source_of(file: LandingFile, settings: Settings) -> Source:
    """What a parser needs to know of a file."""
    return Source(
        str(landed(settings.landing, file.landing_path).resolve()),
        file.member,
        limits_of(settings),
        station_time_zone=settings.ingest.station_time_zone,
        export_listener=settings.ingest.export_listener,
        export_time_zone=settings.ingest.export_time_zone,
        arrived_at=end_of_dated_folder(file.source_file, file.arrived_at),
        size=file.size,
        listed_at_ns=file.modified_ns,
    )


def _work(
    file: LandingFile, settings: Settings, importers: Sequence[Importer], profiles: tuple[Profile, ...]
) -> _Work | None:
    importer = importer_named(file.format, importers) if file.format else None
    if importer is None:
        return None
    source = source_of(file, settings)
    if importer.name == Lastfm1K.name:
        source = replace(source, profiles=profiles)
    return _Work(importer, source, file.source_file, file.sha256)


def _profiles(files: Sequence[LandingFile], settings: Settings) -> tuple[Profile, ...]:
    found = sorted((file for file in files if file.format == Lastfm1KProfiles.name), key=lambda file: file.source_file)
    return tuple((source.path, source.member) for source in (source_of(file, settings) for file in found))
