"""Stages as they run: bars where a person watches, log lines where nobody does."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

from earshot.core.job import Progress, Stage
from earshot.core.logs import StructuredLog


@dataclass
class _CountingStage:
    rows: int = 0

    def advance(self, rows: int = 1) -> None:
        """Count."""
        self.rows += rows


class LoggedProgress:
    """A log line when a stage ends: its seconds and what it counted."""

    def __init__(self, log: StructuredLog) -> None:
        self._log = log

    @contextmanager
    def stage(self, job: str, name: str, total: int | None) -> Iterator[Stage]:
        """Log the stage when the block ends, also when it fails."""
        counting, began, outcome = _CountingStage(), time.monotonic(), "failed"
        try:
            yield counting
            outcome = "done"
        finally:
            seconds = round(time.monotonic() - began, 3)
            self._log.info("stage", job=job, stage=name, outcome=outcome, rows=counting.rows or None, seconds=seconds)


@dataclass
class _BarStage:
    bars: Bars
    task: int

    def advance(self, rows: int = 1) -> None:
        """Move the bar."""
        self.bars.advance(self.bars.task_ids[self.task], rows)


class BarProgress:
    """A bar a stage on standard error, beside the log lines of `LoggedProgress`."""

    def __init__(self) -> None:
        self._bars = Bars(
            TextColumn("[bold]{task.fields[job]:<24}[/] {task.description:<28}"),
            BarColumn(24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=Console(stderr=True),
        )

    @contextmanager
    def stage(self, job: str, name: str, total: int | None) -> Iterator[Stage]:
        """Show a bar while the block runs."""
        self._bars.start()
        task = self._bars.add_task(name, total=total, job=job)
        try:
            yield _BarStage(self._bars, self._bars.task_ids.index(task))
        finally:
            done = self._bars.tasks[self._bars.task_ids.index(task)].completed
            self._bars.update(task, total=total or max(done, 1), completed=total or max(done, 1))
            self._bars.stop()
            self._bars.remove_task(task)


def progress_for(log: StructuredLog, *, as_json: bool) -> Progress:
    """Bars on a terminal, log lines elsewhere."""
    return BarProgress() if sys.stderr.isatty() and not as_json else LoggedProgress(log)
