"""How demand answers to prices that somebody considers, by what experiments found."""

from __future__ import annotations

from datetime import date
from typing import Any

from earshot.analytics.optimisation.reading import FIGURES, OF_OFFERS
from earshot.analytics.revenue.pools import price_in_force
from earshot.core import columns as c
from earshot.core.measures import ALL
from earshot.core.revenue_settings import RevenueSettings
from earshot.core.small_tables import SmallTables


def demand_at(
    tables: SmallTables, before: RevenueSettings, after: RevenueSettings, month: date
) -> list[dict[str, Any]]:
    """For each price that changes where a price experiment was answered, what it does to conversions.

    The change is the elasticity times the relative change of the price: a line through the price at which it was
    measured, good for changes such as those that were tried.

    Args:
        tables: The lake.
        before: Terms in force.
        after: Terms that are considered.
        month: First day of the month.

    Returns:
        experiment, country, tier, before and price (texts), change, lower, upper (fractions; 95 % interval).
    """
    found = []
    for row in tables.rows(FIGURES, [(c.TOPIC, "=", OF_OFFERS), (c.METRIC, "=", "elasticity")]):
        country, tier = row[c.DIMENSIONS][c.COUNTRY], row[c.DIMENSIONS][c.TIER]
        old, new = price_in_force(before, month, country, tier), price_in_force(after, month, country, tier)
        if row[c.VALUE] is None or country == ALL or not old or not new or not old.price or old.price == new.price:
            continue
        part = float(new.price / old.price) - 1
        lower, upper = sorted((row[c.LOWER] * part, row[c.UPPER] * part))
        found.append(
            {
                c.EXPERIMENT: row[c.SUBJECT],
                c.COUNTRY: country,
                c.TIER: tier,
                "before": f"{old.price} {old.currency}",
                c.PRICE: f"{new.price} {new.currency}",
                "change": row[c.VALUE] * part,
                c.LOWER: lower,
                c.UPPER: upper,
            }
        )
    return found
