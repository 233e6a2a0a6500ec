"""What a listener heard before: the sort that overlaps and sessions are judged by."""

from __future__ import annotations

from pyspark.sql import Column, Window
from pyspark.sql import functions as F


def latest_end_before(listener: str, start: str, end: str) -> Column:
    """When the latest of the listener's earlier rows ended; null for the first. One shuffle, by listener.

    Args:
        listener: Column that names the listener.
        start: Column of the starts, by which rows are in order; of equal starts the earlier end comes first.
        end: Column of the ends; a row without one ends where it starts.
    """
    ended = F.greatest(F.col(start), F.col(end))
    in_order = Window.partitionBy(F.col(listener)).orderBy(F.col(start), ended)
    return F.max(ended).over(in_order.rowsBetween(Window.unboundedPreceding, -1))
