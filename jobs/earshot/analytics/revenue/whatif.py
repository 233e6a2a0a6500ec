"""What a month would have been paid on other terms, against what is published. Reads only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from pyspark.sql import functions as F

from earshot.analytics.revenue.closed_months import REVENUE, closed_months
from earshot.analytics.revenue.paid_now import paid_now
from earshot.analytics.revenue.splits import shares
from earshot.analytics.revenue.whatif_terms import check_places, with_prices, with_settings
from earshot.core import columns as c
from earshot.core.revenue_settings import RevenueSettings
from earshot.core.settings import Settings
from earshot.core.small_tables import SmallTables
from earshot.core.tables import Tables

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
class Hands:
    """What payees of a pool, or of several, gain and lose; the same where the pool stays.

    Attributes:
        gained: Sum of what those get more who get more.
        lost: Sum of what those get less who get less.
    """

    gained: Decimal = Decimal(0)
    lost: Decimal = Decimal(0)

    def __add__(self, other: Hands) -> Hands:
        """Both together."""
        return Hands(self.gained + other.gained, self.lost + other.lost)

    @property
    def changing(self) -> Decimal:
        """What goes from some payees to others; what a larger or smaller pool brings or takes is none of it."""
        return min(self.gained, self.lost)


@dataclass(frozen=True)
class Comparison:
    """What would be paid against what is published.

    Attributes:
        pools: By country, tier and currency.
        payees: By currency, kind and name of the payee, the largest gain first.
        hands: What the payees of each pool gain and lose there.
    """

    pools: Mapping[Place, Moved]
    payees: Mapping[Payee, Moved]
    hands: Mapping[Place, Hands] = field(default_factory=dict)

    def total(self, currency: str) -> Moved:
        """The sum over payees; it is that of the pools."""
        of_currency = [moved for (paid_in, _, _), moved in self.payees.items() if paid_in == currency]
        zero = Decimal(0)
        return Moved(sum((m.published for m in of_currency), zero), sum((m.what_if for m in of_currency), zero))

    def hands_of(self, currency: str) -> Hands:
        """What payees gain and lose over all pools of the currency; in a pool each of them counts once."""
        changes = [moved.change for (paid_in, _, _), moved in self.payees.items() if paid_in == currency]
        zero = Decimal(0)
        return Hands(sum((one for one in changes if one > 0), zero), -sum((one for one in changes if one < 0), zero))

    @property
    def currencies(self) -> list[str]:
        """In which is paid."""
        return sorted({currency for currency, _, _ in self.payees})


def terms_of(root: str, settings: Settings, month: date) -> RevenueSettings:
    """The terms of a month: a closed one has those on which it was closed."""
    return closed_months(root).get(month, settings.revenue)


def compare(
    tables: Callable[[], Tables],
    settings: Settings,
    *,
    month: date,
    model: str,
    prices: Sequence[str] = (),
    changes: Sequence[str] = (),
    suspects: str = "included",
) -> Comparison:
    """Compare a month on other terms with the paid model as it is published.

    All models are published with and without suspects: only other terms need the plays, and Spark.

    Args:
        tables: Gives the lake, where plays are needed; nothing is written.
        settings: What is in force; a closed month has the terms on which it was closed.
        month: Its first day.
        model: One of `MODELS`.
        prices: See `whatif_terms.with_prices`.
        changes: See `whatif_terms.with_settings`.
        suspects: included or excluded; what is published is taken with suspects included.

    Raises:
        ArgumentError: A price or setting cannot be used, or is of a place where nobody listened in the month.
    """
    terms = terms_of(settings.lake_root, settings, month)
    changed = with_prices(with_settings(terms, changes), prices, month)
    small = SmallTables(settings.lake_root)

    def published(which: str, treated: str) -> list[dict[str, Any]]:
        return small.rows(REVENUE, [(c.MONTH, "=", month), (c.MODEL, "=", which), (c.SUSPECTS, "=", treated)])

    paid = published(terms.paid_model, "included")
    if changed == terms:
        return compared(paid, published(model, suspects))
    lake = tables()
    computed = paid_now(lake, [month], shares(lake), terms=changed, stream_rule=settings.marts.stream_rule)
    wanted = (F.col(c.MODEL) == model) & (F.col(c.SUSPECTS) == suspects)
    now: list[dict[str, Any]] = computed.where(wanted).toArrow().to_pylist()
    check_places(prices, changed, now, month)
    return compared(paid, now)


def compared(published: Iterable[Mapping[str, Any]], what_if: Iterable[Mapping[str, Any]]) -> Comparison:
    """Sums of rows of gold.revenue beside one another; adjustments count to what is published."""
    sums: dict[tuple[Place, Payee], list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0)])
    for side, rows in enumerate((published, what_if)):
        for row in rows:
            place = row[c.COUNTRY], row[c.TIER], row[c.CURRENCY]
            sums[place, (row[c.CURRENCY], row[c.PAYEE_TYPE], row[c.PAYEE_ID])][side] += row[c.AMOUNT]
    pools: dict[Place, Moved] = defaultdict(lambda: Moved(Decimal(0), Decimal(0)))
    payees: dict[Payee, Moved] = defaultdict(lambda: Moved(Decimal(0), Decimal(0)))
    hands: dict[Place, Hands] = defaultdict(Hands)
    for (place, payee), (before, after) in sums.items():
        pools[place] = Moved(pools[place].published + before, pools[place].what_if + after)
        payees[payee] = Moved(payees[payee].published + before, payees[payee].what_if + after)
        hands[place] += Hands(max(after - before, Decimal(0)), max(before - after, Decimal(0)))
    ranked = sorted(payees.items(), key=lambda item: (-item[1].change, item[0]))
    return Comparison(dict(sorted(pools.items())), dict(ranked), dict(sorted(hands.items())))
