"""The terms of a what-if run: those in force, and what a person writes in their place."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import Any, Final

from pydantic import ValidationError

from earshot.analytics.revenue.closed_months import REVENUE
from earshot.analytics.revenue.pools import price_in_force
from earshot.core import columns as c
from earshot.core.errors import ArgumentError
from earshot.core.revenue_settings import MODELS, PriceSettings, RevenueSettings

_PRICE: Final = re.compile(r"\s*([A-Za-z]{2}|\*)(?:/([A-Za-z]+))?\s*=\s*([-+]?[\d.]+)\s*([A-Za-z]+)?\s*")
_PLAIN_TIER: Final = "premium"
_SUSPECTS: Final = ("included", "excluded")
_NO_TERMS: Final = ("prices", "pools", "paid_model", "close_after_days")
"""Keys of the section that a what-if run has other options for, or that change no payout."""


def model_named(text: str, where: str) -> str:
    """The model, written with `-` or `_`.

    Raises:
        ArgumentError: There is no such model; names the nearest.
    """
    return _nearest(text.strip().lower().replace("-", "_"), MODELS, "model", where)


def suspects_named(text: str, where: str) -> str:
    """`included` or `excluded`.

    Raises:
        ArgumentError: It is neither.
    """
    return _nearest(text.strip().lower(), _SUSPECTS, "way to treat suspects", where)


def month_named(text: str | None, known: Collection[date]) -> date:
    """The month, YYYY-MM; the latest published one without a text.

    Raises:
        ArgumentError: It is no month with payouts.
    """
    published = {f"{month:%Y-%m}": month for month in sorted(known)}
    if not published:
        raise ArgumentError("No payout is published yet.", where=REVENUE, remedy="Run `earshot run` first.")
    if text is None:
        return max(known)
    if text not in published:
        remedy = f"Months with payouts: {', '.join(published)}."
        raise ArgumentError(f"There are no payouts of {text!r}.", where="option --month", remedy=remedy)
    return published[text]


def with_prices(terms: RevenueSettings, texts: Iterable[str], month: date) -> RevenueSettings:
    """The terms with other prices from the month on; they win over pools from the books.

    Args:
        terms: In force.
        texts: COUNTRY[/TIER]=PRICE[CURRENCY]; the tier is premium, the currency the one in force, if not said.
        month: First day of the month.

    Raises:
        ArgumentError: A text is no price, or names an unknown country, tier or currency.
    """
    for text in texts:
        new = _price(text, terms, month)
        key = new.country, new.tier
        kept = [price for price in terms.prices if (price.country, price.tier, price.since) != (*key, new.since)]
        pools = [pool for pool in terms.pools if (pool.month, pool.country, pool.tier) != (new.since, *key)]
        terms = terms.model_copy(update={"prices": (*kept, new), "pools": tuple(pools)})
    return terms


def with_settings(terms: RevenueSettings, texts: Iterable[str]) -> RevenueSettings:
    """The terms with other thresholds, boosts, caps or shares.

    Args:
        terms: In force.
        texts: KEY=VALUE with a key of the section [revenue], such as artist_centric.listener_cap=500.

    Raises:
        ArgumentError: There is no such key, or the value cannot be used.
    """
    for text in texts:
        where = f"option --set {text}"
        key, equals, value = (part.strip() for part in text.partition("="))
        known = _keys(terms.model_dump(exclude=set(_NO_TERMS)))
        if not equals:
            raise ArgumentError(f"{text!r} is no setting.", where=where, remedy=f"Write {known[0]}=VALUE.")
        _nearest(key, known, "setting", where)
        changed = terms.model_dump()
        *sections, name = key.split(".")
        section = changed
        for part in sections:
            section = section[part]
        section[name] = _value(value)
        try:
            terms = RevenueSettings.model_validate(changed)
        except ValidationError as error:
            message = error.errors()[0]["msg"].removeprefix("Value error, ")
            raise ArgumentError(
                f"The value {value!r} of {key} cannot be used: {message}.",
                where=where,
                remedy="Write it as in conf/base.toml.",
            ) from None
    return terms


def _keys(section: Mapping[str, Any], prefix: str = "") -> list[str]:
    return [
        key
        for name, value in section.items()
        for key in (_keys(value, f"{prefix}{name}.") if isinstance(value, Mapping) else [f"{prefix}{name}"])
    ]


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def check_places(texts: Sequence[str], terms: RevenueSettings, rows: Iterable[Mapping[str, Any]], month: date) -> None:
    """See that somebody listened where a price is changed.

    Raises:
        ArgumentError: A price is of a place that has no counted stream in the month; names the nearest.
    """
    places = {(str(row[c.COUNTRY]), str(row[c.TIER])) for row in rows}
    for text in texts:
        price = _price(text, terms, month)
        of_tier = sorted(country for country, tier in places if tier == price.tier)
        if not any(price.country in {country, "*"} for country in of_tier):
            near = difflib.get_close_matches(price.country, of_tier, n=1, cutoff=0.0)
            remedy = f"The nearest with streams is {near[0]}; all: {', '.join(of_tier)}." if near else "Name another."
            raise ArgumentError(
                f"The pool {price.country} {price.tier} of {month:%Y-%m} has no counted stream.",
                where=f"option --price {text}",
                remedy=remedy,
            )


def _price(text: str, terms: RevenueSettings, month: date) -> PriceSettings:
    where = f"option --price {text}"
    found = _PRICE.fullmatch(text)
    if not found:
        raise ArgumentError(
            f"{text!r} is no price.",
            where=where,
            remedy="Write COUNTRY[/TIER]=PRICE, such as DE=12.99 or US/family=17.99.",
        )
    country, tier, amount, currency = found.groups()
    country, tier = country.upper(), (tier or _PLAIN_TIER).lower()
    now = price_in_force(terms, month, country, tier)
    said = (currency or (now.currency if now else "")).upper()
    try:
        price = PriceSettings(country=country, tier=tier, currency=said, price=amount, since=f"{month:%Y-%m}")  # type: ignore[arg-type] # checked by pydantic
    except ValidationError as error:
        first = error.errors()[0]
        message = f"The {first['loc'][0]} of {text!r} cannot be used: {first['msg'].removeprefix('Value error, ')}."
        raise ArgumentError(message, where=where, remedy="Write COUNTRY[/TIER]=PRICE[CURRENCY].") from None
    if now and now.currency != price.currency:
        remedy = f"Write the price in {now.currency}; amounts of two currencies cannot be compared."
        raise ArgumentError(
            f"{country} {tier} is paid in {now.currency}, not {price.currency}.", where=where, remedy=remedy
        )
    return price


def _nearest(text: str, known: Sequence[str], kind: str, where: str) -> str:
    if text not in known:
        near = difflib.get_close_matches(text, known, n=1, cutoff=0.0)[0]
        remedy = f"The nearest is {near}; there are: {', '.join(known)}."
        raise ArgumentError(f"There is no {kind} {text!r}.", where=where, remedy=remedy)
    return text
