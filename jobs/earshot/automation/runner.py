"""From a name and a date to a run: builds the Job, keeps ops.runs and the audit, maps errors to exit codes."""

from __future__ import annotations

import os
import random
import sys
import time
import traceback
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from earshot.automation.actor import actor
from earshot.automation.loading import load_job, preloaded
from earshot.automation.pipeline import JOBS
from earshot.automation.progress import progress_for
from earshot.automation.run_journal import RunJournal
from earshot.automation.session import open_session
from earshot.automation.turns import Turns
from earshot.core.commits import create_tables
from earshot.core.errors import ArgumentError, EarshotError, GateRefusedError, JobSkippedError, OvertakenError, said
from earshot.core.job import Job, Summary
from earshot.core.logs import StructuredLog
from earshot.core.settings import Settings
from earshot.core.small_tables import SmallTables
from earshot.core.system_faults import system_fault
from earshot.core.tables import Tables
from earshot.security.audit import AuditChain
from earshot.security.keys import load_keys

_ATTEMPTS = 5
_LONGEST_NAP_S = 2.0


@dataclass(frozen=True)
class RunResult:
    """How one job of a run ended: status done, skipped, refused or failed."""

    job: str
    run_id: str
    date: date
    status: str
    exit_code: int
    seconds: float
    summary: Summary = field(default_factory=Summary)
    error: str = ""

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "job": self.job,
            "date": self.date.isoformat(),
            "status": self.status,
            "exit_code": self.exit_code,
            "seconds": round(self.seconds, 3),
            "rows_in": self.summary.rows_in,
            "rows_out": self.summary.rows_out,
            **({"facts": self.summary.facts} if self.summary.facts else {}),
            **({"error": self.error} if self.error else {}),
        }


def run_jobs(
    names: Sequence[str],
    day: date,
    settings: Settings,
    *,
    arguments: Mapping[str, str] | None = None,
    as_json: bool = False,
    on_result: Callable[[RunResult], None] | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> list[RunResult]:
    """Run jobs in this order for one logical date, in one Spark session.

    After a failure or a refusal only the jobs marked `after_failure` still run.

    Args:
        names: Jobs of the pipeline.
        day: The logical date D.
        settings: What is in force.
        arguments: Options beyond the date.
        as_json: Whether standard output belongs to a machine.
        on_result: Told of each job as it ends.
        stop: Asked before each job; once true, no further job begins.

    Raises:
        ArgumentError: A name is no job, or HOME cannot be made.
    """
    for name in names:
        if name not in JOBS:
            raise ArgumentError(f"There is no job {name}.", where="command line", remedy=f"Use: {', '.join(JOBS)}.")
    with _Run(names, day, settings, dict(arguments or {}), as_json) as run:
        results: list[RunResult] = []
        for name in names:
            if stop():
                break
            if all(result.exit_code == 0 for result in results) or JOBS[name].after_failure:
                results.append(run.of(name))
                if on_result:
                    on_result(results[-1])
        return results


def exit_code(results: Sequence[RunResult]) -> int:
    """The code of the first job that did not end 0."""
    return next((result.exit_code for result in results if result.exit_code), 0)


def submit(name: str) -> None:
    """Run one job from `spark-submit jobs/NAME.py ARGUMENTS`, with the arguments of `earshot run`."""
    from earshot.automation.cli import main  # noqa: PLC0415 (the command line imports the runner)

    _part_standard_error()
    sys.exit(main(["run", name, *sys.argv[1:]]))


def _part_standard_error() -> None:
    """Write logs to spark-submit's own standard error: it starts this process with both outputs joined.

    Where its outputs cannot be opened (not Linux, a socket) they stay joined. A job that Python itself was told to
    run has a standard error of its own.
    """
    if "PYSPARK_GATEWAY_PORT" not in os.environ:
        return
    try:
        theirs = os.open(f"/proc/{os.getppid()}/fd/2", os.O_WRONLY | os.O_APPEND)
    except OSError:
        return
    os.dup2(theirs, sys.stderr.fileno())
    os.close(theirs)


class _Run:
    """What the jobs of one run share."""

    def __init__(
        self, names: Sequence[str], day: date, settings: Settings, arguments: dict[str, str], as_json: bool
    ) -> None:
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        self.run_id = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:8]}"
        self._names, self._day, self._settings, self._arguments = names, day, settings, arguments
        self._small_tables = SmallTables(settings.lake_root)
        self._turns = Turns(settings.home / "turns", settings.maintenance.turn_wait_s)
        self._journal = RunJournal(settings.home / "running", self._small_tables, _now)
        self._log = StructuredLog(run_id=self.run_id)
        self._progress = progress_for(self._log, as_json=as_json)

    def __enter__(self) -> _Run:
        _make_home(self._settings.home)
        keys = load_keys(self._settings)
        self._audit = AuditChain(
            self._small_tables, actor(), _now, master_key=keys.master_key, home=self._settings.home
        )
        with preloaded(self._names):
            self._spark = open_session(self._settings.spark)
        self._tables = Tables(self._spark, self._settings.lake_root)
        create_tables(self._settings.lake_root)
        for row in self._journal.bury_the_dead():
            self._log.warning("run was killed", killed_run=row["run_id"], job=row["job"])
        return self

    def __exit__(self, *_: object) -> None:
        """The session stays open: the next run of this process uses it."""

    def of(self, name: str) -> RunResult:
        log = self._log.bind(job=name)
        job = Job(
            name=name,
            run_id=self.run_id,
            date=self._day,
            settings=self._settings,
            spark=self._spark,
            tables=self._tables,
            log=log,
            progress=self._progress,
            audit=self._audit,
            arguments=self._arguments,
            clock=_now,
        )
        started_at, began = _now(), time.monotonic()
        with self._journal.entry(self.run_id, name, self._day):
            log.info("job started", date=self._day)
            status, code, error = _outcome(lambda: self._in_turn(job), log, self._settings.home)
            result = RunResult(name, self.run_id, self._day, status, code, time.monotonic() - began, job.summary, error)
            (log.error if code else log.info)("job ended", **{k: v for k, v in result.as_dict().items() if k != "job"})
            self._record(result, started_at)
        return result

    def _in_turn(self, job: Job) -> None:
        """Run the job alone among those of its turn; again from the beginning if another writer overtook it."""
        holder = {"run_id": self.run_id, "job": job.name}
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                with self._turns.turn(JOBS[job.name].turn or job.name, holder, job.log):
                    load_job(job.name)(job)
                return
            except OvertakenError as error:
                if attempt == _ATTEMPTS:
                    raise
                job.log.warning("another run was faster: the job begins again", table=error.table, attempt=attempt)
                job.summary = Summary()
                time.sleep(random.uniform(0, _LONGEST_NAP_S))  # noqa: S311 (no secret: writers come apart)

    def _record(self, result: RunResult, started_at: datetime) -> None:
        row = {
            "run_id": result.run_id,
            "job": result.job,
            "run_date": result.date,
            "status": result.status,
            "started_at": started_at,
            "ended_at": _now(),
            "rows_in": result.summary.rows_in,
            "rows_out": result.summary.rows_out,
            "error": result.error or None,
        }
        self._small_tables.append("ops.runs", [row])
        self._audit.record(
            "job.run", result.job, {"run_id": result.run_id, "date": result.date, "status": result.status}
        )


def _make_home(home: Path) -> None:
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ArgumentError(
            f"HOME cannot be made: {error.strerror}.",
            where=str(home),
            remedy="Name a folder that can be written, with --home or EARSHOT_HOME.",
        ) from None


def _outcome(run: Callable[[], None], log: StructuredLog, home: Path) -> tuple[str, int, str]:
    try:
        run()
    except JobSkippedError as error:
        return "skipped", 0, error.what
    except GateRefusedError as error:
        return "refused", error.exit_code, str(error)
    except EarshotError as error:
        return "failed", error.exit_code, str(error)
    except Exception as error:
        if fault := system_fault(error, home):
            return "failed", fault.exit_code, str(fault)
        log.error("unexpected error", traceback=traceback.format_exc())
        return "failed", 1, f"{type(error).__name__}: {said(error)}"
    return "done", 0, ""


def _now() -> datetime:
    return datetime.now(UTC)
