"""Who has a share in a track."""

from __future__ import annotations

from typing import Final

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from earshot.core import columns as c
from earshot.core.commits import DeltaLog
from earshot.core.measures import UNKNOWN
from earshot.core.small_tables import SmallTables
from earshot.core.tables import Tables, spec_of

RIGHTS: Final = "silver.rights"
PARTS: Final = "parts"
MILLIONTHS: Final = 1_000_000
"""A share of 1, as the integer by which it is counted."""


def shares(tables: Tables) -> DataFrame | None:
    """Rows of silver.rights; None where no track has rights holders, which spares every play a join."""
    return None if DeltaLog(tables.root, RIGHTS).is_empty() else tables.read(RIGHTS)


def shares_before(tables: Tables, version: int) -> DataFrame | None:
    """Rows of silver.rights as they were after a commit (-1: before the first).

    Raises:
        TableError: That version is vacuumed.
    """
    if version < 0:
        return None
    rows = SmallTables(tables.root).arrow(RIGHTS, version=version)
    return tables.spark.createDataFrame(rows, spec_of(RIGHTS).schema) if rows.num_rows else None


def tracks_with_other_splits(root: str, version: int) -> frozenset[str]:
    """The tracks whose shares are others than after a commit (-1: before the first).

    Raises:
        TableError: That version is vacuumed.
    """
    tables, columns = SmallTables(root), [c.TRACK_ID, c.RIGHTS_HOLDER_ID, c.SHARE]
    now = tables.arrow(RIGHTS, columns=columns)
    before = tables.arrow(RIGHTS, columns=columns, version=version) if version >= 0 else now.schema.empty_table()
    sides = [set(zip(*(column.to_pylist() for column in rows.columns), strict=True)) for rows in (now, before)]
    return frozenset(row[0] for row in sides[0] ^ sides[1])


def split_tracks(rights: DataFrame) -> DataFrame:
    """The parts of each track that has rights holders; what is left of 1 is `unknown`'s.

    Args:
        rights: Rows of silver.rights.

    Returns:
        track_id, parts: array of (payee_id, millionths) that add up to a million.
    """
    holders = rights.select(
        c.TRACK_ID,
        F.struct(
            F.col(c.RIGHTS_HOLDER_ID).alias(c.PAYEE_ID),
            (F.col(c.SHARE) * MILLIONTHS).cast("bigint").alias("millionths"),
        ).alias("part"),
    )
    left = F.lit(MILLIONTHS) - F.sum("part.millionths")
    rest = F.filter(
        F.array(F.struct(F.lit(UNKNOWN).alias(c.PAYEE_ID), left.alias("millionths"))),
        lambda part: part["millionths"] > 0,
    )
    return holders.groupBy(c.TRACK_ID).agg(F.concat(F.sort_array(F.collect_list("part")), rest).alias(PARTS))
