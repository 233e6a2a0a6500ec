"""A circuit breaker a channel: one that keeps failing rests, and is tried with one message before the others.

Nygard, Release It! (2007), chapter 5.2. Its state is read from the outbox, so it survives the process.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from earshot.core.settings import AlertSettings

State = Literal["closed", "open", "half_open"]
_MOST_DOUBLINGS = 30


@dataclass
class Breaker:
    """One channel's.

    Attributes:
        settings: After how many failures in a row it opens, and for how long it rests.
        failures: Failed tries since the channel last took a message.
        last_failure: When the last of them was.
        failing_since: When the first of the messages that it failed to take was written.
    """

    settings: AlertSettings
    failures: int = 0
    last_failure: datetime | None = None
    failing_since: datetime | None = None

    @classmethod
    def of(cls, rows: Iterable[Mapping[str, Any]], settings: AlertSettings) -> Breaker:
        """The breaker of a channel, from its rows in ops.alert_outbox (sent_at, attempted_at, attempts, queued_at)."""
        every = list(rows)
        success = max((row["sent_at"] for row in every if row["sent_at"]), default=None)
        failed = [
            row
            for row in every
            if row["state"] != "sent" and row.get("attempted_at") and (not success or row["attempted_at"] > success)
        ]
        return cls(
            settings,
            sum(int(row["attempts"] or 0) for row in failed),
            max((row["attempted_at"] for row in failed), default=None),
            min((row["queued_at"] for row in failed), default=None),
        )

    @property
    def rest(self) -> timedelta:
        """How long it rests after its last failure: doubled with each further one, up to the longest back-off."""
        beyond = min(max(self.failures - self.settings.channel_failures, 0), _MOST_DOUBLINGS)
        return timedelta(seconds=min(self.settings.backoff_s * 2**beyond, self.settings.backoff_max_s))

    def state(self, now: datetime) -> State:
        """Closed lets messages through, open none, half-open one."""
        if self.failures < self.settings.channel_failures or self.last_failure is None:
            return "closed"
        return "open" if now < self.last_failure + self.rest else "half_open"

    def record(self, ok: bool, now: datetime) -> None:
        """Note how a try went."""
        self.failures = 0 if ok else self.failures + 1
        self.last_failure = None if ok else now
