"""Who is moved by an offer, and how sure that is: the predictions are judged on listeners they never saw."""

from __future__ import annotations

import numpy as np

from earshot.analytics.optimisation.estimates import Estimate, mean_of, normal, split
from earshot.analytics.optimisation.experiment import Experiment
from earshot.analytics.optimisation.responses import Scores
from earshot.analytics.plays import Floats, Integers

_METHOD = "doubly robust scores of listeners left out of the fit"


def uplift(experiment: Experiment, scores: Scores, *, groups: int) -> list[Estimate]:
    """Judge the predicted effects of each arm against control.

    The predictions only rank; every figure is a mean of doubly robust scores, so that it holds for any model,
    a useless one too.

    - heterogeneity: slope of the scores on the centred predictions, the best linear predictor of Chernozhukov,
      Demirer, Duflo & Fernandez-Val (2018): 0 = listeners do not differ in a way that was found, 1 = predicted
      differences are as large as real ones.
    - effect_of_group: mean effect in `groups` groups of the same size by predicted effect (their GATES), ranked
      within the part that was left out.
    - effect_spread: the most responsive group less the least responsive one.
    - qini: area between the curve of conversions won by offering to the most responsive first and the line of
      offering at random, by listener (Radcliffe 2007; a rank-weighted average effect as of Yadlowsky et al. 2021);
      0 = no better than chance. Its error counts that the ranks are estimated.
    - uplift_area: area under that curve (AUUC).

    Args:
        experiment: Drawn by lot.
        scores: Out of fold.
        groups: How many.
    """
    found: list[Estimate] = []
    for place, arm in enumerate(experiment.arms[1:], 1):
        predicted = scores.predicted[:, place] - scores.predicted[:, 0]
        robust = scores.robust[:, place] - scores.robust[:, 0]
        group = ranked_groups(predicted, scores.fold, groups)
        found.append(_heterogeneity(predicted, robust, scores.fold, arm))
        for number in range(1, groups + 1):
            of_group = robust[group == number]
            found.append(mean_of("effect_of_group", of_group, f"mean of {_METHOD}", arm=arm, group=str(number)))
        found += [_spread(robust, group, groups, arm), *_qini(predicted, robust, scores.fold, arm)]
    return found


def ranked_groups(predicted: Floats, fold: Integers, groups: int) -> Integers:
    """The group of each listener, 1 for the smallest predictions of its fold, to `groups`."""
    group = np.empty(len(predicted), np.int64)
    for number in np.unique(fold):
        inside = np.flatnonzero(fold == number)
        rank = np.empty(len(inside), np.int64)
        rank[np.argsort(predicted[inside], kind="stable")] = np.arange(len(inside))
        group[inside] = rank * groups // len(inside) + 1
    return group


def _heterogeneity(predicted: Floats, robust: Floats, fold: Integers, arm: str) -> Estimate:
    centred = predicted - _by_fold(predicted, fold)
    spread = float(centred @ centred)
    method = f"slope of {_METHOD} on predictions; HC0"
    if not spread:
        return Estimate(
            "heterogeneity", 0.0, None, None, len(robust), method, {"arm": arm}, "all predictions are alike"
        )
    around = robust - _by_fold(robust, fold)
    slope = float(centred @ around) / spread
    error = float(np.sqrt(((centred * (around - slope * centred)) ** 2).sum())) / spread
    return split("heterogeneity", slope, error, len(robust), method, arm=arm)


def _by_fold(values: Floats, fold: Integers) -> Floats:
    sums, sizes = np.bincount(fold, weights=values), np.bincount(fold)
    means: Floats = (sums / np.maximum(sizes, 1))[fold]
    return means


def _spread(robust: Floats, group: Integers, groups: int, arm: str) -> Estimate:
    top, bottom = robust[group == groups], robust[group == 1]
    error = float(np.sqrt(top.var(ddof=1) / len(top) + bottom.var(ddof=1) / len(bottom)))
    value, listeners = float(top.mean() - bottom.mean()), len(top) + len(bottom)
    return split("effect_spread", value, error, listeners, f"difference of means of {_METHOD}", arm=arm)


def _qini(predicted: Floats, robust: Floats, fold: Integers, arm: str) -> list[Estimate]:
    quantile, later = np.empty(len(robust)), np.empty(len(robust))
    for number in np.unique(fold):
        inside = np.flatnonzero(fold == number)
        order = inside[np.argsort(-predicted[inside], kind="stable")]  # the most responsive first
        quantile[order] = (np.arange(len(order)) + 0.5) / len(order)
        # A listener pushes all who come after one place back: what their scores then lose.
        weighted = float((robust[order] * quantile[order]).mean())
        later[order] = weighted - (robust[order].sum() - np.cumsum(robust[order])) / len(order)
    method = f"area by rank of {_METHOD}; its influence function"
    found = []
    for name, weight in (("qini", 0.5 - quantile), ("uplift_area", 1 - quantile)):
        value = float((robust * weight).mean())
        error = float((robust * weight - value + later).std(ddof=1)) / np.sqrt(len(robust))
        found.append(normal(name, value, float(error), len(robust), method, arm=arm))
    return found
