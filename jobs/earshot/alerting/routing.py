"""Who hears of which alert: routes, escalations, and what a message in the outbox says of an alert."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from earshot.alerting.matchers import all_hold
from earshot.alerting.rules import Escalation, Route, Rulebook
from earshot.core.alerts import Alert


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


@dataclass(frozen=True)
class Sent:
    """One message of the outbox, delivered or not: what it said, to whom, and when.

    Attributes:
        delivery_id: Its key.
        channel: To whom.
        group_key: Of the group that it is about; empty for messages from before groups had keys.
        queued_at: When it was written, wall time.
        logical_at: Logical time of the run that wrote it; None where it is not known.
        members: The alerts in it.
    """

    delivery_id: str
    channel: str
    group_key: str
    queued_at: datetime
    logical_at: datetime | None
    members: tuple[Told, ...]


def member_of(alert: Alert) -> str:
    """`fingerprint|start|state|severity`: what an outbox row keeps of an alert."""
    return f"{alert.fingerprint}|{alert.starts_at.astimezone(UTC).isoformat()}|{alert.state}|{alert.severity}"


def route_of(labels: Mapping[str, str], rulebook: Rulebook) -> Route | None:
    """The first route whose matchers hold; None when none does: then nobody is told."""
    return next((route for route in rulebook.routes if all_hold(route.matchers, labels)), None)


def escalations_of(labels: Mapping[str, str], rulebook: Rulebook) -> list[Escalation]:
    """Every escalation whose matchers hold, soonest first."""
    holding = (one for one in rulebook.escalations if all_hold(one.matchers, labels))
    return sorted(holding, key=lambda one: one.after)


def grouped(labels: Mapping[str, str], group_by: Iterable[str]) -> dict[str, str]:
    """The labels that the members of a group share."""
    return {label: labels.get(label, "") for label in group_by}


def group_key(name: str, labels: Mapping[str, str]) -> str:
    """The stable name of a group: its route (or escalation) and its labels."""
    return json.dumps([name, sorted(labels.items())], ensure_ascii=False, separators=(",", ":"))


class SentLog:
    """Every message of the outbox, found by group and by alert.

    Args:
        sent: The messages, in any order.
    """

    def __init__(self, sent: Iterable[Sent]) -> None:
        self._by_group: dict[tuple[str, str], list[Sent]] = defaultdict(list)
        self._by_fingerprint: dict[str, list[tuple[Told, Sent]]] = defaultdict(list)
        for message in sorted(sent, key=lambda message: (message.queued_at, message.delivery_id)):
            self._by_group[message.channel, message.group_key].append(message)
            for entry in message.members:
                self._by_fingerprint[entry.fingerprint].append((entry, message))

    def last(self, channel: str, key: str) -> Sent | None:
        """The last message about a group to a channel."""
        messages = self._by_group.get((channel, key))
        return messages[-1] if messages else None

    def about(self, alert: Alert) -> list[Sent]:
        """The messages that spoke of this episode, oldest first."""
        return [message for entry, message in self._by_fingerprint.get(alert.fingerprint, ()) if entry.about(alert)]

    def said(self, alert: Alert, channel: str, keys: Collection[str]) -> list[Told]:
        """What messages about these groups to a channel said of this episode, oldest first."""
        return [
            entry
            for entry, message in self._by_fingerprint.get(alert.fingerprint, ())
            if message.channel == channel and message.group_key in keys and entry.about(alert)
        ]
