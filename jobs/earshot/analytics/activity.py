"""gold.activity: how much was listened to, hour by hour."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

import numpy as np
import pyarrow as pa
from pyspark.sql.pandas.types import to_arrow_schema

from earshot.analytics.play_days import Plays, each_day
from earshot.analytics.plays import (
    distinct_by_group,
    hours_of_day,
    mixed,
    numbered,
    percentile_by_group,
    ratio,
    starts_of_hours,
    sum_by_group,
    table_of,
)
from earshot.core import columns as c
from earshot.core.arrow_columns import coded, flags, numbers
from earshot.core.arrow_rows import ArrowRows, ArrowTasks
from earshot.core.measures import UNKNOWN
from earshot.core.stream_rule import StreamRule
from earshot.core.tables import spec_of

DIMENSIONS: Final = (c.COUNTRY, c.DEVICE, c.TIER)

_READ: Final = (
    *(c.STARTED_AT, c.LISTENER_ID, *DIMENSIONS, c.PLAYED_MS, c.DURATION_MS),
    *(c.SKIPPED, c.START_FAILED, c.STARTUP_MS, c.REBUFFER_MS),
)
_SCHEMA: Final = spec_of("gold.activity").schema
_ARROW: Final = to_arrow_schema(_SCHEMA, timezone="UTC")
_HOURS: Final = 24


def activity(listens: Plays, *, stream_rule: StreamRule) -> ArrowRows | ArrowTasks:
    """Plays by UTC hour of their start, country, device and tier.

    startup_ms_p95 is exact, between neighbours by linear interpolation; rebuffer_ratio is time
    stalled over time stalled and heard. Both are null where nothing was measured. A null dimension
    is `unknown`.

    Args:
        listens: Rows of silver.listens.
        stream_rule: When a play is a counted stream.

    Returns:
        The columns of gold.activity, a task a day.
    """

    def build(day: date, plays: pa.Table) -> pa.Table:
        return activity_of_day(plays, day=day, stream_rule=stream_rule)

    return each_day(listens, _READ, build, _SCHEMA)


def activity_of_day(plays: pa.Table, *, day: date, stream_rule: StreamRule) -> pa.Table:
    """The rows of one day.

    Args:
        plays: Its plays: what `activity` reads of them, nulls included.
        day: The UTC day.
        stream_rule: When a play is a counted stream.
    """
    names = [numbered(plays[name], missing=UNKNOWN) for name in DIMENSIONS]
    sizes = [_HOURS, *map(len, names)]
    every = mixed([hours_of_day(plays[c.STARTED_AT]), *(name.codes for name in names)], sizes, plays.num_rows)
    keys, groups = np.unique(every, return_inverse=True)
    size = len(keys)
    listener, people = coded(plays[c.LISTENER_ID], missing="")
    measured = {name: numbers(plays[name]) for name in (c.PLAYED_MS, c.DURATION_MS, c.STARTUP_MS, c.REBUFFER_MS)}
    counts = {
        c.COUNTED_LISTENS: stream_rule.counted(measured[c.PLAYED_MS], measured[c.DURATION_MS]),
        c.SKIPS: flags(plays[c.SKIPPED]),
        c.START_FAILURES: flags(plays[c.START_FAILED]),
    }
    heard, stalled = (sum_by_group(groups, measured[name], size=size) for name in (c.PLAYED_MS, c.REBUFFER_MS))
    told = np.bincount(groups, weights=np.isfinite(measured[c.REBUFFER_MS]), minlength=size) > 0
    columns: dict[str, Any] = {
        c.LISTENS: np.bincount(groups, minlength=size),
        c.LISTENERS: distinct_by_group(groups, listener, size=size, among=len(people)),
        **{name: sum_by_group(groups, values, size=size).astype(np.int64) for name, values in counts.items()},
        c.PLAYED_MS: heard.astype(np.int64),
        c.REBUFFER_MS: stalled.astype(np.int64),
        c.STARTUP_MS_P95: percentile_by_group(groups, measured[c.STARTUP_MS], share=0.95, size=size),
        c.REBUFFER_RATIO: np.where(told, ratio(stalled, stalled + heard), np.nan),
        c.ACTIVITY_DATE: pa.repeat(pa.scalar(day, pa.date32()), size),
    }
    for name, found in reversed(list(zip(DIMENSIONS, names, strict=True))):
        keys, codes = np.divmod(keys, max(len(found), 1))
        columns[name] = found.names.take(pa.array(codes))
    columns[c.HOUR_START] = starts_of_hours(day, keys)
    return table_of(columns, _ARROW)
