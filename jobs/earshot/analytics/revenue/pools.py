"""What a month brought in a country and tier: from the books, or price x listeners."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Final

from earshot.core.currencies import minor_unit
from earshot.core.revenue_settings import EVERY_COUNTRY, PoolSettings, PriceSettings, RevenueSettings

FREE: Final = "free"
_EXACT: Final = Context(prec=60, rounding=ROUND_HALF_EVEN)


@dataclass(frozen=True)
class Pool:
    """What is to be paid out.

    Attributes:
        currency: ISO 4217.
        minor: Amount in minor units of the currency.
    """

    currency: str
    minor: int

    @property
    def unit(self) -> Decimal:
        """The minor unit as an amount of the currency."""
        return minor_unit(self.currency)


def pool_of(terms: RevenueSettings, *, month: date, country: str, tier: str, listeners: int) -> Pool | None:
    """The pool: the rights holders' shares of subscriptions and advertising, rounded half to even to the minor unit.

    Args:
        terms: Prices, pools from the books (which win), the shares.
        month: Its first day.
        country: Of the plays.
        tier: Of the plays.
        listeners: Different listeners with a counted stream.

    Returns:
        None where nothing has a price: such plays are in no pool.
    """
    subscription, advertising = Decimal(0), Decimal(0)
    booked = booked_pool(terms, month, country, tier)
    if booked:
        currency, subscription, advertising = booked.currency, booked.subscription, booked.advertising
    else:
        price = price_in_force(terms, month, country, tier)
        if price is None:
            return None
        currency, brought = price.currency, _EXACT.multiply(price.price, Decimal(listeners))
        subscription, advertising = (Decimal(0), brought) if tier == FREE else (brought, Decimal(0))
    of_both = terms.share_to_rights_holders
    of_advertising = of_both if terms.advertising_share is None else terms.advertising_share
    paid = _EXACT.add(
        _EXACT.multiply(subscription, Decimal(str(of_both))), _EXACT.multiply(advertising, Decimal(str(of_advertising)))
    )
    return Pool(currency, int(_EXACT.divide(paid, minor_unit(currency)).to_integral_value(ROUND_HALF_EVEN)))


def booked_pool(terms: RevenueSettings, month: date, country: str, tier: str) -> PoolSettings | None:
    """The pool of the books; None where there is none."""
    place = f"{month:%Y-%m}", country, tier
    return next((pool for pool in terms.pools if (pool.month, pool.country, pool.tier) == place), None)


def price_in_force(terms: RevenueSettings, month: date, country: str, tier: str) -> PriceSettings | None:
    """The latest price that has begun: the country's, else that of every other country."""
    begun = [price for price in terms.prices if price.tier == tier and price.since <= f"{month:%Y-%m}"]
    for place in (country, EVERY_COUNTRY):
        of_place = [price for price in begun if price.country == place]
        if of_place:
            return max(of_place, key=lambda price: price.since)
    return None
