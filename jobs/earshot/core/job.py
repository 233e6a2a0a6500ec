"""What a job is given, and the ports through which it speaks to the world."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol

from pyspark.sql import SparkSession

from earshot.core.errors import JobSkippedError
from earshot.core.logs import StructuredLog
from earshot.core.settings import Settings
from earshot.core.tables import Tables


class Stage(Protocol):
    """A part of a job while it runs."""

    def advance(self, rows: int = 1) -> None:
        """Tell that so many more rows (or files, or series) are done."""


class Progress(Protocol):
    """Shows stages as they begin, move and end."""

    def stage(self, job: str, name: str, total: int | None) -> AbstractContextManager[Stage]:
        """Show a stage while the block runs; `total` in the unit of `advance`, if known."""


class AuditTrail(Protocol):
    """Writes entries to ops.audit."""

    def record(self, action: str, subject: str, detail: Mapping[str, object]) -> None:
        """Append one entry to the chain."""


class _NoStage:
    def advance(self, rows: int = 1) -> None:
        """Show nothing."""


class SilentProgress:
    """Shows nothing: for tests and libraries."""

    @contextmanager
    def stage(self, job: str, name: str, total: int | None) -> Iterator[Stage]:
        """Show nothing while the block runs."""
        yield _NoStage()


class SilentAudit:
    """Records nothing: for tests and libraries."""

    def record(self, action: str, subject: str, detail: Mapping[str, object]) -> None:
        """Record nothing."""


@dataclass
class Summary:
    """What a job did, for ops.runs and for a person.

    Attributes:
        rows_in: Rows read.
        rows_out: Rows written.
        facts: Label and value, in the order in which they were told.
    """

    rows_in: int = 0
    rows_out: int = 0
    facts: dict[str, object] = field(default_factory=dict)


@dataclass
class Job:
    """One run of one job for one logical date.

    Attributes:
        name: The job, as in `jobs/NAME.py`.
        run_id: Identity of the run; the jobs of one pipeline run share it.
        date: The logical date D.
        settings: What is in force.
        spark: The session.
        tables: The lake.
        arguments: Options of this job beyond the date.
        clock: Wall time, UTC.
    """

    name: str
    run_id: str
    date: date
    settings: Settings
    spark: SparkSession
    tables: Tables
    log: StructuredLog = field(default_factory=StructuredLog)
    progress: Progress = field(default_factory=SilentProgress)
    audit: AuditTrail = field(default_factory=SilentAudit)
    arguments: Mapping[str, str] = field(default_factory=dict)
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    summary: Summary = field(default_factory=Summary)

    @property
    def as_of(self) -> datetime:
        """The end of the logical date: what the job may know ends here."""
        return datetime.combine(self.date + timedelta(days=1), time(), UTC)

    def stage(self, name: str, total: int | None = None) -> AbstractContextManager[Stage]:
        """Show a stage of the work while the block runs, and log its seconds."""
        return self.progress.stage(self.name, name, total)

    def tell(self, **facts: object) -> None:
        """Add facts to the summary that the run ends with."""
        self.summary.facts.update(facts)

    def skip(self, reason: str) -> None:
        """End the run as `skipped`.

        Raises:
            JobSkippedError: Always.
        """
        raise JobSkippedError(reason)
