"""The report's money: three models beside one another, and who loses and gains without suspect listens."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from earshot.core.small_tables import SmallTables
from earshot.formatters.report import money
from earshot.formatters.report.figures import ReportFigures
from earshot.formatters.report.money_figures import MoneyFigures, collect_money

DAY = date(2026, 3, 29)
MARCH = date(2026, 3, 1)


def payout(payee: str, included: str, excluded: str, **other: Any) -> list[dict[str, Any]]:
    row = {"month": MARCH, "country": "DE", "tier": "premium", "currency": "EUR", "model": "pro_rata", "streams": 10}
    row |= {"payee_type": "artist", "payee_id": payee, "status": "provisional", **other}
    both = (("included", included), ("excluded", excluded))
    return [{**row, "suspects": kind, "amount": Decimal(amount)} for kind, amount in both]


def figures(root: Path, *rows: list[dict[str, Any]], day: date = DAY, model: str = "pro_rata") -> MoneyFigures | None:
    tables = SmallTables(str(root))
    tables.append("gold.revenue", [row for of_payee in rows for row in of_payee])
    return collect_money(tables, day, {"a": "Anna & Co", "label": "Blue"}, model)


def test_it_tells_who_loses_who_gains_and_how_much_moves(tmp_path: Path) -> None:
    found = figures(
        tmp_path,
        payout("a", "60.00", "20.50"),
        payout("a", "1.00", "1.00", country="AT"),
        payout("b", "30.00", "69.00"),
        payout("label", "10.00", "10.50", payee_type="rights_holder"),
        payout("a", "0.00", "0.00", model="user_centric"),
        payout("b", "101.00", "101.00", model="user_centric"),
        payout("z", "500", "500", currency="JPY", country="JP"),
        payout("old", "9", "1", month=date(2026, 2, 1)),
        payout("later", "9", "1", month=date(2026, 4, 1)),
    )
    assert found is not None
    assert (found.month, found.statuses) == (MARCH, ("provisional",))
    euro, yen = found.currencies
    assert (euro.currency, euro.total, euro.moved, euro.held) == ("EUR", Decimal(101), Decimal("39.5"), Decimal(0))
    assert [(change.name, change.moved) for change in euro.losses] == [("Anna & Co", Decimal("-39.5"))]
    assert [change.name for change in euro.gains] == ["b", "Blue (rights holder)"]
    assert (euro.losing, euro.gaining, yen.moved) == (1, 2, Decimal(0))
    assert [payee.name for payee in found.payees] == ["Anna & Co", "b", "Blue (rights holder)"]

    page = ReportFigures(DAY, money=found)
    moved, payouts = money.moved(page), money.payouts(page)
    assert "<b>39.50 EUR</b> (39.11 % of 101.00) goes from 1 payee to 2 payees." in moved
    assert "Anna &amp; Co" in moved
    assert "Anna & Co" not in moved + payouts
    assert "JPY" not in moved
    assert "March 2026 (provisional): 101.00 EUR, 500 JPY" in payouts
    assert "<b>61.00</b>" in payouts
    assert '0.00 <small class="down">-61.00</small>' in payouts


def test_what_nobody_may_be_paid_is_said_to_be_held(tmp_path: Path) -> None:
    found = figures(
        tmp_path,
        payout("a", "9.99", "0"),
        payout("suspense", "0", "9.99", payee_type="suspense"),
        payout("a", "0.5", "0.5", status="adjustment"),
    )
    page = ReportFigures(DAY, money=found)
    assert "9.99 EUR of it is held: nobody else was heard there." in money.moved(page)
    assert "suspense (suspense)" not in money.payouts(page)


def test_where_nothing_moves_or_nothing_is_paid_the_page_says_so(tmp_path: Path) -> None:
    same = ReportFigures(DAY, money=figures(tmp_path, payout("a", "1", "1", status="closed")))
    assert "no payout changes when suspect listens are left out" in money.moved(same)
    assert "March 2026 (closed)" in money.payouts(same)
    nothing = ReportFigures(DAY, money=collect_money(SmallTables(str(tmp_path / "empty")), DAY, {}, "pro_rata"))
    assert money.moved(nothing) == ""
    assert "No revenue pool" in money.payouts(nothing)
