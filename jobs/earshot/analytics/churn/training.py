"""One training: recipes fitted on the past, calibrated after it, judged on the latest days, and who is champion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from earshot.analytics.churn.features import ListenerDays, Snapshot, horizon_text, snapshot
from earshot.analytics.churn.judging import Judgement, confidence_better, judge
from earshot.analytics.churn.model import BASELINE, RECIPES, ChurnModel, fit
from earshot.core.settings import ChurnSettings

MOST_SNAPSHOTS = 8
"""So many weekly snapshots are learnt from, the latest ones."""

_WEEK = 7

Decision = Literal["promoted", "refitted"]


@dataclass(frozen=True)
class Candidate:
    """A recipe on the test days.

    Attributes:
        recipe: Its name.
        judgement: Its figures there.
        beats_baseline: Confidence (0 to 1) that its Brier score is below that of the recency alone.
    """

    recipe: str
    judgement: Judgement
    beats_baseline: float


@dataclass(frozen=True)
class Training:
    """What a training found.

    Attributes:
        candidates: Every recipe, best first by Brier score.
        winner: Whose recipe is champion from now on.
        decision: promoted = another recipe than before, refitted = the same on later days.
        reason: Why, in one sentence.
        model: The winner, fitted on all days whose outcome is known, and calibrated on the latest.
        judged_on: The days of the test's outcome, for people.
    """

    candidates: tuple[Candidate, ...]
    winner: Candidate
    decision: Decision
    reason: str
    model: ChurnModel
    judged_on: str


def days_needed(settings: ChurnSettings) -> int:
    """Days of sessions that the shortest training takes: a history, and three horizons after it."""
    return settings.history_days + 3 * settings.horizon_days


def first_day_read(last: int, settings: ChurnSettings) -> int:
    """The first day that a training as of the end of `last` can use."""
    return last - days_needed(settings) - _WEEK * (MOST_SNAPSHOTS - 1) + 1


def shortage(first: int, last: int, settings: ChurnSettings) -> str:
    """Why these days are too few to train on; empty where they are enough."""
    days, needed = max(last - first + 1, 0), days_needed(settings)
    return f"too little history: {days} days of sessions, {needed} are needed" if days < needed else ""


def train(days: ListenerDays, settings: ChurnSettings, *, last: int, champion: str | None) -> Training | str:
    """Fit, calibrate, judge and decide, in the order of time.

    With h the horizon, the test is the snapshot of `last` - h, whose outcome has just become known; the calibration
    that of h before it; and what is learnt from are weekly snapshots from another h before that. No outcome that was
    learnt or calibrated on lies on a day of the test's outcome. What competes is the recipe: also the champion's is
    fitted anew on the same days, since its registered model has seen part of the test's.

    The champion is the recency alone, unless the logistic regression on all features has a lower Brier score with
    `settings.confidence`.

    Args:
        days: Sessions up to `last`.
        settings: Horizon, history, confidence.
        last: The last day whose sessions are all known.
        champion: Recipe of the present champion.

    Returns:
        The training; or, as a sentence, why there are too few listeners for one.
    """
    horizon, history = settings.horizon_days, settings.history_days

    def at(day: int) -> Snapshot:
        return snapshot(days, day, history=history, horizon=horizon)

    test, calibration = at(last - horizon), at(last - 2 * horizon)
    newest, oldest = last - 3 * horizon, int(days.day.min()) + history - 1
    learnt = [at(newest - _WEEK * n) for n in range(MOST_SNAPSHOTS) if newest - _WEEK * n >= oldest]
    for name, taken in (("test", test), ("calibration", calibration), ("training", learnt[0])):
        if len(taken.left) < settings.minimum_listeners:
            return f"too few listeners: {len(taken.left)} of the {name}, {settings.minimum_listeners} are needed"
        if taken.left.all() or not taken.left.any():
            return f"nothing to tell apart: of the listeners of the {name} everybody or nobody left"

    def fitted(recipe: str, learnt: list[Snapshot], calibration: Snapshot) -> ChurnModel:
        return fit(recipe, learnt, calibration, strength=settings.strength, horizon=horizon, history=history)

    judged = {recipe: judge(fitted(recipe, learnt, calibration).risk(test.features), test.left) for recipe in RECIPES}
    candidates = tuple(
        sorted(
            (Candidate(r, j, confidence_better(j.errors, judged[BASELINE].errors)) for r, j in judged.items()),
            key=lambda candidate: candidate.judgement.brier,
        )
    )
    winner, reason = _decide(candidates, settings)
    decision: Decision = "refitted" if champion == winner.recipe else "promoted"
    model = fitted(winner.recipe, [calibration, *learnt], test)
    return Training(candidates, winner, decision, reason, model, horizon_text(last - horizon, horizon))


def _decide(candidates: tuple[Candidate, ...], settings: ChurnSettings) -> tuple[Candidate, str]:
    able = [one for one in candidates if one.recipe != BASELINE and one.beats_baseline >= settings.confidence]
    if able:
        return able[0], f"it beats the recency alone with confidence {able[0].beats_baseline:.3f}"
    baseline = next(one for one in candidates if one.recipe == BASELINE)
    return baseline, "nothing beats the recency alone"
