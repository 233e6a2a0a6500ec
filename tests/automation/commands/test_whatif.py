"""`earshot whatif`: who would gain and who would lose, and nothing published moves."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from earshot.automation.cli import main
from earshot.automation.demo import DemoOutcome
from earshot.automation.invocation import Invocation
from earshot.core.config import load_settings
from earshot.core.small_tables import SmallTables


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
        (["--set", "artist_centric.listener_capp=5"], ("listener_capp", "nearest is artist_centric.listener_cap")),
        (["--set", "artist_centric.listener_cap=-5"], ("'-5'", "greater than or equal to 0")),
        (["--set", "share_to_rights_holders=1.5"], ("'1.5'", "less than or equal to 1")),
        (["--set", "prices=[]"], ("no setting 'prices'",)),
        (["--set", "pro_rata"], ("no setting", "=VALUE")),
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


def lake_of(home: Path) -> dict[str, tuple[int, int]]:
    """Every file of the lake, with its size and time."""
    return {
        str(path): (path.stat().st_size, path.stat().st_mtime_ns)
        for path in sorted((home / "lake").rglob("*"))
        if path.is_file()
    }


def whatif(
    home: Path, capsys: pytest.CaptureFixture[str], *arguments: str
) -> tuple[dict[str, Any], dict[str, tuple[int, int]]]:
    """What the run tells, and the lake after it."""
    capsys.readouterr()
    assert main(["--home", str(home), "--env", "demo", "whatif", *arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out), lake_of(home)


@pytest.mark.parametrize(
    ("arguments", "moved"),
    [
        (["--model", "user-centric", "--price", "DE=12.99"], {("DE", "premium")}),
        (["--price", "US/family=17.99", "--suspects", "excluded"], {("US", "family")}),
        (["--set", "artist_centric.listener_cap=5", "--model", "artist-centric"], set()),
        (["--set", "share_to_rights_holders=0.68"], set()),
    ],
)
def test_a_run_adds_up_and_leaves_every_file_as_it_was(
    road: DemoOutcome, capsys: pytest.CaptureFixture[str], arguments: list[str], moved: set[tuple[str, str]]
) -> None:
    before = lake_of(road.home)
    told, after = whatif(road.home, capsys, *arguments)
    assert after == before
    for currency in {pool["currency"] for pool in told["pools"]}:
        for side in ("published", "what_if"):
            pools = sum(Decimal(pool[side]) for pool in told["pools"] if pool["currency"] == currency)
            assert pools == sum(Decimal(payee[side]) for payee in told["payees"] if payee["currency"] == currency)
    assert {(pool["country"], pool["tier"]) for pool in told["pools"] if Decimal(pool["change"])} == moved


def test_another_price_moves_its_pool_by_its_share_of_the_difference(
    road: DemoOutcome, capsys: pytest.CaptureFixture[str]
) -> None:
    told, _ = whatif(road.home, capsys, "--price", "DE=12.99")
    (pool,) = [pool for pool in told["pools"] if (pool["country"], pool["tier"]) == ("DE", "premium")]
    listeners = round(Decimal(pool["published"]) / Decimal("10.99") / Decimal("0.68"))
    assert Decimal(pool["what_if"]) == (listeners * Decimal("12.99") * Decimal("0.68")).quantize(Decimal("0.01"))
    other = [pool for pool in told["pools"] if (pool["country"], pool["tier"]) != ("DE", "premium")]
    assert all(pool["changes_hands"] == "0" or not Decimal(pool["changes_hands"]) for pool in other)


def test_without_suspects_it_tells_who_loses_who_gains_and_how_much_moves_and_needs_no_plays(
    road: DemoOutcome, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_spark(_: Invocation) -> None:
        raise AssertionError("all models are published with and without suspects")

    monkeypatch.setattr(Invocation, "spark", no_spark)
    rows = SmallTables(str(road.home / "lake")).rows("gold.revenue", [("model", "=", "pro_rata")])
    latest = max(row["month"] for row in rows)
    changes: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for row in rows:
        if row["month"] == latest:
            sign = 1 if row["suspects"] == "excluded" else -1
            changes[row["currency"], row["payee_id"]] += sign * row["amount"]
    told, _ = whatif(road.home, capsys, "--suspects", "excluded")
    for moved in told["moved"]:
        gained = sum(
            change for (currency, _), change in changes.items() if currency == moved["currency"] and change > 0
        )
        assert Decimal(moved["gained"]) == Decimal(moved["lost"]) == Decimal(moved["changes_hands"]) == gained
    assert any(Decimal(moved["gained"]) > 0 for moved in told["moved"])
    assert {(p["currency"], p["payee_id"]): Decimal(p["change"]) for p in told["payees"]} == changes

    assert main(["--home", str(road.home), "--env", "demo", "whatif", "--suspects", "excluded"]) == 0
    page = capsys.readouterr().out
    assert "Nothing was written" in page
    assert re.search(r"[\d,.]+ EUR \(\d+\.\d\d % of what is paid\) goes from some payees to others", page)
    assert "EUR by country and tier" in page


def test_a_place_where_nobody_listened_cannot_be_priced(road: DemoOutcome, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--home", str(road.home), "--env", "demo", "whatif", "--price", "AQ=12.99"]) == 2
    assert "AQ premium of 2026-03 has no counted stream" in capsys.readouterr().err


def test_a_closed_month_is_compared_with_the_model_by_which_it_was_paid(
    published: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small = SmallTables(str(published / "lake"))
    payout = {"month": date(2026, 2, 1), "country": "DE", "tier": "premium", "currency": "EUR", "suspects": "included"}
    payout |= {"payee_type": "artist", "payee_id": "a", "amount": Decimal(7), "pool": Decimal(7), "status": "closed"}
    small.append("gold.revenue", [{**payout, "model": "user_centric"}])
    terms = load_settings().revenue.model_copy(update={"paid_model": "user_centric"})
    small.append("ops.closed_months", [{"month": date(2026, 2, 1), "terms": terms.model_dump_json()}])
    assert main(["--home", str(published), "whatif", "--month", "2026-02", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["published"]["model"] == told["model"] == "user_centric"
    assert [payee["published"] for payee in told["payees"]] == ["7.000000"]
