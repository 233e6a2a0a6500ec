"""What a month is paid from the lake as it is: for the mart, for adjustments and for what-if runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from datetime import date
from typing import Final

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from earshot.analytics.revenue.filed_streams import MOST_PLAYS, FiledStreams
from earshot.analytics.revenue.mart import revenue, revenue_of_files
from earshot.analytics.revenue.thresholds import months_needed
from earshot.core import columns as c
from earshot.core.arrow_rows import ArrowTasks
from earshot.core.day_files import DayFiles
from earshot.core.memo_files import MemoFiles
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
    plays = DayFiles.now(tables.root, LISTENS)
    paid = payments(tables, plays, months, rights, terms=terms, stream_rule=stream_rule, without=without)
    return paid.frame() if isinstance(paid, ArrowTasks) else paid


def payments(
    tables: Tables,
    plays: DayFiles,
    months: Collection[date],
    rights: DataFrame | None,
    *,
    terms: RevenueSettings,
    stream_rule: StreamRule,
    without: Collection[str] = (),
    memos: MemoFiles | None = None,
) -> DataFrame | ArrowTasks:
    """`paid_now` of these files of silver.listens: by a task a month; plays are shuffled where one has too many.

    With memos, months that have plays enough are remembered.
    """
    needed = {before for month in months for before in months_needed(month, terms)}
    days = [day for day in plays.days if day.replace(day=1) in needed]
    sizes: Counter[date] = Counter()
    for day, rows in TableHistory(tables.root, LISTENS).rows_by_day(days).items():
        sizes[day.replace(day=1)] += rows
    if max((sizes[month] for month in months), default=0) <= MOST_PLAYS:
        suspects = DayFiles.now(tables.root, SUSPECTS)
        streams = FiledStreams(plays.of(days), suspects, stream_rule, frozenset(without))
        return revenue_of_files(
            tables.spark, streams, rights, terms=terms, months=months, memos=memos, plays=sizes.total()
        )
    if memos:
        memos.keep((), later_than=max(days, default=date.min))
    listens = tables.read(LISTENS).where(days_condition(c.LISTEN_DATE, days))
    some = listens.where(~F.coalesce(F.col(c.BATCH_ID), F.lit("")).isin(*without)) if without else listens
    return revenue(
        some,
        tables.read(SUSPECTS),
        rights,
        terms=terms,
        stream_rule=stream_rule,
        months=months,
        plays=sum(sizes[month] for month in months),
    )
