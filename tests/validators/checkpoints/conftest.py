"""What tests of Checkpoints share: verdicts that were just given, and the end of the job that gave them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, cast

import pytest
from pyspark.sql import SparkSession

import own_actions
from earshot.core.config import load_settings
from earshot.core.job import Job
from earshot.core.settings import Settings
from earshot.core.tables import Tables
from earshot.integrations.connection_guard import ActionGuard
from earshot.validators.checkpoints.owed import OwedVerdicts
from earshot.validators.checkpoints.running import Checkpoints
from earshot.validators.reports import write_report
from loopback import Server, http_server
from made_verdicts import gate_verdict

LONGEST_HANG_S = 30
NOW = datetime(2026, 3, 30, 6, tzinfo=UTC)


@dataclass
class Gate:
    """A HOME whose gate gives verdicts, without data and without Spark."""

    settings: Settings
    now: datetime = NOW

    def judge(self, batch_id: str, unexpected: int = 60) -> None:
        """Give a verdict as publish_listens does: 600 lines aside close the gate."""
        verdict = gate_verdict(self.settings, batch_id, unexpected)
        OwedVerdicts(self.settings).owe(verdict, self.now)
        write_report(self.settings, verdict)

    def follow(self) -> dict[str, Any]:
        """Do what is owed, as publish_listens does at its end; returns the facts of the run."""
        job = self.job()
        with Checkpoints(job, ActionGuard(self.settings.alerts)).following():
            pass
        return job.summary.facts

    def job(self) -> Job:
        """A run of publish_listens."""
        return Job(
            name="publish_listens",
            run_id="test",
            date=date(2026, 3, 29),
            settings=self.settings,
            spark=cast(SparkSession, None),
            tables=cast(Tables, None),
            clock=lambda: self.now,
        )

    def later(self, **time: float) -> None:
        """Let time pass."""
        self.now += timedelta(**time)

    @property
    def owed(self) -> dict[str, tuple[str, ...]]:
        """Names of actions that are still to do, by batch."""
        return {record.batch_id: record.owed for record in OwedVerdicts(self.settings).all()}


@pytest.fixture
def gate(home: Any) -> Callable[..., Gate]:
    """Make a gate with these actions: `gate({"type": "slack", ...}, allow=["127.0.0.0/8"])`."""

    def make(*actions: dict[str, Any], allow: tuple[str, ...] = ("127.0.0.0/8",), **quality: Any) -> Gate:
        alerts = {"allow_networks": list(allow), "report_url": "https://reports.example.org/daily/report.html"}
        chosen = {"home": str(home), "quality": {"actions": list(actions), **quality}, "alerts": alerts}
        return Gate(load_settings(overrides=chosen))

    return make


@pytest.fixture
def server() -> Iterator[Server]:
    with http_server() as running:
        yield running


@pytest.fixture(autouse=True)
def released() -> Iterator[None]:
    """Let actions that hang end with their test."""
    own_actions.RELEASED.clear()
    yield
    own_actions.RELEASED.set()
    for thread in threading.enumerate():
        if thread.name.startswith("gate action "):
            thread.join(LONGEST_HANG_S)
