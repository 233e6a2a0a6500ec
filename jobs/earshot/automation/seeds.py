"""`earshot evaluate SUBJECT --seed N`: the demo's road for other seeds, in a HOME that is thrown away."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from earshot.core.errors import EarshotError
from earshot.core.settings import Settings

_ROAD: Final = (
    "import_catalogue",
    "ingest_listens",
    "publish_listens",
    "detect_manipulation",
    "build_marts",
    "train_anomaly_detector",
    "score_anomalies",
)


def evaluate_seeds(
    evaluate: Callable[[Settings], Mapping[str, Any]], settings: Settings, seeds: Sequence[int]
) -> dict[str, Any]:
    """Simulate two weeks for each seed, run them as the demo does, and evaluate each.

    Args:
        evaluate: Gives the figures of one HOME.
        settings: What is in force, but for HOME.
        seeds: Of the simulations.

    Returns:
        `by_seed`, the plain figures of each; and the smallest `recall` and `precision` of all.

    Raises:
        EarshotError: A job did not end 0.
    """
    rows = [{"seed": seed, **_plain(_evaluated(evaluate, settings, seed))} for seed in seeds]
    worst = {name: min(row[name] for row in rows) for name in ("recall", "precision")}
    return {"seeds": len(rows), **{f"smallest_{name}": value for name, value in worst.items()}, "by_seed": rows}


def _evaluated(evaluate: Callable[[Settings], Mapping[str, Any]], settings: Settings, seed: int) -> Mapping[str, Any]:
    from earshot.automation.demo import Simulation, simulated  # noqa: PLC0415 (keeps --help instant)
    from earshot.automation.runner import run_jobs  # noqa: PLC0415

    with tempfile.TemporaryDirectory(prefix="earshot-evaluate-") as scratch:
        quality = settings.quality.model_copy(update={"actions": ()})
        there = settings.model_copy(update={"home": Path(scratch), "lake": "", "quality": quality})
        for day in simulated(there, Simulation(seed=seed)):
            for result in run_jobs(_ROAD, day, there, as_json=True):
                if result.exit_code:
                    raise EarshotError(
                        f"{result.job} ended {result.exit_code}: {result.error}",
                        where=f"seed {seed}, {day}",
                        remedy="The log lines above say more; the HOME of this seed is gone.",
                    )
        return evaluate(there)


def _plain(figures: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in figures.items() if not isinstance(value, list | dict)}
