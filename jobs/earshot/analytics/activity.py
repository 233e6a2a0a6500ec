"""gold.activity: how much was listened to, hour by hour."""

from __future__ import annotations

from typing import Final

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from earshot.core import columns as c
from earshot.core.measures import counted, known
from earshot.core.stream_rule import StreamRule

_KEYS: Final = (c.HOUR_START, c.COUNTRY, c.DEVICE, c.TIER)


def activity(listens: DataFrame, *, stream_rule: StreamRule) -> DataFrame:
    """Plays by UTC hour of their start, country, device and tier.

    startup_ms_p95 is exact, between neighbours by linear interpolation; rebuffer_ratio is time
    stalled over time stalled and heard. Both are null where nothing was measured. A null dimension
    is `unknown`.

    Args:
        listens: Rows of silver.listens.
        stream_rule: When a play is a counted stream.

    Returns:
        The columns of gold.activity; one shuffle.
    """
    heard = F.coalesce(F.sum(c.PLAYED_MS), F.lit(0))
    return (
        listens.groupBy(
            F.date_trunc("hour", c.STARTED_AT).alias(c.HOUR_START),
            *(known(name).alias(name) for name in _KEYS[1:]),
        )
        .agg(
            F.count("*").alias(c.LISTENS),
            F.count_if(counted(stream_rule)).alias(c.COUNTED_LISTENS),
            F.size(F.collect_set(c.LISTENER_ID)).cast("bigint").alias(c.LISTENERS),
            heard.alias(c.PLAYED_MS),
            F.count_if(c.SKIPPED).alias(c.SKIPS),
            F.count_if(c.START_FAILED).alias(c.START_FAILURES),
            F.percentile(c.STARTUP_MS, F.lit(0.95)).alias(c.STARTUP_MS_P95),
            F.coalesce(F.sum(c.REBUFFER_MS), F.lit(0)).alias(c.REBUFFER_MS),
            (F.sum(c.REBUFFER_MS) / F.nullif(F.sum(c.REBUFFER_MS) + heard, F.lit(0))).alias(c.REBUFFER_RATIO),
        )
        .select(
            *_KEYS,
            c.LISTENS,
            c.COUNTED_LISTENS,
            c.LISTENERS,
            c.PLAYED_MS,
            c.SKIPS,
            c.START_FAILURES,
            c.STARTUP_MS_P95,
            c.REBUFFER_MS,
            c.REBUFFER_RATIO,
            F.to_date(c.HOUR_START).alias(c.ACTIVITY_DATE),
        )
    )
