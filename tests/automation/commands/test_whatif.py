"""`earshot whatif`: who would gain and who would lose, and nothing published moves."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from earshot.automation.cli import main
from earshot.automation.demo import DemoOutcome
from earshot.core.schemas import TABLES
from earshot.core.small_tables import SmallTables
from earshot.core.table_history import TableHistory


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """A home with one payout."""
    payout = {"month": date(2026, 3, 1), "country": "DE", "tier": "premium", "currency": "EUR", "amount": Decimal(1)}
    SmallTables(str(tmp_path / "lake")).append("gold.revenue", [{**payout, "pool": Decimal(1)}])
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--model", "user-centrik"], ("'user_centrik'", "nearest is user_centric")),
        (["--suspects", "exluded"], ("'exluded'", "nearest is excluded")),
        (["--month", "2026-04"], ("'2026-04'", "2026-03")),
        (["--price", "XQ=9.99"], ("'XQ'", "nearest is")),
        (["--price", "DE/premum=9.99"], ("tier", "'premium'")),
        (["--price", "DE=9.99EUX"], ("'EUX'", "nearest is EUR")),
        (["--price", "DE=9.99USD"], ("paid in EUR",)),
        (["--price", "DE=-1"], ("price", "greater than or equal to 0")),
        (["--price", "DE"], ("no price", "DE=12.99")),
        (["--price", "DE=1.2.3"], ("price", "decimal")),
    ],
)
def test_bad_input_ends_2_and_names_what_was_wrong_and_what_is_near(
    published: Path, arguments: list[str], said: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--home", str(published), "whatif", *arguments]) == 2
    error = capsys.readouterr().err
    assert "Traceback" not in error
    assert all(words in error for words in said), error


def test_without_payouts_it_says_what_to_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--home", str(tmp_path), "whatif"]) == 2
    assert "earshot run" in capsys.readouterr().err


def test_a_run_adds_up_and_leaves_every_table_as_it_was(road: DemoOutcome, capsys: pytest.CaptureFixture[str]) -> None:
    lake = str(road.home / "lake")
    versions = {name: TableHistory(lake, name).version for name in TABLES}
    call = ["--home", str(road.home), "--env", "demo", "whatif", "--price", "DE=12.99", "--suspects", "excluded"]
    assert main([*call, "--model", "user-centric", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert {name: TableHistory(lake, name).version for name in TABLES} == versions

    for currency in {pool["currency"] for pool in told["pools"]}:
        for side in ("published", "what_if"):
            pools = sum(Decimal(pool[side]) for pool in told["pools"] if pool["currency"] == currency)
            assert pools == sum(Decimal(payee[side]) for payee in told["payees"] if payee["currency"] == currency)
    moved = {(pool["country"], pool["tier"]) for pool in told["pools"] if Decimal(pool["change"])}
    assert moved == {("DE", "premium")}

    assert main([*call[:-4], "--price", "AQ=12.99"]) == 2
    assert "AQ premium of 2026-03 has no counted stream" in capsys.readouterr().err
