"""Plays that are told more than once: exactly (the same listen_id), or nearly, by another source or client.

Near: the same listener and track, started within a few seconds. A client never doubles its own plays: in a
cluster of near plays the first of one client is the first of the other, and so on. Which telling is kept depends
neither on the order of files nor on their batches: a better telling that comes later takes the place of the
published one.
"""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from earshot.core import columns as c

_KEY, _AT, _CLIENT, _RANK = "_key", "_at", "_client", "_rank"
_BEFORE, _AFTER, _CLUSTER, _TWIN, _TURN, _TOLD, _ALL, _WITH_NEW = (
    "_before",
    "_after",
    "_cluster",
    "_twin",
    "_turn",
    "_told",
    "_all",
    "_with_new",
)
_LINE = (c.SOURCE_FILE, c.SOURCE_LINE)
# In what two tellings of one client with the same start may still differ.
_SAID = (c.TRACK_TITLE, c.ENDED_AT, c.DURATION_MS, c.COUNTRY, c.TIER, c.CONTEXT, c.REASON_END, c.SKIPPED, c.STARTUP_MS)


@dataclass(frozen=True)
class ToldOnce:
    """What new plays change.

    Attributes:
        listens: The new plays that stay; `sources` names all that tell of one.
        changed: Published plays that lose to a better telling (not `kept`), or that further sources tell of:
            batch_id, source_file, source_line, listen_date, kept, sources.
        twice: What both are computed from (see `told_twice`): all that is told more than once.
    """

    listens: DataFrame
    changed: DataFrame
    twice: DataFrame


def told_once(listens: DataFrame, published: DataFrame | None = None, *, near_seconds: float) -> ToldOnce:
    """The new plays without those that are told better elsewhere, and the published plays that are told better by them.

    Args:
        listens: New plays that passed, of one batch (columns of silver.listens).
        published: Plays of silver.listens of the days around.
        near_seconds: How far apart two tellings of one play may start.
    """
    twice = told_twice(listens, published, near_seconds=near_seconds)
    new = twice.where(F.col(c.IS_NEW) == 1).select(*_LINE, c.KEPT, F.col(c.SOURCES).alias(_ALL))
    joined = listens.join(F.broadcast(new), list(_LINE), "left")
    sources = F.coalesce(_ALL, c.SOURCES).alias(c.SOURCES)
    stays = joined.where(F.coalesce(F.col(c.KEPT), F.lit(True)))
    return ToldOnce(
        stays.select(*(sources if name == c.SOURCES else F.col(name) for name in listens.columns)),
        twice.where(F.col(c.IS_NEW) == 0).select(c.BATCH_ID, *_LINE, c.LISTEN_DATE, c.KEPT, c.SOURCES),
        twice,
    )


def told_twice(listens: DataFrame, published: DataFrame | None = None, *, near_seconds: float) -> DataFrame:
    """The new plays that are told elsewhere too, and the published ones that change by it.

    Only plays that have another one near are sorted or compared; of all others nothing but 40 bytes are shuffled.

    Args:
        listens: New plays that passed, of one batch (columns of silver.listens).
        published: Plays of silver.listens of the days around.
        near_seconds: How far apart two tellings of one play may start.

    Returns:
        batch_id (null for new plays), source_file, source_line, listen_date, is_new (1 or 0), kept (false: a
        duplicate), sources (all that tell of it).
    """
    told = _narrow(listens, new=True)
    if published is not None:
        told = told.unionByName(_narrow(published, new=False))
    near = int(near_seconds * 1_000_000)
    by_time = Window.partitionBy(_KEY).orderBy(_AT)
    gaps = told.select(
        "*",
        (F.col(_AT) - F.lag(_AT).over(by_time)).alias(_BEFORE),
        (F.lead(_AT).over(by_time) - F.col(_AT)).alias(_AFTER),
    )
    close = gaps.where((F.col(_BEFORE) <= near) | (F.col(_AFTER) <= near))
    clustered = close.select(
        "*",
        F.sum(F.when(F.col(_BEFORE) <= near, 0).otherwise(1)).over(by_time).alias(_CLUSTER),
        # A play that two clients tell of with the same start has found its twin already.
        F.when(F.size(F.collect_set(_CLIENT).over(Window.partitionBy(_KEY, _AT))) > 1, F.col(_AT)).alias(_TWIN),
    )
    turn = F.dense_rank().over(Window.partitionBy(_KEY, _CLUSTER, _CLIENT, _TWIN).orderBy(_AT))
    turned = clustered.select("*", turn.alias(_TURN))
    same = Window.partitionBy(_KEY, _CLUSTER, _TWIN, _TURN)
    judged = turned.select(
        "*",
        (F.row_number().over(same.orderBy(_RANK, c.IS_NEW, *_LINE)) == 1).alias(c.KEPT),
        F.array_sort(F.array_distinct(F.flatten(F.collect_list(c.SOURCES).over(same)))).alias(_ALL),
        F.count("*").over(same).alias(_TOLD),
        F.max(c.IS_NEW).over(same).alias(_WITH_NEW),
    )
    is_new = F.col(c.IS_NEW) == 1
    changes = ~F.col(c.KEPT) | (F.array_sort(c.SOURCES) != F.col(_ALL))
    return judged.where((F.col(_TOLD) > 1) & (F.col(_WITH_NEW) == 1) & (is_new | changes)).select(
        c.BATCH_ID, *_LINE, c.LISTEN_DATE, c.IS_NEW, c.KEPT, F.col(_ALL).alias(c.SOURCES)
    )


def _narrow(listens: DataFrame, *, new: bool) -> DataFrame:
    return listens.select(
        F.xxhash64(c.LISTENER_ID, c.TRACK_ID).alias(_KEY),
        F.unix_micros(c.STARTED_AT).alias(_AT),
        F.xxhash64(c.SOURCE, c.DEVICE_TOKEN, c.DEVICE, c.PLATFORM).alias(_CLIENT),
        F.lit(1 if new else 0).alias(c.IS_NEW),
        _rank().alias(_RANK),
        c.SOURCES,
        (F.lit(None).cast("string") if new else F.col(c.BATCH_ID)).alias(c.BATCH_ID),
        c.SOURCE_FILE,
        c.SOURCE_LINE,
        c.LISTEN_DATE,
    )


def _rank() -> Column:
    """The richer telling first, then the earlier; equals are told apart by what they say."""
    return F.struct(
        F.col(c.PLAYED_MS).isNull().alias("silent"),
        (-F.coalesce(F.col(c.PLAYED_MS), F.lit(0))).alias("shorter"),
        F.unix_micros(c.STARTED_AT).alias("at"),
        F.col(c.SOURCE).alias("source"),
        F.xxhash64(c.DEVICE_TOKEN, c.DEVICE, c.PLATFORM).alias("client"),
        F.xxhash64(*_SAID).alias("said"),
    )
