"""How good probabilities are: accuracy, calibration, and whether one model is better than another."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

BINS: Final = 10


@dataclass(frozen=True)
class ReliabilityBin:
    """Listeners of similar risk: their mean risk, and the fraction that left."""

    listeners: int
    risk: float
    left: float


@dataclass(frozen=True)
class Judgement:
    """One model on listeners that it has not seen.

    Attributes:
        brier: Mean squared error of the probability (Brier 1950); what champions are chosen by.
        log_loss: Mean of -log of the probability of what happened, nats.
        ece: Expected calibration error over `BINS` bins of as many listeners (Naeini, Cooper, Hauskrecht 2015).
        auc: Probability that somebody who left had the higher risk than somebody who stayed.
        base_rate: Fraction that left.
        bins: The reliability diagram.
        errors: Squared error of each listener.
    """

    brier: float
    log_loss: float
    ece: float
    auc: float
    base_rate: float
    bins: tuple[ReliabilityBin, ...]
    errors: Floats

    @property
    def metrics(self) -> dict[str, float]:
        """For MLflow."""
        told = {name: float(getattr(self, name)) for name in ("brier", "log_loss", "ece", "auc", "base_rate")}
        return {**told, "judged_listeners": float(len(self.errors))}


def judge(risk: Floats, left: Flags) -> Judgement:
    """Compare probabilities with what happened."""
    errors = (risk - left) ** 2
    clipped = np.clip(risk, 1e-12, 1 - 1e-12)
    loss = -np.where(left, np.log(clipped), np.log1p(-clipped)).mean()
    bins = _reliability(risk, left)
    ece = sum(b.listeners * abs(b.risk - b.left) for b in bins) / max(len(risk), 1)
    return Judgement(float(errors.mean()), float(loss), float(ece), _auc(risk, left), float(left.mean()), bins, errors)


def confidence_better(errors: Floats, others: Floats) -> float:
    """Confidence that the mean error is below the other model's: of the paired z statistic, listener by listener."""
    gain = others - errors
    spread = gain.std(ddof=1) / math.sqrt(len(gain)) if len(gain) > 1 else 0.0
    if spread == 0:
        return 0.0
    return 0.5 * (1 + math.erf(float(gain.mean() / spread) / math.sqrt(2)))


def _reliability(risk: Floats, left: Flags) -> tuple[ReliabilityBin, ...]:
    order = np.argsort(risk, kind="stable")
    parts = (part for part in np.array_split(order, BINS) if len(part))
    return tuple(ReliabilityBin(len(part), float(risk[part].mean()), float(left[part].mean())) for part in parts)


def _auc(risk: Floats, left: Flags) -> float:
    """Mann and Whitney's U by its largest value; equals count half."""
    gone, stayed = int(left.sum()), int((~left).sum())
    if not gone or not stayed:
        return math.nan
    values, place, counts = np.unique(risk, return_inverse=True, return_counts=True)
    ranks = np.cumsum(counts) - (counts - 1) / 2
    return float((ranks[place][left].sum() - gone * (gone + 1) / 2) / (gone * stayed)) if len(values) else math.nan
