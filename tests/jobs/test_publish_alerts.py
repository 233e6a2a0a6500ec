"""jobs/publish_alerts.py: an anomaly arrives on every channel, once, and is not lost when the process dies."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from earshot.automation.loading import load_job
from earshot.core.config import load_settings
from earshot.core.errors import SettingsError
from earshot.core.job import Job
from earshot.core.settings import Settings
from earshot.core.small_tables import SmallTables
from earshot.core.tables import Tables
from loopback import Answer, Server, free_port, http_server

DAY = date(2026, 3, 29)
MIDNIGHT = datetime(2026, 3, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def server() -> Iterator[Server]:
    with http_server() as running:
        yield running


class Mailbox:
    def __init__(self) -> None:
        self.taken: list[bytes] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.taken.append(envelope.content)
        return "250 taken"


@pytest.fixture
def mailbox() -> Iterator[tuple[Mailbox, int]]:
    box = Mailbox()
    controller = Controller(box, hostname="127.0.0.1", port=free_port())
    controller.start()
    yield box, controller.port
    controller.stop()


def with_channels(home: Path, *channels: str, **alerts: Any) -> Settings:
    return load_settings(
        overrides={"home": str(home), "alerts": {"channels": list(channels), **alerts}, "http": {"timeout_s": 1.0}}
    )


def incident(home: Path, day: date = DAY, hours: tuple[int, ...] = (21, 22, 23)) -> None:
    """Two countries scored for a day; plays in BR fall in these hours."""
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    rows = [
        {
            "metric": "listens",
            "grain": "hour",
            "dimensions": {"country": country},
            "window_start": start + hour * HOUR,
            "window_date": day,
            "observed": 12.0 if fell else 498.0,
            "expected": 500.0,
            "lower": 450.0,
            "upper": 550.0,
            "score": 0.97 if fell else 0.1,
            "severity": "critical" if fell else None,
            "contributors": [{"name": "cdn", "value": "alpha", "share": 0.9}] if fell else None,
            "detector": "seasonal",
        }
        for country in ("BR", "DE")
        for hour in range(24)
        for fell in [country == "BR" and hour in hours]
    ]
    SmallTables(str(home / "lake")).append("gold.anomalies", rows)


@pytest.fixture
def run(spark_free_job: Callable[..., Job]) -> Callable[..., Job]:
    """Run the job for a day and return it with its summary."""

    def one(settings: Settings, day: date = DAY, *, now: datetime = MIDNIGHT, **arguments: Any) -> Job:
        job = spark_free_job(settings, day, now, arguments)
        load_job("publish_alerts")(job)
        return job

    return one


@pytest.fixture
def spark_free_job() -> Callable[..., Job]:
    """The job reads and writes small tables only: it is given no session at all."""

    def make(settings: Settings, day: date, now: datetime, arguments: dict[str, Any]) -> Job:
        return Job(
            name="publish_alerts",
            run_id="test",
            date=day,
            settings=settings,
            spark=None,  # type: ignore[arg-type]
            tables=Tables.__new__(Tables),
            arguments={key: str(value) for key, value in arguments.items()},
            clock=lambda: now,
        )

    return make


def test_an_incident_arrives_once_on_every_channel(home, server, mailbox, run, capsys) -> None:
    box, port = mailbox
    incident(home)
    settings = load_settings(
        overrides={
            "home": str(home),
            "alerts": {
                "channels": ["console", "file", "webhook", "slack", "email"],
                "webhook_url": f"{server.url}/hook",
                "slack_url": f"{server.url}/services/SECRET",
                "email_to": ["oncall@example.org"],
            },
            "smtp": {"host": "127.0.0.1", "port": port},
        }
    )
    job = run(settings)
    assert (job.summary.facts["queued"], job.summary.facts["delivered"]) == (5, 5)
    again = run(settings, now=MIDNIGHT + HOUR)
    assert (again.summary.facts["queued"], again.summary.facts["delivered"]) == (0, 0)

    (line,) = (home / "alerts.jsonl").read_text(encoding="utf-8").splitlines()
    (alert,) = json.loads(line)["alerts"]
    assert (alert["expected"], alert["observed"], alert["contributors"][0]["value"]) == (500.0, 12.0, "alpha")
    by_path = {seen.path: seen for seen in server.seen}
    assert by_path["/hook"].json()["alerts"][0]["fingerprint"] == alert["fingerprint"]
    assert "alpha (90%)" in json.dumps(by_path["/services/SECRET"].json()["blocks"])
    assert len(server.seen) == 2
    assert len({seen.headers["idempotency-key"] for seen in server.seen}) == 2
    (mail,) = box.taken
    assert b"Message-ID: <" in mail
    captured = capsys.readouterr()
    assert "listens country BR" in captured.err
    assert "SECRET" not in captured.out + captured.err


def test_a_webhook_that_fails_keeps_its_message_until_it_works(home, server, run) -> None:
    incident(home)
    settings = with_channels(home, "file", "webhook", webhook_url=server.url)
    server.answer = lambda seen: Answer(503)
    job = run(settings)
    assert (job.summary.facts["delivered"], job.summary.facts["waiting"]) == (1, 1)
    assert "503" in job.summary.facts["failing_channels"]["webhook"]
    server.answer = lambda seen: Answer(200)
    later = run(settings, now=MIDNIGHT + HOUR)
    assert later.summary.facts["delivered"] == 1
    assert len({seen.headers["idempotency-key"] for seen in server.seen}) == 1


def test_old_windows_are_recorded_and_delivered_only_with_notify(home, run) -> None:
    incident(home, hours=(3, 4))
    settings = with_channels(home, "file")
    late = MIDNIGHT + timedelta(days=90)
    assert run(settings, now=late).summary.facts["queued"] == 0
    assert run(settings, now=late, notify="true").summary.facts["delivered"] == 1
    (row,) = SmallTables(settings.lake_root).rows("gold.alerts")
    assert (row["state"], row["labels"]["country"]) == ("resolved", "BR")


def test_a_channel_without_an_address_is_named_before_anything_is_written(home, run) -> None:
    incident(home)
    with pytest.raises(SettingsError, match=r"alerts\.slack_url") as caught:
        run(with_channels(home, "slack"))
    assert caught.value.exit_code == 2
    assert SmallTables(str(home / "lake")).rows("gold.alerts") == []


def test_a_home_without_tables_is_no_error(home, run) -> None:
    assert run(with_channels(home, "file")).summary.facts["queued"] == 0


_KILLED = """
import sys
from datetime import UTC, date, datetime
from earshot.automation.loading import load_job
from earshot.core.config import load_settings
from earshot.core.job import Job
from earshot.core.tables import Tables
home, url = sys.argv[1:]
overrides = {"home": home, "alerts": {"channels": ["webhook"], "webhook_url": url}, "http": {"timeout_s": 30.0}}
now = datetime(2026, 3, 30, tzinfo=UTC)
load_job("publish_alerts")(Job("publish_alerts", "r", date(2026, 3, 29), load_settings(overrides=overrides), None,
    Tables.__new__(Tables), clock=lambda: now))
"""


def test_a_process_killed_between_send_and_mark_loses_nothing_and_doubles_with_the_same_key(home, server, run) -> None:
    incident(home)
    process: list[subprocess.Popen[bytes]] = []

    def kills_the_sender(seen: Any) -> Answer:
        os.kill(process[0].pid, signal.SIGKILL)
        return Answer(200)

    server.answer = kills_the_sender
    process.append(subprocess.Popen([sys.executable, "-c", _KILLED, str(home), server.url]))
    assert process[0].wait(timeout=120) == -signal.SIGKILL
    (row,) = SmallTables(str(home / "lake")).rows("ops.alert_outbox")
    assert row["state"] == "waiting"

    server.answer = lambda seen: Answer(200)
    job = run(with_channels(home, "webhook", webhook_url=server.url), now=MIDNIGHT + HOUR)
    assert (job.summary.facts["queued"], job.summary.facts["delivered"]) == (0, 1)
    first, second = server.seen
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"] == row["delivery_id"]
    assert first.body == second.body
