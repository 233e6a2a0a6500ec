"""Months whose payouts are frozen: which they are, and when a month joins them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Final

from earshot.analytics.revenue.thresholds import months_before
from earshot.core import columns as c
from earshot.core.errors import ArgumentError
from earshot.core.revenue_settings import RevenueSettings
from earshot.core.small_tables import SmallTables
from earshot.core.tables import Tables, days_condition

CLOSED_MONTHS: Final = "ops.closed_months"
REVENUE: Final = "gold.revenue"
CLOSED: Final = "closed"
PROVISIONAL: Final = "provisional"


def closed_months(root: str) -> dict[date, RevenueSettings]:
    """The first day of each closed month, and the terms on which it was closed."""
    rows = SmallTables(root).rows(CLOSED_MONTHS)
    return {row[c.MONTH]: RevenueSettings.model_validate_json(row[c.TERMS]) for row in rows}


def months_due(months: Iterable[date], closed: Collection[date], terms: RevenueSettings, on: date) -> list[date]:
    """The open months that the setting closes on this day."""
    if terms.close_after_days is None:
        return []
    wait = timedelta(days=terms.close_after_days)
    return sorted({month for month in months if month not in closed and months_before(month, -1) + wait <= on})


def month_to_close(text: str, months: Collection[date], on: date) -> date:
    """The month that a person closes.

    Args:
        text: YYYY-MM.
        months: Months that have payouts.
        on: The day; the month must be over.

    Raises:
        ArgumentError: It is no month, is not over, or has no payouts.
    """
    where = f"option close={text}"
    known = ", ".join(f"{month:%Y-%m}" for month in sorted(months)) or "none yet"
    try:
        month = date.fromisoformat(f"{text}-01")
    except ValueError:
        raise ArgumentError(f"{text!r} is no month.", where=where, remedy="Write YYYY-MM.") from None
    if month not in months:
        raise ArgumentError(f"{text} has no payouts.", where=where, remedy=f"Months with payouts: {known}.")
    if months_before(month, -1) > on:
        raise ArgumentError(f"{text} is not over on {on}.", where=where, remedy="Close it with a later --date.")
    return month


def close(
    tables: Tables, months: Collection[date], terms: RevenueSettings, *, run_id: str, on: date, at: datetime
) -> None:
    """Freeze the payouts of these months, as they stand; killed half-way, the next call does the rest.

    Args:
        tables: The lake.
        months: First days.
        terms: On which they were computed.
        run_id: Of the run that closes them.
        on: Its logical date.
        at: Wall time.
    """
    small = SmallTables(tables.root)
    closed: Mapping[date, RevenueSettings] = closed_months(tables.root)
    told = {c.CLOSED_ON: on, c.CLOSED_AT: at, c.RUN_ID: run_id, c.TERMS: terms.model_dump_json()}
    small.append(CLOSED_MONTHS, [{c.MONTH: month, **told} for month in sorted(set(months) - set(closed))])
    every = {*closed, *months}
    half_done = [(c.MONTH, "in", sorted(every)), (c.STATUS, "=", PROVISIONAL)]
    if every and small.arrow(REVENUE, half_done, columns=[c.STATUS]).num_rows:
        where = f"{days_condition(c.MONTH, every)} AND {c.STATUS} = '{PROVISIONAL}'"
        tables.update(REVENUE, where, {c.STATUS: f"'{CLOSED}'"})
