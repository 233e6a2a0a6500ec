"""What an arm does on average: of everybody assigned, adjusted for the past, and of those whom it reached."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from earshot.analytics.optimisation.estimates import Estimate, Z, normal, refused
from earshot.analytics.optimisation.experiment import Experiment
from earshot.analytics.plays import Flags, Floats

_ROWS_A_COVARIATE: Final = 5


def effects(experiment: Experiment) -> list[Estimate]:
    """Conversion rate of each arm, and its effects against control.

    - conversion_rate: Wilson's (1927) score interval, which never has no width.
    - effect: difference of the rates of all who were assigned, whether the offer reached them or not; Newcombe's
      (1998) interval from both score intervals.
    - effect_adjusted: the same, adjusted for covariates of the past by regressions within each arm (Lin 2013: CUPED
      with a slope an arm); it removes chance, not bias. Its error has HC2 weights and what the means of the
      covariates add (Negi & Wooldridge 2021).
    - variance_removed: the part of the variance of the effect that this takes away.
    - effect_received: effect on those whom the offer reached because they were assigned to it (Imbens & Angrist
      1994), with Fieller's (1954) interval, which stays honest where few were reached. It assumes that an offer
      that was not seen does nothing, and that nobody sees it only when not assigned to it.

    Args:
        experiment: Where nobody drew lots, the caller labels all of it an association.
    """
    found: list[Estimate] = []
    control = experiment.arm == 0
    for place, arm in enumerate(experiment.arms):
        inside = experiment.arm == place
        found.append(_rate(experiment.converted[inside], arm))
        if place:
            found += [_difference(experiment, inside, control, arm), *_adjusted(experiment, inside, control, arm)]
            found += _received(experiment, inside, control, arm)
    return found


def wilson(converted: float, listeners: int) -> tuple[float, float]:
    """The 95 % score interval of a share; 0 to 1 where there is nobody."""
    if not listeners:
        return 0.0, 1.0
    share, z2 = converted / listeners, Z * Z
    middle = (share + z2 / (2 * listeners)) / (1 + z2 / listeners)
    half = Z * math.sqrt(share * (1 - share) / listeners + z2 / (4 * listeners**2)) / (1 + z2 / listeners)
    return max(middle - half, 0.0), min(middle + half, 1.0)


def _rate(converted: Floats, arm: str) -> Estimate:
    if not len(converted):
        return refused("conversion_rate", "nobody is in the arm", arm=arm)
    lower, upper = wilson(float(converted.sum()), len(converted))
    share = float(converted.mean())
    return Estimate("conversion_rate", share, lower, upper, len(converted), "share; Wilson's interval", {"arm": arm})


def _difference(experiment: Experiment, inside: Flags, control: Flags, arm: str) -> Estimate:
    here, there = experiment.converted[inside], experiment.converted[control]
    listeners = len(here) + len(there)
    if not len(here) or not len(there):
        return refused("effect", "nobody is in the arm, or in control", listeners, arm=arm)
    p, q = float(here.mean()), float(there.mean())
    (p_low, p_high), (q_low, q_high) = wilson(here.sum(), len(here)), wilson(there.sum(), len(there))
    lower = p - q - math.hypot(p - p_low, q_high - q)
    upper = p - q + math.hypot(p_high - p, q - q_low)
    method = "difference of shares of all assigned; Newcombe's interval"
    return Estimate("effect", p - q, lower, upper, listeners, method, {"arm": arm})


def _adjusted(experiment: Experiment, inside: Flags, control: Flags, arm: str) -> list[Estimate]:
    both = inside | control
    x = _standardised(experiment.covariates[both])
    treated, y = inside[both], experiment.converted[both]
    if min(treated.sum(), (~treated).sum()) < _ROWS_A_COVARIATE * (x.shape[1] + 1):
        reason = f"an arm has fewer than {_ROWS_A_COVARIATE} listeners a covariate"
        return [refused("effect_adjusted", reason, len(y), arm=arm)]
    level, slopes, variance = _regressed(x[treated], y[treated])
    level_0, slopes_0, variance_0 = _regressed(x[~treated], y[~treated])
    gap = slopes - slopes_0
    moved = float(gap @ np.cov(x, rowvar=False).reshape(len(gap), len(gap)) @ gap) / len(y)
    plain = float(y[treated].var(ddof=1) / treated.sum() + y[~treated].var(ddof=1) / (~treated).sum())
    total = variance + variance_0 + moved
    method = "regression within arms on covariates of the past (Lin 2013); HC2"
    effect = normal("effect_adjusted", level - level_0, math.sqrt(total), len(y), method, arm=arm)
    removed = 1 - total / plain if plain else 0.0
    return [effect, Estimate("variance_removed", removed, None, None, len(y), method, {"arm": arm})]


def _standardised(x: Floats) -> Floats:
    spread = x.std(axis=0)
    kept: Floats = (x - x.mean(axis=0))[:, spread > 0] / spread[spread > 0]
    return kept


def _regressed(x: Floats, y: Floats) -> tuple[float, Floats, float]:
    """Intercept at x = 0, slopes, and the intercept's variance with HC2 weights."""
    design = np.column_stack([np.ones(len(y)), x])
    inverse = np.linalg.pinv(design.T @ design, hermitian=True)
    coefficients = inverse @ design.T @ y
    leverage = np.minimum(((design @ inverse) * design).sum(axis=1), 0.999)
    residual = (y - design @ coefficients) / np.sqrt(1 - leverage)
    influence = design @ inverse[0] * residual
    return float(coefficients[0]), coefficients[1:], float(influence @ influence)


def _received(experiment: Experiment, inside: Flags, control: Flags, arm: str) -> list[Estimate]:
    seen = np.where(np.isnan(experiment.received) & control, 0.0, experiment.received)
    if np.isnan(seen[inside]).any() or not len(seen[inside]) or not len(seen[control]):
        return []
    y, y_0, r, r_0 = experiment.converted[inside], experiment.converted[control], seen[inside], seen[control]
    if len(y) < 2 or len(y_0) < 2:  # noqa: PLR2004 (a variance takes two)
        return []
    effect, reached = float(y.mean() - y_0.mean()), float(r.mean() - r_0.mean())
    listeners, of_arm = len(y) + len(y_0), {"arm": arm}
    method = "effect / difference of shares reached; Fieller's interval; exclusion, monotonicity"
    spread = np.cov(y, r) / len(y) + np.cov(y_0, r_0) / len(y_0)
    # All L with (effect - L reached)^2 <= z^2 Var(effect - L reached): a L^2 + b L + c <= 0.
    a = reached**2 - Z * Z * spread[1, 1]
    b = -2 * (effect * reached - Z * Z * spread[0, 1])
    root = b * b - 4 * a * (effect**2 - Z * Z * spread[0, 0])
    value = effect / reached if reached else None
    if a <= 0 or root < 0 or value is None:
        reason = "too few were reached: every effect is possible"
        return [Estimate("effect_received", value, None, None, listeners, method, of_arm, reason)]
    lower, upper = (-b - math.sqrt(root)) / (2 * a), (-b + math.sqrt(root)) / (2 * a)
    return [Estimate("effect_received", value, lower, upper, listeners, method, of_arm)]
