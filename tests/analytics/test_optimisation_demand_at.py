"""A price that somebody considers is answered by the experiment that tried prices there, and by no other."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from earshot.analytics.optimisation.demand_at import demand_at
from earshot.analytics.revenue.whatif import with_prices
from earshot.core.revenue_settings import PriceSettings, RevenueSettings
from earshot.core.small_tables import SmallTables

MONTH = date(2026, 3, 1)
TERMS = RevenueSettings(prices=(PriceSettings(country="*", tier="premium", currency="EUR", price=Decimal(10)),))


@pytest.fixture
def tables(tmp_path: Path) -> SmallTables:
    told = {"topic": "offers", "subject": "spring", "metric": "elasticity"}
    rows = [
        {**told, "value": -1.5, "lower": -2.0, "upper": -1.0, "dimensions": {"country": "DE", "tier": "premium"}},
        {**told, "value": -1.4, "lower": -1.6, "upper": -1.2, "dimensions": {"country": "ALL", "tier": "premium"}},
        {**told, "value": None, "lower": None, "upper": None, "dimensions": {"country": "FR", "tier": "premium"}},
    ]
    small = SmallTables(str(tmp_path / "lake"))
    small.append("gold.optimisation", rows)
    return small


def test_a_dearer_tier_is_taken_by_fewer_with_the_interval_of_the_experiment(tables: SmallTables) -> None:
    (one,) = demand_at(tables, TERMS, with_prices(TERMS, ["DE=12"], MONTH), MONTH)
    assert (one["experiment"], one["country"], one["before"], one["price"]) == ("spring", "DE", "10 EUR", "12 EUR")
    assert (one["change"], one["lower"], one["upper"]) == pytest.approx((-0.3, -0.4, -0.2))


def test_a_cheaper_one_by_more(tables: SmallTables) -> None:
    (one,) = demand_at(tables, TERMS, with_prices(TERMS, ["*=8"], MONTH), MONTH)
    assert (one["change"], one["lower"], one["upper"]) == pytest.approx((0.3, 0.2, 0.4))


@pytest.mark.parametrize("price", ["FR=12", "DE/family=5EUR", "DE=10"])
def test_where_no_experiment_answers_or_nothing_changes_nothing_is_said(tables: SmallTables, price: str) -> None:
    assert demand_at(tables, TERMS, with_prices(TERMS, [price], MONTH), MONTH) == []
