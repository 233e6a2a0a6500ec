"""One training: parameters chosen on validation, candidates judged on the test, and who is champion.

What competes is the recipe, an algorithm with its parameters. All recipes are fitted on the same
days and judged on the same later ones, also that of the present champion: its registered model has
seen these days and would win by memory.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, Self

from threadpoolctl import threadpool_limits

from earshot.core.errors import JobSkippedError
from earshot.core.settings import RecommenderSettings
from earshot.recommenders.candidates import ALGORITHMS, BASELINE, fit, search_space
from earshot.recommenders.evaluation import Evaluation, evaluate
from earshot.recommenders.interactions import PlayCounts
from earshot.recommenders.models import FittedModel, Recipe
from earshot.recommenders.significance import confidence_better
from earshot.recommenders.splits import TEST, VALIDATION, TimeSplit

Decision = Literal["promoted", "refitted", "kept"]


@dataclass(frozen=True)
class Champion:
    """The recipe of the present champion, and the day before which its plays lie."""

    recipe: Recipe
    trained_until: date

    @classmethod
    def of(cls, metadata: Mapping[str, Any]) -> Self | None:
        """Read what `describe` wrote; None where the model came from elsewhere."""
        recipe = metadata.get("recipe", {})
        if recipe.get("algorithm") not in ALGORITHMS or "trained_until" not in metadata:
            return None
        return cls(
            Recipe(recipe["algorithm"], dict(recipe["parameters"])), date.fromisoformat(metadata["trained_until"])
        )


@dataclass(frozen=True)
class Candidate:
    """A recipe with its figures.

    Attributes:
        validation: NDCG on the validation days, by which its parameters were chosen.
        test: Its figures on the test days.
        beats_baseline: Confidence (0 to 1) that its NDCG is above that of popularity.
    """

    recipe: Recipe
    validation: float
    test: Evaluation
    beats_baseline: float


@dataclass(frozen=True)
class Training:
    """What a training found.

    Attributes:
        candidates: The best recipe of each algorithm; the champion's too, where it is another.
        winner: Whose recipe is champion from now on.
        decision: promoted = another recipe than before, refitted = the same on more days, kept = nothing changed.
        reason: Why, in one sentence.
        model: The winner, fitted on all days; None where nothing changed.
        judged: Listeners whose rankings were judged.
    """

    candidates: list[Candidate]
    winner: Candidate
    decision: Decision
    reason: str
    model: FittedModel | None
    judged: int

    @property
    def facts(self) -> dict[str, object]:
        """What a person wants to know of it, by label."""
        at = self.winner.test.at
        scores = {candidate.recipe.algorithm: round(candidate.test.score, 4) for candidate in self.candidates}
        return {
            "champion": str(self.winner.recipe),
            "decision": self.decision,
            "reason": self.reason,
            f"ndcg_at_{at}": scores,
        }


def require_history(counts: PlayCounts, settings: RecommenderSettings) -> None:
    """Check that there is enough to train on and to judge by.

    Raises:
        JobSkippedError: There is not; says what is missing.
    """
    interactions = counts.interactions()
    listeners = int((interactions.likes.getnnz(axis=1) > 0).sum())
    judged = len(TimeSplit.at(counts, TEST).judged)
    for what, found, needed in (
        ("listeners", listeners, settings.minimum_listeners),
        ("pairs of listener and track", interactions.size, settings.minimum_interactions),
        (f"listeners who liked something new in the last {settings.holdout_days} days", judged, 1),
    ):
        if found < needed:
            raise JobSkippedError(f"too little history: {found} {what}, {needed} are needed")


def train(counts: PlayCounts, settings: RecommenderSettings, *, day: date, champion: Champion | None) -> Training:
    """Choose, judge and decide; fits the winner on all days before `day` where it is to be published.

    Raises:
        JobSkippedError: There is too little history.
    """
    require_history(counts, settings)
    candidates = compare(counts, settings, also=champion.recipe if champion else None)
    winner, decision, reason = decide(candidates, settings, champion=champion, day=day)
    with threadpool_limits(settings.threads):
        model = None if decision == "kept" else fit(winner.recipe, counts.interactions())
    return Training(candidates, winner, decision, reason, model, len(winner.test.ndcg))


def compare(counts: PlayCounts, settings: RecommenderSettings, *, also: Recipe | None = None) -> list[Candidate]:
    """Choose each algorithm's parameters on the validation days and judge them on the test days.

    Args:
        counts: Plays in the phases of `splits.phase_starts`.
        settings: Search space, k, bootstrap.
        also: A recipe to judge beside the chosen ones.

    Returns:
        Best on validation first.
    """
    chosen = _choose(counts, settings, also)
    evaluations = _judged([recipe for recipe, _ in chosen], TimeSplit.at(counts, TEST), settings)
    judged = [(score, evaluation) for (_, score), evaluation in zip(chosen, evaluations, strict=True)]
    baseline = next(evaluation for _, evaluation in judged if evaluation.recipe.algorithm == BASELINE)
    candidates = [
        Candidate(evaluation.recipe, score, evaluation, _confidence(evaluation, baseline, settings))
        for score, evaluation in judged
    ]
    return sorted(candidates, key=lambda candidate: -candidate.validation)


def decide(
    candidates: list[Candidate], settings: RecommenderSettings, *, champion: Champion | None, day: date
) -> tuple[Candidate, Decision, str]:
    """Who is champion: popularity, unless something beats it; the present champion, unless it is beaten.

    *Beats* means a higher mean NDCG on the test days with `settings.confidence` in the paired
    bootstrap. Among those that beat popularity, the best on validation is the challenger.
    """
    baseline = next(candidate for candidate in candidates if candidate.recipe.algorithm == BASELINE)
    able = [candidate for candidate in candidates if candidate.beats_baseline >= settings.confidence]
    challenger = able[0] if able else baseline
    if champion is None:
        reason = "it beats popularity on the held-out days" if able else "nothing beats popularity"
        return challenger, "promoted", f"the first champion: {reason}"
    present = next(candidate for candidate in candidates if candidate.recipe == champion.recipe)
    if champion.trained_until > day:
        return present, "kept", f"the champion knows days up to {champion.trained_until}, later than this training"
    unable = present is not baseline and present not in able
    if challenger is not present:
        sure = _confidence(challenger.test, present.test, settings)
        if sure >= settings.confidence:
            return challenger, "promoted", f"it beats the champion {present.recipe} with confidence {sure:.3f}"
        if unable:
            return challenger, "promoted", f"the champion {present.recipe} no longer beats popularity"
    reason = "nothing beats the champion"
    return present, "kept" if champion.trained_until == day else "refitted", reason


def _choose(counts: PlayCounts, settings: RecommenderSettings, also: Recipe | None) -> list[tuple[Recipe, float]]:
    """The best recipe of each algorithm on the validation days, and `also`, with their NDCG there."""
    split = TimeSplit.at(counts, VALIDATION)
    recipes = [recipe for grid in search_space(settings, len(counts.tracks)).values() for recipe in grid]
    if also is not None and also not in recipes:
        recipes.append(also)
    tried = [(evaluation.recipe, evaluation.score) for evaluation in _judged(recipes, split, settings)]
    best: dict[str, tuple[Recipe, float]] = {}
    for recipe, score in tried:
        if recipe.algorithm not in best or score > best[recipe.algorithm][1]:
            best[recipe.algorithm] = (recipe, score)
    return [pair for pair in tried if pair[0] == also or pair == best[pair[0].algorithm]]


def _judged(recipes: Sequence[Recipe], split: TimeSplit, settings: RecommenderSettings) -> list[Evaluation]:
    """Fit and judge recipes, `settings.threads` at once; one alone has one thread, so that figures never differ."""

    def judge(recipe: Recipe) -> Evaluation:
        with threadpool_limits(1, "openmp"):  # which has a limit of its own in every thread
            return evaluate(fit(recipe, split.known), split, settings.at)

    with threadpool_limits(1), ThreadPoolExecutor(settings.threads, thread_name_prefix="recipe") as pool:
        return list(pool.map(judge, recipes))


def _confidence(one: Evaluation, other: Evaluation, settings: RecommenderSettings) -> float:
    if one.recipe == other.recipe:
        return 0.0
    return confidence_better(one.ndcg, other.ndcg, resamples=settings.resamples, seed=settings.seed)
