"""Tables judged after they were written: marts, and what needs a sort of the history. Each table costs a scan."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from earshot.core import columns as c
from earshot.core.settings import Settings
from earshot.validators.aggregate_rules import schema_figures
from earshot.validators.compile import compile_suite
from earshot.validators.rules import ROWS
from earshot.validators.suites import load_suite
from earshot.validators.verdicts import GateVerdict

SUITES = ("bronze_listens", "silver_history", "gold_marts")
_POOL = (c.MONTH, c.COUNTRY, c.TIER, c.CURRENCY, c.MODEL, c.SUSPECTS, c.STATUS, c.REASON, c.BOOKED_ON)


def judge_lake(read: Callable[[str], DataFrame], settings: Settings) -> list[GateVerdict]:
    """Great Expectations' verdicts on the tables of the suites that are judged on demand; `batch_id` is the table.

    Tables without rows are not judged.

    Args:
        read: Gives a table by name, such as `Tables.read`.
        settings: Gives the suite parameters.
    """
    verdicts = []
    for suite in map(load_suite, SUITES):
        for table in suite.tables:
            compiled = compile_suite(suite.of_table(table), settings)
            rows = _DERIVED[table](read) if table in _DERIVED else read(table)
            figures = rows.agg(*compiled.aggregates(judged=False)).collect()[0].asDict()
            if figures[ROWS]:
                given = figures | schema_figures(rows.schema)
                verdicts.append(compiled.verdict(given, batch_id=table, rows=partial(_given, rows)))
    return verdicts


def _given(rows: DataFrame) -> DataFrame:
    return rows


def revenue_pools(revenue: DataFrame) -> DataFrame:
    """What is paid out of each pool, and the pool: columns of gold.revenue_pools."""
    return revenue.groupBy(*_POOL).agg(F.sum(c.AMOUNT).alias("paid"), F.max(c.POOL).alias(c.POOL))


def play_overlaps(listens: DataFrame) -> DataFrame:
    """By how many milliseconds each play begins before the listener's plays before it have ended; 0 if it does not."""
    before = Window.partitionBy(c.LISTENER_ID).orderBy(c.STARTED_AT, c.LISTEN_ID)
    ended = F.max(F.coalesce(c.ENDED_AT, c.STARTED_AT)).over(before.rowsBetween(Window.unboundedPreceding, -1))
    overlap = F.unix_millis(ended) - F.unix_millis(c.STARTED_AT)
    overlap_ms = F.greatest(F.coalesce(overlap, F.lit(0)), F.lit(0)).alias("overlap_ms")
    return listens.select(c.LISTENER_ID, c.SOURCE, c.STARTED_AT, overlap_ms)


_DERIVED: dict[str, Callable[[Callable[[str], DataFrame]], DataFrame]] = {
    "gold.revenue_pools": lambda read: revenue_pools(read("gold.revenue")),
    "silver.play_overlaps": lambda read: play_overlaps(read("silver.listens")),
}
