"""Plays that are told more than once: exactly (the same listen_id), or nearly, by another source or client.

Near: the same listener and track, started within a few seconds. A client never doubles its own plays: in a
cluster of near plays the first of one client is the first of the other, and so on. Which telling is kept does
not depend on the order of files.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from earshot.core import columns as c

KEPT = "kept"

_KEY, _AT, _CLIENT, _NEW, _RANK = "_key", "_at", "_client", "_new", "_rank"
_BEFORE, _AFTER, _CLUSTER, _TWIN, _TURN, _TOLD, _ALL = (
    "_before",
    "_after",
    "_cluster",
    "_twin",
    "_turn",
    "_told",
    "_all",
)


def told_twice(listens: DataFrame, published: DataFrame | None = None, *, near_seconds: float) -> DataFrame:
    """The new plays that are told elsewhere too.

    Only plays that have another one near are sorted or compared; of all others nothing but 40 bytes are shuffled.

    Args:
        listens: New plays that passed, of one batch (columns of silver.listens).
        published: Plays of silver.listens of the days around; they always stay.
        near_seconds: How far apart two tellings of one play may start.

    Returns:
        source_file, source_line, listen_date, kept (false: a duplicate), sources (all that tell of it).
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
        (F.row_number().over(same.orderBy(_NEW, _RANK)) == 1).alias(KEPT),
        F.array_sort(F.array_distinct(F.flatten(F.collect_list(c.SOURCES).over(same)))).alias(_ALL),
        F.count("*").over(same).alias(_TOLD),
    )
    return judged.where((F.col(_NEW) == 1) & (F.col(_TOLD) > 1)).select(
        c.SOURCE_FILE, c.SOURCE_LINE, c.LISTEN_DATE, KEPT, F.col(_ALL).alias(c.SOURCES)
    )


def told_once(listens: DataFrame, published: DataFrame | None = None, *, near_seconds: float) -> DataFrame:
    """The new plays without those that are told elsewhere too; `sources` names all that tell of one.

    Args:
        listens: New plays that passed, of one batch (columns of silver.listens).
        published: Plays of silver.listens of the days around; they always stay.
        near_seconds: How far apart two tellings of one play may start.

    Returns:
        The columns of `listens`.
    """
    twice = told_twice(listens, published, near_seconds=near_seconds)
    told = twice.select(c.SOURCE_FILE, c.SOURCE_LINE, KEPT, F.col(c.SOURCES).alias(_ALL))
    joined = listens.join(F.broadcast(told), [c.SOURCE_FILE, c.SOURCE_LINE], "left")
    sources = F.coalesce(_ALL, c.SOURCES).alias(c.SOURCES)
    stays = joined.where(F.coalesce(F.col(KEPT), F.lit(True)))
    return stays.select(*(sources if name == c.SOURCES else F.col(name) for name in listens.columns))


def _narrow(listens: DataFrame, *, new: bool) -> DataFrame:
    return listens.select(
        F.xxhash64(c.LISTENER_ID, c.TRACK_ID).alias(_KEY),
        F.unix_micros(c.STARTED_AT).alias(_AT),
        F.xxhash64(c.SOURCE, c.DEVICE_TOKEN, c.DEVICE, c.PLATFORM).alias(_CLIENT),
        F.lit(1 if new else 0).alias(_NEW),
        _rank().alias(_RANK),
        c.SOURCES,
        c.SOURCE_FILE,
        c.SOURCE_LINE,
        c.LISTEN_DATE,
    )


def _rank() -> Column:
    """The richer telling first, then the earlier; file and line decide between equals only."""
    return F.struct(
        F.col(c.PLAYED_MS).isNull().alias("silent"),
        (-F.coalesce(F.col(c.PLAYED_MS), F.lit(0))).alias("shorter"),
        F.unix_micros(c.STARTED_AT).alias("at"),
        F.col(c.SOURCE).alias("source"),
        F.xxhash64(c.DEVICE_TOKEN, c.DEVICE, c.PLATFORM).alias("client"),
        F.col(c.SOURCE_FILE).alias("file"),
        F.col(c.SOURCE_LINE).alias("line"),
    )
