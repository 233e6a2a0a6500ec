"""What Spark plans to do with the plays: how often it reads them, and how often it shuffles them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pyspark.sql import DataFrame, SparkSession

_MAKES_OTHER_ROWS = ("Aggregate", "InArrow", "InPandas")
_ADAPTIVE = "spark.sql.adaptive.enabled"


@dataclass
class Moves:
    """Counts of a physical plan.

    Attributes:
        scans: Reads of the table.
        shuffles: Exchanges of its rows, not yet aggregated.
        exchanges: All exchanges that are no broadcast.
    """

    scans: int = 0
    shuffles: int = 0
    exchanges: int = 0


def moves_of(rows: DataFrame, table: str) -> Moves:
    """Count in the plan of `rows` what is done with the rows of the table at this path."""
    found = Moves()
    with _without_adaptive_plans(rows.sparkSession):
        _visit(rows._jdf.queryExecution().executedPlan(), table, found)
    return found


def _visit(node: Any, table: str, found: Moves) -> bool:
    """Whether rows of the table, as they are, come out of the node."""
    children = node.children()
    of_table = [_visit(children.apply(n), table, found) for n in range(children.size())]
    name = str(node.nodeName())
    if not of_table:
        is_file_scan = str(node.getClass().getSimpleName()) == "FileSourceScanExec"
        is_scan = is_file_scan and table in str(node.relation().location().rootPaths().mkString(" "))
        found.scans += is_scan
        return is_scan
    if name == "Exchange":
        found.exchanges += 1
        found.shuffles += any(of_table)
    return any(of_table) and not any(word in name for word in _MAKES_OTHER_ROWS)


@contextmanager
def _without_adaptive_plans(spark: SparkSession) -> Iterator[None]:
    before = spark.conf.get(_ADAPTIVE)
    spark.conf.set(_ADAPTIVE, "false")
    try:
        yield
    finally:
        spark.conf.set(_ADAPTIVE, str(before))
