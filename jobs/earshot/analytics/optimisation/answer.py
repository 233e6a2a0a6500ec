"""All that one experiment says, or why it says nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from earshot.analytics.optimisation.checks import check, thin_arms
from earshot.analytics.optimisation.effects import effects
from earshot.analytics.optimisation.estimates import ASSOCIATION, Estimate, refused
from earshot.analytics.optimisation.experiment import Experiment
from earshot.analytics.optimisation.policy import policies
from earshot.analytics.optimisation.prices import price_sensitivity
from earshot.analytics.optimisation.responses import Scores, cross_fitted
from earshot.analytics.optimisation.uplift import uplift
from earshot.core.settings import OptimisationSettings

_OF_CAUSES: Final = ("uplift", "policy_value", "elasticity")
NOT_DRAWN: Final = "nobody drew lots: a difference between the arms may come from who is in them"


@dataclass(frozen=True)
class Answer:
    """What an experiment says.

    Attributes:
        experiment: Which.
        estimates: Figures, and refusals with their reasons.
        scores: Out-of-fold scores; None where no effect by listener can be told.
        targets: Whether listeners may get different offers by it.
    """

    experiment: Experiment
    estimates: tuple[Estimate, ...]
    scores: Scores | None = None
    targets: bool = False


def answer(experiment: Experiment, settings: OptimisationSettings) -> Answer:
    """Check an experiment, and estimate what it can tell.

    One that does not keep to its plan is refused as a whole. Without a plan the differences are told, labelled
    `association`, and nothing is said of causes, of who would answer, or of prices.
    """
    verdict = check(experiment, mismatch_p=settings.mismatch_p)
    if verdict.reason:
        return Answer(experiment, (*verdict.figures, refused("effect", verdict.reason, len(experiment))))
    averages = effects(experiment)
    if experiment.shares is None:
        silent = [refused(metric, NOT_DRAWN, len(experiment)) for metric in _OF_CAUSES]
        labelled = (replace(estimate, design=ASSOCIATION) for estimate in (*_compared(averages), *silent))
        return Answer(experiment, tuple(labelled))
    found = [*verdict.figures, *averages]
    found += price_sensitivity(
        experiment,
        minimum_outcomes=settings.minimum_outcomes,
        mismatch_p=settings.mismatch_p,
        seed=settings.seed,
    )
    if thin := thin_arms(experiment, settings.minimum_outcomes):
        found += [refused("uplift", reason, len(experiment), arm=arm) for arm, reason in thin.items()]
        return Answer(experiment, tuple(found))
    scores = cross_fitted(experiment, folds=settings.folds, seed=settings.seed)
    personal = settings.personal_prices or not experiment.tries_prices
    found += [
        *uplift(experiment, scores, groups=settings.groups),
        *policies(experiment, scores, by_listener=personal),
    ]
    return Answer(experiment, tuple(found), scores, personal)


def _compared(averages: list[Estimate]) -> list[Estimate]:
    """Without what only a lottery identifies."""
    return [estimate for estimate in averages if estimate.metric != "effect_received"]
