"""The three models: golden figures, and laws that hold whatever is listened to."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from analytics.revenue_worlds import Play, amounts, owed, paid, terms

MODELS = ("pro_rata", "user_centric", "artist_centric")
UNITS = {"EUR": Decimal("0.01"), "JPY": Decimal(1), "KWD": Decimal("0.001")}
PRICES = {"DE": "EUR", "JP": "JPY", "KW": "KWD"}
RULES = {"boost_streams": 3, "boost_listeners": 2, "listener_cap": 4}

PLAYS = st.lists(
    st.builds(
        Play,
        listener=st.sampled_from(["ann", "bob", "cyn", "dan", "eve"]),
        artist=st.sampled_from(["a", "b", "c", "unknown"]),
        country=st.sampled_from(sorted(PRICES)),
        is_flagged=st.booleans(),
        is_chosen=st.booleans(),
        track=st.sampled_from(["t1", "t2", "t3"]),
        is_earning=st.sampled_from([True, True, True, False]),
    ),
    min_size=1,
    max_size=40,
)
PRICE = st.one_of(st.sampled_from([0, 1, 10**12]), st.integers(0, 10**13 - 1))


CENT = {"DE": 1, "JP": 1, "KW": 1}
TRILLION = {"DE": 10**14, "JP": 10**12, "KW": 10**15}
"""10^12 of each currency, in its minor unit."""
ONE_STREAM = [Play("ann", "a", country="KW")]
ALL_SUSPECT = [Play(who, artist, country=at, is_flagged=True) for who in "xyz" for artist in "ab" for at in PRICES]
THIRDS = [Play(who, artist, country=at) for at in PRICES for who in ("ann", "bob") for artist in ("a", "b", "c")]


@settings(deadline=None)
@example(ONE_STREAM, CENT)
@example(ONE_STREAM, TRILLION)
@example(ALL_SUSPECT, CENT)
@example(ALL_SUSPECT, TRILLION)
@example(THIRDS, CENT)
@example(THIRDS, TRILLION)
@example(THIRDS, {"DE": 0, "JP": 0, "KW": 0})
@given(PLAYS, st.fixed_dictionaries({country: PRICE for country in PRICES}))
def test_every_pool_is_paid_out_to_the_minor_unit_in_every_model_with_and_without_suspects(
    plays: list[Play], minor: dict[str, int]
) -> None:
    priced = [(at, "premium", of, str(minor[at] * UNITS[of])) for at, of in PRICES.items()]
    rows = paid(plays, terms(*priced, share=0.68, artist_centric=RULES))
    sums: dict[tuple[str, ...], Decimal] = defaultdict(Decimal)
    for row in rows:
        pool = row["country"], row["currency"], row["model"], row["suspects"]
        sums[pool] += row["amount"]
        assert row["amount"] >= 0
        assert row["amount"] % UNITS[row["currency"]] == 0
        assert row["status"] == "provisional"
    pools = {(r["country"], r["currency"], r["model"], r["suspects"]): r["pool"] for r in rows}
    assert sums == pools
    heard = {play.country for play in plays}
    assert set(pools) == {
        (at, PRICES[at], model, kind) for at in heard for model in MODELS for kind in ("included", "excluded")
    }
    for country in heard:
        assert len({pool for (at, *_), pool in pools.items() if at == country}) == 1


SPLITS = {
    "t1": [("label", 600_000), ("writer", 150_000), ("unknown", 250_000)],
    "t2": [("label", 333_333), ("writer", 666_667)],
}


@settings(deadline=None)
@given(PLAYS, st.sampled_from([1, 7, 999, 10**6, 10**12]), st.sampled_from([0, 1, 4]))
def test_each_payout_is_less_than_a_minor_unit_from_what_the_definition_owes(
    plays: list[Play], minor: int, cap: int
) -> None:
    priced = [(at, "premium", of, str(minor * UNITS[of])) for at, of in PRICES.items()]
    of = terms(*priced, artist_centric={**RULES, "listener_cap": cap})
    rows = paid(plays, of, splits=SPLITS)
    for kind, kept in (("included", plays), ("excluded", [play for play in plays if not play.is_flagged])):
        for country in {play.country for play in kept}:
            listeners = len({play.listener for play in plays if play.country == country})
            for model in MODELS:
                pool = Fraction(minor * listeners)
                due = owed(kept, pool, model, of, of=(country, "premium"), splits=SPLITS)
                unit = Fraction(UNITS[PRICES[country]])
                got = {
                    (row["payee_type"], row["payee_id"]): Fraction(row["amount"]) / unit
                    for row in rows
                    if (row["country"], row["model"], row["suspects"]) == (country, model, kind)
                }
                if not any(due.values()):
                    assert got.pop(("suspense", "suspense")) == pool
                assert got.keys() == due.keys()
                assert all(abs(got[payee] - due[payee]) < 1 for payee in due)


@settings(deadline=None)
@given(PLAYS)
def test_streams_are_never_lost_and_only_flagged_ones_go(plays: list[Play]) -> None:
    priced = [(at, "premium", of, "10") for at, of in PRICES.items()]
    rows = paid(plays, terms(*priced))
    for model in MODELS:
        for kind, kept in (("included", plays), ("excluded", [play for play in plays if not play.is_flagged])):
            assert sum(r["streams"] for r in rows if r["model"] == model and r["suspects"] == kind) == len(kept)


def test_the_golden_month() -> None:
    """Ann hears a thrice and b once, Bob hears b nine times, four of them by choice: 20.00 EUR to divide."""
    plays = [
        *[Play("ann", "a")] * 3,
        Play("ann", "b"),
        *[Play("bob", "b")] * 5,
        *[Play("bob", "b", is_chosen=True)] * 4,
    ]
    rules = {"boost_streams": 10, "boost_listeners": 2, "listener_cap": 6}
    rows = paid(plays, terms(("*", "premium", "EUR", "10.00"), artist_centric=rules))
    # 3 of 13 streams
    assert amounts(rows, model="pro_rata", suspects="included") == {"a": Decimal("4.62"), "b": Decimal("15.38")}
    # three quarters of Ann's ten
    assert amounts(rows, model="user_centric", suspects="included") == {"a": Decimal("7.50"), "b": Decimal("12.50")}
    # b: boosted (10 streams, 2 listeners); Bob's (5 + 2 x 4) streams scaled by 6/9: 2 x (1 + 26/3) against 3
    assert amounts(rows, model="artist_centric", suspects="included") == {"a": Decimal("2.69"), "b": Decimal("17.31")}


def test_a_pool_all_of_whose_streams_are_suspect_is_held_in_suspense() -> None:
    rows = paid([Play("ann", "a", is_flagged=True)], terms(("DE", "premium", "EUR", "9.99")))
    held = [row for row in rows if row["suspects"] == "excluded"]
    assert {(row["payee_type"], row["payee_id"], row["streams"]) for row in held} == {("suspense", "suspense", 0)}
    assert {row["amount"] for row in held} == {Decimal("9.99")}
    assert amounts(rows, model="user_centric", suspects="included") == {"a": Decimal("9.99")}


def test_one_stream_takes_one_cent_and_a_place_without_price_is_in_no_pool() -> None:
    rows = paid([Play("ann", "a"), Play("bob", "a", country="FR")], terms(("DE", "premium", "EUR", "0.01")))
    assert {(row["country"], row["payee_id"], row["amount"]) for row in rows} == {("DE", "a", Decimal("0.01"))}


def test_a_pool_of_the_books_wins_over_the_price() -> None:
    booked = {"month": "2026-03", "country": "DE", "tier": "premium", "currency": "EUR"}
    pools = [{**booked, "subscription": "1000000000000", "advertising": "0.01"}]
    rows = paid([Play("ann", "a"), Play("bob", "b")], terms(("DE", "premium", "EUR", "5"), pools=pools))
    assert amounts(rows, model="pro_rata", suspects="included") == {
        "a": Decimal("500000000000.01"),
        "b": Decimal("500000000000.00"),
    }


def test_rights_holders_are_paid_their_shares_and_what_is_left_is_unknown() -> None:
    plays = [Play("ann", "a", track="t1"), Play("ann", "a", track="t2")]
    splits = {"t1": [("label", 500_000), ("writer", 250_000), ("unknown", 250_000)]}
    rows = paid(plays, terms(("DE", "premium", "EUR", "8.00")), splits=splits)
    got = {(r["payee_type"], r["payee_id"]): (r["amount"], r["streams"]) for r in rows if r["model"] == "user_centric"}
    assert got == {
        ("artist", "a"): (Decimal("4.00"), 1),
        ("rights_holder", "label"): (Decimal("2.00"), 1),
        ("rights_holder", "writer"): (Decimal("1.00"), 1),
        ("rights_holder", "unknown"): (Decimal("1.00"), 1),
    }


@pytest.mark.parametrize(("month", "price"), [("2026-02", "5.00"), ("2026-04", "4.00")])
def test_a_price_holds_from_its_month_on(month: str, price: str) -> None:
    old = {"country": "*", "tier": "premium", "currency": "EUR", "price": "4"}
    new = {**old, "price": "5", "since": month}
    of = terms().model_validate({"prices": [old, new], "share_to_rights_holders": 1})
    assert amounts(paid([Play("ann", "a")], of), model="pro_rata", suspects="included") == {"a": Decimal(price)}
