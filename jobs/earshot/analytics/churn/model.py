"""A logistic regression whose output is calibrated on later days, as plain numbers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from earshot.analytics.churn.features import FEATURES, Snapshot
from earshot.core.errors import IntegrityError
from earshot.core.logistic import logistic_weights, probability

Floats = NDArray[np.float64]

RECIPES: Final[dict[str, tuple[str, ...]]] = {
    "base_rate": (),
    "recency": ("recency_days",),
    "logistic": FEATURES,
}
"""What competes: the same model on nothing (everybody has the same risk), on the recency alone, and on all features."""

BASELINE: Final = "recency"
_FILE: Final = "churn.json"


@dataclass(frozen=True)
class ChurnModel:
    """Risk = 1 / (1 + exp(-(slope z + offset))), z = intercept + sum of coefficient x (feature - mean) / scale.

    Attributes:
        recipe: A name of `RECIPES`.
        features: Names, in the order of the numbers.
        horizon_days: Who has no session on so many days has left.
        history_days: Days that the features look back.
        slope: Of the calibration; 1 where the model was calibrated as it was.
        offset: Of the calibration.
    """

    recipe: str
    features: tuple[str, ...]
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    coefficients: tuple[float, ...]
    intercept: float
    slope: float
    offset: float
    horizon_days: int
    history_days: int

    def risk(self, features: Floats) -> Floats:
        """Probability to leave, of rows of `FEATURES`."""
        z = self.slope * _score(self, features) + self.offset
        return probability(z)

    def save(self, folder: Path) -> None:
        """Write the numbers as JSON into a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / _FILE).write_text(json.dumps(asdict(self), indent=1, sort_keys=True), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> ChurnModel:
        """Read what `save` wrote.

        Raises:
            IntegrityError: The folder holds no such model.
        """
        try:
            told: dict[str, Any] = json.loads((folder / _FILE).read_text(encoding="utf-8"))
            told |= {name: tuple(told[name]) for name in ("features", "mean", "scale", "coefficients")}
            model = cls(**told)
            if not set(model.features) <= set(FEATURES):
                raise ValueError(f"features {sorted(set(model.features) - set(FEATURES))}")
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise IntegrityError(
                f"This is no churn model: {error}.",
                where=str(folder),
                remedy="Train again: `earshot run segment_listeners`.",
            ) from None
        return model


def fit(
    recipe: str, learnt: Sequence[Snapshot], calibrated: Snapshot, *, strength: float, horizon: int, history: int
) -> ChurnModel:
    """Fit on some snapshots, and calibrate on a later one.

    The calibration is that of Platt (1999, "Probabilistic outputs for support vector machines"): a logistic regression
    of the outcome on the score, with his smoothed targets' purpose served by having listeners enough.

    Args:
        recipe: A name of `RECIPES`.
        learnt: Snapshots whose horizon ends before that of `calibrated` begins.
        calibrated: The later one.
        strength: Of the L2 penalty on standardised features.
        horizon: See `snapshot`.
        history: See `snapshot`.
    """
    names = RECIPES[recipe]
    columns = [FEATURES.index(name) for name in names]
    features = np.concatenate([taken.features for taken in learnt])[:, columns]
    left = np.concatenate([taken.left for taken in learnt])
    mean = features.mean(axis=0)
    scale = np.where((spread := features.std(axis=0)) > 0, spread, 1.0)
    weights = logistic_weights((features - mean) / scale, left, penalty=strength)
    raw = ChurnModel(
        recipe,
        names,
        tuple(mean.tolist()),
        tuple(scale.tolist()),
        tuple(weights[1:].tolist()),
        float(weights[0]),
        1.0,
        0.0,
        horizon,
        history,
    )
    score = _score(raw, calibrated.features)[:, None] if names else np.empty((len(calibrated.left), 0))
    platt = logistic_weights(score, calibrated.left, penalty=0.0)
    slope = float(platt[1]) if names else 0.0
    return ChurnModel(**{**vars(raw), "slope": slope, "offset": float(platt[0])})


def _score(model: ChurnModel, features: Floats) -> Floats:
    columns = [FEATURES.index(name) for name in model.features]
    scaled = (features[:, columns] - np.array(model.mean)) / np.array(model.scale)
    score: Floats = model.intercept + scaled @ np.array(model.coefficients, np.float64)
    return score
