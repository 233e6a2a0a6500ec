"""Alerts as PagerDuty events (Events API v2): one incident a group, which its end resolves.

https://developer.pagerduty.com/docs/events-api-v2-overview
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC
from typing import Any

from earshot.core.alerts import Alert, Notification
from earshot.formatters.alert_text import SHOWN, actions, figures, headline, one_line

_SUMMARY_CHARS = 1_024
_LARGEST = 500_000


def pagerduty_event(notification: Notification, addresses: Mapping[str, str]) -> dict[str, object]:
    """The event without its routing key, which is a secret.

    Args:
        notification: The message. Its group gives the dedup_key: a later message of the group updates the
            incident, and one in which nothing fires resolves it.
        addresses: By fingerprint, where the picture can be fetched (PagerDuty takes https only).
    """
    event: dict[str, object] = {
        "event_action": "trigger" if notification.status == "firing" else "resolve",
        "dedup_key": dedup_key(notification),
        "payload": _payload(notification),
        "client": "Earshot",
        "links": _links(notification),
        "images": [
            {"src": addresses[alert.fingerprint], "alt": one_line(alert.summary, 200)}
            for alert in notification.alerts[:SHOWN]
            if addresses.get(alert.fingerprint, "").startswith("https://")
        ],
    }
    if len(json.dumps(event, ensure_ascii=False).encode()) > _LARGEST:
        event["payload"] = {**_payload(notification), "custom_details": {"alerts": len(notification.alerts)}}
    return event


def dedup_key(notification: Notification) -> str:
    """The same for every message of the group, escalations too, within the 255 characters that are allowed."""
    group = notification.incident or notification.group_key or json.dumps(notification.group_labels, sort_keys=True)
    return f"earshot-{hashlib.sha256(group.encode()).hexdigest()[:40]}"


def _payload(notification: Notification) -> dict[str, object]:
    first = notification.alerts[0]
    labels = first.labels
    payload: dict[str, object] = {
        "summary": one_line(headline(notification), _SUMMARY_CHARS),
        "source": labels.get("metric") or labels.get("job") or labels.get("batch") or first.rule,
        "severity": notification.severity,
        "timestamp": first.starts_at.astimezone(UTC).isoformat(timespec="milliseconds"),
        "component": first.rule,
        "group": ", ".join(f"{key}={value}" for key, value in notification.group_labels.items() if value),
        "class": labels.get("family") or first.rule,
        "custom_details": {
            "delivery_id": notification.delivery_id,
            "why": notification.why,
            "alerts": [_details(alert) for alert in notification.alerts[:SHOWN]],
            "more": max(len(notification.alerts) - SHOWN, 0),
        },
    }
    return {key: value for key, value in payload.items() if value != ""}


def _details(alert: Alert) -> dict[str, Any]:
    said = {**dict(figures(alert)), **dict(actions(alert))}
    return {"summary": one_line(alert.summary, 500), "state": alert.state, "severity": alert.severity, **said}


def _links(notification: Notification) -> list[dict[str, str]]:
    links = [{"href": notification.report, "text": "Report"}] if notification.report.startswith("http") else []
    runbooks = {alert.evidence.facts.get("runbook", "") for alert in notification.alerts[:SHOWN]}
    return links + [{"href": runbook, "text": "Runbook"} for runbook in sorted(runbooks) if runbook.startswith("http")]
