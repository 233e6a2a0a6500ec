"""Batches that a person admitted although the gate refused them; publish_listens asks here.

`earshot gate release BATCH --reason TEXT` writes a row into ops.feedback (subject_kind `batch`, verdict
`released`) and an entry `gate.release` into ops.audit. publish_listens treats such a batch as if the gate were open:
its rows that fail a rule of the action quarantine are still set aside, and its ledger rows become committed.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from earshot.core.small_tables import SmallTables

SUBJECT_KIND = "batch"
RELEASED = "released"


def released_batches(small_tables: SmallTables) -> set[str]:
    """The batches that were admitted by hand."""
    return {row["subject"] for row in _releases(small_tables)}


def release_of(small_tables: SmallTables, batch_id: str) -> dict[str, Any] | None:
    """Who admitted a batch, when and why (author, at, reason); None where nobody did."""
    return next((row for row in _releases(small_tables) if row["subject"] == batch_id), None)


def record_release(small_tables: SmallTables, batch_id: str, *, author: str, reason: str, at: datetime) -> None:
    """Admit a batch; `publish_listens` does so on its next run."""
    row = {
        "subject_kind": SUBJECT_KIND,
        "subject": batch_id,
        "verdict": RELEASED,
        "author": author,
        "reason": reason,
        "at": at,
    }
    small_tables.append("ops.feedback", [row])


def _releases(small_tables: SmallTables) -> list[dict[str, Any]]:
    feedback = small_tables.rows("ops.feedback")
    return [row for row in feedback if row["subject_kind"] == SUBJECT_KIND and row["verdict"] == RELEASED]
