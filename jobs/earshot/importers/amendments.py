"""What a new batch changes of plays that are published already: losers of a better telling leave, sources are added."""

from __future__ import annotations

from collections import Counter

import pyarrow as pa
import pyarrow.compute as pc

from earshot.core import columns as c
from earshot.core.commits import DeltaLog

SILVER = "silver.listens"
_LINE = (c.BATCH_ID, c.SOURCE_FILE, c.SOURCE_LINE, c.LISTEN_DATE)


def amendment_of(what: str) -> str:
    """The application under which the published plays that a batch (or replay) changes are changed, once."""
    return f"amend:{what}"


def amend_silver(root: str, changed: pa.Table, *, app_id: str) -> None:
    """Change published plays in one commit, once for the application.

    Args:
        root: Of the lake.
        changed: batch_id, source_file, source_line, listen_date, kept (false: it leaves), sources, tellings.
        app_id: See `amendment_of`.
    """
    if changed.num_rows:
        days = sorted(set(map(str, changed.column(c.LISTEN_DATE).to_pylist())))
        log = DeltaLog(root, SILVER)
        log.amend(changed, on=_LINE, columns=[c.SOURCES, c.TELLINGS], app_id=app_id, metadata={"touched_days": days})


def superseded(changed: pa.Table) -> list[tuple[str, str, int]]:
    """By batch and file: published plays that leave; see `amend_silver`."""
    leaving = changed.filter(pc.invert(changed.column(c.KEPT)))
    counts = Counter(zip(*(leaving.column(name).to_pylist() for name in (c.BATCH_ID, c.SOURCE_FILE)), strict=True))
    return [(batch_id, file, count) for (batch_id, file), count in sorted(counts.items())]
