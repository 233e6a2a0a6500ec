"""What of gold is published to the cache, under which names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pyarrow as pa

from earshot.caching.published import RECOMMENDATIONS, Name
from earshot.core import columns as c
from earshot.core.small_tables import SmallTables

_ACTIVITY_DAYS = 2
_PERIODS = {"day": 1, "week": 7}


def gold_results(lake: SmallTables, as_of: date, *, chart_entries: int) -> Iterator[tuple[Name, object]]:
    """Names and values, as of the end of a day.

    Yields:
        (`recommendations`, listener): rank, track_id, score and algorithm, best first;
        (`charts`, period, country, tier, entity): of the last day and week, suspects excluded;
        (`activity`,): listens and listeners' failures by hour of the last two days;
        (`quality`,): the latest value of each KPI; (`alerts`,): what is firing; (`about`,): the day.
    """
    yield ("about",), {"as_of": as_of}
    yield from _recommendations(lake)
    for period, days in _PERIODS.items():
        yield from _charts(lake, period, as_of - timedelta(days=2 * days - 1), as_of, chart_entries)
    yield ("activity",), _activity(lake, as_of)
    yield ("quality",), _latest_kpis(lake)
    yield ("alerts",), [row for row in lake.rows("gold.alerts") if row[c.STATE] == "firing"]


def _recommendations(lake: SmallTables) -> Iterator[tuple[Name, object]]:
    columns = [c.LISTENER_ID, c.RANK, c.TRACK_ID, c.SCORE, c.ALGORITHM]
    rows = lake.arrow("gold.recommendations", columns=columns)
    rows = rows.sort_by([(c.LISTENER_ID, "ascending"), (c.RANK, "ascending")])
    listener, tracks = None, list[dict[str, Any]]()
    for row in _each(rows):
        if row[c.LISTENER_ID] != listener and listener is not None:
            yield (RECOMMENDATIONS, listener), tracks
            tracks = []
        listener = row.pop(c.LISTENER_ID)
        tracks.append(row)
    if listener is not None:
        yield (RECOMMENDATIONS, listener), tracks


def _charts(lake: SmallTables, period: str, since: date, until: date, entries: int) -> Iterator[tuple[Name, object]]:
    filters = [
        (c.PERIOD, "=", period),
        (c.PERIOD_START, ">=", since),
        (c.PERIOD_START, "<=", until),
        (c.SUSPECTS, "=", "excluded"),
        (c.RANK, "<=", entries),
    ]
    rows = lake.rows("gold.charts", filters=filters)
    latest = max((row[c.PERIOD_START] for row in rows), default=None)
    charts: dict[Name, list[dict[str, Any]]] = defaultdict(list)
    for row in sorted((row for row in rows if row[c.PERIOD_START] == latest), key=lambda row: row[c.RANK]):
        name: Name = ("charts", period, row[c.COUNTRY], row[c.TIER], row[c.ENTITY])
        charts[name].append({key: row[key] for key in (c.RANK, c.ENTITY_ID, c.STREAMS, c.LISTENERS, c.PREVIOUS_RANK)})
    for name, chart in charts.items():
        yield name, {c.PERIOD_START: latest, "entries": chart}


def _activity(lake: SmallTables, as_of: date) -> list[dict[str, Any]]:
    columns = [c.ACTIVITY_DATE, c.HOUR_START, c.LISTENS, c.COUNTED_LISTENS, c.SKIPS, c.START_FAILURES]
    since = [(c.ACTIVITY_DATE, ">", as_of - timedelta(days=_ACTIVITY_DAYS)), (c.ACTIVITY_DATE, "<=", as_of)]
    rows = lake.arrow("gold.activity", filters=since, columns=columns)
    summed = rows.group_by(c.HOUR_START).aggregate([(name, "sum") for name in columns[2:]])
    by_hour = [{key.removesuffix("_sum"): value for key, value in row.items()} for row in summed.to_pylist()]
    return sorted(by_hour, key=lambda row: row[c.HOUR_START])


def _latest_kpis(lake: SmallTables) -> list[dict[str, Any]]:
    latest: dict[tuple[str, str], dict[str, Any]] = {}
    for row in sorted(lake.rows("gold.quality_kpis"), key=lambda row: (row[c.MEASURED_AT], row[c.BATCH_ID])):
        latest[row[c.SUITE], row[c.KPI]] = row
    return [latest[key] for key in sorted(latest)]


def _each(rows: pa.Table) -> Iterator[dict[str, Any]]:
    for batch in rows.to_batches(max_chunksize=10_000):
        yield from batch.to_pylist()
