"""What people say of alerts: ops.feedback."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

from earshot.core.alerts import Alert
from earshot.core.errors import ArgumentError
from earshot.core.small_tables import SmallTables

ALERTS = "gold.alerts"
FEEDBACK = "ops.feedback"
_LISTED = 5

Verdict = Literal["confirmed", "dismissed"]


def find_alert(small_tables: SmallTables, fingerprint: str) -> list[Alert]:
    """The episodes of the alert whose fingerprint begins like this, newest first.

    Raises:
        ArgumentError: No alert, or more than one, begins so.
    """
    alerts = [Alert.from_row(row) for row in small_tables.rows(ALERTS)]
    matching = [alert for alert in alerts if alert.fingerprint.startswith(fingerprint)] if fingerprint else []
    named = sorted({alert.fingerprint for alert in matching})
    if len(named) != 1:
        newest = sorted(alerts, key=lambda alert: alert.starts_at, reverse=True)
        listed = named or list(dict.fromkeys(alert.fingerprint for alert in newest))
        raise ArgumentError(
            f"{fingerprint!r} names {'no alert' if not named else f'{len(named)} alerts'}.",
            where=ALERTS,
            remedy=f"Use one of: {', '.join(listed[:_LISTED])}." if listed else "There are no alerts yet.",
        )
    return sorted(matching, key=lambda alert: alert.starts_at, reverse=True)


def record_verdict(
    small_tables: SmallTables, fingerprint: str, verdict: Verdict, *, author: str, reason: str, at: datetime
) -> None:
    """Append what a person said of an alert; the newest word counts."""
    small_tables.append(
        FEEDBACK,
        [
            {
                "subject_kind": "alert",
                "subject": fingerprint,
                "verdict": verdict,
                "author": author,
                "reason": reason,
                "at": at,
            }
        ],
    )


def acknowledged(small_tables: SmallTables) -> dict[str, datetime]:
    """When a person last said what it was, by fingerprint: nobody else needs to be woken for it."""
    rows = [row for row in small_tables.rows(FEEDBACK) if row["subject_kind"] == "alert"]
    return {row["subject"]: row["at"].astimezone(UTC) for row in sorted(rows, key=lambda row: row["at"])}


def verdicts(small_tables: SmallTables) -> dict[str, str]:
    """The newest verdict by fingerprint."""
    rows = [row for row in small_tables.rows(FEEDBACK) if row["subject_kind"] == "alert"]
    return {row["subject"]: row["verdict"] for row in sorted(rows, key=lambda row: row["at"])}
