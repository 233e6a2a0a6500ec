"""Which messages are due: Alertmanager's dispatcher and notification log, for runs instead of a clock.

A group (route and group labels) is looked at whenever a run comes. Its first message waits for
`group_wait`, the next ones keep `group_interval`, and one that fires on without news is told of again
after `repeat_interval`. A message holds everything of its group that fires, and what ended since.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from earshot.alerting.routing import (
    Sent,
    SentLog,
    Told,
    escalations_of,
    group_key,
    grouped,
    member_of,
    route_of,
)
from earshot.alerting.rules import Route, Rulebook
from earshot.core.alerts import Alert, Channel, Notification, severity_rank

_DIGITS = 32
_ESCALATION = "escalation "

Why = Literal["news", "reminder", "escalation"]


@dataclass(frozen=True)
class Delivery:
    """When a message about an alert is due.

    Attributes:
        now: Logical time of the run.
        wall: Wall time.
        known: Fingerprint and start of the alerts that an earlier run has recorded.
        notify: Whether alerts of old windows are delivered too.
        within: An alert that is over is still news for so long after its end.
        acknowledged: By fingerprint, when a person last said what it was.
    """

    now: datetime
    wall: datetime
    known: Collection[tuple[str, datetime]] = ()
    notify: bool = False
    within: timedelta = timedelta(hours=24)
    acknowledged: Mapping[str, datetime] = field(default_factory=dict)

    def is_news(self, alert: Alert, last: Sent | None, said: Sequence[Told]) -> bool:
        """Whether those who got `last`, and who were told `said` of it in this order, are to hear of its state."""
        if alert.state == "pending":
            return False
        if alert.state == "firing":
            rank = severity_rank(alert.severity)
            now = said if last is None else [entry for entry in last.members if entry.about(alert)]
            return not any(entry.state == "firing" and severity_rank(entry.severity) >= rank for entry in now)
        return said[-1].state == "firing" if said else self._is_late_news(alert)

    def _is_late_news(self, alert: Alert) -> bool:
        ended = alert.ends_at or self.now
        if (alert.fingerprint, alert.starts_at) not in self.known:
            return self.notify or ended >= self.wall - self.within
        return self.notify and ended >= self.now - self.within

    def since(self, last: Sent) -> timedelta:
        """How long ago a message was written, by the clock or, in a backfill, by the logical time."""
        return max(self.wall - last.queued_at, self.now - (last.logical_at or self.now))


@dataclass
class _Group:
    route: Route
    channel: Channel
    labels: dict[str, str]
    why: Why = "news"
    alerts: list[Alert] = field(default_factory=list)


def compose(
    alerts: Sequence[Alert],
    rulebook: Rulebook,
    channels: Sequence[Channel],
    sent: SentLog,
    delivery: Delivery,
    *,
    report: str = "",
) -> list[Notification]:
    """The messages that are due: one a group and channel, each with a stable delivery_id.

    Args:
        alerts: Alerts that are neither inhibited nor silenced.
        rulebook: Routes (the first that matches has the alert) and escalations.
        channels: The channels that are enabled.
        sent: The messages of the outbox.
        delivery: When a message is due.
        report: Address of the report that the messages point to.
    """
    messages = []
    for (channel, key), group in sorted(_groups(alerts, rulebook, channels, sent, delivery).items()):
        last = sent.last(channel, key)
        # Messages from before groups had keys count for the group of the route.
        keys = (key,) if group.why == "escalation" else (key, "")
        said = [sent.said(alert, channel, keys) for alert in group.alerts]
        spoken = _spoken_of(group, last, said, delivery)
        if spoken:
            members, why = spoken
            messages.append(_notification(group, key, members, why, last, report))
    return messages


def _groups(
    alerts: Sequence[Alert],
    rulebook: Rulebook,
    channels: Sequence[Channel],
    sent: SentLog,
    delivery: Delivery,
) -> dict[tuple[str, str], _Group]:
    groups: dict[tuple[str, str], _Group] = {}

    def put(alert: Alert, route: Route, wanted: Collection[Channel], name: str, why: Why) -> None:
        labels = grouped(alert.matching_labels, route.group_by)
        key = group_key(name, labels)
        for channel in channels:
            if channel in wanted:
                groups.setdefault((channel, key), _Group(route, channel, labels, why)).alerts.append(alert)

    for alert in alerts:
        labels = alert.matching_labels
        route = route_of(labels, rulebook)
        if route is None or alert.state == "pending":
            continue
        put(alert, route, route.channels, route.name, "news")
        for escalation in escalations_of(labels, rulebook):
            name = f"{_ESCALATION}{escalation.name} of {route.name}"
            if _escalates(alert, escalation.after, name, sent, delivery):
                put(alert, route, escalation.channels, name, "escalation")
    return groups


def _escalates(alert: Alert, after: timedelta, name: str, sent: SentLog, delivery: Delivery) -> bool:
    about = sent.about(alert)
    prefix = group_key(name, {})[: -len("[]]")]
    if any(message.group_key.startswith(prefix) for message in about):
        return True
    if not about or alert.state != "firing" or delivery.wall - about[0].queued_at < after:
        return False
    acknowledged = delivery.acknowledged.get(alert.fingerprint)
    return acknowledged is None or acknowledged < about[0].queued_at


def _spoken_of(
    group: _Group, last: Sent | None, said: Sequence[Sequence[Told]], delivery: Delivery
) -> tuple[list[Alert], Why] | None:
    """The members of the message that is due for the group, and why; None when none is."""
    news = [
        (alert, told) for alert, told in zip(group.alerts, said, strict=True) if delivery.is_news(alert, last, told)
    ]
    firing = [alert for alert in group.alerts if alert.state == "firing"]
    members = [*firing, *(alert for alert, _ in news if alert.state == "resolved")]
    if news:
        # What was over before anybody was told of it is in no later run's news: it does not wait.
        late = any(alert.state == "resolved" and not told for alert, told in news)
        if late or _may_speak(group, [alert for alert, _ in news], last, delivery):
            return members, group.why
    elif firing and last is not None and delivery.wall - last.queued_at >= group.route.repeat_interval:
        return members, "reminder"
    return None


def _may_speak(group: _Group, news: Sequence[Alert], last: Sent | None, delivery: Delivery) -> bool:
    if last is None:
        first = min(alert.starts_at for alert in news)
        return max(delivery.wall - first, timedelta(0)) >= group.route.group_wait
    return delivery.since(last) >= group.route.group_interval


def _notification(
    group: _Group, key: str, alerts: Sequence[Alert], why: Why, last: Sent | None, report: str
) -> Notification:
    members = sorted(member_of(alert) for alert in alerts)
    after = last.delivery_id if last else ""
    digest = hashlib.sha256("\n".join([group.channel, key, after, *members]).encode()).hexdigest()[:_DIGITS]
    ranked = sorted(
        alerts, key=lambda a: (a.state == "resolved", -severity_rank(a.severity), a.starts_at, a.fingerprint)
    )
    return Notification(
        delivery_id=digest,
        channel=group.channel,
        group_key=key,
        incident=group_key(group.route.name, group.labels),
        group_labels=group.labels,
        why=why,
        alerts=tuple(ranked),
        report=report,
    )
