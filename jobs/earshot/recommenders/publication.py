"""A training as runs and a version in a model registry, through a port: MLflow belongs to integrations."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from datetime import date
from pathlib import Path

from earshot.core.registered_models import OpenRunT, Registry
from earshot.core.settings import RecommenderSettings
from earshot.recommenders import artefacts, served
from earshot.recommenders.comparison_figure import comparison_figure
from earshot.recommenders.models import FittedModel
from earshot.recommenders.training import Candidate, Training


def publish(
    training: Training,
    registry: Registry[OpenRunT],
    model_name: str,
    *,
    tags: Mapping[str, str],
    trained_until: date,
    settings: RecommenderSettings,
) -> str | None:
    """Log a run for each candidate; register the winner's model and make it champion, unless nothing changed.

    Args:
        training: What was found.
        registry: Where it goes.
        model_name: The registered model.
        tags: Tags of every run.
        trained_until: The plays lie before this day.
        settings: Resamples and seed of the picture's intervals.

    Returns:
        The new champion's version; None where nothing changed.
    """
    version = None
    for candidate in training.candidates:
        with registry.run(candidate.recipe.algorithm, tags=tags) as run:
            run.log_params({"algorithm": candidate.recipe.algorithm, **candidate.recipe.parameters})
            run.log_metrics(figures(candidate, training))
            if candidate is not training.winner:
                continue
            run.log_table(comparison_rows(training), "comparison.json")
            run.log_figure(
                comparison_figure(
                    training.candidates, training.winner, resamples=settings.resamples, seed=settings.seed
                ),
                "comparison.png",
            )
            if training.model is not None:
                version = _register(training.model, registry, run, model_name, trained_until)
    if version is not None:
        registry.promote(model_name, version, figures(training.winner, training))
    return version


def figures(candidate: Candidate, training: Training) -> dict[str, float]:
    """The metrics of a candidate as they are logged."""
    return {
        **candidate.test.metrics,
        f"validation_ndcg_at_{candidate.test.at}": candidate.validation,
        "confidence_above_popularity": candidate.beats_baseline,
        "judged_listeners": float(training.judged),
    }


def comparison_rows(training: Training) -> list[dict[str, object]]:
    """The comparison as a table: a row a candidate, best on validation first."""
    return [
        {
            "algorithm": candidate.recipe.algorithm,
            "recipe": str(candidate.recipe),
            "champion": candidate is training.winner,
            **figures(candidate, training),
        }
        for candidate in training.candidates
    ]


def _register(
    model: FittedModel, registry: Registry[OpenRunT], run: OpenRunT, model_name: str, trained_until: date
) -> str:
    given, returned = served.examples(model)
    with tempfile.TemporaryDirectory(prefix="earshot-recommender-") as scratch:
        folder = Path(scratch) / "recommender"
        folder.mkdir()
        artefacts.save(model, folder, trained_until=trained_until)
        return registry.register(
            run,
            model_name,
            folder,
            kind=model.recipe.algorithm,
            input_example=given,
            output_example=returned,
            metadata=artefacts.describe(model, trained_until=trained_until),
            loader=served.LOADER,
        )
