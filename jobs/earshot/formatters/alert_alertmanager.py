"""Alerts for Prometheus's Alertmanager: the body of its API, `POST /api/v2/alerts`."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from earshot.core.alerts import Alert, Notification
from earshot.formatters.alert_text import actions, figures, one_line

_NO_NAME = re.compile(r"[^a-zA-Z0-9_]")


def alertmanager_alerts(
    notification: Notification, *, now: datetime, lasting: timedelta, report: str = ""
) -> list[dict[str, object]]:
    """The alerts of a message; what fires fires on for `lasting` unless a later message says otherwise.

    Alertmanager takes an alert without an end as over after five minutes; our runs are further apart.
    """
    return [_alert(alert, now, lasting, report or notification.report) for alert in notification.alerts]


def _alert(alert: Alert, now: datetime, lasting: timedelta, report: str) -> dict[str, object]:
    ends_at = now + lasting if alert.ends_at is None else min(alert.ends_at, now)
    labels = {**alert.labels, "alertname": alert.rule, "severity": alert.severity}
    annotations = {"summary": one_line(alert.summary, 1_000), "fingerprint": alert.fingerprint}
    annotations |= {_name(label): value for label, value in (*figures(alert), *actions(alert))}
    return {
        "labels": {_name(key): value for key, value in labels.items() if value},
        "annotations": {key: value for key, value in annotations.items() if value},
        "startsAt": _rfc3339(min(alert.starts_at, ends_at)),
        "endsAt": _rfc3339(ends_at),
        "generatorURL": report if report.startswith("http") else "",
    }


def _name(text: str) -> str:
    name = _NO_NAME.sub("_", text.lower())
    return f"_{name}" if name[:1].isdigit() else name


def _rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
