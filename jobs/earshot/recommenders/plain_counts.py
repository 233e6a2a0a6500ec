"""The same counts as `histories.play_counts`, of an Arrow table and without Spark: for commands and notebooks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc

from earshot.core import columns as c
from earshot.core.stream_rule import StreamRule

NEEDED = (c.LISTENER_ID, c.TRACK_ID, c.LISTEN_DATE, c.PLAYED_MS, c.DURATION_MS, c.SKIPPED)


def count_plays(
    listens: pa.Table,
    suspects: pa.Table | None = None,
    *,
    phases: Sequence[date],
    stream_rule: StreamRule,
) -> pa.Table:
    """Count what every listener did with every track.

    Args:
        listens: The columns `NEEDED`.
        suspects: listener_id, track_id, listen_date and verdict of gold.suspect_listens.
        phases: First days of the phases 1, 2, ...
        stream_rule: When a play is a counted stream.

    Returns:
        listener_id, track_id, phase, plays, likes, skips.
    """
    listens = listens.filter(pc.and_(listens[c.LISTENER_ID].is_valid(), listens[c.TRACK_ID].is_valid()))
    flagged = _flagged(listens, suspects)
    organic = pc.invert(pa.array(flagged, pa.bool_()))
    played, length = (listens[name].cast(pa.float64()).to_numpy() for name in (c.PLAYED_MS, c.DURATION_MS))
    counted = pa.array(stream_rule.counted(played, length), pa.bool_())
    skipped = pc.fill_null(listens[c.SKIPPED], False)
    phase = pa.array([0] * len(listens), pa.int32())
    for start in phases:
        phase = pc.add(phase, pc.greater_equal(listens[c.LISTEN_DATE], pa.scalar(start, pa.date32())).cast(pa.int32()))
    rows = pa.table(
        {
            c.LISTENER_ID: listens[c.LISTENER_ID],
            c.TRACK_ID: listens[c.TRACK_ID],
            "phase": phase,
            "likes": pc.and_(pc.and_(counted, pc.invert(skipped)), organic).cast(pa.int64()),
            "skips": pc.and_(skipped, organic).cast(pa.int64()),
        }
    )
    counts = rows.group_by([c.LISTENER_ID, c.TRACK_ID, "phase"]).aggregate(
        [([], "count_all"), ("likes", "sum"), ("skips", "sum")]
    )
    named = {"count_all": c.PLAYS, "likes_sum": "likes", "skips_sum": c.SKIPS}
    counts = counts.rename_columns([named.get(name, name) for name in counts.column_names])
    return counts.select([c.LISTENER_ID, c.TRACK_ID, "phase", c.PLAYS, "likes", c.SKIPS])


def _flagged(listens: pa.Table, suspects: pa.Table | None) -> list[bool]:
    if suspects is None or not len(suspects):
        return [False] * len(listens)
    rows = suspects.filter(pc.is_in(suspects[c.VERDICT], pa.array(["suspect", "confirmed"]))).to_pylist()
    flagged = {(row[c.LISTENER_ID], row[c.LISTEN_DATE], row[c.TRACK_ID]) for row in rows}
    keys = zip(*(listens[name].to_pylist() for name in (c.LISTENER_ID, c.LISTEN_DATE, c.TRACK_ID)), strict=True)
    return [(who, day, None) in flagged or (who, day, what) in flagged for who, day, what in keys]
