"""The words of alerting that rules, outbox, formatters and jobs share: evidence, alert, notification."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict

Severity = Literal["info", "warning", "critical"]
State = Literal["pending", "firing", "resolved"]
SEVERITIES: tuple[Severity, ...] = ("info", "warning", "critical")
Channel = Literal["console", "file", "webhook", "slack", "teams", "email", "pagerduty", "alertmanager"]
CHANNELS: tuple[Channel, ...] = get_args(Channel)


def severity_rank(severity: str) -> int:
    """0 for info, 1 for warning, 2 for critical; -1 for what is none of them."""
    return SEVERITIES.index(severity) if severity in SEVERITIES else -1


def _utc(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    return value


Moment = Annotated[datetime, BeforeValidator(_utc)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", ser_json_inf_nan="null")


class Contributor(_Frozen):
    """A slice that explains part of a deviation: dimension, value and share (0 to 1)."""

    name: str
    value: str
    share: float | None = None


class Evidence(_Frozen):
    """What an alert rests on.

    Attributes:
        observed: What was seen in the worst window, in the metric's unit.
        expected: What was expected there; `lower` and `upper` bound it.
        at: Start of the worst window.
        last: End of the last window in which it was seen; None where it is a condition that holds.
        windows: Windows (measurements, runs) in which it was seen.
        contributors: Slices that explain it: the alert's own, then those within it, largest share first; none of a
            dimension that was ruled out.
        examples: First examples, one a line.
        facts: Anything else a reader needs, by name.
        inhibited_by: Fingerprint of the alert that already says so; empty when none does.
    """

    observed: float | None = None
    expected: float | None = None
    lower: float | None = None
    upper: float | None = None
    at: Moment | None = None
    last: Moment | None = None
    windows: int = 1
    contributors: tuple[Contributor, ...] = ()
    examples: tuple[str, ...] = ()
    facts: dict[str, str] = {}
    inhibited_by: str = ""


class Alert(_Frozen):
    """One row of gold.alerts: an episode of one condition."""

    fingerprint: str
    rule: str
    severity: Severity
    state: State
    labels: dict[str, str]
    summary: str
    evidence: Evidence = Evidence()
    starts_at: Moment
    ends_at: Moment | None = None
    updated_at: Moment

    @property
    def matching_labels(self) -> dict[str, str]:
        """What routes, silences and inhibition look at: the labels with rule, severity and state."""
        return {**self.labels, "alertname": self.rule, "severity": self.severity, "state": self.state}

    def row(self) -> dict[str, object]:
        """The alert as a row of gold.alerts."""
        return {**self.model_dump(exclude={"evidence"}), "evidence": self.evidence.model_dump_json()}

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Alert:
        """The alert that a row of gold.alerts holds."""
        evidence = Evidence.model_validate_json(row["evidence"]) if row.get("evidence") else Evidence()
        return cls.model_validate({**row, "labels": dict(row["labels"] or {}), "evidence": evidence})


class Point(_Frozen):
    """One window of the series of an alert: seen, expected, and the band, in the metric's unit."""

    at: Moment
    observed: float | None = None
    expected: float | None = None
    lower: float | None = None
    upper: float | None = None


class Notification(_Frozen):
    """One message to one channel about a group of alerts.

    Attributes:
        delivery_id: Idempotency key; the same message always has the same one.
        channel: One of CHANNELS.
        group_key: Route and group labels: the same for every message about the group.
        incident: The group_key of the route, also in an escalation: what a pager opens and closes.
        group_labels: The labels by which the alerts were grouped.
        why: Whether something changed, nothing did for long, or nobody reacted.
        alerts: The alerts, most severe first.
        series: By fingerprint, the windows around the alert, in order of time.
        report: Address of the report; empty when there is none.
    """

    delivery_id: str
    channel: str
    group_key: str = ""
    incident: str = ""
    group_labels: dict[str, str] = {}
    why: Literal["news", "reminder", "escalation"] = "news"
    alerts: tuple[Alert, ...]
    series: dict[str, tuple[Point, ...]] = {}
    report: str = ""

    @property
    def status(self) -> Literal["firing", "resolved"]:
        """`firing` while one of the alerts is."""
        return "firing" if any(alert.state == "firing" for alert in self.alerts) else "resolved"

    @property
    def severity(self) -> Severity:
        """The highest severity among the alerts."""
        return max((alert.severity for alert in self.alerts), key=severity_rank)
