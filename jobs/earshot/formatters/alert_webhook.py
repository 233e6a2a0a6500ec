"""Alerts as the JSON of Alertmanager's webhook, version 4, with what was expected and seen beside it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from earshot.core.alerts import Alert, Notification
from earshot.formatters.alert_text import actions, headline

_NEVER = "0001-01-01T00:00:00Z"


def webhook_message(notification: Notification) -> dict[str, object]:
    """The body: Alertmanager's keys, `summary`, `deliveryId`, and per alert its figures and windows to draw."""
    labels = [_labels(alert) for alert in notification.alerts]
    annotations = [_annotations(alert) for alert in notification.alerts]
    return {
        "version": "4",
        "groupKey": notification.group_key or json.dumps(notification.group_labels, sort_keys=True, ensure_ascii=False),
        "truncatedAlerts": 0,
        "status": notification.status,
        "receiver": notification.channel,
        "groupLabels": notification.group_labels,
        "commonLabels": _common(labels),
        "commonAnnotations": _common(annotations),
        "externalURL": notification.report,
        "alerts": [_alert(alert, notification) for alert in notification.alerts],
        "why": notification.why,
        "deliveryId": notification.delivery_id,
        "severity": notification.severity,
        "summary": headline(notification),
    }


def _alert(alert: Alert, notification: Notification) -> dict[str, object]:
    evidence = alert.evidence
    return {
        "status": alert.state,
        "labels": _labels(alert),
        "annotations": _annotations(alert),
        "startsAt": _rfc3339(alert.starts_at),
        "endsAt": _rfc3339(alert.ends_at) if alert.ends_at else _NEVER,
        "generatorURL": "",
        "fingerprint": alert.fingerprint,
        "summary": alert.summary,
        "expected": evidence.expected,
        "lower": evidence.lower,
        "upper": evidence.upper,
        "observed": evidence.observed,
        "observedAt": _rfc3339(evidence.at) if evidence.at else None,
        "contributors": [part.model_dump() for part in evidence.contributors],
        "examples": list(evidence.examples),
        "series": [point.model_dump(mode="json") for point in notification.series.get(alert.fingerprint, ())],
        "actions": dict(actions(alert)),
    }


def _labels(alert: Alert) -> dict[str, str]:
    return {**alert.labels, "alertname": alert.rule, "severity": alert.severity}


def _annotations(alert: Alert) -> dict[str, str]:
    return {"summary": alert.summary, **alert.evidence.facts}


def _common(many: Iterable[Mapping[str, str]]) -> dict[str, str]:
    pairs = [set(one.items()) for one in many]
    return dict(sorted(set.intersection(*pairs))) if pairs else {}


def _rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
