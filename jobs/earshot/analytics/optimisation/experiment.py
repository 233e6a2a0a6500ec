"""An experiment as arrays: who was assigned to what, what was known of them before, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from earshot.analytics.optimisation.covariates import COVARIATES
from earshot.analytics.plays import Flags, Floats, Integers
from earshot.analytics.revenue.pools import price_in_force
from earshot.core import columns as c
from earshot.core.revenue_settings import PriceSettings, RevenueSettings

CONTROL: Final = "control"
Words = NDArray[np.object_]


@dataclass(frozen=True)
class Experiment:
    """One experiment of n listeners and k arms; every array has a row a listener.

    Attributes:
        name: Its name.
        arms: Names of the arms, `control` first.
        shares: Planned probability of each arm, k; None where nobody drew lots.
        offered: Tier that each arm offers; None where it names none.
        arm: Place in `arms`.
        converted: 1 where the listener took an offer in time, else 0.
        received: 1 where the offer was seen, 0 where it was not, nan where nobody looked.
        covariates: n x d numbers from before the assignment; see `covariates`.
        features: Names of the d columns.
        country: ISO 3166 at assignment.
        tier: At assignment.
        currency: ISO 4217 in which prices of the country stand; empty where none does.
        price: n x k, the price a month of each arm in the listener's country; nan where there is none.
        kept: What the listener brings a month without converting; nan where no price list says.
    """

    name: str
    arms: tuple[str, ...]
    shares: tuple[float, ...] | None
    offered: tuple[str | None, ...]
    arm: Integers
    converted: Floats
    received: Floats
    covariates: Floats
    features: tuple[str, ...]
    country: Words
    tier: Words
    currency: Words
    price: Floats
    kept: Floats

    def __len__(self) -> int:
        """How many listeners."""
        return len(self.arm)

    @property
    def tries_prices(self) -> bool:
        """Whether two arms offer the same tier: they differ by what they ask."""
        offered = [tier for tier in self.offered if tier]
        return len(set(offered)) < len(offered)

    def where(self, kept: Flags | Integers) -> Experiment:
        """These listeners of it, by flags or by places."""
        arrays: dict[str, Any] = {n: value[kept] for n, value in vars(self).items() if isinstance(value, np.ndarray)}
        return replace(self, **arrays)


def experiment_of(rows: pa.Table, *, terms: RevenueSettings, as_of: datetime, within_days: int) -> Experiment | None:
    """The experiment in rows of one name; None where nobody's time to answer is over.

    Who was assigned less than `within_days` before `as_of` is left out, in every arm alike, and so is what came
    later than that: it could not be seen of everybody.

    Args:
        rows: Columns of silver.offers and of `covariates`.
        terms: The price list: what arms ask that name no price, and what listeners bring who do not convert.
        as_of: End of what may be known.
        within_days: Days in which an offer is taken.
    """
    window = pa.scalar(timedelta(days=within_days))
    ends = pc.add(rows.column(c.ASSIGNED_AT), window)
    over = pc.less_equal(ends, pa.scalar(as_of, ends.type))
    rows, ends = rows.filter(over), ends.filter(over)
    if not rows.num_rows:
        return None
    names = rows.column(c.ARM).to_pylist()
    arms = (CONTROL, *sorted(set(names) - {CONTROL}))
    country, tier = words(rows.column(c.COUNTRY)), words(rows.column(c.TIER))
    arm = np.array([arms.index(name) for name in names])
    first = {name: rows.slice(names.index(name), 1).to_pylist()[0] for name in arms if name in names}
    planned = [first[name][c.PROBABILITY] if name in first else 0.0 for name in arms]
    listed = _Prices(rows, terms, as_of)
    currency, price, kept = listed.of(arms, country, tier)
    features, covariates = encoded(rows, country, tier)
    in_time = pc.fill_null(pc.less_equal(rows.column(c.CONVERTED_AT), ends), False)
    return Experiment(
        name=rows.column(c.EXPERIMENT)[0].as_py(),
        arms=arms,
        shares=None if None in planned else tuple(planned),
        offered=tuple(first[name][c.OFFERED_TIER] if name in first else None for name in arms),
        arm=arm,
        converted=in_time.to_numpy(zero_copy_only=False).astype(float),
        received=rows.column(c.RECEIVED).cast(pa.float64()).to_numpy(zero_copy_only=False),
        covariates=covariates,
        features=features,
        country=country,
        tier=tier,
        currency=currency,
        price=price,
        kept=kept,
    )


def encoded(
    rows: pa.Table, country: Words, tier: Words, features: Sequence[str] | None = None
) -> tuple[tuple[str, ...], Floats]:
    """The covariates as numbers, with a column for each country and tier but the most frequent one.

    Args:
        rows: Columns of `covariates`.
        country: Of each row.
        tier: Of each row.
        features: Names of an earlier call, to get the same columns of other listeners.
    """
    numbers = {name: _column(rows, name) for name in COVARIATES}
    if features is None:
        features = (*COVARIATES, *_indicators(c.COUNTRY, country), *_indicators(c.TIER, tier))
    where: Mapping[str, Words] = {c.COUNTRY: country, c.TIER: tier}
    columns = [
        numbers[name] if name in numbers else (where[name.split("=")[0]] == name.split("=")[1]).astype(float)
        for name in features
    ]
    return tuple(features), np.stack(columns, axis=1)


def words(column: pa.ChunkedArray) -> Words:
    """A column of texts."""
    return np.array(column.to_pylist(), dtype=object)


def _column(rows: pa.Table, name: str) -> Floats:
    values: Floats = pc.fill_null(rows.column(name).cast(pa.float64()), 0.0).to_numpy()
    return values


def _indicators(name: str, values: Words) -> list[str]:
    found, counts = np.unique(values.astype(str), return_counts=True)
    return [f"{name}={value}" for value in np.delete(found, np.argmax(counts))]


class _Prices:
    """What each arm asks in each country, from the rows, else from the price list."""

    def __init__(self, rows: pa.Table, terms: RevenueSettings, as_of: datetime) -> None:
        self._terms, self._month = terms, as_of.date().replace(day=1)
        told = rows.select([c.ARM, c.COUNTRY, c.OFFERED_TIER, c.PRICE, c.CURRENCY])
        found = told.group_by(told.column_names).aggregate([]).to_pylist()
        self._asked = {(row[c.ARM], row[c.COUNTRY]): row for row in found}
        offered = {row[c.OFFERED_TIER] for row in found if row[c.OFFERED_TIER]}
        self._plain = offered.pop() if len(offered) == 1 else "premium"

    def of(self, arms: Sequence[str], country: Words, tier: Words) -> tuple[Words, Floats, Floats]:
        """Of each listener: currency, price of each arm, and what they bring without converting."""
        places, inverse = np.unique(country.astype(str), return_inverse=True)
        currencies = [self._currency(place) for place in places]
        asked = np.array([[self._price(arm, str(place)) for arm in arms] for place in places])
        pairs, of_pair = np.unique(np.stack([country, tier]).astype(str), axis=1, return_inverse=True)
        kept = np.array([self._kept(*pair) for pair in pairs.T])
        return np.array(currencies, dtype=object)[inverse], asked[inverse], kept[of_pair]

    def _currency(self, country: str) -> str:
        said = [row[c.CURRENCY] for (_, place), row in self._asked.items() if place == country and row[c.CURRENCY]]
        return next(iter(said), "") or getattr(self._listed(country, self._plain), "currency", "")

    def _price(self, arm: str, country: str) -> float:
        row = self._asked.get((arm, country))
        if row is None:
            return np.nan
        if row[c.PRICE] is not None:
            return float(row[c.PRICE])
        return self._amount(country, row[c.OFFERED_TIER] or self._plain)

    def _kept(self, country: str, tier: str) -> float:
        return self._amount(country, tier)

    def _amount(self, country: str, tier: str) -> float:
        price = self._listed(country, tier)
        return float(price.price) if price and price.currency == self._currency(country) else np.nan

    def _listed(self, country: str, tier: str) -> PriceSettings | None:
        return price_in_force(self._terms, self._month, country, tier)
