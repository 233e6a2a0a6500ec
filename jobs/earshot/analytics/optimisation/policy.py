"""What it brings to choose the offer by listener, against one offer for everybody and none at all."""

from __future__ import annotations

from typing import Final

import numpy as np

from earshot.analytics.optimisation.estimates import Estimate, mean_of, refused
from earshot.analytics.optimisation.experiment import CONTROL, Experiment
from earshot.analytics.optimisation.responses import Scores
from earshot.analytics.plays import Flags, Floats, Integers

BY_LISTENER: Final = "by_listener"
BEST_ARM: Final = "best_arm"
_LEAST: Final = 100


def policies(
    experiment: Experiment, scores: Scores, *, by_listener: bool = True, judged: Floats | None = None
) -> list[Estimate]:
    """Value of policies in each currency, by listener and month, on doubly robust scores (Dudik et al. 2014).

    A listener in an arm brings its price if they convert, and else what they bring now (advertising, or the price
    of their tier). Policies: every arm for everybody; `best_arm`, the one that brings most on average; and
    `by_listener`, the arm that is predicted to bring most of each. The last two are chosen without the part on
    which they are judged, so that they do not profit from what they saw.

    - policy_value: of each; policy_gain: `by_listener` less `best_arm`, and less control, on the same listeners.
    - offered_share: the part of the listeners to whom `by_listener` makes each offer.

    Args:
        experiment: Drawn by lot.
        scores: Out of fold; they choose.
        by_listener: Whether listeners may be treated differently; else only arms for everybody are valued.
        judged: n x k, what the choices are judged by: the robust scores, or in a simulation the truth.
    """
    found: list[Estimate] = []
    for currency in sorted(set(experiment.currency)):
        inside = experiment.currency == currency
        known = np.isfinite(experiment.kept) & np.isfinite(experiment.price[:, 0])
        if not currency or inside.sum() < _LEAST or not known[inside].any():
            reason = f"fewer than {_LEAST} listeners pay in it, or the price list lacks them"
            found.append(refused("policy_value", reason, int(inside.sum()), currency=str(currency)))
            continue
        judges = scores.robust if judged is None else judged
        every = _of_currency(experiment, scores, judges, inside & known, str(currency))
        found += every if by_listener else [one for one in every if not _is_by_listener(one)]
    return found


def values(price: Floats, kept: Floats, converted: Floats) -> Floats:
    """What each listener brings a month in each arm, n x k, if they convert so probably; -inf where it has no price.

    Args:
        price: n x k; nan where the arm has none.
        kept: n, what they bring who do not convert.
        converted: n x k, probabilities or scores of them.
    """
    without = kept[:, None]
    brought: Floats = np.where(np.isfinite(price), without + (price - without) * converted, -np.inf)
    return brought


def _of_currency(
    experiment: Experiment, scores: Scores, judges: Floats, inside: Flags, currency: str
) -> list[Estimate]:
    within = experiment.where(inside)
    predicted = values(within.price, within.kept, scores.predicted[inside])
    robust = values(within.price, within.kept, judges[inside])
    chosen = predicted.argmax(axis=1)
    best = _best_arm(values(within.price, within.kept, scores.robust[inside]), scores.fold[inside])
    rows = np.arange(len(chosen))
    method = "doubly robust scores; chosen without the listeners that judge it"
    found = [
        mean_of("policy_value", robust[:, place], "doubly robust scores", policy=arm, currency=currency)
        for place, arm in enumerate(experiment.arms)
        if np.isfinite(robust[:, place]).all()
    ]
    of_policy = {BY_LISTENER: robust[rows, chosen], BEST_ARM: robust[rows, best]}
    for policy, value in of_policy.items():
        found.append(mean_of("policy_value", value, method, policy=policy, currency=currency))
    for against, value in ((BEST_ARM, of_policy[BEST_ARM]), (CONTROL, robust[:, 0])):
        gain = of_policy[BY_LISTENER] - value
        found.append(mean_of("policy_gain", gain, method, against=against, currency=currency))
    shares = np.bincount(chosen, minlength=len(experiment.arms)) / len(chosen)
    return found + [
        Estimate("offered_share", float(share), None, None, len(chosen), method, {"arm": arm, "currency": currency})
        for arm, share in zip(experiment.arms, shares, strict=True)
    ]


def _is_by_listener(one: Estimate) -> bool:
    return one.metric in {"policy_gain", "offered_share"} or one.dimensions["policy"] == BY_LISTENER


def _best_arm(robust: Floats, fold: Integers) -> Integers:
    """Of each listener, the arm that brings most of the listeners of the other folds."""
    best = np.zeros(len(robust), np.int64)
    for number in np.unique(fold):
        others = robust[fold != number]
        best[fold == number] = others.mean(axis=0).argmax() if len(others) else 0
    return best
