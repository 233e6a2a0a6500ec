"""What a month would have been paid on other terms, against what is published. Reads only."""

from __future__ import annotations

import difflib
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

from pydantic import ValidationError
from pyspark.sql import functions as F

from earshot.analytics.revenue.closed_months import REVENUE, closed_months
from earshot.analytics.revenue.mart import revenue
from earshot.analytics.revenue.pools import price_in_force
from earshot.analytics.revenue.splits import shares
from earshot.analytics.revenue.streams import months_before
from earshot.core import columns as c
from earshot.core.errors import ArgumentError
from earshot.core.revenue_settings import MODELS, PriceSettings, RevenueSettings
from earshot.core.settings import Settings
from earshot.core.small_tables import SmallTables
from earshot.core.tables import Tables

_PRICE: Final = re.compile(r"\s*([A-Za-z]{2}|\*)(?:/([A-Za-z]+))?\s*=\s*([-+]?[\d.]+)\s*([A-Za-z]+)?\s*")
_PLAIN_TIER: Final = "premium"
_SUSPECTS: Final = ("included", "excluded")

Payee = tuple[str, str, str]
"""Currency, payee_type, payee_id."""
Place = tuple[str, str, str]
"""Country, tier, currency."""


@dataclass(frozen=True)
class Moved:
    """An amount as it is published and as it would be."""

    published: Decimal
    what_if: Decimal

    @property
    def change(self) -> Decimal:
        """What is gained; negative where it is lost."""
        return self.what_if - self.published


@dataclass(frozen=True)
class Comparison:
    """What would be paid against what is published.

    Attributes:
        pools: By country, tier and currency.
        payees: By currency, kind and name of the payee, the largest gain first.
    """

    pools: Mapping[Place, Moved]
    payees: Mapping[Payee, Moved]

    def total(self, currency: str) -> Moved:
        """The sum over payees; it is that of the pools."""
        of_currency = [moved for (paid_in, _, _), moved in self.payees.items() if paid_in == currency]
        zero = Decimal(0)
        return Moved(sum((m.published for m in of_currency), zero), sum((m.what_if for m in of_currency), zero))

    @property
    def currencies(self) -> list[str]:
        """In which is paid."""
        return sorted({currency for currency, _, _ in self.payees})


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


def compare(
    tables: Tables,
    settings: Settings,
    *,
    month: date,
    model: str,
    prices: Sequence[str] = (),
    suspects: str = "included",
) -> Comparison:
    """Compute a month from silver on other terms, and compare with the paid model as it is published.

    Args:
        tables: The lake; nothing is written.
        settings: What is in force; a closed month has the terms on which it was closed.
        month: Its first day.
        model: One of `MODELS`.
        prices: See `with_prices`.
        suspects: included or excluded; what is published is taken with suspects included.

    Raises:
        ArgumentError: A price cannot be used, or is of a place where nobody listened in the month.
    """
    terms = closed_months(tables.root).get(month, settings.revenue)
    changed = with_prices(terms, prices, month)
    window = terms.pro_rata.months if terms.pro_rata.minimum_streams else 1
    plays = tables.read("silver.listens").where(
        F.trunc(c.LISTEN_DATE, "month").isin(*(months_before(month, n) for n in range(window)))
    )
    computed = revenue(
        plays,
        tables.read("gold.suspect_listens"),
        shares(tables),
        terms=changed,
        stream_rule=settings.marts.stream_rule,
        months=[month],
    )
    wanted = (F.col(c.MODEL) == model) & (F.col(c.SUSPECTS) == suspects)
    now: list[dict[str, Any]] = computed.where(wanted).toArrow().to_pylist()
    _check_places(prices, changed, now, month)
    published = [(c.MONTH, "=", month), (c.MODEL, "=", settings.revenue.paid_model), (c.SUSPECTS, "=", "included")]
    return compared(SmallTables(tables.root).rows(REVENUE, published), now)


def compared(published: Iterable[Mapping[str, Any]], what_if: Iterable[Mapping[str, Any]]) -> Comparison:
    """Sums of rows of gold.revenue beside one another; adjustments count to what is published."""
    pools: dict[Place, list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0)])
    payees: dict[Payee, list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0)])
    for side, rows in enumerate((published, what_if)):
        for row in rows:
            pools[row[c.COUNTRY], row[c.TIER], row[c.CURRENCY]][side] += row[c.AMOUNT]
            payees[row[c.CURRENCY], row[c.PAYEE_TYPE], row[c.PAYEE_ID]][side] += row[c.AMOUNT]
    ranked = sorted(payees.items(), key=lambda item: (item[1][0] - item[1][1], item[0]))
    return Comparison(
        {place: Moved(*sums) for place, sums in sorted(pools.items())},
        {payee: Moved(*sums) for payee, sums in ranked},
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


def _check_places(texts: Sequence[str], terms: RevenueSettings, rows: Iterable[Mapping[str, Any]], month: date) -> None:
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


def _nearest(text: str, known: Sequence[str], kind: str, where: str) -> str:
    if text not in known:
        near = difflib.get_close_matches(text, known, n=1, cutoff=0.0)[0]
        remedy = f"The nearest is {near}; there are: {', '.join(known)}."
        raise ArgumentError(f"There is no {kind} {text!r}.", where=where, remedy=remedy)
    return text
