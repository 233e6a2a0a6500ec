"""Silences: matchers, an author, a reason and an end; kept in ops.silences."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from earshot.alerting.matchers import Matcher, all_hold, parse_matchers
from earshot.core.alerts import Alert
from earshot.core.errors import ArgumentError
from earshot.core.small_tables import SmallTables

TABLE = "ops.silences"


@dataclass(frozen=True)
class Silence:
    """Alerts that match are recorded, and nobody is told.

    A silence holds while the wall clock is within it, and for resolved alerts that lie wholly within
    it (a maintenance window that is over, or a replayed day).
    """

    silence_id: str
    matchers: tuple[Matcher, ...]
    author: str
    reason: str
    starts_at: datetime
    ends_at: datetime

    def holds(self, alert: Alert, wall: datetime) -> bool:
        """Whether the alert is silenced at this moment."""
        if not all_hold(self.matchers, alert.matching_labels):
            return False
        end = alert.ends_at
        within = end is not None and self.starts_at <= alert.starts_at and end <= self.ends_at
        return within or self.starts_at <= wall < self.ends_at


def read_silences(small_tables: SmallTables) -> list[Silence]:
    """Every silence ever made, expired ones too."""
    return [_silence(row) for row in small_tables.rows(TABLE)]


def add_silence(
    small_tables: SmallTables,
    matchers: Sequence[str],
    *,
    author: str,
    reason: str,
    starts_at: datetime,
    ends_at: datetime,
) -> Silence:
    """Record a silence.

    Raises:
        ArgumentError: There is no matcher, one cannot be read, or it ends before it begins.
    """
    if not matchers:
        raise ArgumentError(
            "A silence needs a matcher.", remedy="For example: earshot alerts silence country=BR --for 2h"
        )
    if ends_at <= starts_at:
        raise ArgumentError(
            "The silence ends before it begins.",
            where=f"{starts_at:%Y-%m-%d %H:%M} to {ends_at:%Y-%m-%d %H:%M}",
            remedy="Give a later end.",
        )
    silence = Silence(uuid.uuid4().hex[:12], parse_matchers(matchers), author, reason, starts_at, ends_at)
    small_tables.append(TABLE, [_row(silence)])
    return silence


def expire_silence(small_tables: SmallTables, silence_id: str, now: datetime) -> Silence:
    """End a silence now.

    Raises:
        ArgumentError: There is none with that id.
    """
    silences = read_silences(small_tables)
    found = next((silence for silence in silences if silence.silence_id == silence_id), None)
    if found is None:
        known = ", ".join(silence.silence_id for silence in silences if silence.ends_at > now) or "none"
        raise ArgumentError(f"There is no silence {silence_id}.", where=TABLE, remedy=f"Active are: {known}.")
    ended = Silence(**{**vars(found), "ends_at": max(found.starts_at, min(found.ends_at, now))})
    small_tables.overwrite(TABLE, [_row(ended)], predicate=f"silence_id = '{ended.silence_id}'")
    return ended


def silencing(alert: Alert, silences: Sequence[Silence], wall: datetime) -> Silence | None:
    """The first silence that holds for the alert."""
    return next((silence for silence in silences if silence.holds(alert, wall)), None)


def _row(silence: Silence) -> dict[str, object]:
    return {**vars(silence), "matchers": json.dumps([str(matcher) for matcher in silence.matchers])}


def _silence(row: Mapping[str, Any]) -> Silence:
    return Silence(
        str(row["silence_id"]),
        parse_matchers(json.loads(row["matchers"])),
        str(row["author"]),
        str(row["reason"]),
        row["starts_at"].astimezone(UTC),
        row["ends_at"].astimezone(UTC),
    )
