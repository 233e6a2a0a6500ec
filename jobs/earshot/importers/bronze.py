"""bronze.listens: batches between ingest and publication.

A batch is one commit: its rows, the manifest of its files, and the figures that were observed while they were
written. It is pending until ops.ledger has rows of it.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from earshot.core import columns as c
from earshot.core.commits import DeltaLog, Seen
from earshot.core.errors import ArgumentError
from earshot.core.partial_figures import Count, Distinct, Partial, Partials, Quantile, added, values_of
from earshot.core.small_tables import SmallTables
from earshot.core.staging import StagedFile, as_rows
from earshot.core.tables import Tables
from earshot.importers.landing import Known, LandingFile

BRONZE = "bronze.listens"
LEDGER = "ops.ledger"
COMMITTED, REFUSED, SET_ASIDE = "committed", "refused", "set_aside"
_BATCH, _PUBLISHED = "batch", "published"
_INGESTS = "ingest"
_DAYS = "listen_days"
EVENT_LAG, LINE_COUNT = "event_lag_s", "lines"
_LAG_SHARE = 0.99
_JUDGED_AT_ONCE = 16_384

Batches = Iterator[pa.RecordBatch]


@dataclass(frozen=True)
class Batch:
    """A batch as its commit tells of it.

    Attributes:
        version: Of the commit.
        started_at: When its ingest began.
        files: The manifest.
        figures: What the suite's aggregates observed.
        days: The days of its plays.
    """

    batch_id: str
    version: int
    started_at: datetime
    files: tuple[LandingFile, ...]
    figures: Mapping[str, Any] = field(repr=False)
    days: tuple[date, ...] = ()


@dataclass(frozen=True)
class Staged:
    """A batch that is written but not committed."""

    batch_id: str
    files: tuple[StagedFile, ...]
    figures: Mapping[str, Any] = field(repr=False)
    days: tuple[date, ...]


class Reading(Protocol):
    """Plays that tasks read (see `reading.Reading`)."""

    def written(self, write: Callable[[Batches], Batches]) -> list[StagedFile]:
        """Read the plays and write them, in tasks."""

    def figures(self) -> Any:
        """Where the tasks put what they observe: `add` and `value`."""


@dataclass(frozen=True)
class Lines:
    """What makes judged listens of parsed plays, given from outside; sent to executors.

    Attributes:
        canonical: From plays as parsed (`dressing.DRESSED`) to canonical listens.
        judge: Adds failed_rules and quarantine_rules.
        observe: The figures of judged lines.
        with_raw: Keeps the payload of lines that failed a rule.
    """

    canonical: Callable[[pa.Table], pa.Table]
    judge: Callable[[pa.Table], pa.Table]
    observe: Callable[[pa.Table], Partials]
    with_raw: Callable[[pa.Table], pa.Table]


class Bronze:
    """Writes, finds and drops batches.

    Args:
        tables: The lake, for Spark.
        small_tables: The lake, row by row.
    """

    def __init__(self, tables: Tables, small_tables: SmallTables) -> None:
        self._tables = tables
        self._small = small_tables
        self.log = DeltaLog(tables.root, BRONZE)
        self._seen: Seen | None = None

    def known(self) -> Known:
        """What was taken before: the ledger's files, and those of batches that are pending.

        `commit` will not take files that another ingest has taken since.
        """
        self._seen = self.log.seen(_INGESTS)
        pending = self.pending()  # before the ledger: a batch that is published meanwhile is in one of them
        rows = self._small.arrow(LEDGER, columns=[c.SOURCE_FILE, c.CONTENT_SHA256, c.STATUS]).to_pylist()
        published = [
            LandingFile(row[c.SOURCE_FILE], _member(row[c.SOURCE_FILE]), row[c.CONTENT_SHA256], 0, datetime.min)
            for row in rows
            if row[c.STATUS] != SET_ASIDE
        ]
        return Known().with_files(published).with_files(f for batch in pending for f in batch.files)

    def stage(self, batch_id: str, reading: Reading, lines: Lines, *, ingested_at: datetime) -> Staged:
        """Read, judge and write the rows of a batch beside the table, in one pass; no reader sees them yet.

        Args:
            batch_id: From `landing.batch_id_of`.
            reading: The plays.
            lines: What judges them.
            ingested_at: When the ingest of the batch began.
        """
        self.log.create()
        stage = self.log.stage(f"batch_id={batch_id}/{uuid.uuid4().hex}")
        observed = reading.figures()

        def write(plays: Batches) -> Batches:
            writer, figures = stage.open(), dict[str, Any]()
            for batch in _gathered(plays):
                judged = lines.with_raw(lines.judge(lines.canonical(batch)))
                figures = added([figures, lines.observe(judged), _own_figures(judged)])
                at = pa.repeat(pa.scalar(ingested_at, pa.timestamp("us", "UTC")), judged.num_rows)
                writer.write(judged.append_column(c.INGESTED_AT, at))
            observed.add(figures)
            yield as_rows(writer.close())

        files = reading.written(write)
        figures = {LINE_COUNT: 0, **values_of(observed.value)}
        return Staged(batch_id, tuple(files), figures, tuple(figures.pop(_DAYS, ())))

    @staticmethod
    def nothing(batch_id: str) -> Staged:
        """A batch of files that are copies, or set aside: it has no rows."""
        return Staged(batch_id, (), {LINE_COUNT: 0}, ())

    def commit(self, staged: Staged, files: Sequence[LandingFile], *, started_at: datetime) -> Batch:
        """Let a staged batch enter the table: rows, manifest and figures in one commit, and only once.

        Args:
            staged: What `stage` returned.
            files: The manifest.
            started_at: When the ingest began.

        Raises:
            OvertakenError: Another ingest has committed since `known` was asked.
        """
        self.log.add(
            staged.files,
            app_id=f"ingest:{staged.batch_id}",
            metadata={
                "kind": _BATCH,
                "batch_id": staged.batch_id,
                "started_at": started_at.isoformat(),
                "files": [file.as_manifest() for file in files],
                "figures": staged.figures,
                "days": [day.isoformat() for day in staged.days],
            },
            seen=self._seen,
        )
        return self.find(staged.batch_id)

    def pending(self) -> list[Batch]:
        """Batches that may not be done with yet, oldest first; those that are, but were not dropped, included."""
        return sorted(self._recent(), key=lambda batch: batch.version)

    def find(self, batch_id: str) -> Batch:
        """One batch, also a refused one.

        Raises:
            ArgumentError: No commit tells of it.
        """
        for commit in self.log.newest_first():
            if commit.metadata.get("kind") == _BATCH and commit.metadata["batch_id"] == batch_id:
                return _batch(commit.version, commit.metadata)
        raise ArgumentError(
            f"There is no batch {batch_id}.", where=BRONZE, remedy="`earshot gate show` lists the batches that wait."
        )

    def refused(self) -> set[str]:
        """The batches that the gate refused."""
        rows = self._small.arrow(LEDGER, [(c.STATUS, "=", REFUSED)], [c.BATCH_ID, c.STATUS])
        return set(rows.column(c.BATCH_ID).to_pylist())

    def rows(self, batch_id: str) -> DataFrame:
        """The lines of a batch, for Spark."""
        return self._tables.read(BRONZE).where(F.col(c.BATCH_ID) == batch_id)

    def files(self, batch_id: str) -> list[StagedFile]:
        """The files that hold the plays of a batch."""
        return [file for file in self.log.contents().files if file.partition[c.BATCH_ID] == batch_id]

    def failed(self, batch_id: str) -> Iterator[pa.RecordBatch]:
        """The lines of a batch that failed a rule, read without Spark."""
        wanted = [c.BATCH_ID, c.SOURCE_FILE, c.SOURCE_LINE, c.RAW, c.CAUSE]
        wanted += [c.FAILED_RULES, c.QUARANTINE_RULES, c.LISTENER_ID]
        chosen = (pc.field(c.BATCH_ID) == batch_id) & (pc.list_value_length(pc.field(c.FAILED_RULES)) > 0)
        return self.log.batches(filters=chosen & pc.field(c.FILTERED_REASON).is_null(), columns=wanted)

    def filtered_as(self, reason: str, batch_id: str) -> dict[str, set[int]]:
        """Line numbers, by file, of the lines of a batch that were filtered for this reason."""
        chosen = (pc.field(c.BATCH_ID) == batch_id) & (pc.field(c.FILTERED_REASON) == reason)
        found: dict[str, set[int]] = {}
        for batch in self.log.batches(filters=chosen, columns=[c.SOURCE_FILE, c.SOURCE_LINE]):
            for row in batch.to_pylist():
                found.setdefault(row[c.SOURCE_FILE], set()).add(row[c.SOURCE_LINE])
        return found

    def census(self, batch_id: str) -> dict[str, dict[str, int]]:
        """By file: lines read, quarantined, filtered; without Spark."""
        columns = [c.BATCH_ID, c.SOURCE_FILE, c.FILTERED_REASON, c.QUARANTINE_RULES]
        found: dict[str, Counter[str]] = {}
        for batch in self.log.batches(filters=pc.field(c.BATCH_ID) == batch_id, columns=columns):
            filtered = batch.column(c.FILTERED_REASON).is_valid()
            aside = pc.greater(pc.list_value_length(batch.column(c.QUARANTINE_RULES)), 0)
            marks = pa.table(
                {
                    c.SOURCE_FILE: batch.column(c.SOURCE_FILE),
                    c.FILTERED: filtered.cast("int64"),
                    c.QUARANTINED: pc.and_(aside, pc.invert(filtered)).cast("int64"),
                }
            )
            sums = marks.group_by(c.SOURCE_FILE).aggregate(
                [([], "count_all"), (c.FILTERED, "sum"), (c.QUARANTINED, "sum")]
            )
            for row in sums.to_pylist():
                counter = found.setdefault(row[c.SOURCE_FILE], Counter())
                counter[c.READ] += row["count_all"]
                counter[c.FILTERED] += row[f"{c.FILTERED}_sum"]
                counter[c.QUARANTINED] += row[f"{c.QUARANTINED}_sum"]
        return {name: dict(counter) for name, counter in found.items()}

    def drop(self, batch: Batch) -> None:
        """Forget the rows of a batch that is published."""
        self.log.drop_rows(
            f"{c.BATCH_ID} = '{batch.batch_id}'",
            {"kind": _PUBLISHED, "batch_id": batch.batch_id, "settled_through": batch.version},
        )

    def _recent(self) -> Iterator[Batch]:
        settled = -1
        for commit in self.log.newest_first():
            if commit.version <= settled:
                return
            settled = max(settled, int(commit.metadata.get("settled_through", -1)))
            if commit.metadata.get("kind") == _BATCH and commit.version > settled:
                yield _batch(commit.version, commit.metadata)


def _gathered(plays: Batches) -> Iterator[pa.Table]:
    """The plays in tables of some thousands: to judge a small one costs nearly as much."""
    waiting: list[pa.RecordBatch] = []
    for batch in plays:
        waiting.append(batch)
        if sum(map(len, waiting)) >= _JUDGED_AT_ONCE:
            yield pa.Table.from_batches(waiting).combine_chunks()
            waiting = []
    if waiting:
        yield pa.Table.from_batches(waiting).combine_chunks()


def _own_figures(judged: pa.Table) -> dict[str, Partial]:
    is_good = pc.and_(
        pc.equal(pc.list_value_length(judged[c.QUARANTINE_RULES]), 0), pc.is_null(judged[c.FILTERED_REASON])
    )
    good = judged.filter(is_good)
    micros = pc.subtract(good[c.ARRIVED_AT].cast(pa.int64()), good[c.STARTED_AT].cast(pa.int64()))
    return {
        _DAYS: Distinct.of(good[c.LISTEN_DATE]),
        EVENT_LAG: Quantile.of(pc.divide(micros.cast(pa.float64()), 1e6), _LAG_SHARE),
        LINE_COUNT: Count(judged.num_rows),
    }


def _batch(version: int, metadata: Mapping[str, Any]) -> Batch:
    return Batch(
        metadata["batch_id"],
        version,
        datetime.fromisoformat(metadata["started_at"]),
        tuple(map(LandingFile.from_manifest, metadata["files"])),
        metadata["figures"],
        tuple(map(date.fromisoformat, metadata["days"])),
    )


def _member(source_file: str) -> str | None:
    _, mark, member = source_file.partition("!")
    return member if mark else None
