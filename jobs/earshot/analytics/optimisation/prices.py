"""How conversions answer to the price, and which price brings most; from arms that ask different prices by lot."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from earshot.analytics.optimisation.demand import Demand, fit_demand
from earshot.analytics.optimisation.estimates import Estimate, normal, refused
from earshot.analytics.optimisation.experiment import Experiment
from earshot.analytics.plays import Floats, Integers
from earshot.core.measures import ALL

_DRAWS: Final = 2_000
_GRID: Final = 201
_INTERVAL: Final = (0.025, 0.975)
_CONVERTED_A_PRICE: Final = 5
_CURVE: Final = "logistic demand in the price relative to the first arm's"
_ONE_PRICE: Final = "only one price was asked: without variation by design there is no sensitivity to estimate"


@dataclass(frozen=True)
class _Cell:
    """The listeners of one country who were asked prices of one tier.

    Attributes:
        tier: That was offered.
        country: ISO 3166.
        currency: ISO 4217.
        base: Price that the first arm asks.
        relative: Price that each was asked, divided by `base`.
        converted: 1 or 0.
        kept: What a listener brings who does not convert; nan where no price list says.
    """

    tier: str
    country: str
    currency: str
    base: float
    relative: Floats
    converted: Floats
    kept: float

    def fault(self, minimum_outcomes: int) -> str:
        """Why it tells nothing; empty where it does."""
        prices, place = np.unique(self.relative, return_inverse=True)
        if len(prices) < 2:  # noqa: PLR2004 (a slope takes two)
            return _ONE_PRICE
        converted = np.bincount(place, weights=self.converted)
        if self.converted.sum() < minimum_outcomes or converted.min() < _CONVERTED_A_PRICE:
            return (
                f"{int(self.converted.sum())} converted, {int(converted.min())} of them at the price with fewest; "
                f"at least {minimum_outcomes} and {_CONVERTED_A_PRICE} are needed"
            )
        return ""


def price_sensitivity(experiment: Experiment, *, minimum_outcomes: int, mismatch_p: float, seed: int) -> list[Estimate]:
    """Elasticity and best price of each tier, by country and over ALL.

    - elasticity: change of the share that converts, in per cent, for one per cent more at the price of the first arm
      that offers the tier (control, where it does). ALL has a level for each country and one slope.
    - price_fit_p: whether the curve fits the share at each price; below `mismatch_p` no best price is named.
    - best_price: of the prices between the lowest and the highest that were tried (beyond them nothing is known),
      the one that brings most a listener and month, counting what those bring who do not convert. Interval by draws
      of the curve (Krinsky & Robb 1986); a bound at an end of the range means: try further there.
    - best_price_gain: what that price brings over the first arm's, a listener and month.

    It is the demand of listeners like those of the experiment who are offered the tier, in the time in which
    an offer is taken: not of subscribers whose price rises, and not of months later. The curve is an assumption.

    Args:
        experiment: Drawn by lot, with arms that offer the same tier at different prices.
        minimum_outcomes: Conversions that a cell must have.
        mismatch_p: See `price_fit_p`.
        seed: Of the draws.
    """
    found: list[Estimate] = []
    for tier in dict.fromkeys(offered for offered in experiment.offered if offered):
        arms = [place for place, offered in enumerate(experiment.offered) if offered == tier]
        if len(arms) < 2:  # noqa: PLR2004 (a slope takes two)
            found.append(refused("elasticity", _ONE_PRICE, len(experiment), country=ALL, tier=tier))
            continue
        usable = []
        for cell in _cells(experiment, arms, tier):
            where = {"country": cell.country, "tier": tier}
            if reason := cell.fault(minimum_outcomes):
                found.append(refused("elasticity", reason, len(cell.converted), **where))
            demand = None if reason else _fitted([cell])
            if demand:
                usable.append(cell)
                found += _of_cell(cell, demand, mismatch_p=mismatch_p, seed=seed)
        if len(usable) > 1 and (together := _fitted(usable)):
            value, error = together.elasticity()
            method = f"{_CURVE}, a level a country and one slope; sandwich and delta method"
            found.append(normal("elasticity", value, error, int(together.sizes.sum()), method, country=ALL, tier=tier))
    return found


def _cells(experiment: Experiment, arms: list[int], tier: str) -> Iterator[_Cell]:
    price = experiment.price[np.arange(len(experiment)), experiment.arm]
    base = experiment.price[:, arms[0]]
    asked = np.isin(experiment.arm, arms) & np.isfinite(price) & (base > 0)
    for country in np.unique(experiment.country[asked].astype(str)):
        inside = asked & (experiment.country == country)
        yield _Cell(
            tier=tier,
            country=str(country),
            currency=str(experiment.currency[inside][0]),
            base=float(base[inside][0]),
            relative=price[inside] / base[inside],
            converted=experiment.converted[inside],
            kept=float(experiment.kept[inside].mean()),
        )


def _fitted(cells: list[_Cell]) -> Demand | None:
    number: Integers = np.repeat(np.arange(len(cells)), [len(cell.converted) for cell in cells])
    return fit_demand(
        number, np.concatenate([cell.relative for cell in cells]), np.concatenate([cell.converted for cell in cells])
    )


def _of_cell(cell: _Cell, demand: Demand, *, mismatch_p: float, seed: int) -> list[Estimate]:
    where = {"country": cell.country, "tier": cell.tier}
    value, error = demand.elasticity()
    listeners = len(cell.converted)
    found = [normal("elasticity", value, error, listeners, f"{_CURVE}; sandwich and delta method", **where)]
    if np.isfinite(demand.fit_p):
        method = f"chi-squared test of {_CURVE}"
        found.append(Estimate("price_fit_p", demand.fit_p, None, None, listeners, method, where))
    where["currency"] = cell.currency
    if demand.fit_p < mismatch_p:
        reason = f"the shares do not lie on the curve: p = {demand.fit_p:.1g}"
        return [*found, refused("best_price", reason, listeners, **where)]
    if not np.isfinite(cell.kept):
        reason = "the price list does not say what those bring who do not convert"
        return [*found, refused("best_price", reason, listeners, **where)]
    return found + _best(cell, demand, where, seed)


def _best(cell: _Cell, demand: Demand, where: dict[str, str], seed: int) -> list[Estimate]:
    tried = np.linspace(cell.relative.min(), cell.relative.max(), _GRID)

    def brought(parameters: Floats, relative: float | Floats) -> Floats:
        share = demand.share(parameters, relative)
        return cell.kept + (np.asarray(relative) * cell.base - cell.kept) * share

    best = float(tried[brought(demand.parameters, tried).argmax()])
    drawn = demand.draws(_DRAWS, np.random.default_rng(seed))
    of_draw = tried[brought(drawn[:, None, :], tried[None, :]).argmax(axis=1)]
    gain = brought(demand.parameters, best) - brought(demand.parameters, 1.0)
    gains = brought(drawn, best) - brought(drawn, 1.0)
    method = f"{_CURVE}, within the prices tried; {_DRAWS} draws of the curve"
    found = []
    for name, value, spread in (
        ("best_price", best * cell.base, of_draw * cell.base),
        ("best_price_gain", gain, gains),
    ):
        lower, upper = np.quantile(spread, _INTERVAL)
        found.append(Estimate(name, float(value), float(lower), float(upper), len(cell.converted), method, where))
    return found
