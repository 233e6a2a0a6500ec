"""The outbox: a message is written down before it is sent, and sent until somebody took it.

A process that dies between sending and marking leaves the message waiting: it is sent again with
the same delivery_id, by which the receiver knows it.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow.compute as pc

from earshot.alerting.routing import Told, member_of
from earshot.core.alerts import Notification
from earshot.core.errors import DeliveryError
from earshot.core.logs import StructuredLog
from earshot.core.settings import AlertSettings
from earshot.core.small_tables import SmallTables

TABLE = "ops.alert_outbox"
WAITING, SENT, GIVEN_UP = "waiting", "sent", "given_up"

Deliver = Callable[[Notification], None]


@dataclass
class Deliveries:
    """How many messages were sent, failed (and wait) and were given up; failures by channel."""

    sent: int = 0
    failed: int = 0
    given_up: int = 0
    failures: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Backlog:
    """What a channel still owes."""

    channel: str
    waiting: int
    given_up: int
    oldest: datetime
    last_error: str


class Outbox:
    """Messages in ops.alert_outbox.

    Args:
        small_tables: The lake.
        settings: Tries and back-off.
        clock: Wall time, UTC.
        log: Told of every failure.
    """

    def __init__(
        self, small_tables: SmallTables, settings: AlertSettings, clock: Callable[[], datetime], log: StructuredLog
    ) -> None:
        self._tables = small_tables
        self._settings = settings
        self._clock = clock
        self._log = log

    def told(self) -> dict[str, list[Told]]:
        """By channel, the alerts of which a message was written."""
        told: dict[str, list[Told]] = defaultdict(list)
        for row in self._tables.arrow(TABLE, columns=["channel", "members"]).to_pylist():
            told[row["channel"]] += [Told.parse(member) for member in row["members"] or ()]
        return told

    def queue(self, notifications: Sequence[Notification]) -> int:
        """Write messages down; one that is there already is not written again.

        Returns:
            How many are new.
        """
        if not notifications:
            return 0
        there = set(self._tables.arrow(TABLE, columns=["delivery_id"]).column("delivery_id").to_pylist())
        now = self._clock()
        rows = [_row(message, now) for message in notifications if message.delivery_id not in there]
        self._tables.append(TABLE, rows)
        return len(rows)

    def deliver(self, channels: Mapping[str, Deliver]) -> Deliveries:
        """Send what is due, oldest first, each marked as soon as it was taken.

        A channel that fails several times in a row (a setting) rests until the next run; messages to a
        channel that is not in `channels` wait.
        """
        now = self._clock()
        due = (pc.field("state") == WAITING) & (pc.field("next_attempt_at") <= now)
        outcome = Deliveries()
        in_a_row: dict[str, int] = defaultdict(int)
        for row in sorted(self._tables.rows(TABLE, due), key=lambda row: (row["queued_at"], row["delivery_id"])):
            channel = row["channel"]
            if channel not in channels or in_a_row[channel] >= self._settings.channel_failures:
                continue
            error = _try(channels[channel], row)
            in_a_row[channel] = in_a_row[channel] + 1 if error else 0
            self._mark(row, error, outcome)
        return outcome

    def _mark(self, row: dict[str, Any], error: DeliveryError | None, outcome: Deliveries) -> None:
        attempts = int(row["attempts"] or 0) + 1
        now = self._clock()
        if error is None:
            marked = {**row, "state": SENT, "attempts": attempts, "sent_at": now, "last_error": None}
            outcome.sent += 1
        else:
            given_up = attempts >= self._settings.max_attempts
            marked = {
                **row,
                "state": GIVEN_UP if given_up else WAITING,
                "attempts": attempts,
                "next_attempt_at": now + self._pause(row["delivery_id"], attempts, error.retry_after_s),
                "last_error": error.what,
            }
            outcome.given_up += given_up
            outcome.failed += not given_up
            outcome.failures[row["channel"]] = error.what
            self._log.warning(
                "delivery failed",
                channel=row["channel"],
                delivery_id=row["delivery_id"],
                attempts=attempts,
                error=error.what,
            )
        self._tables.overwrite(TABLE, [marked], predicate=f"delivery_id = '{row['delivery_id']}'")

    def _pause(self, delivery_id: str, attempts: int, asked: float | None) -> timedelta:
        doubled = min(self._settings.backoff_s * 2 ** min(attempts - 1, 30), self._settings.backoff_max_s)
        spread = hashlib.sha256(f"{delivery_id}{attempts}".encode()).digest()[0] / 255
        return timedelta(seconds=max(doubled * (0.5 + spread / 2), asked or 0.0))


def backlog(small_tables: SmallTables) -> list[Backlog]:
    """What each channel owes, for `earshot doctor`; channels that owe nothing are left out."""
    columns = ["channel", "state", "queued_at", "last_error"]
    by_channel: dict[str, list[dict[str, Any]]] = defaultdict(list)
    owed = small_tables.arrow(TABLE, pc.field("state") != SENT, columns=columns)
    for row in sorted(owed.to_pylist(), key=lambda row: row["queued_at"]):
        by_channel[row["channel"]].append(row)
    return [
        Backlog(
            channel,
            sum(row["state"] == WAITING for row in rows),
            sum(row["state"] == GIVEN_UP for row in rows),
            min(row["queued_at"] for row in rows),
            next((row["last_error"] for row in reversed(rows) if row["last_error"]), ""),
        )
        for channel, rows in sorted(by_channel.items())
    ]


def _row(message: Notification, now: datetime) -> dict[str, object]:
    return {
        "delivery_id": message.delivery_id,
        "fingerprint": message.alerts[0].fingerprint,
        "channel": message.channel,
        "payload": message.model_dump_json(),
        "state": WAITING,
        "attempts": 0,
        "next_attempt_at": now,
        "members": sorted(member_of(alert) for alert in message.alerts),
        "queued_at": now.astimezone(UTC),
    }


def _try(deliver: Deliver, row: Mapping[str, Any]) -> DeliveryError | None:
    try:
        deliver(Notification.model_validate_json(row["payload"]))
    except DeliveryError as error:
        return error
    except Exception as error:
        # One broken message or channel must not keep the others; its text may hold an address.
        return DeliveryError(f"The channel broke: {type(error).__name__}.", where=row["channel"])
    return None
