"""Keeps gold.audience and gold.listener_segments equal to what all sessions and charts together would give."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pyarrow as pa

from earshot.analytics.audience import cohorts, sources, tastes
from earshot.analytics.audience.movements import BASELINE_WEEKS
from earshot.analytics.audience.segments import segments
from earshot.analytics.audience.sources import AUDIENCE, CHARTS, SEGMENTS, SESSIONS, TRACKS, day_of, number
from earshot.core import columns as c
from earshot.core.changes import CONSUMED, TouchedDays
from earshot.core.settings import MartSettings
from earshot.core.small_tables import SmallTables
from earshot.core.table_history import TableHistory
from earshot.core.tables import days_condition

Risk = Callable[[int], "pd.DataFrame | None"]
"""Index listener_id; churn_risk and churn_model as of a day (days since 1970); None where there is no model."""


@dataclass(frozen=True)
class Built:
    """What was written: the listeners as of their last day, the rows of gold.audience, and what of which was read."""

    listeners: pd.DataFrame
    rows: int
    consumed: dict[str, int]

    @property
    def span(self) -> tuple[int, int]:
        """First and last day of all sessions, in days since 1970; an empty span where there are none."""
        if self.listeners.empty:
            return 0, -1
        return int(self.listeners[cohorts.FIRST_DAY].min()), int(self.listeners[cohorts.LAST_DAY].max())


def build_audience(lake: SmallTables, touched: TouchedDays, settings: MartSettings) -> Built:
    """Replace the rows of gold.audience that changed sessions, charts and catalogue touch; in one commit.

    Killed after it and before `write_segments`, the next run does the same again.

    Args:
        lake: The lake.
        touched: Days of silver.sessions that changed since gold.listener_segments was written.
        settings: Rules of counting.
    """
    consumed = _consumed(lake, touched)
    known = None if touched.complete else sources.known_listeners(lake)
    days = frozenset(map(number, touched.days))
    if known is not None and not days:
        now = known
        due: frozenset[int] | None = frozenset()
    else:
        now = _listeners(lake, known, days)
        due = cohorts.days_to_build(known, now, days)
    weeks, current = _weeks(lake)
    built = Built(now, 0, consumed)
    first, last = built.span
    by_day = cohorts.rows_of_days(now, sources.active(lake, due), range(first, last + 1) if due is None else due)
    rows = pd.concat([_placed(by_day, "day"), _placed(_by_week(lake, weeks, settings), "week")], ignore_index=True)
    if known is None or days or weeks:
        _replace(lake, rows, due, weeks, current=current, last=last)
    return replace(built, rows=len(rows))


def write_segments(lake: SmallTables, built: Built, settings: MartSettings, risk: Risk) -> int:
    """Replace gold.listener_segments; its commit says what of the sources is consumed.

    Returns:
        The rows.
    """
    listeners = built.listeners
    as_of = built.span[1]
    rows = segments(listeners, sources.window(lake, until=as_of, days=settings.segment_days), as_of=as_of)
    told = risk(as_of) if len(listeners) else None
    rows = rows.assign(**{c.CHURN_RISK: np.nan, c.CHURN_MODEL: None}) if told is None else rows.join(told)
    rows = rows.reset_index().assign(**{c.AS_OF: as_of})
    for name in (c.AS_OF, cohorts.FIRST_DAY, cohorts.LAST_DAY):
        rows[name] = rows[name].astype("int32")
    table = pa.Table.from_pandas(rows, preserve_index=False)
    for name in (c.AS_OF, cohorts.FIRST_DAY, cohorts.LAST_DAY):
        table = table.set_column(table.column_names.index(name), name, table[name].cast(pa.int32()).cast(pa.date32()))
    lake.overwrite(SEGMENTS, table.select(lake.schema(SEGMENTS).names), metadata={CONSUMED: built.consumed})
    return len(rows)


def is_stale(lake: SmallTables, touched: TouchedDays) -> bool:
    """Whether sessions, charts or catalogue changed since gold.listener_segments was written."""
    return bool(touched) or TableHistory(lake.root, SEGMENTS).consumed != _consumed(lake, touched)


def _consumed(lake: SmallTables, touched: TouchedDays) -> dict[str, int]:
    versions = {name: TableHistory(lake.root, name).version for name in (CHARTS, TRACKS)}
    read = {name: version for name, version in versions.items() if version is not None}
    return {SESSIONS: touched.consumed[SESSIONS], **read}


def _listeners(lake: SmallTables, known: pd.DataFrame | None, days: Collection[int]) -> pd.DataFrame:
    """Every listener as of now: from what is known and the touched days, or from all sessions."""
    moved = None
    if known is not None and not known.empty:
        moved = cohorts.advanced(known, sources.spells(lake, days), days)
    return cohorts.listeners_of(sources.spells(lake)) if moved is None else moved


def _weeks(lake: SmallTables) -> tuple[frozenset[int], frozenset[int]]:
    """The weeks to build, and all that have charts."""
    position, current = TableHistory(lake.root, SEGMENTS).consumed or {}, sources.weeks_of_charts(lake)
    charted = sources.weeks_charted_since(lake, position.get(CHARTS))
    if charted is None or TableHistory(lake.root, TRACKS).version != position.get(TRACKS):
        return current, current
    moved = {week + 7 * later for week in charted for later in range(BASELINE_WEEKS + 1)}
    return frozenset(charted | (moved & current)), current


def _by_week(lake: SmallTables, weeks: Collection[int], settings: MartSettings) -> pd.DataFrame:
    read = {week - 7 * back for week in weeks for back in range(BASELINE_WEEKS + 1)}
    charts = sources.weekly_charts(lake, read)
    made_of = tastes.shares(charts, sources.catalogue(lake), weeks)
    moved = tastes.trends(charts, weeks, minimum=settings.trend_minimum_streams)
    return pd.concat([made_of, moved], ignore_index=True).rename(columns={tastes.WEEK: c.DAY})


def _placed(rows: pd.DataFrame, period: str) -> pd.DataFrame:
    return rows.rename(columns={c.DAY: c.PERIOD_START}).assign(**{c.PERIOD: period})


def _replace(
    lake: SmallTables,
    rows: pd.DataFrame,
    days: Collection[int] | None,
    weeks: Collection[int],
    *,
    current: Collection[int],
    last: int,
) -> None:
    schema = lake.schema(AUDIENCE)
    rows = rows.reindex(columns=schema.names)
    rows[c.PERIOD_START] = rows[c.PERIOD_START].astype("int32")
    rows[c.VOLUME] = rows[c.VOLUME].astype("int64")
    place = schema.names.index(c.PERIOD_START)
    table = pa.Table.from_pandas(rows, preserve_index=False)
    table = table.set_column(place, c.PERIOD_START, table[c.PERIOD_START].cast(pa.int32()).cast(pa.date32()))
    of_days = "true" if days is None else days_condition(c.PERIOD_START, map(day_of, days))
    gone = f"{c.PERIOD_START} > DATE'{day_of(last)}'"
    of_weeks = days_condition(c.PERIOD_START, map(day_of, weeks))
    uncharted = f"NOT ({days_condition(c.PERIOD_START, map(day_of, current))})"
    where = f"({c.PERIOD} = 'day' AND ({of_days} OR {gone})) OR ({c.PERIOD} = 'week' AND ({of_weeks} OR {uncharted}))"
    lake.overwrite(AUDIENCE, table, predicate=where)
