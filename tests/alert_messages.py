"""Alerts and messages for tests of what is sent: 1,234 were expected, 310 came, in Brazil."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from earshot.core.alerts import Alert, Contributor, Evidence, Notification, Point

NOON = datetime(2026, 3, 29, 12, tzinfo=UTC)


def alert(**changed) -> Alert:
    evidence = Evidence(
        observed=310.0,
        expected=1234.0,
        lower=1100.0,
        upper=1350.0,
        at=NOON,
        last=NOON + timedelta(hours=3),
        windows=3,
        contributors=(Contributor(name="country", value="BR", share=0.82),),
        facts={"detector": "seasonal", "runbook": "docs/runbooks.md#kpi_anomaly"},
    )
    values = {
        "fingerprint": "f00d",
        "rule": "kpi_anomaly",
        "severity": "critical",
        "state": "firing",
        "labels": {"metric": "listens", "country": "BR", "family": "volume"},
        "summary": "listens country BR was below expectation",
        "evidence": evidence,
        "starts_at": NOON,
        "updated_at": NOON,
    }
    return Alert.model_validate({**values, **changed})


def notification(*alerts: Alert, **changed) -> Notification:
    values = {"delivery_id": "d-1", "channel": "x", "group_labels": {"alertname": "kpi_anomaly"}}
    return Notification.model_validate({**values, "alerts": alerts or (alert(),), **changed})


def points(hours: int = 40, gap: int | None = None) -> tuple[Point, ...]:
    """Hours around the alert: 1,234 were expected, 310 came in its three hours."""
    made = []
    for hour in range(hours):
        at = NOON + timedelta(hours=hour - hours + 5)
        wrong = NOON <= at < NOON + timedelta(hours=3)
        seen = None if hour == gap else 310.0 if wrong else 1200.0 + hour % 5 * 20
        made.append(Point(at=at, observed=seen, expected=1234.0, lower=1100.0, upper=1350.0))
    return tuple(made)


def drawn(*alerts: Alert, **changed) -> Notification:
    """A message that brings the series of its alerts."""
    shown = alerts or (alert(),)
    return notification(*shown, series={one.fingerprint: points() for one in shown}, **changed)
