"""The terms of revenue: what a file may say, and what an error names."""

from __future__ import annotations

from pathlib import Path

import pytest

from earshot.core.config import load_settings, place_of
from earshot.core.errors import SettingsError

PRICE = 'country = "DE", tier = "premium", currency = "EUR", price = "10.99"'
POOL = 'month = "2026-03", country = "DE", tier = "free", currency = "EUR", advertising = "48200"'


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EARSHOT_CONF", str(tmp_path))
    return tmp_path / "base.toml"


def say(base: Path, *, prices: tuple[str, ...] = (), pools: tuple[str, ...] = ()) -> None:
    lists = {"prices": prices, "pools": pools}
    text = "".join(f"{name} = [{', '.join(f'{{ {row} }}' for row in rows)}]\n" for name, rows in lists.items())
    base.write_text(f"[revenue]\n{text}")


@pytest.mark.parametrize(
    ("price", "key", "said"),
    [
        (PRICE.replace("EUR", "EUX"), "revenue.prices[1].currency", "the nearest is EUR"),
        (PRICE.replace("DE", "XQ"), "revenue.prices[1].country", "the nearest is"),
        (PRICE.replace("premium", "premum"), "revenue.prices[1].tier", "Use premium"),
        (PRICE.replace("10.99", "-1"), "revenue.prices[1].price", "greater than or equal to 0"),
        (PRICE.replace("10.99", "1e13"), "revenue.prices[1].price", "less than"),
        (f'{PRICE}, since = "March"', "revenue.prices[1].since", "pattern"),
        (PRICE.replace("DE", "*"), "revenue.prices", "entry 1 repeats entry 0"),
    ],
)
def test_a_price_that_cannot_be_is_named_with_file_and_entry(base: Path, price: str, key: str, said: str) -> None:
    say(base, prices=(PRICE.replace("DE", "*"), price))
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert caught.value.exit_code == 2
    assert caught.value.where.startswith(f"{base}, line ")
    assert caught.value.where.endswith(f", key {key}")
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("pool", "key"),
    [
        (POOL.replace("48200", "-1"), "revenue.pools[0].advertising"),
        (POOL.replace('"DE"', '"*"'), "revenue.pools[0].country"),
        (POOL.replace("2026-03", "2026-13"), "revenue.pools[0].month"),
    ],
)
def test_a_pool_that_cannot_be_is_named(base: Path, pool: str, key: str) -> None:
    say(base, pools=(pool,))
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert caught.value.where.startswith(f"{base}, line ")
    assert caught.value.where.endswith(f", key {key}")


def test_the_same_pool_twice_is_refused_and_a_price_may_change_with_the_months(base: Path) -> None:
    say(base, pools=(POOL, POOL))
    with pytest.raises(SettingsError, match="entry 1 repeats entry 0: 2026-03 DE free"):
        load_settings()
    say(base, prices=(PRICE, f'{PRICE}, since = "2026-04"'))
    assert len(load_settings().revenue.prices) == 2


def test_the_place_of_a_setting_is_the_last_file_that_says_it(base: Path) -> None:
    first = ("revenue", "pools", 0)
    say(base, pools=(POOL,))
    assert place_of(load_settings(), first) == f"{base}, line 3, key revenue.pools[0]"
    overlay = base.with_name("books.toml")
    overlay.write_text(f"[revenue]\npools = [{{ {POOL} }}]\n")
    assert place_of(load_settings("books"), first) == f"{overlay}, line 2, key revenue.pools[0]"
    assert place_of(load_settings(), ("revenue", "paid_model")) == "command line, key revenue.paid_model"


def test_what_is_delivered_holds_the_published_thresholds() -> None:
    terms = load_settings().revenue
    rules = terms.artist_centric
    assert (rules.boost_streams, rules.boost_listeners, rules.boost_factor, rules.active_factor) == (1_000, 500, 2, 2)
    assert rules.listener_cap == 1_000
    assert terms.close_after_days is None


def test_an_entry_of_a_list_is_named_by_its_own_line(base: Path) -> None:
    rows = [f"    {{ {PRICE.replace('DE', country)} }}," for country in ("DE", "FR", "AT")]
    rows[2] = rows[2].replace("10.99", "-1")
    base.write_text(
        "\n".join(["[revenue]", "prices = [  # a row each", rows[0], "    # France", *rows[1:], "]"]) + "\n"
    )
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert caught.value.where == f"{base}, line 6, key revenue.prices[2].price"
