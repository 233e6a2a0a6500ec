"""jobs/publish_alerts.py: an anomaly arrives on every channel, once, and is not lost when the process dies."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from earshot.alerting.outbox import Outbox
from earshot.automation.loading import load_job
from earshot.core.alerts import CHANNELS, Alert, Notification
from earshot.core.config import load_settings
from earshot.core.errors import SettingsError
from earshot.core.job import Job
from earshot.core.locations import conf_folder
from earshot.core.logs import StructuredLog
from earshot.core.settings import AlertSettings, Settings
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
    told = {"channels": list(channels), "allow_networks": ["127.0.0.0/8"], **alerts}
    return load_settings(overrides={"home": str(home), "alerts": told, "http": {"timeout_s": 1.0}})


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
                "channels": list(CHANNELS),
                "allow_networks": ["127.0.0.1"],
                "webhook_url": f"{server.url}/hook",
                "webhook_secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
                "slack_url": f"{server.url}/services/SECRET",
                "teams_url": f"{server.url}/workflows/SECRET",
                "pagerduty_url": f"{server.url}/v2/enqueue",
                "pagerduty_key": "ROUTING-SECRET",
                "alertmanager_url": f"{server.url}/am/",
                "heartbeat_url": f"{server.url}/heartbeat/SECRET",
                "report_url": "https://reports.example.org/earshot/report.html",
                "email_to": ["oncall@example.org"],
            },
            "smtp": {"host": "127.0.0.1", "port": port},
            "http": {"rate_per_s": 100, "burst": 100},
        }
    )
    job = run(settings)
    assert (job.summary.facts["queued"], job.summary.facts["delivered"]) == (8, 8)
    assert job.summary.facts["heartbeat"] == "sent"
    again = run(settings, now=MIDNIGHT + HOUR / 2)
    assert (again.summary.facts["queued"], again.summary.facts["delivered"]) == (0, 0)

    (line,) = (home / "alerts.jsonl").read_text(encoding="utf-8").splitlines()
    (alert,) = json.loads(line)["alerts"]
    assert (alert["expected"], alert["observed"], alert["contributors"][0]["value"]) == (500.0, 12.0, "alpha")
    by_path = {seen.path: seen for seen in server.seen}
    assert by_path["/hook"].json()["alerts"][0]["fingerprint"] == alert["fingerprint"]
    blocks = by_path["/services/SECRET"].json()["blocks"]
    assert "alpha (90%)" in json.dumps(blocks)
    (picture,) = (home / "reports" / "alerts").iterdir()
    (image,) = (block for block in blocks if block["type"] == "image")
    assert image["image_url"] == f"https://reports.example.org/earshot/alerts/{picture.name}"
    assert by_path["/workflows/SECRET"].json()["attachments"][0]["content"]["type"] == "AdaptiveCard"
    assert by_path["/v2/enqueue"].json()["routing_key"] == "ROUTING-SECRET"
    assert by_path["/am/api/v2/alerts"].json()[0]["labels"]["alertname"] == "kpi_anomaly"
    assert by_path["/hook"].headers["webhook-signature"].startswith("v1,")
    posts = [seen for seen in server.seen if "heartbeat" not in seen.path]
    assert len(posts) == 5
    assert len({seen.headers["idempotency-key"] for seen in posts}) == 5
    (mail,) = box.taken
    assert b"Message-ID: <" in mail
    assert b"Content-Type: image/png" in mail
    kept = json.dumps(SmallTables(settings.lake_root).rows("ops.alert_outbox"), default=str)
    assert "SECRET" not in kept, "the tables hold no address and no key"
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
alerts = {"channels": ["webhook"], "webhook_url": url, "allow_networks": ["127.0.0.0/8"]}
overrides = {"home": home, "alerts": alerts, "http": {"timeout_s": 30.0}}
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


def test_a_process_killed_again_and_again_loses_nothing_and_doubles_with_the_same_key(home, server, run) -> None:
    """Six messages; the sender is killed at the first, third and fifth that arrive, then it may finish."""
    for number, country in enumerate(("AR", "BR", "CL", "DE", "ES", "FR")):
        key = f"d{number}"
        alert = Alert(
            fingerprint=country,
            rule="kpi_anomaly",
            severity="critical",
            state="firing",
            labels={"metric": "listens", "country": country},
            summary=f"listens fell in {country}",
            starts_at=MIDNIGHT,
            updated_at=MIDNIGHT,
        )
        message = Notification(delivery_id=key, channel="webhook", alerts=(alert,))
        box = Outbox(SmallTables(str(home / "lake")), AlertSettings(), lambda: MIDNIGHT, StructuredLog(sys.stderr))
        box.queue([message])
    process: list[subprocess.Popen[bytes]] = []
    deadly = {1, 3, 6}

    def kills_some_senders(seen: Any) -> Answer:
        if len(server.seen) in deadly:
            os.kill(process[-1].pid, signal.SIGKILL)
        return Answer(200)

    server.answer = kills_some_senders
    for ends in (-signal.SIGKILL, -signal.SIGKILL, -signal.SIGKILL, 0):
        process.append(subprocess.Popen([sys.executable, "-c", _KILLED, str(home), server.url]))
        assert process[-1].wait(timeout=120) == ends
    bodies: dict[str, set[bytes]] = {}
    for seen in server.seen:
        bodies.setdefault(seen.headers["idempotency-key"], set()).add(seen.body)
    assert set(bodies) == {f"d{number}" for number in range(6)}
    assert {len(of_key) for of_key in bodies.values()} == {1}, "a double is the same message"
    assert len(server.seen) == 6 + len(deadly)
    rows = SmallTables(str(home / "lake")).rows("ops.alert_outbox")
    assert {row["state"] for row in rows} == {"sent"}


def test_a_critical_alert_that_nobody_answers_escalates_after_an_hour(home, server, run) -> None:
    incident(home)
    settings = with_channels(home, "file", "pagerduty", pagerduty_key="k", pagerduty_url=server.url)
    assert run(settings).summary.facts["delivered"] == 2
    assert run(settings, now=MIDNIGHT + HOUR / 2).summary.facts["queued"] == 0
    assert run(settings, now=MIDNIGHT + HOUR).summary.facts["delivered"] == 1
    first, second = (seen.json() for seen in server.seen)
    assert "firing, unanswered" in second["payload"]["summary"]
    assert first["dedup_key"] == second["dedup_key"], "it is the same incident"


FAULTS = {
    "5xx": Answer(502),
    "time-out": Answer(delay_s=0.8),
    "slow body": Answer(body=b"x" * 40, drip_s=0.05),
    "reset": Answer(drop=True),
    "rate limit": Answer(429, headers={"Retry-After": "600"}),
    "redirect inside": Answer(302, headers={"Location": "http://169.254.169.254/latest/"}),
}


@pytest.mark.parametrize("channel", ["webhook", "slack", "teams", "pagerduty", "alertmanager"])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_any_channel_keeps_its_message_and_the_others_go_out(home, server, run, channel, fault) -> None:
    incident(home)
    told = {f"{name}_url": f"{server.url}/" for name in ("webhook", "slack", "teams", "pagerduty", "alertmanager")}
    settings = with_channels(home, "file", channel, **told, pagerduty_key="k")
    settings = settings.model_copy(update={"http": settings.http.model_copy(update={"timeout_s": 0.4})})
    server.answer = lambda seen: FAULTS[fault]
    job = run(settings)
    assert (job.summary.facts["delivered"], job.summary.facts["waiting"]) == (1, 1)
    waiting = next(row for row in SmallTables(settings.lake_root).rows("ops.alert_outbox") if row["channel"] == channel)
    assert waiting["state"] == "waiting"
    if fault == "rate limit":
        assert waiting["next_attempt_at"] >= MIDNIGHT + timedelta(seconds=600)
        assert len(server.seen) == 1, "who asks for ten minutes is not disturbed sooner"
    server.answer = lambda seen: Answer(202)
    later = run(settings, now=MIDNIGHT + HOUR / 2)
    assert later.summary.facts["delivered"] == 1
    assert len({seen.headers["idempotency-key"] for seen in server.seen}) == 1


def test_a_webhook_inside_is_refused_unless_the_settings_allow_it(home, server, run) -> None:
    incident(home)
    job = run(with_channels(home, "webhook", webhook_url=server.url, allow_networks=[]))
    assert "private, local or metadata" in job.summary.facts["failing_channels"]["webhook"]
    assert server.seen == []
    allowed = run(with_channels(home, "webhook", webhook_url=server.url), now=MIDNIGHT + HOUR)
    assert allowed.summary.facts["delivered"] == 1, "the message was kept"


def test_an_alertmanager_beside_us_needs_no_permission(home, server, run) -> None:
    incident(home)
    job = run(with_channels(home, "alertmanager", alertmanager_url=server.url, allow_networks=[]))
    assert job.summary.facts["delivered"] == 1


def test_a_dead_mans_switch_that_does_not_answer_fails_no_run(home, run) -> None:
    url = f"http://127.0.0.1:{free_port()}/SECRET"
    facts = run(with_channels(home, "file", heartbeat_url=url)).summary.facts
    assert facts["heartbeat"].startswith("No answer")
    assert run(with_channels(home, "file")).summary.facts["heartbeat"] == "off"


def test_a_rule_that_is_not_sound_ends_2_after_the_others_have_spoken(home, run, monkeypatch, tmp_path) -> None:
    incident(home)
    conf = tmp_path / "conf"
    shutil.copytree(conf_folder(), conf)
    rules = conf / "alerts.toml"
    broken = rules.read_text().replace('match = ["severity=info"]', 'match = ["metric=lisens"]', 1)
    rules.write_text(broken)
    monkeypatch.setenv("EARSHOT_CONF", str(conf))
    with pytest.raises(SettingsError, match="lisens") as caught:
        run(with_channels(home, "file"))
    assert caught.value.exit_code == 2
    assert "listens" in caught.value.remedy
    assert (home / "alerts.jsonl").exists(), "the others have spoken"
