"""What people said of suspect listens, and which rows it concerns."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final

KIND: Final = "suspect"
_SAID: Final = ("confirmed", "cleared")


@dataclass(frozen=True)
class Verdict:
    """One verdict; None stands for every track, or every day.

    Attributes:
        at: When it was said; the latest that concerns a row holds.
    """

    listener_id: str
    track_id: str | None
    listen_date: date | None
    verdict: str
    at: datetime


def subject_of(listener_id: str, track_id: str | None = None, listen_date: date | None = None) -> str:
    """The subject of a verdict in ops.feedback: the listener, or JSON where it is narrower."""
    if track_id is None and listen_date is None:
        return listener_id
    told = {
        "listener_id": listener_id,
        "track_id": track_id,
        "listen_date": listen_date.isoformat() if listen_date else None,
    }
    return json.dumps({key: value for key, value in told.items() if value is not None}, sort_keys=True)


def verdicts_of(feedback: Iterable[Mapping[str, Any]]) -> list[Verdict]:
    """The verdicts on suspects in ops.feedback, in the order in which they were said."""
    found = [
        verdict
        for row in feedback
        if row["subject_kind"] == KIND and row["verdict"] in _SAID and (verdict := _verdict(row)) is not None
    ]
    return sorted(found, key=lambda verdict: verdict.at)


def verdict_on(verdicts: Iterable[Verdict], listener_id: str, track_id: str | None, listen_date: date) -> str | None:
    """What was said last of a row of gold.suspect_listens; None where nobody spoke of it."""
    said = None
    for verdict in verdicts:
        if (
            verdict.listener_id == listener_id
            and verdict.track_id in {None, track_id}
            and verdict.listen_date in {None, listen_date}
        ):
            said = verdict.verdict
    return said


def days_to_judge_again(verdicts: Iterable[Verdict], suspects: Iterable[Mapping[str, Any]]) -> set[date]:
    """Days on which a row's verdict is not what people last said, or a row that was confirmed is missing."""
    said = list(verdicts)
    rows = list(suspects)
    days = set()
    for row in rows:
        told = verdict_on(said, row["listener_id"], row["track_id"], row["listen_date"])
        if row["verdict"] != (told or "suspect"):
            days.add(row["listen_date"])
    there = {(row["listener_id"], row["track_id"], row["listen_date"]) for row in rows}
    days |= {
        one.listen_date
        for one in said
        if one.listen_date is not None and (one.listener_id, one.track_id, one.listen_date) not in there
    }
    return days


def _verdict(row: Mapping[str, Any]) -> Verdict | None:
    at = row["at"] or datetime.min
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    subject = str(row["subject"])
    if not subject.startswith("{"):
        return Verdict(subject, None, None, row["verdict"], at)
    try:
        told = json.loads(subject)
        day = told.get("listen_date")
        return Verdict(
            str(told["listener_id"]),
            told.get("track_id"),
            date.fromisoformat(day) if day else None,
            row["verdict"],
            at,
        )
    except (ValueError, KeyError, TypeError):
        return None


def with_verdicts(rows: Iterable[Mapping[str, Any]], verdicts: Iterable[Verdict]) -> list[dict[str, Any]]:
    """The rows that are suspect, or of which people spoke, with their verdicts.

    A verdict on one track of a day that has no row gets a row of its own, with what is known of the day.

    Args:
        rows: What `suspects_among` gives.
        verdicts: In the order in which they were said.
    """
    said = list(verdicts)
    found = []
    there = set()
    days: dict[tuple[str, date], Mapping[str, Any]] = {}
    for row in rows:
        key = (row["listener_id"], row["track_id"], row["listen_date"])
        if row["track_id"] is None:
            days[key[0], key[2]] = row
        told = verdict_on(said, *key)
        if told or row["by_rule"]:
            there.add(key)
            found.append(_row(row, row["track_id"], told or "suspect"))
    for verdict in said:
        day = verdict.listen_date and days.get((verdict.listener_id, verdict.listen_date))
        key = (verdict.listener_id, verdict.track_id, verdict.listen_date)
        if day and verdict.track_id is not None and key not in there:
            there.add(key)
            told = verdict_on(said, verdict.listener_id, verdict.track_id, day["listen_date"])
            found.append(_row(day, verdict.track_id, told or "suspect"))
    return found


def _row(row: Mapping[str, Any], track_id: str | None, verdict: str) -> dict[str, Any]:
    return {**{name: row[name] for name in row if name != "by_rule"}, "track_id": track_id, "verdict": verdict}
