"""What a month would be paid from the lake as it is: for adjustments and for what-if runs."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import Final

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from earshot.analytics.revenue.mart import revenue
from earshot.analytics.revenue.streams import months_needed
from earshot.core import columns as c
from earshot.core.revenue_settings import RevenueSettings
from earshot.core.stream_rule import StreamRule
from earshot.core.table_history import TableHistory
from earshot.core.tables import Tables, days_condition

LISTENS: Final = "silver.listens"
SUSPECTS: Final = "gold.suspect_listens"


def paid_now(
    tables: Tables,
    months: Collection[date],
    rights: DataFrame | None,
    *,
    terms: RevenueSettings,
    stream_rule: StreamRule,
    without: Collection[str] = (),
) -> DataFrame:
    """Payouts of these months from what silver holds now; writes nothing.

    Args:
        tables: The lake.
        months: First days.
        rights: Rows of silver.rights, or None.
        terms: On which to pay.
        stream_rule: When a play is a counted stream.
        without: Batches of plays that are left out.

    Returns:
        The columns of gold.revenue.
    """
    needed = {before for month in months for before in months_needed(month, terms)}
    history = TableHistory(tables.root, LISTENS)
    days = [day for day in history.days() if day.replace(day=1) in needed]
    plays = tables.read(LISTENS).where(days_condition(c.LISTEN_DATE, days))
    return revenue(
        plays.where(~F.coalesce(F.col(c.BATCH_ID), F.lit("")).isin(*without)) if without else plays,
        tables.read(SUSPECTS),
        rights,
        terms=terms,
        stream_rule=stream_rule,
        months=months,
        plays=history.rows([day for day in days if day.replace(day=1) in set(months)]),
    )
