"""gold.audio_quality: how well sound was delivered, with the names of CTA-2066."""

from __future__ import annotations

from typing import Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from earshot.core import columns as c
from earshot.core.measures import known

EXPECTED_STARTUP_MS: Final = 2_000
LOSS_BY_STARTUP_SECOND: Final = 0.058
LOSS_BY_REBUFFER_RATIO: Final = 5.0

_MS_PER_HOUR: Final = 3_600_000
_KEYS: Final = (c.HOUR_START, c.COUNTRY, c.DEVICE, c.CDN, c.APP_VERSION)


def audio_quality(listens: DataFrame) -> DataFrame:
    """Playback quality by hour, country, device, CDN and version.

    An exit before start is a play of 0 ms that did not fail. The rebuffer ratio is time stalled
    over time stalled and heard. Percentiles are exact, between neighbours by linear interpolation.
    A null dimension is `unknown`.

    Args:
        listens: Rows of silver.listens.

    Returns:
        The columns of gold.audio_quality; one shuffle.
    """
    # `greatest` leaves nulls out: without the condition a play whose startup is unknown would count as one in time.
    is_known = F.col(c.STARTUP_MS).isNotNull()
    lateness_ms = F.when(is_known, F.greatest(F.col(c.STARTUP_MS) - EXPECTED_STARTUP_MS, F.lit(0)))
    weight = F.when(F.col(c.BITRATE_KBPS).isNotNull(), F.col(c.PLAYED_MS))
    heard = F.coalesce(F.sum(c.PLAYED_MS), F.lit(0))
    figures = listens.groupBy(
        F.date_trunc("hour", c.STARTED_AT).alias(c.HOUR_START),
        *(known(name).alias(name) for name in _KEYS[1:]),
    ).agg(
        F.count("*").alias(c.PLAYS),
        F.count_if(c.START_FAILED).alias(c.START_FAILURES),
        F.count_if((F.col(c.PLAYED_MS) == 0) & ~F.coalesce(c.START_FAILED, F.lit(False))).alias(c.EXITS_BEFORE_START),
        F.percentile(c.STARTUP_MS, F.array(F.lit(0.5), F.lit(0.95), F.lit(0.99))).alias("startup"),
        (F.sum(lateness_ms) / F.count(lateness_ms) / 1000).alias("lateness_s"),
        (F.sum(c.REBUFFER_MS) / F.nullif(F.sum(c.REBUFFER_MS) + heard, F.lit(0))).alias(c.REBUFFER_RATIO),
        (
            F.when(F.count(c.REBUFFER_MS) > 0, F.coalesce(F.sum(c.REBUFFER_COUNT), F.lit(0)))
            * _MS_PER_HOUR
            / F.nullif(heard, F.lit(0))
        ).alias(c.REBUFFER_PER_HOUR),
        (F.sum(F.col(c.BITRATE_KBPS) * F.col(c.PLAYED_MS)) / F.nullif(F.sum(weight), F.lit(0))).alias(
            c.BITRATE_KBPS_MEAN
        ),
    )
    return figures.select(
        *_KEYS,
        c.PLAYS,
        c.START_FAILURES,
        c.EXITS_BEFORE_START,
        F.col("startup")[0].alias(c.STARTUP_MS_P50),
        F.col("startup")[1].alias(c.STARTUP_MS_P95),
        F.col("startup")[2].alias(c.STARTUP_MS_P99),
        c.REBUFFER_RATIO,
        c.REBUFFER_PER_HOUR,
        c.BITRATE_KBPS_MEAN,
        quality_score().alias(c.QUALITY_SCORE),
        F.to_date(c.HOUR_START).alias(c.QUALITY_DATE),
    )


def quality_score() -> Column:
    """The share of listening that delivery left, 0 to 100.

    100 x (1 - start failures / plays) x (1 - 0.058 x mean seconds of startup beyond 2 s)
    x (1 - 5 x rebuffer ratio), no factor below 0; null where neither startup nor stalls are known.

    Sources: Krishnan and Sitaraman, "Video Stream Quality Impacts Viewer Behavior", IMC 2012: people
    begin to leave when startup takes more than 2 s, 5.8 % more for every further second, and a
    rebuffer delay of 1 % of the duration costs 5 % of the time played. That the three losses
    multiply, and that what holds for video holds for sound, is our assumption.
    """
    starts = 1 - F.col(c.START_FAILURES) / F.col(c.PLAYS)
    by_startup = F.greatest(1 - LOSS_BY_STARTUP_SECOND * F.coalesce("lateness_s", F.lit(0)), F.lit(0))
    by_stalls = F.greatest(1 - LOSS_BY_REBUFFER_RATIO * F.coalesce(c.REBUFFER_RATIO, F.lit(0)), F.lit(0))
    measured = F.col("lateness_s").isNotNull() | F.col(c.REBUFFER_RATIO).isNotNull()
    return F.when(measured, 100 * starts * by_startup * by_stalls)
