"""What gold.audience is made of, read without a JVM: sessions by listener and day, the week's charts, the catalogue."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from earshot.analytics.audience.cohorts import FIRST_AT, FIRST_DAY, LAST_DAY
from earshot.analytics.audience.tastes import WEEK
from earshot.core import columns as c
from earshot.core.changes import TOUCHED
from earshot.core.measures import ALL, UNKNOWN
from earshot.core.small_tables import Filter, SmallTables
from earshot.core.table_history import TableHistory

SESSIONS: Final = "silver.sessions"
CHARTS: Final = "gold.charts"
TRACKS: Final = "silver.tracks"
SEGMENTS: Final = "gold.listener_segments"
AUDIENCE: Final = "gold.audience"

_EPOCH: Final = date(1970, 1, 1)


def number(day: date) -> int:
    """Days since 1970."""
    return (day - _EPOCH).days


def day_of(number: int) -> date:
    """The day so many days after the first of 1970."""
    return _EPOCH + timedelta(days=int(number))


def monday(day: date) -> date:
    """First day of its ISO week."""
    return day - timedelta(days=day.weekday())


def spells(lake: SmallTables, days: Collection[int] | None = None) -> pd.DataFrame:
    """Sessions by listener and country, and by day where days are named; see `cohorts.listeners_of`."""
    sums = {FIRST_AT: (c.STARTED_AT, "min"), LAST_DAY: (c.SESSION_DATE, "max")}
    if days is None:
        sums |= {FIRST_DAY: (c.SESSION_DATE, "min")}
        rows = lake.grouped(SESSIONS, [c.LISTENER_ID, c.COUNTRY], sums)
    else:
        rows = lake.grouped(SESSIONS, [c.LISTENER_ID, c.COUNTRY, c.SESSION_DATE], sums, _on(days))
        rows = rows.rename_columns([c.LISTENER_ID, c.COUNTRY, FIRST_DAY, *sums])
    rows = _numbered(rows, FIRST_DAY, LAST_DAY).set_column(
        rows.column_names.index(FIRST_AT), FIRST_AT, rows[FIRST_AT].cast(pa.timestamp("us", "UTC")).cast(pa.int64())
    )
    return _frame(rows.set_column(1, c.COUNTRY, rows[c.COUNTRY].fill_null(UNKNOWN)))


def active(lake: SmallTables, days: Collection[int] | None = None) -> pd.DataFrame:
    """listener_id and day: who has a session on which day, each once."""
    if days is not None and not days:
        return pd.DataFrame({c.LISTENER_ID: pd.Series(dtype=object), c.DAY: pd.Series(dtype=np.int64)})
    filters = [] if days is None else _on(days)
    rows = lake.grouped(SESSIONS, [c.LISTENER_ID, c.SESSION_DATE], {"n": (c.SESSION_ID, "count")}, filters)
    return _frame(_numbered(rows.rename_columns([c.LISTENER_ID, c.DAY, "n"]), c.DAY))


def window(lake: SmallTables, *, until: int, days: int) -> pd.DataFrame:
    """Index listener_id; sessions and played_ms of the days that end with `until`."""
    filters = [(c.SESSION_DATE, ">", day_of(until - days)), (c.SESSION_DATE, "<=", day_of(until))]
    sums = {"sessions": (c.SESSION_ID, "count"), c.PLAYED_MS: (c.PLAYED_MS, "sum")}
    return _frame(lake.grouped(SESSIONS, [c.LISTENER_ID], sums, filters)).set_index(c.LISTENER_ID)


def known_listeners(lake: SmallTables) -> pd.DataFrame:
    """What gold.listener_segments knows of each listener; see `cohorts.listeners_of`."""
    rows = lake.arrow(SEGMENTS, columns=[c.LISTENER_ID, c.COUNTRY, FIRST_DAY, LAST_DAY])
    return _frame(_numbered(rows, FIRST_DAY, LAST_DAY)).set_index(c.LISTENER_ID).sort_index()


def weekly_charts(lake: SmallTables, weeks: Collection[int]) -> pd.DataFrame:
    """week, country, entity, entity_id, streams: tracks and artists of these weeks, suspects left out."""
    filters = [
        (c.PERIOD, "=", "week"),
        (c.PERIOD_START, "in", [day_of(week) for week in weeks]),
        (c.TIER, "=", ALL),
        (c.SUSPECTS, "=", "excluded"),
        (c.ENTITY, "in", ["track", "artist"]),
    ]
    columns = [c.PERIOD_START, c.COUNTRY, c.ENTITY, c.ENTITY_ID, c.STREAMS]
    rows = lake.arrow(CHARTS, filters if weeks else [(c.PERIOD, "=", "")], columns)
    rows = rows.filter(pc.or_(pc.equal(rows[c.ENTITY], "track"), pc.equal(rows[c.COUNTRY], ALL)))
    rows = rows.rename_columns([WEEK if name == c.PERIOD_START else name for name in rows.column_names])
    return _frame(_numbered(rows, WEEK))


def catalogue(lake: SmallTables) -> pd.DataFrame:
    """track_id, released_on (year), genres of every track of which either is known."""
    rows = lake.arrow(TRACKS, columns=[c.TRACK_ID, c.RELEASED_ON, c.GENRES])
    rows = rows.set_column(1, c.RELEASED_ON, pc.year(rows[c.RELEASED_ON]))
    return _frame(rows.filter(pc.or_(rows[c.RELEASED_ON].is_valid(), rows[c.GENRES].is_valid())))


def weeks_of_charts(lake: SmallTables) -> frozenset[int]:
    """Mondays of the weeks that have charts."""
    table = lake.open(CHARTS)
    partitions = table.partitions() if table and table.file_uris() else []
    starts = (partition[c.PERIOD_START] for partition in partitions if partition[c.PERIOD] == "week")
    return frozenset(number(date.fromisoformat(str(start))) for start in starts)


def weeks_charted_since(lake: SmallTables, position: int | None) -> frozenset[int] | None:
    """Mondays of the weeks whose charts later commits wrote; None where the log does not tell."""
    history = TableHistory(lake.root, CHARTS)
    fresh = None if position is None else history.changes_after(position)
    if fresh is None:
        return None
    weeks: set[int] = set()
    for change in fresh:
        if not change.leaves_rows:
            if (named := change.metadata.get(TOUCHED)) is None:
                return None
            weeks.update(number(monday(date.fromisoformat(day))) for day in named)
    return frozenset(weeks)


def _on(days: Collection[int]) -> list[Filter]:
    return [(c.SESSION_DATE, "in", [day_of(day) for day in days])]


def _frame(rows: pa.Table) -> pd.DataFrame:
    frame: pd.DataFrame = rows.to_pandas()
    return frame


def _numbered(rows: pa.Table, *names: str) -> pa.Table:
    for name in names:
        days = rows[name].cast(pa.date32()).cast(pa.int32()).cast(pa.int64())
        rows = rows.set_column(rows.column_names.index(name), name, days)
    return rows
