"""The outbox: a message is written down before it is sent, and sent until somebody took it.

A process that dies between sending and marking leaves the message waiting: it is sent again with
the same delivery_id, by which the receiver knows it. What a receiver refuses for good, and what nobody
took for days, becomes a dead letter: it stays in the table, and `earshot alerts redeliver` sends it again.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow.compute as pc

from earshot.alerting.breaker import Breaker
from earshot.alerting.routing import Sent, Told, member_of
from earshot.core.alerts import Notification
from earshot.core.errors import ArgumentError, DeliveryError
from earshot.core.logs import StructuredLog
from earshot.core.settings import AlertSettings
from earshot.core.small_tables import SmallTables

TABLE = "ops.alert_outbox"
WAITING, SENT, GIVEN_UP = "waiting", "sent", "given_up"
_TIMES = ("sent_at", "attempted_at", "queued_at")
_SHOWN = 5

Deliver = Callable[[Notification], None]


@dataclass
class Deliveries:
    """How many messages were sent, failed (and wait) and were given up; failures by channel."""

    sent: int = 0
    failed: int = 0
    given_up: int = 0
    failures: dict[str, str] = field(default_factory=dict)

    def told(self, queued: int) -> dict[str, object]:
        """What a run says of its messages at its end."""
        facts: dict[str, object] = {"queued": queued, "delivered": self.sent, "waiting": self.failed}
        facts |= {"given_up": self.given_up} if self.given_up else {}
        return facts | ({"failing_channels": self.failures} if self.failures else {})


@dataclass(frozen=True)
class Backlog:
    """What a channel still owes.

    Attributes:
        channel: Its name.
        waiting: Messages that are tried again.
        given_up: Dead letters.
        oldest: When the oldest of them was written.
        failing_since: When the oldest message was written that it failed to take since it last took one.
        last_error: Why the last try failed.
    """

    channel: str
    waiting: int
    given_up: int
    oldest: datetime
    failing_since: datetime | None
    last_error: str


class Outbox:
    """Messages in ops.alert_outbox.

    Args:
        small_tables: The lake.
        settings: Tries, back-off and the channels' breakers.
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

    def sent(self) -> list[Sent]:
        """Every message that was written, delivered or not, oldest first."""
        columns = ["delivery_id", "channel", "group_key", "queued_at", "logical_at", "members"]
        rows = self._tables.arrow(TABLE, columns=columns).to_pylist()
        return sorted((_sent(row) for row in rows), key=lambda message: (message.queued_at, message.delivery_id))

    def queue(self, notifications: Sequence[Notification], logical_at: datetime | None = None) -> int:
        """Write messages down; one that is there already is not written again.

        Returns:
            How many are new.
        """
        if not notifications:
            return 0
        there = set(self._tables.arrow(TABLE, columns=["delivery_id"]).column("delivery_id").to_pylist())
        now = self._clock()
        rows = [_row(message, now, logical_at) for message in notifications if message.delivery_id not in there]
        self._tables.append(TABLE, rows)
        return len(rows)

    def deliver(self, channels: Mapping[str, Deliver]) -> Deliveries:
        """Send what is due, oldest first, each marked as soon as it was taken.

        A channel that failed several times in a row (a setting) rests, longer each time, and is then tried
        with one message; messages to a channel that is not in `channels` wait.
        """
        now = self._clock()
        due = (pc.field("state") == WAITING) & (pc.field("next_attempt_at") <= now)
        outcome = Deliveries()
        rows = sorted(self._tables.rows(TABLE, due), key=lambda row: (row["queued_at"], row["delivery_id"]))
        breakers = self._breakers() if rows else {}
        for row in rows:
            channel = row["channel"]
            breaker = breakers.setdefault(channel, Breaker(self._settings))
            if channel not in channels or breaker.state(self._clock()) == "open":
                continue
            error = _try(channels[channel], row)
            breaker.record(error is None or error.refused, self._clock())
            self._mark(row, error, outcome)
        return outcome

    def _breakers(self) -> dict[str, Breaker]:
        columns = ["channel", "state", "attempts", *_TIMES]
        by_channel: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for row in self._tables.arrow(TABLE, columns=columns).to_pylist():
            by_channel[row["channel"]].append(row)
        return {channel: Breaker.of(rows, self._settings) for channel, rows in by_channel.items()}

    def _mark(self, row: dict[str, Any], error: DeliveryError | None, outcome: Deliveries) -> None:
        attempts = int(row["attempts"] or 0) + 1
        now = self._clock()
        if error is None:
            marked = {**row, "state": SENT, "attempts": attempts, "sent_at": now, "last_error": None}
            outcome.sent += 1
        else:
            long = now - row["queued_at"].astimezone(UTC) >= timedelta(hours=self._settings.keep_trying_hours)
            given_up = error.refused or (attempts >= self._settings.max_attempts and long)
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
        marked["attempted_at"] = now
        self._tables.overwrite(TABLE, [marked], predicate=f"delivery_id = '{row['delivery_id']}'")

    def _pause(self, delivery_id: str, attempts: int, asked: float | None) -> timedelta:
        doubled = min(self._settings.backoff_s * 2 ** min(attempts - 1, 30), self._settings.backoff_max_s)
        spread = hashlib.sha256(f"{delivery_id}{attempts}".encode()).digest()[0] / 255
        return timedelta(seconds=max(doubled * (0.5 + spread / 2), asked or 0.0))


def deliveries(
    small_tables: SmallTables, *, state: str | None = None, channel: str | None = None
) -> list[dict[str, Any]]:
    """Messages without their payload, newest first."""
    columns = ["delivery_id", "channel", "state", "attempts", "next_attempt_at", "last_error", *_TIMES]
    rows = small_tables.arrow(TABLE, columns=columns).to_pylist()
    wanted = [row for row in rows if state in {None, row["state"]} and channel in {None, row["channel"]}]
    return sorted(wanted, key=lambda row: (row["queued_at"], row["delivery_id"]), reverse=True)


def redeliver(
    small_tables: SmallTables, now: datetime, *, delivery_id: str | None = None, channel: str | None = None
) -> list[str]:
    """Let the next run try again: dead letters, and messages that wait for their time, under their old keys.

    Args:
        small_tables: The lake.
        now: Wall time.
        delivery_id: One message, by its first digits; one that was delivered is sent again.
        channel: Every undelivered message of a channel.

    Returns:
        The keys of the messages.

    Raises:
        ArgumentError: No message, or more than one, begins so.
    """
    rows = small_tables.rows(TABLE)
    if delivery_id:
        chosen = [row for row in rows if row["delivery_id"].startswith(delivery_id)]
        if len(chosen) != 1:
            known = [row["delivery_id"] for row in rows if row["state"] == GIVEN_UP] or [r["delivery_id"] for r in rows]
            raise ArgumentError(
                f"{delivery_id!r} names {'no delivery' if not chosen else f'{len(chosen)} deliveries'}.",
                where=TABLE,
                remedy=f"Use one of: {', '.join(known[:_SHOWN])}." if known else "There are no deliveries yet.",
            )
    else:
        chosen = [row for row in rows if row["state"] != SENT and channel in {None, row["channel"]}]
    for row in chosen:
        again = {**row, "state": WAITING, "attempts": 0, "next_attempt_at": now, "attempted_at": None}
        small_tables.overwrite(TABLE, [again], predicate=f"delivery_id = '{row['delivery_id']}'")
    return sorted(row["delivery_id"] for row in chosen)


def backlog(small_tables: SmallTables, settings: AlertSettings) -> list[Backlog]:
    """What each channel owes, for `earshot doctor`; channels that owe nothing are left out."""
    columns = ["channel", "state", "attempts", "last_error", *_TIMES]
    by_channel: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in sorted(small_tables.arrow(TABLE, columns=columns).to_pylist(), key=lambda row: row["queued_at"]):
        by_channel[row["channel"]].append(row)
    found = []
    for channel, rows in sorted(by_channel.items()):
        owed = [row for row in rows if row["state"] != SENT]
        if owed:
            waiting = sum(row["state"] == WAITING for row in owed)
            last_error = next((row["last_error"] for row in reversed(owed) if row["last_error"]), "")
            since = Breaker.of(rows, settings).failing_since
            found.append(Backlog(channel, waiting, len(owed) - waiting, owed[0]["queued_at"], since, last_error))
    return found


def _sent(row: Mapping[str, Any]) -> Sent:
    logical = row.get("logical_at")
    return Sent(
        row["delivery_id"],
        row["channel"],
        row.get("group_key") or "",
        row["queued_at"].astimezone(UTC),
        logical.astimezone(UTC) if logical else None,
        tuple(Told.parse(member) for member in row["members"] or ()),
    )


def _row(message: Notification, now: datetime, logical_at: datetime | None) -> dict[str, object]:
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
        "group_key": message.group_key,
        "logical_at": logical_at,
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
