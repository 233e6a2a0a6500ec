"""What optimise_offers reads: experiments with their covariates, listeners of today, and months to measure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any, Final

import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from earshot.analytics.optimisation.covariates import covariates
from earshot.analytics.optimisation.experiment import Experiment, experiment_of
from earshot.analytics.optimisation.payouts import Pools, payout_concentration
from earshot.analytics.revenue.adjustments import ADJUSTMENT
from earshot.analytics.revenue.closed_months import closed_months
from earshot.analytics.revenue.thresholds import months_before
from earshot.analytics.revenue.whatif_terms import month_named
from earshot.core import columns as c
from earshot.core.job import Job
from earshot.core.small_tables import SmallTables
from earshot.core.table_history import TableHistory

OFFERS: Final = "silver.offers"
FIGURES: Final = "gold.optimisation"
OF_OFFERS: Final = "offers"
OF_PAYOUTS: Final = "payouts"
_LISTENS: Final = "silver.listens"
_REVENUE: Final = "gold.revenue"


def experiments(job: Job) -> Iterator[Experiment]:
    """The experiments of silver.offers in which somebody's time to answer is over at the end of D."""
    settings, offers = job.settings.optimisation, job.tables.read(OFFERS)
    assigned = SmallTables(job.settings.lake_root).arrow(OFFERS, columns=[c.ASSIGNED_AT]).column(c.ASSIGNED_AT)
    if not len(assigned):
        return
    first = pc.min(assigned).as_py().date() - timedelta(days=settings.history_days)
    last = pc.max(assigned).as_py().date()
    plays = job.tables.read(_LISTENS).where(f"listen_date BETWEEN DATE'{first}' AND DATE'{last}'")
    rows = covariates(plays, offers, history_days=settings.history_days).toArrow()
    for name in sorted(set(rows.column(c.EXPERIMENT).to_pylist())):
        found = experiment_of(
            rows.filter(pc.equal(rows.column(c.EXPERIMENT), name)),
            terms=job.settings.revenue,
            as_of=job.as_of,
            within_days=settings.within_days,
        )
        if found:
            yield found


def listeners_of_today(job: Job) -> DataFrame:
    """Who listened in the `history_days` up to D: listener_id, country and tier of their last play, covariates."""
    days = job.settings.optimisation.history_days
    first = job.date - timedelta(days=days - 1)
    plays = job.tables.read(_LISTENS).where(f"listen_date BETWEEN DATE'{first}' AND DATE'{job.date}'")
    latest = (F.max_by(name, c.STARTED_AT).alias(name) for name in (c.COUNTRY, c.TIER))
    moments = plays.groupBy(c.LISTENER_ID).agg(*latest).withColumn(c.ASSIGNED_AT, F.lit(job.as_of))
    return covariates(plays, moments, history_days=days)


def months_to_measure(job: Job) -> list[date]:
    """Months with payouts that are over at D and were never measured; the option `month=YYYY-MM` names any one.

    Raises:
        ArgumentError: The option names no month with payouts.
    """
    paid = TableHistory(job.settings.lake_root, _REVENUE).days()
    if text := job.arguments.get("month"):
        return [month_named(text, paid)]
    done = SmallTables(job.settings.lake_root).arrow(FIGURES, [(c.TOPIC, "=", OF_PAYOUTS)], [c.SUBJECT])
    known = set(done.column(c.SUBJECT).to_pylist())
    return [month for month in sorted(paid) if f"{month:%Y-%m}" not in known and months_before(month, -1) <= job.date]


def measured(job: Job, month: date) -> list[dict[str, Any]]:
    """What a month's payouts are concentrated on: rows of gold.optimisation, but for topic, subject and as_of."""
    terms = closed_months(job.settings.lake_root).get(month, job.settings.revenue)
    window = terms.pro_rata.months if terms.pro_rata.minimum_streams else 1
    needed = [months_before(month, n) for n in range(window)]
    found = payout_concentration(
        job.tables.read(_LISTENS).where(F.trunc(c.LISTEN_DATE, "month").isin(needed)),
        job.tables.read("gold.suspect_listens"),
        pools=_pools(job, month),
        terms=terms,
        stream_rule=job.settings.marts.stream_rule,
        groups=job.settings.optimisation.payout_groups,
    )
    rows: list[dict[str, Any]] = found.where(F.col(c.MONTH) == F.lit(month)).drop(c.MONTH).toArrow().to_pylist()
    return rows


def _pools(job: Job, month: date) -> Pools:
    where = [(c.MONTH, "=", month), (c.SUSPECTS, "=", "included"), (c.STATUS, "!=", ADJUSTMENT)]
    columns = [c.COUNTRY, c.TIER, c.CURRENCY, c.POOL]
    rows = SmallTables(job.settings.lake_root).arrow(_REVENUE, where, columns)
    pools = rows.group_by(columns).aggregate([]).to_pylist()
    return {(row[c.COUNTRY], row[c.TIER]): (row[c.CURRENCY], row[c.POOL]) for row in pools}
