"""The terms on which money is paid: prices, pools, thresholds and when a month closes.

Sources of the thresholds, as published:

- Spotify: a track earns once it has 1,000 streams in the previous 12 months (in force since 2024),
  https://artists.spotify.com/blog/modernizing-our-royalty-system
- Spotify: "roughly two-thirds of every dollar" is paid to rights holders, https://loudandclear.byspotify.com
- Deezer and Universal Music Group, "artist-centric": twice the weight for artists with 1,000 streams a month
  by 500 different listeners, twice again for streams that the listener chose, and at most 1,000 streams a
  listener and month count, https://www.deezer.com/explore/en-us/artist-remuneration/
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Hashable, Sequence
from decimal import Decimal
from itertools import takewhile
from typing import Annotated, Final, Literal, TypeVar

from pydantic import AfterValidator, Field, field_validator

from earshot.core.countries import ISO_3166_ALPHA_2
from earshot.core.currencies import ISO_4217
from earshot.core.section import Fraction, Positive, Section

EVERY_COUNTRY: Final = "*"
TIERS: Final = ("free", "premium", "family", "student")
MODELS: Final = ("pro_rata", "user_centric", "artist_centric")

Item = TypeVar("Item", bound=Section)


def known_code(kind: str, known: Collection[str]) -> Callable[[str], str]:
    """A check that the value is among the known ones, whose error names the nearest."""

    def check(value: str) -> str:
        if value not in known:
            nearest = max(sorted(known), key=lambda code: _likeness(value.upper(), code))
            raise ValueError(f"{value!r} is no {kind}; the nearest is {nearest}")
        return value

    return check


def _likeness(word: str, code: str) -> tuple[float, int]:
    same = takewhile(lambda letters: letters[0] == letters[1], zip(word, code, strict=False))
    return difflib.SequenceMatcher(None, word, code).ratio(), len(list(same))


Country = Annotated[str, AfterValidator(known_code("country of ISO 3166", ISO_3166_ALPHA_2))]
CountryOrEvery = Annotated[
    str, AfterValidator(known_code("country of ISO 3166 (or *)", ISO_3166_ALPHA_2 | {EVERY_COUNTRY}))
]
Currency = Annotated[str, AfterValidator(known_code("currency of ISO 4217", ISO_4217))]
Tier = Literal["free", "premium", "family", "student"]
PayModel = Literal["pro_rata", "user_centric", "artist_centric"]
Month = Annotated[str, Field(pattern=r"^\d{4}-(0[1-9]|1[0-2])$")]
Amount = Annotated[Decimal, Field(ge=0, lt=Decimal(10) ** 13)]
Factor = Annotated[int, Field(gt=0, le=1_000)]


class PriceSettings(Section):
    """The month's price of a tier in a country, or what a listener of a free tier brings in advertising.

    What is to be shared, so net of taxes and of what app stores keep. A listener who has streams in two pools of a
    month (a move, another tier) brings the price of both; where that matters, write pools from the books.

    Attributes:
        country: ISO 3166, or `*` for every country without a price of its own.
        since: First month in which it holds; the latest one that has begun is in force.
    """

    country: CountryOrEvery
    tier: Tier
    currency: Currency
    price: Amount
    since: Month = "0001-01"


class PoolSettings(Section):
    """What a month brought in a country and tier, from the books; stands in the place of price x listeners."""

    month: Month
    country: Country
    tier: Tier
    currency: Currency
    subscription: Amount = Decimal(0)
    advertising: Amount = Decimal(0)


class ProRataSettings(Section):
    """A track earns once it has so many counted streams in so many months, the paid one included; 0 = always."""

    minimum_streams: int = Field(default=0, ge=0)
    months: Positive = 12


class ArtistCentricSettings(Section):
    """The boosts and the cap of the artist-centric model.

    Attributes:
        boost_streams: Counted streams in the month from which an artist is boosted,
        boost_listeners: if they come from so many listeners.
        boost_factor: What a stream of such an artist counts.
        active_factor: What a stream counts that the listener chose; the factors multiply.
        active_contexts: Contexts of silver.listens in which the listener chose.
        listener_cap: At most so many streams of a listener count in a month; 0 = all.
    """

    boost_streams: Positive = 1_000
    boost_listeners: Positive = 500
    boost_factor: Factor = 2
    active_factor: Factor = 2
    active_contexts: tuple[str, ...] = ("search", "library", "album", "artist")
    listener_cap: int = Field(default=1_000, ge=0)


class RevenueSettings(Section):
    """Prices and pools, who shares in them by which model, and when a month is closed.

    Attributes:
        share_to_rights_holders: Part of the revenue that is paid out.
        advertising_share: Part of the revenue from advertising that is paid out; none = the same. What the free tier
            brings by its price is advertising.
        paid_model: The model by which is really paid; the others stand beside it.
        close_after_days: Days after its end after which a month is closed by the next run; none = never by itself.
    """

    share_to_rights_holders: Fraction = 0.68
    advertising_share: Fraction | None = None
    paid_model: PayModel = "pro_rata"
    close_after_days: int | None = Field(default=None, ge=0)
    prices: tuple[PriceSettings, ...] = ()
    pools: tuple[PoolSettings, ...] = ()
    pro_rata: ProRataSettings = ProRataSettings()
    artist_centric: ArtistCentricSettings = ArtistCentricSettings()

    @field_validator("prices")
    @classmethod
    def _one_price_each(cls, prices: tuple[PriceSettings, ...]) -> tuple[PriceSettings, ...]:
        return _each_once(prices, lambda price: (price.country, price.tier, price.since))

    @field_validator("pools")
    @classmethod
    def _one_pool_each(cls, pools: tuple[PoolSettings, ...]) -> tuple[PoolSettings, ...]:
        return _each_once(pools, lambda pool: (pool.month, pool.country, pool.tier))


def _each_once(items: tuple[Item, ...], key: Callable[[Item], Sequence[Hashable]]) -> tuple[Item, ...]:
    seen: dict[tuple[Hashable, ...], int] = {}
    for number, item in enumerate(items):
        first = seen.setdefault(tuple(key(item)), number)
        if first != number:
            raise ValueError(f"entry {number} repeats entry {first}: {' '.join(map(str, key(item)))}")
    return items
