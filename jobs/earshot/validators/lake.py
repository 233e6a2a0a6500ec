"""Tables judged after they were written: marts, and what needs a sort of the history. Each table costs a scan."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from earshot.core import columns as c
from earshot.core.settings import Settings
from earshot.validators.aggregate_rules import schema_figures
from earshot.validators.compile import compile_suite
from earshot.validators.reconciliation import reconciled
from earshot.validators.rules import ROWS
from earshot.validators.suites import Suite, load_suite
from earshot.validators.verdicts import GateVerdict

SUITES = ("silver_history", "gold_marts")
_POOL = (c.MONTH, c.COUNTRY, c.TIER, c.CURRENCY, c.MODEL, c.SUSPECTS, c.STATUS, c.REASON, c.BOOKED_ON)


def judge_lake(read: Callable[[str], DataFrame], settings: Settings) -> list[GateVerdict]:
    """Great Expectations' verdicts on the tables of the suites that are judged on demand.

    Tables without rows are not judged. The verdict names what a scan judged, and its cost (the whole: `scan_seconds`).

    Args:
        read: Gives a table by name, such as `Tables.read`.
        settings: Gives the suite parameters.
    """
    marts = settings.marts
    with reconciled(read, stream_rule=marts.stream_rule, is_capped=marts.chart_listener_cap > 0) as frames:
        frames["gold.revenue_pools"] = lambda: revenue_pools(read("gold.revenue"))
        judged = [
            _judged(suite, table, frames.get(table, partial(read, table))(), settings)
            for suite in map(load_suite, SUITES)
            for table in suite.tables
        ]
    return [verdict for verdict in judged if verdict is not None]


def _judged(suite: Suite, table: str, rows: DataFrame, settings: Settings) -> GateVerdict | None:
    compiled = compile_suite(suite.of_table(table), settings)
    began = time.monotonic()
    figures: Mapping[str, object] = rows.agg(*compiled.aggregates(judged=False)).collect()[0].asDict()
    if not figures[ROWS]:
        return None
    verdict = compiled.verdict({**figures, **schema_figures(rows.schema)}, batch_id=table, rows=lambda: rows)
    return replace(verdict, scan_seconds=time.monotonic() - began)


def revenue_pools(revenue: DataFrame) -> DataFrame:
    """What is paid out of each pool, and the pool: columns of gold.revenue_pools."""
    return revenue.groupBy(*_POOL).agg(F.sum(c.AMOUNT).alias("paid"), F.max(c.POOL).alias(c.POOL))
