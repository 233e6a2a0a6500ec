"""Whether an experiment is what its plan says; one that is not is refused, whatever it would have shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.stats import chi2

from earshot.analytics.optimisation.estimates import ASSOCIATION, DESCRIPTION, Estimate
from earshot.analytics.optimisation.experiment import Experiment

MISMATCH: Final = "sample_ratio_p"
BALANCE: Final = "balance_p"
_EMPTY: Final = 1e-6


@dataclass(frozen=True)
class Verdict:
    """What the checks found.

    Attributes:
        figures: Their p-values.
        reason: Why the experiment is refused; empty where it is not.
    """

    figures: tuple[Estimate, ...]
    reason: str = ""


def check(experiment: Experiment, *, mismatch_p: float) -> Verdict:
    """Compare an experiment with its plan.

    - sample_ratio_p: chi-squared test of how many are in each arm against the planned shares. Arms that should be
      there and are not count: what the shares leave of 1 was planned for somebody. A mismatch means that listeners
      were lost or moved after the lottery, and no analysis mends that (Fabijan et al., KDD 2019).
    - balance_p: Hotelling's test, by arm against control and corrected for their number (Bonferroni), of whether
      what was known before is alike in both. Listeners who were sorted rather than drawn show here.

    Without planned shares nothing was drawn: there is nothing to check, and nothing is said of causes.

    Args:
        experiment: With or without a plan.
        mismatch_p: It is refused below this.
    """
    if experiment.shares is None:
        return Verdict(())
    ratio, missing = _sample_ratio(experiment, experiment.shares)
    balance = _balance(experiment)
    figures = tuple(
        Estimate(name, p, None, None, len(experiment), method, design=DESCRIPTION)
        for name, p, method in (
            (MISMATCH, ratio, "chi-squared test of the arms' sizes against the planned shares"),
            (BALANCE, balance, "Hotelling's test of covariates by arm against control, Bonferroni"),
        )
    )
    if ratio < mismatch_p:
        lost = f"; {missing:.0%} of the plan is in no arm" if missing > _EMPTY else ""
        sizes = ", ".join(f"{arm} {size}" for arm, size in zip(experiment.arms, _sizes(experiment), strict=True))
        return Verdict(figures, f"the arms are not as large as planned ({sizes}{lost}): p = {ratio:.1g}")
    if balance < mismatch_p:
        return Verdict(figures, f"the arms differed before the experiment began: p = {balance:.1g}")
    return Verdict(figures)


def thin_arms(experiment: Experiment, minimum_outcomes: int) -> dict[str, str]:
    """The arms of which too few converted, or too few did not, with how many did."""
    thin = {}
    for place, name in enumerate(experiment.arms):
        outcomes = experiment.converted[experiment.arm == place]
        yes, no = int(outcomes.sum()), int(len(outcomes) - outcomes.sum())
        if min(yes, no) < minimum_outcomes:
            thin[name] = f"{yes} converted and {no} did not; at least {minimum_outcomes} of each are needed"
    return thin


def design_of(experiment: Experiment) -> str:
    """Whether a difference between its arms says what the offer does, or only what goes with it."""
    return ASSOCIATION if experiment.shares is None else "randomised"


def _sizes(experiment: Experiment) -> list[int]:
    return [int(size) for size in np.bincount(experiment.arm, minlength=len(experiment.arms))]


def _sample_ratio(experiment: Experiment, shares: tuple[float, ...]) -> tuple[float, float]:
    """The p-value, and the part of the plan that is in no arm."""
    missing = max(1 - sum(shares), 0.0)
    seen, planned = np.array([*_sizes(experiment), 0], float), np.array([*shares, missing])
    there = planned > _EMPTY
    if (seen[~there] > 0).any() or there.sum() < 2:  # noqa: PLR2004 (two arms make an experiment)
        return 0.0, missing
    expected = planned[there] * len(experiment)
    return float(chi2.sf(((seen[there] - expected) ** 2 / expected).sum(), there.sum() - 1)), missing


def _balance(experiment: Experiment) -> float:
    """The smallest p-value of the arms, times their number."""
    x, arms = experiment.covariates, len(experiment.arms)
    smallest = 1.0
    for place in range(1, arms):
        one, other = x[experiment.arm == place], x[experiment.arm == 0]
        free = len(one) + len(other) - 2
        if min(len(one), len(other)) < 2 or free <= x.shape[1]:  # noqa: PLR2004 (a variance takes two)
            continue
        pooled = (_scatter(one) + _scatter(other)) / free
        gap = one.mean(axis=0) - other.mean(axis=0)
        rank = int(np.linalg.matrix_rank(pooled, hermitian=True))
        if rank:
            statistic = float(gap @ np.linalg.pinv(pooled, hermitian=True) @ gap) / (1 / len(one) + 1 / len(other))
            smallest = min(smallest, float(chi2.sf(statistic, rank)))
    return min(1.0, smallest * max(arms - 1, 1))


def _scatter(x: np.ndarray) -> np.ndarray:
    centred = x - x.mean(axis=0)
    return np.asarray(centred.T @ centred)
