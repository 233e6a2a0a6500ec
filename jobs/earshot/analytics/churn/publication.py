"""A training into MLflow: a run a recipe, the reliability of the winner, and its model as champion."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from earshot.analytics.churn.features import FEATURES
from earshot.analytics.churn.model import ChurnModel
from earshot.analytics.churn.training import Candidate, Training
from earshot.core.registered_models import OpenRunT, Registry

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def publish(
    training: Training, registry: Registry[OpenRunT], model_name: str, *, tags: Mapping[str, str], trained_until: object
) -> str:
    """Log a run for each recipe; register the winner's model and make it champion.

    Returns:
        The new champion's version.
    """
    version = ""
    for candidate in training.candidates:
        with registry.run(candidate.recipe, tags=tags) as run:
            run.log_params(_parameters(training.model, candidate))
            run.log_metrics(figures(candidate))
            run.log_table([vars(part) for part in candidate.judgement.bins], "reliability.json")
            if candidate is training.winner:
                run.log_figure(reliability_figure(training), "reliability.png")
                version = _register(training, registry, run, model_name, trained_until)
    registry.promote(model_name, version, figures(training.winner))
    return version


def figures(candidate: Candidate) -> dict[str, float]:
    """The metrics of a recipe as they are logged."""
    return {**candidate.judgement.metrics, "confidence_above_recency": candidate.beats_baseline}


def reliability_figure(training: Training) -> Figure:
    """Risk against what happened, of each recipe, with the diagonal on which a calibrated model lies."""
    from matplotlib.figure import Figure  # noqa: PLC0415 (slow to import, and a training a week)

    figure = Figure(figsize=(5.5, 5), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="#b9c4c9", linestyle="--", label="calibrated")
    for candidate in training.candidates:
        bins = candidate.judgement.bins
        label = f"{candidate.recipe}: Brier {candidate.judgement.brier:.4f}, ECE {candidate.judgement.ece:.3f}"
        axes.plot([part.risk for part in bins], [part.left for part in bins], marker="o", label=label)
    axes.set_xlabel("predicted risk of leaving")
    axes.set_ylabel(f"fraction that left ({training.judged_on})")
    axes.legend(frameon=False, fontsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def _parameters(model: ChurnModel, candidate: Candidate) -> dict[str, object]:
    return {"recipe": candidate.recipe, "horizon_days": model.horizon_days, "history_days": model.history_days}


def _register(
    training: Training, registry: Registry[OpenRunT], run: OpenRunT, model_name: str, trained_until: object
) -> str:
    metadata: dict[str, Any] = {"recipe": training.winner.recipe, "trained_until": str(trained_until)}
    with tempfile.TemporaryDirectory(prefix="earshot-churn-") as scratch:
        folder = Path(scratch) / "churn"
        training.model.save(folder)
        return registry.register(
            run,
            model_name,
            folder,
            kind=training.winner.recipe,
            input_example=dict.fromkeys(FEATURES, 1.0),
            output_example={"churn_risk": 0.2},
            metadata=metadata,
        )
