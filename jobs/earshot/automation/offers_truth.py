"""How right the figures of offers are: against what the simulator knows of every listener in every arm."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from earshot.analytics.optimisation.estimates import Estimate
from earshot.analytics.optimisation.experiment import CONTROL, Experiment
from earshot.analytics.optimisation.policy import policies, values
from earshot.analytics.optimisation.responses import Scores
from earshot.analytics.optimisation.uplift import uplift
from earshot.core.errors import InputError
from earshot.core.measures import ALL
from earshot.core.settings import Settings
from earshot.core.small_tables import SmallTables
from earshot.security.keys import load_keys
from earshot.security.pseudonyms import Pseudonymiser

Floats = NDArray[np.float64]
Words = NDArray[np.object_]

_GRID: Final = 201
_NEAR: Final = (0.85, 1.15)


@dataclass(frozen=True)
class Truth:
    """What is known of the listeners of one experiment.

    Attributes:
        arms: Names, k; `control` first.
        relative: Part of the list price that each arm asks, k.
        probability: Of converting, n x k, whether the offer reaches them or not.
        country: n.
        reached: Part of those assigned to an offer who see it; nan where it is not known.
    """

    arms: tuple[str, ...]
    relative: tuple[float, ...]
    probability: Floats
    country: Words
    reached: float = float("nan")

    def average(self, metric: str, arm: str) -> float | None:
        """The truth of a figure of an arm; None where it is not one."""
        mean = self.probability.mean(axis=0)
        place = self.arms.index(arm)
        effect = float(mean[place] - mean[0])
        known = {
            "conversion_rate": float(mean[place]),
            "effect": effect,
            "effect_adjusted": effect,
            "effect_received": effect / self.reached,
        }
        return known.get(metric)

    def elasticity(self, country: str) -> float:
        """Slope of the logarithm of demand at the list price, from the arms a little below and above."""
        low, high = (self._demand(country)[self.relative.index(price)] for price in _NEAR)
        return float(np.log(high / low) / (_NEAR[1] - _NEAR[0]))

    def brought(self, country: str, relative: Floats, price: float, kept: float) -> Floats:
        """What a listener brings a month at a relative price; demand between the arms by a polynomial of its odds."""
        demand = self._demand(country)
        curve = np.polyfit(np.array(self.relative) - 1, np.log(demand / (1 - demand)), len(self.relative) - 1)
        share = 1 / (1 + np.exp(-np.polyval(curve, relative - 1)))
        return np.asarray(kept + (relative * price - kept) * share)

    def _demand(self, country: str) -> Floats:
        inside = np.ones(len(self.country), bool) if country == ALL else self.country == country
        return np.asarray(self.probability[inside].mean(axis=0))


def true_values(
    experiment: Experiment, truth: Truth, scores: Scores | None, told: Iterable[Estimate], groups: int
) -> Iterator[tuple[Estimate, float]]:
    """Each figure that has an interval, with its truth.

    Groups, ranks and policies are those that the scores made; only what they are judged by is the truth.
    """
    of_choices: dict[tuple[str, tuple[tuple[str, str], ...]], float | None] = {}
    if scores is not None:
        known = Scores(scores.predicted, truth.probability, scores.fold)
        judged = [*uplift(experiment, known, groups=groups), *policies(experiment, scores, judged=truth.probability)]
        of_choices = {(one.metric, tuple(sorted(one.dimensions.items()))): one.value for one in judged}
    best = {e.dimensions["country"]: e.value for e in told if e.metric == "best_price"}
    for one in told:
        if one.lower is None:
            continue
        if "arm" in one.dimensions and (value := truth.average(one.metric, one.dimensions["arm"])) is not None:
            yield one, value
        elif one.metric == "elasticity":
            yield one, truth.elasticity(one.dimensions["country"])
        elif one.metric in {"best_price", "best_price_gain"}:
            yield one, _of_prices(experiment, truth, one, best[one.dimensions["country"]] or 0.0)
        elif (found := of_choices.get((one.metric, tuple(sorted(one.dimensions.items()))))) is not None:
            yield one, found


def _of_prices(experiment: Experiment, truth: Truth, one: Estimate, best: float) -> float:
    country = one.dimensions["country"]
    inside = experiment.country == country
    price, kept = float(experiment.price[inside, 0][0]), float(experiment.kept[inside].mean())
    if one.metric == "best_price_gain":
        here, there = truth.brought(country, np.array([best / price, 1.0]), price, kept)
        return float(here - there)
    tried = np.linspace(min(truth.relative), max(truth.relative), _GRID)
    return float(price * tried[truth.brought(country, tried, price, kept).argmax()])


def judge_home(settings: Settings) -> dict[str, Any]:
    """The figures of HOME's experiments against truth/offers.parquet, and what the offers chosen really bring.

    Raises:
        InputError: There is no truth, or no figure yet.
    """
    path = settings.home / "truth" / "offers.parquet"
    if not path.exists():
        raise InputError(
            "There is no truth about offers.",
            where=str(path),
            remedy="Simulate with `earshot generate --scenario offers`, or use --trials 200 for simulated trials.",
        )
    tables, truth = SmallTables(settings.lake_root), pq.read_table(path)
    figures = tables.rows("gold.optimisation", [("topic", "=", "offers")])
    if not figures:
        raise InputError(
            "No experiment was answered yet.", where="gold.optimisation", remedy="Run `earshot run optimise_offers`."
        )
    keys = load_keys(settings)
    pseudonyms = Pseudonymiser(keys.pseudonym_key, keys.key_version).arrow(truth.column("listener")).to_pylist()
    offers = tables.rows("silver.offers")
    place = {(row["experiment"], row["listener_id"]): row["country"] for row in offers}
    rows: list[dict[str, Any]] = []
    values_told: list[dict[str, Any]] = []
    for name in sorted(set(truth.column("experiment").to_pylist())):
        known, listeners = _known(name, truth.to_pydict(), pseudonyms, place)
        told = [_estimate(row) for row in figures if row["subject"] == name]
        rows += [_compared(name, one, known) for one in told if _has_truth(one)]
        values_told += _chosen(settings, name, known, listeners)
    covered = [row["covered"] for row in rows]
    return {"intervals": len(rows), "cover": sum(covered) / max(len(rows), 1), "figures": rows, "offers": values_told}


def _known(
    name: str, truth: dict[str, list[Any]], pseudonyms: list[str], place: dict[tuple[str, str], str]
) -> tuple[Truth, list[str]]:
    arms: dict[str, float] = {}
    by_listener: dict[str, dict[str, float]] = {}
    for experiment, listener, arm, price, probability in zip(
        truth["experiment"], pseudonyms, truth["arm"], truth["relative_price"], truth["probability"], strict=True
    ):
        if experiment == name and (name, listener) in place:
            arms[arm] = price
            by_listener.setdefault(listener, {})[arm] = probability
    names = (CONTROL, *sorted(set(arms) - {CONTROL}))
    matrix = np.array([[of_arm[arm] for arm in names] for of_arm in by_listener.values()])
    country = np.array([place[name, listener] for listener in by_listener], dtype=object)
    return Truth(names, tuple(arms[arm] for arm in names), matrix, country), list(by_listener)


def _estimate(row: dict[str, Any]) -> Estimate:
    return Estimate(
        row["metric"], row["value"], row["lower"], row["upper"], row["listeners"], row["method"], row["dimensions"]
    )


def _has_truth(one: Estimate) -> bool:
    return one.lower is not None and one.metric in {"conversion_rate", "effect", "effect_adjusted", "elasticity"}


def _compared(name: str, one: Estimate, known: Truth) -> dict[str, Any]:
    if one.metric == "elasticity":
        truth = known.elasticity(one.dimensions["country"])
    else:
        truth = known.average(one.metric, one.dimensions["arm"]) or 0.0
    return {
        "experiment": name,
        "metric": one.metric,
        "of": ", ".join(one.dimensions.values()),
        "value": one.value,
        "lower": one.lower,
        "upper": one.upper,
        "truth": truth,
        "covered": (one.lower or 0.0) <= truth <= (one.upper or 0.0),
    }


def _chosen(settings: Settings, name: str, known: Truth, listeners: list[str]) -> list[dict[str, Any]]:
    """What gold.offers promises of each currency, and what it, the best single arm and the best choice really bring."""
    rows = {row["listener_id"]: row for row in SmallTables(settings.lake_root).rows("gold.offers")}
    chosen = [(n, rows[one]) for n, one in enumerate(listeners) if rows.get(one, {}).get("experiment") == name]
    terms: dict[tuple[str, str], float] = {(p.country, p.tier): float(p.price) for p in settings.revenue.prices}
    asked = _asked(SmallTables(settings.lake_root), name)
    told = []
    for currency in sorted({row["currency"] for _, row in chosen if row["currency"]}):
        inside = [(n, row) for n, row in chosen if row["currency"] == currency]
        places = [n for n, _ in inside]
        price = np.array([[asked.get((arm, known.country[n]), np.nan) for arm in known.arms] for n in places])
        kept = np.array([terms.get((known.country[n], "free"), terms.get(("*", "free"), 0.0)) for n in places])
        price[:, 0] = np.where(np.isnan(price[:, 0]), _listed(terms, known, places), price[:, 0])
        true = values(price, kept, known.probability[places])
        arm = np.array([known.arms.index(row["arm"]) for _, row in inside])
        gain = true - true[:, :1]
        told.append(
            {
                "experiment": name,
                "currency": currency,
                "listeners": len(inside),
                "promised_gain": float(np.mean([row["gain"] for _, row in inside])),
                "true_gain": float(gain[np.arange(len(arm)), arm].mean()),
                "best_single_arm": float(gain.mean(axis=0).max()),
                "best_possible": float(gain.max(axis=1).mean()),
            }
        )
    return told


def _listed(terms: dict[tuple[str, str], float], known: Truth, places: list[int]) -> Floats:
    found = [terms.get((known.country[n], "premium"), terms.get(("*", "premium"), 0.0)) for n in places]
    return np.array(found, float)


def _asked(tables: SmallTables, name: str) -> dict[tuple[str, str], float]:
    rows = tables.rows("silver.offers", [("experiment", "=", name)])
    return {(row["arm"], row["country"]): float(row["price"]) for row in rows if row["price"] is not None}
