"""Keeps silver.sessions equal to what all plays together would give, at the cost of the days that changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from earshot.core import columns as c
from earshot.core.partitions import replace_partitions
from earshot.core.settings import MartSettings
from earshot.core.table_history import TableHistory
from earshot.core.tables import Tables, days_condition
from earshot.transformers.sessions import SessionRules, TouchedRun, disturbed, rejoined, sessions, touched_runs
from earshot.transformers.touched_days import TouchedDays

LISTENS = "silver.listens"
SESSIONS = "silver.sessions"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def repair_sessions(tables: Tables, touched: TouchedDays, settings: MartSettings) -> frozenset[date]:
    """Rebuild the sessions that the touched days may have changed, in one commit.

    Returns:
        The days whose partitions were written; empty where all of them were.
    """
    listens = tables.read(LISTENS)
    if touched.complete:
        replace_partitions(tables, SESSIONS, _sessions(listens, settings), None, metadata=touched.metadata)
        return frozenset()
    history, built = TableHistory(tables.root, SESSIONS), tables.read(SESSIONS)
    runs = touched_runs(_ends(tables, listens, touched), touched.days)
    is_disturbed = disturbed(runs, gap_minutes=settings.session_gap_minutes)
    broken = built.where(is_disturbed)
    written = touched.days | _reached(history, broken, runs, gap_minutes=settings.session_gap_minutes)
    near = listens.where(days_condition(c.LISTEN_DATE, written))
    mended = _sessions(rejoined(near, broken, days=touched.days), settings)
    kept = built.where(days_condition(c.SESSION_DATE, written)).where(~is_disturbed)
    partitions = [(day,) for day in written]
    rows = kept.unionByName(mended)
    metadata = replace(touched, days=written).metadata  # sessions of other days than the plays' may be others now
    replace_partitions(tables, SESSIONS, rows, partitions, metadata=metadata, since=history.version)
    return written


def _sessions(listens: DataFrame, settings: MartSettings) -> DataFrame:
    return sessions(listens, rules=SessionRules.of(settings))


def _ends(tables: Tables, listens: DataFrame, touched: TouchedDays) -> dict[date, datetime]:
    """Latest end of the plays of each day: from the table's log, and where it does not tell, from the plays."""
    history = TableHistory(tables.root, LISTENS)
    logged = {day: history.latest_of((c.STARTED_AT, c.ENDED_AT), day) for day in touched.days & history.days()}
    told = {day: latest for day, latest in logged.items() if latest is not None}
    on_days = listens.where(days_condition(c.LISTEN_DATE, logged.keys() - told.keys()))
    latest = F.unix_micros(F.max(F.greatest(c.STARTED_AT, c.ENDED_AT))).alias("latest")
    rows = on_days.groupBy(c.LISTEN_DATE).agg(latest).collect() if len(told) < len(logged) else []
    return told | {row[c.LISTEN_DATE]: _EPOCH + timedelta(microseconds=row["latest"]) for row in rows}


def _reached(
    history: TableHistory, broken: DataFrame, runs: Sequence[TouchedRun], *, gap_minutes: int
) -> frozenset[date]:
    """Days on which disturbed sessions lie, and perhaps some more: from the log, which else the sessions tell."""
    files = history.spans(c.STARTED_AT, c.ENDED_AT)
    if files is None:
        rows = broken.select(c.SESSION_DATE, F.to_date(c.ENDED_AT).alias("last")).distinct().collect()
        spans = [(row[c.SESSION_DATE], row["last"]) for row in rows]
    else:
        near = [file for file in files if any(run.disturbs(file.first, file.last, gap_minutes) for run in runs)]
        spans = [(file.day, file.last.date()) for file in near]
    return frozenset(day for first, last in spans for day in _days(first, last))


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=offset) for offset in range((last - first).days + 1)]
