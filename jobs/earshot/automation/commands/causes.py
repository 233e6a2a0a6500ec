"""How often the true cause of an incident is told, on simulated incidents and public sets; read by `evaluate`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import typer

from earshot.core.errors import ArgumentError
from earshot.core.settings import Settings

_TRIALS: Final = 100
_SEED: Final = 1


def register(app: typer.Typer) -> None:
    """Add nothing: `earshot evaluate` calls this module."""


def evaluate_causes(
    settings: Settings, trials: int | None = None, seeds: Sequence[int] = (), cuboids: Path | None = None
) -> dict[str, Any]:
    """Detect and attribute simulated incidents as the jobs do, or tell the causes of a public set. HOME is not read.

    Args:
        settings: Floors of the cube, threshold and volume of the detector.
        trials: Incidents at each depth, for each seed.
        seeds: Of the simulation.
        cuboids: Folder of a public set; then nothing is simulated.

    Raises:
        ArgumentError: There are no trials.
        InputError: The folder holds no known set.
    """
    if cuboids is not None:
        from earshot.detectors.benchmark import cuboids as sets  # noqa: PLC0415 (keeps --help instant)

        return sets.evaluate(cuboids)
    wanted = _TRIALS if trials is None else trials
    if wanted < 1:
        raise ArgumentError(f"--trials is {wanted}.", where="option --trials", remedy="Use at least 1.")
    from earshot.detectors.benchmark import causes  # noqa: PLC0415 (keeps --help instant)

    rules = causes.Rules(
        shallow=((), *settings.marts.cube_combinations),
        deep=settings.marts.cube_deep_combinations,
        hourly_minimum_volume=settings.marts.cube_hourly_minimum_volume,
        deep_minimum_volume=settings.marts.cube_deep_minimum_volume,
        threshold=settings.anomalies.threshold,
        minimum_volume=settings.anomalies.minimum_volume,
    )
    return causes.evaluate(wanted, list(seeds) or [_SEED], rules, processes=os.cpu_count() or 1)
