"""Which listeners' days show anything strange: counted for everybody, looked at closely for those few.

The plays are read twice. The first time they are only counted, by listener, day and network, with bits for hours and
tracks: counts are summed before the shuffle, so that it moves as many rows as there are listeners' days. The second
time the plays of the few strange days are picked out, by a join that moves no play but theirs. Every sum has a fixed
width: the least of a text would make Spark sort the plays instead of hashing them.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from earshot.core import columns as c
from earshot.core.settings import ManipulationSettings
from earshot.detectors.signals import PART_OF_PLAYS, PLAYS_A_TRACK, PLAYS_AN_HOUR

IS_STRANGE: Final = "is_strange"
PLAYS: Final = "plays"
_SHORT_MS: Final = 60_000
_BITS: Final = 64
_DAYS: Final = (c.LISTENER_ID, c.LISTEN_DATE)


def strange_days(
    listens: DataFrame, *, settings: ManipulationSettings, known_listeners: Collection[str] = ()
) -> DataFrame:
    """Listeners' days that show at least one strong signal, by network.

    Args:
        listens: Rows of silver.listens, whole days.
        settings: Thresholds.
        known_listeners: Listeners of whom people spoke: their days are given in any case.

    Returns:
        listener_id, listen_date, network_token ("" = unknown), is_strange (false: given only because people spoke of
        the listener), heard, loops, short, devices (array), countries (array), plays (array of struct: second of the
        start, milliseconds heard, track).
    """
    chosen = _chosen_days(listens, settings, known_listeners)
    played = F.coalesce(c.PLAYED_MS, F.lit(0))
    start = F.struct(F.unix_seconds(c.STARTED_AT).alias("start"), played.alias("heard_ms"), F.col(c.TRACK_ID))
    return (
        listens.select(*_DAYS, _network(), c.DEVICE_TOKEN, c.COUNTRY, start.alias("play"), *_counts(settings))
        .join(F.broadcast(chosen), [*_DAYS])
        .groupBy(*_DAYS, c.NETWORK_TOKEN, IS_STRANGE)
        .agg(
            *(F.sum(name).alias(name) for name in ("heard", "loops", "short")),
            F.collect_set(c.DEVICE_TOKEN).alias("devices"),
            F.collect_set(c.COUNTRY).alias("countries"),
            F.collect_list("play").alias(PLAYS),
        )
        .select(*_DAYS, c.NETWORK_TOKEN, IS_STRANGE, "heard", "loops", "short", "devices", "countries", PLAYS)
    )


def _chosen_days(listens: DataFrame, settings: ManipulationSettings, known_listeners: Collection[str]) -> DataFrame:
    """Listener, day, whether it is strange."""
    units = (
        listens.select(
            *_DAYS,
            _network(),
            F.when(F.col(c.COUNTRY).isNotNull(), F.hash(c.COUNTRY)).alias("country_hash"),
            _bit(F.hour(c.STARTED_AT)).alias("hour_bit"),
            _bit(F.pmod(F.hash(c.TRACK_ID), F.lit(_BITS))).alias("track_bit"),
            *_counts(settings),
        )
        .groupBy(*_DAYS, c.NETWORK_TOKEN)
        .agg(
            F.count("*").alias("streams"),
            *(F.sum(name).alias(name) for name in ("heard", "loops", "short")),
            F.bit_or("hour_bit").alias("hours"),
            F.bit_or("track_bit").alias("tracks"),
            F.min("country_hash").alias("first_country"),
            F.max("country_hash").alias("last_country"),
        )
    )
    days = units.groupBy(*_DAYS).agg(
        F.sum("streams").alias("streams"),
        F.bit_or("hours").alias("hours"),
        F.bit_or("tracks").alias("tracks"),
        F.min("first_country").alias("first_country"),
        F.max("last_country").alias("last_country"),
        F.bool_or(_is_odd(settings)).alias("has_odd_unit"),
    )
    round_the_clock = F.bit_count("hours") >= settings.round_the_clock_hours
    abroad = F.col("first_country") != F.col("last_country")
    odd = F.col("has_odd_unit") | round_the_clock | F.coalesce(abroad, F.lit(False)) | _plays_few_tracks()
    known = F.col(c.LISTENER_ID).isin(sorted(known_listeners)) if known_listeners else F.lit(False)
    judged = days.select(*_DAYS, ((F.col("streams") >= settings.minimum_streams) & odd).alias(IS_STRANGE))
    return judged.where(F.col(IS_STRANGE) | known)


def _network() -> Column:
    return F.coalesce(c.NETWORK_TOKEN, F.lit("")).alias(c.NETWORK_TOKEN)


def _counts(settings: ManipulationSettings) -> tuple[Column, ...]:
    played = F.coalesce(c.PLAYED_MS, F.lit(0))
    return (
        (played > 0).cast("int").alias("heard"),
        played.between(settings.loop_ms_low, settings.loop_ms_high).cast("int").alias("loops"),
        played.between(settings.loop_ms_low, _SHORT_MS).cast("int").alias("short"),
    )


def _bit(number: Column) -> Column:
    return F.call_function("shiftleft", F.lit(1).cast("bigint"), number.cast("int"))


def _plays_few_tracks() -> Column:
    """Whether tracks are played often; tracks that share a bit make it true too soon, never too late."""
    return F.col("streams") >= PLAYS_A_TRACK[0] * F.bit_count("tracks")


def _is_odd(settings: ManipulationSettings) -> Column:
    heard = F.greatest("heard", F.lit(1))
    often = F.col("streams") >= PLAYS_AN_HOUR[0] * F.bit_count("hours")
    return (F.col("streams") >= settings.minimum_streams) & (
        (F.col("short") > PART_OF_PLAYS[0] * heard) | (F.col("loops") > PART_OF_PLAYS[0] * heard) | often
    )
