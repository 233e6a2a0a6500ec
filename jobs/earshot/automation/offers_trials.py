"""Simulated experiments without logs, many of them: whether 95 % intervals cover the truth 95 % of the time."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from multiprocessing import get_context
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from earshot.analytics.optimisation.answer import answer
from earshot.analytics.optimisation.estimates import Estimate
from earshot.analytics.optimisation.experiment import Experiment
from earshot.automation.offers_truth import Truth, true_values
from earshot.core.settings import OptimisationSettings
from earshot.importers.simulated.geography import COUNTRY_CODES, ZONE_COUNTRY, ZONE_SHARES
from earshot.importers.simulated.offers import WHICH_PRICE, WHICH_TIER, OfferTest, drawn, listed
from earshot.importers.simulated.scenario import OfferTests

Floats = NDArray[np.float64]

_BEGINS: Final = datetime(2026, 3, 22, tzinfo=UTC)
_FEATURES: Final = ("log_plays", "log_artists", "active_days", "skip_share")
_DAYS: Final = 28
_PLAYS_A_DAY: Final = 15
_FREE: Final = {"USD": 0.75, "JPY": 60.0, "EUR": 0.45}
_EXACT: Final = 0.95


def cover(trials: int, *, listeners: int, settings: OptimisationSettings, processes: int = 1) -> dict[str, Any]:
    """Answer many simulated experiments, and count how often an interval holds the truth.

    Args:
        trials: Of each of the two experiments (which tier, which price).
        listeners: In each.
        settings: As the job has them.
        processes: At once.

    Returns:
        By metric: intervals, the part of them that cover, whether that is within chance of 95 % (three standard
        errors, taking the intervals of a trial as one: they move together) or above it, mean width and bias.
    """
    seeds = range(trials)
    work = [(seed, listeners, settings) for seed in seeds]
    if processes > 1:
        with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
            found = list(pool.map(_trial, *zip(*work, strict=True)))
    else:
        found = [_trial(*one) for one in work]
    by_metric: dict[str, list[list[tuple[bool, float, float]]]] = defaultdict(list)
    for of_trial in found:
        for metric, intervals in of_trial.items():
            by_metric[metric].append(intervals)
    rows = [_row(metric, by_metric[metric]) for metric in sorted(by_metric)]
    return {"trials": trials, "listeners": listeners, "honest": all(row["honest"] for row in rows), "coverage": rows}


def simulated_experiment(name: str, seed: int, listeners: int) -> tuple[Experiment, Truth]:
    """One of the simulator's two experiments, `which-tier` or `which-price`, with covariates that only hint at it."""
    rng = np.random.default_rng([seed, len(name)])
    country = ZONE_COUNTRY[rng.choice(len(ZONE_SHARES), listeners, p=ZONE_SHARES / ZONE_SHARES.sum())]
    activity = np.minimum(rng.lognormal(0.0, 0.85, listeners), 7.0) * 0.85
    arms = WHICH_TIER if name == "which-tier" else WHICH_PRICE
    rules = OfferTests()
    test = drawn(name, arms, (np.arange(listeners), activity, country), rules, _BEGINS, rng)
    words = np.array(COUNTRY_CODES, dtype=object)[country]
    truth = Truth(
        tuple(arm.name for arm in arms), tuple(arm.relative for arm in arms), test.probability, words, rules.reached
    )
    return _experiment(test, activity, words, rng), truth


def _trial(seed: int, listeners: int, settings: OptimisationSettings) -> dict[str, list[tuple[bool, float, float]]]:
    found: dict[str, list[tuple[bool, float, float]]] = defaultdict(list)
    with threadpool_limits(1):
        for name in ("which-tier", "which-price"):
            for one, truth in _judged(name, seed, listeners, settings):
                lower, upper = one.lower or 0.0, one.upper or 0.0
                found[one.metric].append((lower <= truth <= upper, upper - lower, (one.value or 0.0) - truth))
    return dict(found)


def _judged(name: str, seed: int, listeners: int, settings: OptimisationSettings) -> Iterator[tuple[Estimate, float]]:
    experiment, truth = simulated_experiment(name, seed, listeners)
    said = answer(experiment, settings)
    return true_values(experiment, truth, said.scores, said.estimates, settings.groups)


def _row(metric: str, by_trial: list[list[tuple[bool, float, float]]]) -> dict[str, Any]:
    every = [interval for of_trial in by_trial for interval in of_trial]
    share = float(np.mean([covered for covered, _, _ in every]))
    of_trials = [float(np.mean([covered for covered, _, _ in of_trial])) for of_trial in by_trial]
    chance = max(float(np.std(of_trials)), math.sqrt(_EXACT * (1 - _EXACT) / len(every) * len(by_trial)))
    error = chance / math.sqrt(len(by_trial))
    return {
        "metric": metric,
        "intervals": len(every),
        "coverage": share,
        "honest": share >= _EXACT - 3 * error,
        "width": float(np.mean([width for _, width, _ in every])),
        "bias": float(np.mean([bias for _, _, bias in every])),
    }


def _experiment(
    test: OfferTest, activity: Floats, country: NDArray[np.object_], rng: np.random.Generator
) -> Experiment:
    listeners = len(activity)
    plays = rng.poisson(_PLAYS_A_DAY * 6 * activity)
    active = rng.binomial(_DAYS, np.minimum(0.1 + 0.12 * activity, 0.95)) / _DAYS
    covariates = [np.log1p(plays), np.log1p(rng.poisson(2 + plays / 3)), active, rng.beta(3, 7, listeners)]
    prices, currencies = [], []
    for place in country:
        prices.append([listed(place, arm.tier or "premium")[1] * arm.relative for arm in test.arms])
        currencies.append(listed(place, "premium")[0])
    return Experiment(
        name=test.name,
        arms=tuple(arm.name for arm in test.arms),
        shares=tuple(arm.share for arm in test.arms),
        offered=tuple(arm.tier for arm in test.arms),
        arm=test.arm,
        converted=(test.converted_after >= 0).astype(float),
        received=test.received.astype(float),
        covariates=np.stack(covariates, axis=1),
        features=_FEATURES,
        country=country,
        tier=np.full(listeners, "free", dtype=object),
        currency=np.array(currencies, dtype=object),
        price=np.array(prices),
        kept=np.array([_FREE[currency] for currency in currencies]),
    )
