"""Which listeners' days show anything strange: counted for everybody, looked at closely for those few.

The plays are read twice. The first time they are only counted, by listener, day and network: counts are packed two to a
number, hours, tracks and countries are bits, and names are hashed, so that a play costs four additions and what is
shuffled is short. The second time the plays of the few strange days are picked out, by a join that moves no play but
theirs.
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
_DAYS: Final = (c.LISTENER_ID, c.LISTEN_DATE)

_LISTENER: Final = "listener_hash"
_NETWORK: Final = "network_hash"
_DAY_KEY: Final = "day_hash"
# Two counts in a number: of plays and of those heard, of loops and of short ones.
_COUNTED: Final = "streams_and_heard"
_ODD: Final = "loops_and_short"
_HALF: Final = 32
# Bits of the tracks; bits 0 to 23 of the hours, then a country's hash and its complement.
_TRACKS: Final = "tracks"
_TIMES: Final = "hours_and_countries"
_LAST_BIT: Final = 63
_HOURS: Final = 24
_COUNTRY_BITS: Final = 20
_ALL_HOURS: Final = (1 << _HOURS) - 1
_ANY_COUNTRY: Final = (1 << _COUNTRY_BITS) - 1


def strange_days(listens: DataFrame, chosen: DataFrame, *, settings: ManipulationSettings) -> DataFrame:
    """The plays of chosen days of listeners, by network.

    Args:
        listens: Rows of silver.listens, whole days.
        chosen: What `chosen_days` gives: few rows, best of all collected before.
        settings: Thresholds.

    Returns:
        listener_id, listen_date, network_token ("" = unknown), is_strange (false: given only because people spoke of
        the listener), heard, loops, short, devices (array), countries (array), plays (array of struct: second of the
        start, milliseconds heard, track).
    """
    start = F.struct(F.unix_seconds(c.STARTED_AT).alias("start"), _played().alias("heard_ms"), F.col(c.TRACK_ID))
    return (
        listens.withColumn(_DAY_KEY, _key(F.xxhash64(c.LISTENER_ID)))
        .join(F.broadcast(chosen.select(_DAY_KEY, IS_STRANGE)), [_DAY_KEY])
        .groupBy(*_DAYS, F.coalesce(c.NETWORK_TOKEN, F.lit("")).alias(c.NETWORK_TOKEN), IS_STRANGE)
        .agg(
            F.count_if(_played() > 0).alias("heard"),
            F.count_if(_loops(settings)).alias("loops"),
            F.count_if(_short(settings)).alias("short"),
            F.collect_set(c.DEVICE_TOKEN).alias("devices"),
            F.collect_set(c.COUNTRY).alias("countries"),
            F.collect_list(start).alias(PLAYS),
        )
        .select(*_DAYS, c.NETWORK_TOKEN, IS_STRANGE, "heard", "loops", "short", "devices", "countries", PLAYS)
    )


def chosen_days(
    listens: DataFrame, *, settings: ManipulationSettings, known_listeners: Collection[str] = ()
) -> DataFrame:
    """Listeners' days that show at least one strong signal.

    Args:
        listens: Rows of silver.listens, whole days.
        settings: Thresholds.
        known_listeners: Listeners of whom people spoke: their days are given in any case.

    Returns:
        day_hash (of listener and day: of two days with one hash, one pair in 2^64, both are looked at), listen_date,
        is_strange (false: given only because people spoke of the listener).
    """
    units = (
        listens.select(
            F.xxhash64(c.LISTENER_ID).alias(_LISTENER),
            F.col(c.LISTEN_DATE),
            F.xxhash64(c.NETWORK_TOKEN).alias(_NETWORK),
            (F.lit(1 << _HALF) + (_played() > 0).cast("bigint")).alias(_COUNTED),
            (_one(_loops(settings), 1 << _HALF) + _one(_short(settings), 1)).alias(_ODD),
            _bit(F.hash(c.TRACK_ID).bitwiseAND(F.lit(_LAST_BIT))).alias(_TRACKS),
            _hour_bit().bitwiseOR(_country_bits()).alias(_TIMES),
        )
        .groupBy(_LISTENER, c.LISTEN_DATE, _NETWORK)
        .agg(
            *(F.sum(name).alias(name) for name in (_COUNTED, _ODD)),
            *(F.bit_or(name).alias(name) for name in (_TRACKS, _TIMES)),
        )
    )
    days = units.groupBy(_LISTENER, c.LISTEN_DATE).agg(
        F.sum(_COUNTED).alias(_COUNTED),
        *(F.bit_or(name).alias(name) for name in (_TRACKS, _TIMES)),
        F.bool_or(_is_odd(settings)).alias("has_odd_unit"),
    )
    round_the_clock = _hours() >= settings.round_the_clock_hours
    odd = F.col("has_odd_unit") | round_the_clock | _is_abroad() | _plays_few_tracks()
    is_strange = (_streams() >= settings.minimum_streams) & odd
    judged = days.select(_LISTENER, c.LISTEN_DATE, is_strange.alias(IS_STRANGE))
    known = [F.xxhash64(F.lit(name)) for name in sorted(known_listeners)]
    wanted = F.col(IS_STRANGE) | F.col(_LISTENER).isin(known) if known else F.col(IS_STRANGE)
    return judged.where(wanted).select(_key(F.col(_LISTENER)).alias(_DAY_KEY), c.LISTEN_DATE, IS_STRANGE)


def _key(listener: Column) -> Column:
    return F.xxhash64(listener, F.col(c.LISTEN_DATE))


def _played() -> Column:
    return F.coalesce(c.PLAYED_MS, F.lit(0))


def _loops(settings: ManipulationSettings) -> Column:
    return _played().between(settings.loop_ms_low, settings.loop_ms_high)


def _short(settings: ManipulationSettings) -> Column:
    return _played().between(settings.loop_ms_low, _SHORT_MS)


def _one(condition: Column, number: int) -> Column:
    return F.when(condition, F.lit(number).cast("bigint")).otherwise(F.lit(0).cast("bigint"))


def _bit(number: Column) -> Column:
    return F.call_function("shiftleft", F.lit(1).cast("bigint"), number.cast("int"))


def _hour_bit() -> Column:
    """By arithmetic: `hour` makes an object of every play's time."""
    return _bit(F.pmod(F.floor(F.unix_seconds(c.STARTED_AT) / F.lit(3600)), F.lit(_HOURS)))


def _country_bits() -> Column:
    """A hash of the country above its complement: two countries, and no one country, share a bit of both sums."""
    code = F.hash(c.COUNTRY).bitwiseAND(F.lit(_ANY_COUNTRY)).cast("bigint")
    other = code.bitwiseXOR(F.lit(_ANY_COUNTRY))
    both = F.shiftleft(code, _HOURS + _COUNTRY_BITS).bitwiseOR(F.shiftleft(other, _HOURS))
    return F.when(F.col(c.COUNTRY).isNull(), F.lit(0).cast("bigint")).otherwise(both)


def _streams() -> Column:
    return F.shiftright(F.col(_COUNTED), _HALF)


def _low(name: str) -> Column:
    return F.col(name).bitwiseAND(F.lit((1 << _HALF) - 1))


def _hours() -> Column:
    return F.bit_count(F.col(_TIMES).bitwiseAND(F.lit(_ALL_HOURS)))


def _is_abroad() -> Column:
    above, below = F.shiftrightunsigned(F.col(_TIMES), _HOURS + _COUNTRY_BITS), F.shiftrightunsigned(_TIMES, _HOURS)
    return above.bitwiseAND(below).bitwiseAND(F.lit(_ANY_COUNTRY)) != 0


def _plays_few_tracks() -> Column:
    """Whether tracks are played often; tracks that share a bit make it true too soon, never too late."""
    return _streams() >= PLAYS_A_TRACK[0] * F.bit_count(_TRACKS)


def _is_odd(settings: ManipulationSettings) -> Column:
    heard = F.greatest(_low(_COUNTED), F.lit(1))
    often = _streams() >= PLAYS_AN_HOUR[0] * _hours()
    loops, short = F.shiftright(F.col(_ODD), _HALF), _low(_ODD)
    return (_streams() >= settings.minimum_streams) & (
        (short > PART_OF_PLAYS[0] * heard) | (loops > PART_OF_PLAYS[0] * heard) | often
    )
