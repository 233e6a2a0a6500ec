"""Who hears of which alert: routes, groups, and the messages that are still to be written."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from earshot.alerting.matchers import all_hold
from earshot.alerting.rules import Channel, Route, Rulebook
from earshot.core.alerts import Alert, Notification, severity_rank

_DIGITS = 32


@dataclass(frozen=True)
class Told:
    """One alert that a message in the outbox already speaks of."""

    fingerprint: str
    starts_at: datetime
    state: str
    severity: str

    @classmethod
    def parse(cls, member: str) -> Told:
        """Read `fingerprint|start|state|severity`, as the outbox keeps it."""
        fingerprint, starts_at, state, severity = member.split("|")
        return cls(fingerprint, datetime.fromisoformat(starts_at), state, severity)

    def about(self, alert: Alert) -> bool:
        """Whether it was about this episode, also where a late play moved the episode's start."""
        end = alert.ends_at
        return self.fingerprint == alert.fingerprint and (
            self.starts_at == alert.starts_at
            or (alert.starts_at <= self.starts_at and (end is None or self.starts_at < end))
        )


def member_of(alert: Alert) -> str:
    """`fingerprint|start|state|severity`: what an outbox row keeps of an alert."""
    return f"{alert.fingerprint}|{alert.starts_at.astimezone(UTC).isoformat()}|{alert.state}|{alert.severity}"


def route_of(labels: Mapping[str, str], rulebook: Rulebook) -> Route | None:
    """The first route whose matchers hold; None when none does: then nobody is told."""
    return next((route for route in rulebook.routes if all_hold(route.matchers, labels)), None)


@dataclass(frozen=True)
class Delivery:
    """When a message about an alert is due.

    Attributes:
        now: Logical time of the run.
        known: Fingerprint and start of the alerts that an earlier run has recorded.
        notify: Whether alerts of old windows are delivered too.
        within: An alert that is over is still news for so long after its end.
        wall: Wall time.
    """

    now: datetime
    wall: datetime
    known: Collection[tuple[str, datetime]]
    notify: bool = False
    within: timedelta = timedelta(hours=24)

    def is_due(self, alert: Alert, told: Iterable[Told]) -> bool:
        """Whether a channel that was told this much is to hear of the alert's present state."""
        about = [entry for entry in told if entry.about(alert)]
        if alert.state == "pending":
            return False
        if alert.state == "firing":
            rank = severity_rank(alert.severity)
            return not any(entry.state == "firing" and severity_rank(entry.severity) >= rank for entry in about)
        if about:
            return all(entry.state == "firing" for entry in about)
        ended = alert.ends_at or self.now
        if (alert.fingerprint, alert.starts_at) not in self.known:
            return self.notify or ended >= self.wall - self.within
        return self.notify and ended >= self.now - self.within


def compose(
    alerts: Sequence[Alert],
    rulebook: Rulebook,
    channels: Sequence[Channel],
    told: Mapping[str, Sequence[Told]],
    delivery: Delivery,
    *,
    report: str = "",
) -> list[Notification]:
    """The messages that are due: one a group and channel, each with a stable delivery_id.

    Args:
        alerts: Alerts that are neither inhibited nor silenced.
        rulebook: Routes; the first that matches has the alert.
        channels: The channels that are enabled.
        told: By channel, what the outbox already speaks of.
        delivery: When a message is due.
        report: Address of the report that the messages point to.
    """
    groups: dict[tuple[str, tuple[tuple[str, str], ...]], list[Alert]] = defaultdict(list)
    for alert in alerts:
        labels = alert.matching_labels
        route = route_of(labels, rulebook)
        if route is None:
            continue
        grouped = tuple((label, labels.get(label, "")) for label in route.group_by)
        for channel in channels:
            if channel in route.channels and delivery.is_due(alert, told.get(channel, ())):
                groups[channel, grouped].append(alert)
    return [
        _notification(channel, dict(grouped), members, report) for (channel, grouped), members in sorted(groups.items())
    ]


def _notification(channel: str, grouped: dict[str, str], alerts: list[Alert], report: str) -> Notification:
    members = sorted(member_of(alert) for alert in alerts)
    digest = hashlib.sha256("\n".join([channel, *members]).encode()).hexdigest()[:_DIGITS]
    ranked = sorted(
        alerts, key=lambda a: (a.state == "resolved", -severity_rank(a.severity), a.starts_at, a.fingerprint)
    )
    return Notification(delivery_id=digest, channel=channel, group_labels=grouped, alerts=tuple(ranked), report=report)
