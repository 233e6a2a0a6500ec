"""From bronze to silver: each step of a batch's publication can be repeated, and only the last one forgets the batch.

Order: silver.listens (new plays, then published ones that are told better now), silver.quarantine,
gold.quality_kpis, ops.ledger (from here on the batch counts as published), archive, bronze. Killed anywhere and run
again, the tables are as if nothing had happened.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame

from earshot.core import columns as c
from earshot.core.commits import DeltaLog, Seen
from earshot.core.errors import OvertakenError
from earshot.core.partial_figures import Partials
from earshot.core.settings import Settings
from earshot.core.small_tables import SmallTables
from earshot.core.staging import StagedFile
from earshot.core.tables import Tables
from earshot.importers.amendments import SILVER, amend_silver, amendment_of, superseded
from earshot.importers.archive import archive_files, strike_archived
from earshot.importers.bronze import COMMITTED, LEDGER, LINE_COUNT, REFUSED, SET_ASIDE, Batch, Bronze
from earshot.importers.dressing import ERASED
from earshot.importers.landing import LandingFile
from earshot.importers.play_files import files_of_a_batch, published_files
from earshot.importers.silver_entry import ACCEPTED_BY_FILE, Entry, enter_silver
from earshot.importers.tellings import Rule, told_twice

QUARANTINE, KPIS = "silver.quarantine", "gold.quality_kpis"
_NOTHING = {c.READ: 0, c.ACCEPTED: 0, c.DUPLICATE: 0, c.QUARANTINED: 0, c.FILTERED: 0}


@dataclass(frozen=True)
class Tally:
    """Where the lines of a batch went.

    Attributes:
        files: By file: read, accepted, duplicate, quarantined, filtered.
        days: The days that accepted plays fall on.
        more: Other figures that the same job computed.
        superseded: (batch_id, source_file, how many): published plays that lose to a better telling.
    """

    files: Mapping[str, Mapping[str, int]]
    days: Sequence[date] = ()
    more: Mapping[str, int] = field(default_factory=dict)
    superseded: Sequence[tuple[str, str, int]] = ()

    def total(self, what: str) -> int:
        """A sum over the files."""
        return sum(counts[what] for counts in self.files.values())


class Publication:
    """The steps of publishing one batch.

    Args:
        batch: What is published.
        tables: The lake, for Spark.
        small_tables: The lake, row by row.
        settings: Where landing/ and archive/ are.
        now: Time of the publication.
    """

    def __init__(
        self, batch: Batch, tables: Tables, small_tables: SmallTables, settings: Settings, now: datetime
    ) -> None:
        self.batch = batch
        self._tables = tables
        self._small = small_tables
        self._settings = settings
        self._now = now
        self._app_id = f"publish:{batch.batch_id}"
        self._bronze = Bronze(tables, small_tables)
        self._seen: Seen | None = None

    def status(self) -> str | None:
        """What the ledger says of the batch; None while it waits."""
        rows = self._small.rows(LEDGER, filters=[(c.BATCH_ID, "=", self.batch.batch_id)])
        statuses = {row[c.STATUS] for row in rows}
        return next((status for status in (REFUSED, COMMITTED, SET_ASIDE) if status in statuses), None)

    @property
    def rows(self) -> DataFrame:
        """The lines of the batch."""
        return self._bronze.rows(self.batch.batch_id)

    def told_twice(self, rule: Rule) -> pa.Table:
        """The plays of the batch that are told elsewhere too, and the published ones that change by it.

        `accept` will not let plays enter if others have entered since.
        """
        self._seen = DeltaLog(self._tables.root, SILVER).seen(_PUBLISHERS)
        around = {date.fromordinal(day.toordinal() + n) for day in self.batch.days for n in (-1, 0, 1)}
        files = files_of_a_batch(self._bronze.log.path, self._bronze.files(self.batch.batch_id))
        return told_twice([*files, *published_files(self._tables.root, around, without=self.batch.batch_id)], rule)

    def earlier_tally(self) -> Tally | None:
        """The counts of a publication that was interrupted after its plays had entered silver."""
        log = DeltaLog(self._tables.root, SILVER)
        if log.transaction_version(self._app_id) is None:
            return None
        for commit in log.newest_first():
            if commit.metadata.get("batch_id") == self.batch.batch_id and "files" in commit.metadata:
                kept = commit.metadata
                days = [date.fromisoformat(day) for day in kept["touched_days"]]
                lost = [(batch_id, file, count) for batch_id, file, count in kept.get("superseded", ())]
                return Tally(kept["files"], days, kept["more"], lost)
        return None

    def census(self) -> Tally:
        """The lines before duplicates are known: none is a duplicate yet.

        Raises:
            OvertakenError: Another run has published and forgotten the batch meanwhile.
        """
        counts = self._bronze.census(self.batch.batch_id)
        if sum(found[c.READ] for found in counts.values()) != self.batch.figures[LINE_COUNT]:
            raise OvertakenError(self._bronze.log.spec.name, where=self._bronze.log.path)
        files = {name: _NOTHING | found for name, found in counts.items()}
        return Tally(
            {name: {**n, c.ACCEPTED: n[c.READ] - n[c.QUARANTINED] - n[c.FILTERED]} for name, n in files.items()}
        )

    def accept(
        self, told: pa.Table, census: Tally, compare: Callable[[pa.Table], Partials], changed: pa.Table
    ) -> Tally:
        """Let the plays enter silver.listens: files first, then one commit with the counts.

        Args:
            told: Plays of the batch that are told elsewhere, too: source_file, source_line, kept, sources.
            census: The counts without duplicates.
            compare: Figures to observe on the way.
            changed: What `amend` will change.
        """
        if not census.total(c.ACCEPTED):
            return census
        log = DeltaLog(self._tables.root, SILVER)
        log.create()
        entry = Entry(
            bronze=self._bronze.log.path,
            stage=log.stage(f"batch={self.batch.batch_id}-{uuid.uuid4().hex[:8]}"),
            batch_id=self.batch.batch_id,
            told=told,
            compare=compare,
        )
        paths = [file.path for file in self._bronze.files(self.batch.batch_id)]
        staged, figures = enter_silver(self._tables.spark, paths, entry)
        tally = _tally(census, staged, figures)
        tally = replace(tally, superseded=superseded(changed))
        if staged:
            metadata = {
                "batch_id": self.batch.batch_id,
                "files": tally.files,
                "touched_days": [day.isoformat() for day in tally.days],
                "more": tally.more,
                "superseded": tally.superseded,
            }
            log.add(staged, app_id=self._app_id, metadata=metadata, seen=self._seen)
        return tally

    @property
    def is_amended(self) -> bool:
        """Whether the published plays that the batch changes were changed already."""
        return DeltaLog(self._tables.root, SILVER).transaction_version(amendment_of(self.batch.batch_id)) is not None

    def amend(self, changed: pa.Table) -> None:
        """Take published plays out of silver.listens that are told better now; name further sources of the others."""
        amend_silver(self._tables.root, changed, app_id=amendment_of(self.batch.batch_id))

    def set_lines_aside(self, tally: Tally) -> None:
        """Append the lines that failed a rule of the action quarantine to silver.quarantine."""
        if not tally.total(c.QUARANTINED):
            return
        log = DeltaLog(self._tables.root, QUARANTINE)
        failed = self._bronze.failed(self.batch.batch_id)
        kept = (self._quarantined(batch, log.schema) for batch in failed)
        rows = pa.RecordBatchReader.from_batches(log.schema, kept)
        log.append(rows, app_id=self._app_id, metadata={"batch_id": self.batch.batch_id})

    def measure(self, kpis: Sequence[Mapping[str, Any]]) -> None:
        """Append the KPIs, unless the batch has some."""
        if not self._small.rows(KPIS, filters=[(c.BATCH_ID, "=", self.batch.batch_id)]):
            rows, metadata = self._small.table(KPIS, kpis), {"batch_id": self.batch.batch_id}
            DeltaLog(self._tables.root, KPIS).append(rows, app_id=self._app_id, metadata=metadata)

    def told(self, status: str, tally: Tally | None = None, reason: str = "") -> list[dict[str, Any]]:
        """The ledger's rows of the batch, not yet written."""
        return [self._ledger_row(file, status, tally, reason) for file in self.batch.files]

    def enter(self, rows: Sequence[dict[str, Any]], tally: Tally | None = None) -> None:
        """Write the ledger's rows: from here on the batch counts as published (or refused)."""
        again = self._again()
        lost = self._with_superseded(tally.superseded if tally else (), without=again)
        if self.status() is None and not again and not lost:
            self._small.append(LEDGER, rows)
        else:
            batches = sorted({self.batch.batch_id, *(row[c.BATCH_ID] for row in lost)})
            files = [f"({c.SOURCE_FILE} = {_quoted(f)} AND {c.CONTENT_SHA256} = '{sha256}')" for f, sha256 in again]
            replaced = f"{c.BATCH_ID} IN ({', '.join(map(_quoted, batches))})"
            self._small.overwrite(LEDGER, [*rows, *lost], predicate=" OR ".join([replaced, *files]))

    def finish(self) -> None:
        """Archive the landing files, without lines of the erased; forget the batch in bronze, unless it was refused."""
        archive_files(self.batch.files, self._settings)
        strike_archived(self.batch.files, self._bronze.filtered_as(ERASED, self.batch.batch_id), self._settings)
        if self.status() != REFUSED:
            self._bronze.drop(self.batch)

    def examples(self, most: int) -> dict[str, list[str]]:
        """The first lines that failed each rule, as `file:line: payload`."""
        found: dict[str, list[str]] = {}
        for batch in self._bronze.failed(self.batch.batch_id):
            for row in batch.slice(0, _EXAMPLE_ROWS).to_pylist():
                for rule in row[c.FAILED_RULES]:
                    listed = found.setdefault(rule, [])
                    if len(listed) < most:
                        listed.append(
                            f"{row[c.SOURCE_FILE]}:{row[c.SOURCE_LINE]}: {(row[c.RAW] or '')[:_EXAMPLE_CHARS]}"
                        )
        return found

    def ages(self, tally: Tally) -> tuple[list[float], list[int]]:
        """Seconds from arrival to now, and lines, of each file that was read."""
        read = [file for file in self.batch.files if file.source_file in tally.files]
        ages = [(self._now - file.arrived_at).total_seconds() for file in read]
        return ages, [tally.files[file.source_file][c.READ] for file in read]

    def _again(self) -> set[tuple[str, str]]:
        """Name and hash of files that were set aside before and landed again."""
        aside = self._small.rows(LEDGER, filters=[(c.STATUS, "=", SET_ASIDE)])
        landed = {(file.source_file, file.sha256) for file in self.batch.files}
        return landed & {(row[c.SOURCE_FILE], row[c.CONTENT_SHA256]) for row in aside}

    def _with_superseded(
        self, superseded: Sequence[tuple[str, str, int]], *, without: Set[tuple[str, str]]
    ) -> list[dict[str, Any]]:
        """The ledger's rows of the batches whose plays were superseded: what was accepted is a duplicate now."""
        counts = {(batch_id, file): count for batch_id, file, count in superseded}
        batches = sorted({batch_id for batch_id, _ in counts})
        rows = self._small.rows(LEDGER, filters=[(c.BATCH_ID, "in", batches)]) if batches else []
        for row in rows:
            count = counts.get((row[c.BATCH_ID], row[c.SOURCE_FILE]), 0)
            row[c.ACCEPTED] -= count
            row[c.DUPLICATE] += count
        return [row for row in rows if (row[c.SOURCE_FILE], row[c.CONTENT_SHA256]) not in without]

    def _quarantined(self, failed: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
        aside = failed.filter(pc.greater(pc.list_value_length(failed.column(c.QUARANTINE_RULES)), 0))
        at = pa.repeat(pa.scalar(self._now, pa.timestamp("us", "UTC")), len(aside))
        columns = {name: aside.column(name) for name in aside.schema.names} | {c.QUARANTINED_AT: at}
        return pa.RecordBatch.from_arrays(
            [columns.get(f.name, pa.nulls(len(aside), f.type)).cast(f.type) for f in schema], schema=schema
        )

    def _ledger_row(self, file: LandingFile, status: str, tally: Tally | None, reason: str) -> dict[str, Any]:
        counts = dict(_NOTHING)
        if file.reason:
            status, reason = SET_ASIDE, file.reason
        elif tally and file.copy_of:
            lines = self._lines_of(file.copy_of, file.sha256, tally)
            counts, reason = counts | {c.READ: lines, c.DUPLICATE: lines}, f"the same bytes as {file.copy_of}"
        elif tally:
            counts = dict(tally.files.get(file.source_file, counts))
        return {
            c.BATCH_ID: self.batch.batch_id,
            c.SOURCE_FILE: file.source_file,
            c.CONTENT_SHA256: file.sha256,
            c.FORMAT: file.format or None,
            c.STATUS: status,
            c.REASON: reason or None,
            **counts,
            c.ERASED: 0,
            c.STARTED_AT: self.batch.started_at,
            c.COMMITTED_AT: self._now,
        }

    def _lines_of(self, source_file: str, sha256: str, tally: Tally) -> int:
        if source_file in tally.files:
            return tally.files[source_file][c.READ]
        rows = self._small.rows(LEDGER, filters=[(c.SOURCE_FILE, "=", source_file), (c.CONTENT_SHA256, "=", sha256)])
        return max((row[c.READ] or 0 for row in rows), default=0)


def sums(rows: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Lines of the ledger's rows: read, accepted, duplicate, quarantined, filtered."""
    return {what: sum(row[what] for row in rows) for what in _NOTHING}


def _tally(census: Tally, staged: Sequence[StagedFile], figures: Mapping[str, Any]) -> Tally:
    accepted: Mapping[str, int] = figures.get(ACCEPTED_BY_FILE, {})
    files = {
        name: {**n, c.ACCEPTED: accepted.get(name, 0), c.DUPLICATE: n[c.ACCEPTED] - accepted.get(name, 0)}
        for name, n in census.files.items()
    }
    days = {date.fromisoformat(str(file.partition[c.LISTEN_DATE])) for file in staged}
    more = {name: int(value or 0) for name, value in figures.items() if name != ACCEPTED_BY_FILE}
    return Tally(files, sorted(days), more)


_PUBLISHERS = "publish"
_EXAMPLE_ROWS, _EXAMPLE_CHARS = 2_000, 200


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
