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
_TO_SUSPECTS: Final = ("import_catalogue", "ingest_listens", "publish_listens", "detect_manipulation")
_MANIPULATED: Final = ("default", "manipulation")


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
    rows = [{"seed": seed, **_plain(_evaluated(evaluate, settings, seed, "default", _ROAD))} for seed in seeds]
    return {"seeds": len(rows), **_worst(rows), "by_seed": rows}


def evaluate_manipulation_seeds(
    evaluate: Callable[[Settings], Mapping[str, Any]], settings: Settings, seeds: Sequence[int]
) -> dict[str, Any]:
    """The same of suspects: an ordinary fortnight and one with more manipulation, as far as suspects are named.

    Args:
        evaluate: Gives the figures of one HOME, with `by_kind`.
        settings: What is in force, but for HOME.
        seeds: Of the simulations.

    Returns:
        `by_seed` and the smallest `recall` and `precision`; `by_kind`: of each kind of stream, manipulated or innocent,
        how many there were, how many are flagged, and the worst share of any run (the least of manipulated ones, the
        most of innocent ones); `innocents_flagged`, that of the worst kind.

    Raises:
        EarshotError: A job did not end 0.
    """
    runs = [
        (seed, scenario, _evaluated(evaluate, settings, seed, scenario, _TO_SUSPECTS))
        for seed in seeds
        for scenario in _MANIPULATED
    ]
    rows = [{"seed": seed, "scenario": scenario, **_plain(figures)} for seed, scenario, figures in runs]
    by_kind = _by_kind([row for _, _, figures in runs for row in figures["by_kind"]])
    flagged = max((row["worst"] for row in by_kind if row["label"] == "organic"), default=0.0)
    return {"seeds": len(seeds), **_worst(rows), "innocents_flagged": flagged, "by_kind": by_kind, "by_seed": rows}


def _worst(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {f"smallest_{name}": min(row[name] for row in rows) for name in ("recall", "precision")}


def _by_kind(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    found = []
    for label, kind in sorted({(row["label"], row["kind"]) for row in rows}):
        of_kind = [row for row in rows if (row["label"], row["kind"]) == (label, kind)]
        streams, flagged = (sum(row[name] for row in of_kind) for name in ("streams", "flagged"))
        shares = [row["share"] for row in of_kind]
        worst = min(shares) if label == "manipulated" else max(shares)
        found.append(
            {
                "label": label,
                "kind": kind,
                "streams": streams,
                "flagged": flagged,
                "share": flagged / streams,
                "worst": worst,
            }
        )
    return found


def _evaluated(
    evaluate: Callable[[Settings], Mapping[str, Any]],
    settings: Settings,
    seed: int,
    scenario: str,
    road: Sequence[str],
) -> Mapping[str, Any]:
    from earshot.automation.demo import Simulation, simulated  # noqa: PLC0415 (keeps --help instant)
    from earshot.automation.runner import run_jobs  # noqa: PLC0415

    with tempfile.TemporaryDirectory(prefix="earshot-evaluate-") as scratch:
        quality = settings.quality.model_copy(update={"actions": ()})
        there = settings.model_copy(update={"home": Path(scratch), "lake": "", "quality": quality})
        for day in simulated(there, Simulation(seed=seed, scenario=scenario)):
            for result in run_jobs(road, day, there, as_json=True):
                if result.exit_code:
                    raise EarshotError(
                        f"{result.job} ended {result.exit_code}: {result.error}",
                        where=f"seed {seed}, {day}",
                        remedy="The log lines above say more; the HOME of this seed is gone.",
                    )
        return evaluate(there)


def _plain(figures: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in figures.items() if not isinstance(value, list | dict)}
