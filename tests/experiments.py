"""Experiments for tests, by hand: who was in which arm, and who converted."""

from __future__ import annotations

import numpy as np

from earshot.analytics.optimisation.experiment import Experiment


def experiment(
    arm: np.ndarray,
    converted: np.ndarray,
    *,
    shares: tuple[float, ...] | None = (0.5, 0.5),
    covariates: np.ndarray | None = None,
    received: np.ndarray | None = None,
    prices: tuple[float, ...] | None = None,
    offered: tuple[str | None, ...] | None = None,
) -> Experiment:
    """An experiment in Germany, in euros, with the arms `control`, `b`, `c`, ..."""
    arms = len(shares) if shares else int(arm.max()) + 1
    listeners = len(arm)
    x = np.zeros((listeners, 1)) if covariates is None else covariates
    return Experiment(
        name="test",
        arms=("control", *"bcdefg"[: arms - 1]),
        shares=shares,
        offered=offered or ("premium",) * arms,
        arm=arm,
        converted=converted.astype(float),
        received=np.full(listeners, np.nan) if received is None else received.astype(float),
        covariates=x,
        features=tuple(f"x{n}" for n in range(x.shape[1])),
        country=np.full(listeners, "DE", object),
        tier=np.full(listeners, "free", object),
        currency=np.full(listeners, "EUR", object),
        price=np.tile(prices or (10.0,) * arms, (listeners, 1)),
        kept=np.full(listeners, 0.5),
    )
