"""Batches that a person admitted although the gate refused them; publish_listens asks here.

`earshot gate release BATCH --reason TEXT` writes a row into ops.feedback (subject_kind `batch`, verdict
`released`) and an entry `gate.release` into ops.audit. publish_listens treats such a batch as if the gate were open:
its rows that fail a rule of the action quarantine are still set aside, and its ledger rows become committed.
"""

from __future__ import annotations

from datetime import datetime

from earshot.core.small_tables import SmallTables

SUBJECT_KIND = "batch"
RELEASED = "released"


def released_batches(small_tables: SmallTables) -> set[str]:
    """The batches that were admitted by hand."""
    feedback = small_tables.rows("ops.feedback")
    return {row["subject"] for row in feedback if row["subject_kind"] == SUBJECT_KIND and row["verdict"] == RELEASED}


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
