"""The real Alertmanager: hears the same alerts as Earshot and says the same; takes ours; reads our configuration."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
import yaml

from earshot.alerting.dispatch import Delivery, compose
from earshot.alerting.inhibition import inhibit
from earshot.alerting.matchers import parse_matchers
from earshot.alerting.routing import Sent, SentLog, Told, member_of, route_of
from earshot.alerting.rulebooks import load_rulebook
from earshot.alerting.rules import Rulebook
from earshot.alerting.silences import Silence, silencing
from earshot.core.alerts import Alert, Notification
from earshot.core.locations import conf_folder
from earshot.formatters.alert_alertmanager import alertmanager_alerts
from loopback import Server, free_port, http_server

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
LASTING = timedelta(hours=48)
SLOT_S, WAIT_S = 2.0, 0.5
SLOTS = 14

pytestmark = pytest.mark.integration


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is NOT INSTALLED: apt-get install prometheus-alertmanager, and these tests run")
    return found


class Manager:
    """A running Alertmanager and the webhook to which it speaks."""

    def __init__(self, url: str, hook: Server) -> None:
        self.url = url
        self.hook = hook

    def ask(self, path: str, body: object = None, method: str = "") -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        request = Request(f"{self.url}/api/v2/{path}", data, headers, method=method or ("POST" if data else "GET"))  # noqa: S310
        with urlopen(request, timeout=10) as answer:  # noqa: S310 - loopback
            text = answer.read()
        return json.loads(text) if text.strip() else None


@contextmanager
def alertmanager(folder: Path, config: dict[str, Any]) -> Iterator[Manager]:
    binary = _program("prometheus-alertmanager")
    with http_server() as hook:
        config["receivers"] = [{"name": "hook", "webhook_configs": [{"url": f"{hook.url}/", "send_resolved": True}]}]
        (folder / "alertmanager.yml").write_text(yaml.safe_dump(config))
        port = free_port()
        command = [binary, f"--config.file={folder / 'alertmanager.yml'}", f"--storage.path={folder / 'data'}"]
        command += [f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address="]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            manager = Manager(f"http://127.0.0.1:{port}", hook)
            for _ in range(240):
                try:
                    manager.ask("status")
                    break
                except OSError:
                    time.sleep(0.05)
            else:
                pytest.fail(f"Alertmanager never came up:\n{(folder / 'log').read_text()[-3000:]}")
            yield manager
        finally:
            process.terminate()
            process.wait(timeout=30)


BOOK = Rulebook.model_validate(
    {
        "routes": [
            {
                "name": "all",
                "group_by": ["alertname", "team"],
                "group_wait": "0s",
                "group_interval": "2s",
                "repeat_interval": "5s",
            }
        ],
        "inhibit": [
            {
                "name": "outage",
                "source": ["severity=critical"],
                "target": ["severity=~warning|info"],
                "equal": ["country"],
            }
        ],
    }
)
CONFIG = {
    "route": {
        "receiver": "hook",
        "group_by": ["alertname", "team"],
        "group_wait": "500ms",
        "group_interval": "2s",
        "repeat_interval": "5s",
    },
    "inhibit_rules": [
        {
            "source_matchers": ['severity="critical"'],
            "target_matchers": ['severity=~"warning|info"'],
            "equal": ["country"],
        }
    ],
}
# Name, team, severity, country: two groups, and an outage that silences its country's figures.
WHO = (
    ("outage", "one", "critical", "BR"),
    ("device", "one", "warning", "BR"),
    ("start", "two", "warning", "BR"),
    ("other", "two", "warning", "DE"),
    ("tier", "two", "info", "DE"),
)


class Stream:
    """Alerts that begin and end by chance, at most once in a slot; nothing ends while somebody speaks for it."""

    def __init__(self, start: datetime, seed: int) -> None:
        self.start = start
        self.chance = random.Random(seed)  # noqa: S311
        self.alerts: dict[str, Alert] = {}
        self.past: list[Alert] = []
        self.silences: list[Silence] = []
        self.sent: list[Sent] = []
        self.was_muted: set[str] = set()

    def at(self, slot: int, offset: float = 0.0) -> datetime:
        return self.start + timedelta(seconds=slot * SLOT_S + offset)

    def muted(self, slot: int) -> set[str]:
        told = inhibit(list(self.alerts.values()), BOOK)
        wall = self.at(slot, WAIT_S)
        return {a.fingerprint for a in told if a.evidence.inhibited_by or silencing(a, self.silences, wall)}

    def move(self, slot: int) -> list[Alert]:
        """Begin and end alerts for the slot; returns those that changed."""
        changed = []
        muted = self.was_muted | self.muted(slot)
        for name, team, severity, country in WHO:
            alert = self.alerts.get(name)
            if alert and alert.state == "resolved":
                self.past.append(self.alerts.pop(name))
                alert = None
            if self.chance.random() > 0.4 or (alert and name in muted | self.muted(slot)):
                continue
            now = self.at(slot)
            if alert is None:
                labels = {"team": team, "country": country, "name": name}
                values = {"fingerprint": name, "rule": "kpi", "severity": severity, "state": "firing", "summary": "s"}
                alert = Alert.model_validate({**values, "labels": labels, "starts_at": now, "updated_at": now})
            else:
                alert = alert.model_copy(update={"state": "resolved", "ends_at": now, "updated_at": now})
            self.alerts[name] = alert
            changed.append(alert)
        return changed

    def said(self, slot: int) -> list[tuple[str, list[tuple[str, str]]]]:
        """What Earshot says in a run half a second into the slot."""
        wall = self.at(slot, WAIT_S)
        every = inhibit([*self.past, *self.alerts.values()], BOOK)
        self.was_muted = self.muted(slot)
        spoken_of = [
            alert
            for alert in every
            if not silencing(alert, self.silences, wall)
            and (not alert.evidence.inhibited_by or (alert.state == "resolved" and SentLog(self.sent).about(alert)))
        ]
        known = {(entry.fingerprint, entry.starts_at) for message in self.sent for entry in message.members}
        messages = compose(spoken_of, BOOK, ("webhook",), SentLog(self.sent), Delivery(wall, wall, known))
        for message in messages:
            members = tuple(Told.parse(member_of(alert)) for alert in message.alerts)
            self.sent.append(Sent(message.delivery_id, "webhook", message.group_key, wall, wall, members))
        return [(m.group_labels["team"], sorted((a.fingerprint, a.state) for a in m.alerts)) for m in messages]


def _notified(manager: Manager, start: float, arrivals: list[float]) -> list[tuple[int, str, list[tuple[str, str]]]]:
    found = []
    for seen, arrived in zip(manager.hook.seen, arrivals, strict=True):
        body = seen.json()
        members = sorted((alert["labels"]["name"], alert["status"]) for alert in body["alerts"])
        found.append((int((arrived - start) // SLOT_S), body["groupLabels"]["team"], members))
    return sorted(found)


@pytest.mark.parametrize("seed", [1, 2])
def test_the_same_stream_of_alerts_is_told_in_the_same_messages(tmp_path: Path, seed: int) -> None:
    with alertmanager(tmp_path, CONFIG) as manager:
        arrivals: list[float] = []
        answer = manager.hook.answer
        manager.hook.answer = lambda seen: (arrivals.append(time.time()), answer(seen))[1]
        begin = time.time() + 0.2
        stream = Stream(datetime.fromtimestamp(begin, UTC), seed)
        expected: list[tuple[int, str, list[tuple[str, str]]]] = []
        silence_id = ""
        for slot in range(SLOTS):
            time.sleep(max(begin + slot * SLOT_S - time.time(), 0.0))
            if slot == 4:
                name = next((n for n, a in stream.alerts.items() if a.state == "firing"), "device")
                times = (stream.at(slot), stream.at(slot + 100))
                stream.silences = [Silence("s", parse_matchers([f"name={name}"]), "a", "r", *times)]
                matcher = {"name": "name", "value": name, "isRegex": False, "isEqual": True}
                body = {"matchers": [matcher], "createdBy": "a", "comment": "r"}
                body |= {"startsAt": datetime.now(UTC).isoformat(), "endsAt": times[1].isoformat()}
                silence_id = manager.ask("silences", body)["silenceID"]
            if slot == 8:
                stream.silences = []
                manager.ask(f"silence/{silence_id}", method="DELETE")
            changed = stream.move(slot)
            if changed:
                message = Notification(delivery_id="d", channel="alertmanager", alerts=tuple(changed))
                manager.ask("alerts", alertmanager_alerts(message, now=datetime.now(UTC), lasting=LASTING))
            expected += [(slot, team, members) for team, members in stream.said(slot)]
        time.sleep(WAIT_S + 0.7)
        told = _notified(manager, begin, arrivals)
    assert told == sorted(expected)
    assert len(told) > SLOTS / 2
    assert {state for _, _, members in told for _, state in members} == {"firing", "resolved"}


def test_alertmanager_takes_our_alerts_with_their_evidence_and_their_end(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    alert = Alert(
        fingerprint="f00d",
        rule="kpi_anomaly",
        severity="critical",
        state="firing",
        labels={"metric": "listens", "country": "BR", "app_version": ""},
        summary="listens fell",
        starts_at=now - timedelta(hours=3),
        updated_at=now,
    )
    with alertmanager(tmp_path, CONFIG) as manager:
        for state, end in (("firing", None), ("resolved", now)):
            changed = alert.model_copy(update={"state": state, "ends_at": end})
            message = Notification(delivery_id="d", channel="alertmanager", alerts=(changed,))
            manager.ask("alerts", alertmanager_alerts(message, now=datetime.now(UTC), lasting=LASTING))
            if state == "firing":
                (there,) = manager.ask("alerts")
        for _ in range(100):
            if any(seen.json()["status"] == "resolved" for seen in manager.hook.seen):
                break
            time.sleep(0.1)
    assert there["labels"] == {"alertname": "kpi_anomaly", "severity": "critical", "metric": "listens", "country": "BR"}
    assert there["annotations"]["summary"] == "listens fell"
    assert "earshot alerts silence" in there["annotations"]["silence"]
    assert datetime.fromisoformat(there["endsAt"]) > now + timedelta(hours=47)
    assert any(seen.json()["status"] == "resolved" for seen in manager.hook.seen)


def test_amtool_finds_nothing_to_mend() -> None:
    config = DEPLOY / "alertmanager" / "alertmanager.yml"
    done = subprocess.run(
        [_program("amtool"), "check-config", str(config)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        ({"alertname": "EarshotWatchdog", "severity": "none"}, "dead_mans_switch"),
        ({"alertname": "EarshotGateClosed", "severity": "critical"}, "on_call"),
        ({"alertname": "EarshotQualityMissed", "severity": "warning"}, "data"),
        ({"alertname": "kpi_anomaly", "severity": "warning", "team": "analytics"}, "analytics"),
        ({"alertname": "kpi_anomaly_hint", "severity": "info", "team": "analytics"}, "nobody"),
    ],
)
def test_alerts_go_where_they_should(labels: dict[str, str], receiver: str) -> None:
    words = [f"{key}={value}" for key, value in labels.items()]
    command = [_program("amtool"), "config", "routes", "test"]
    command += [f"--config.file={DEPLOY / 'alertmanager' / 'alertmanager.yml'}", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == receiver
    if not labels["alertname"].startswith("Earshot"):
        assert route_of(labels, load_rulebook(conf_folder() / "alerts.toml"))
