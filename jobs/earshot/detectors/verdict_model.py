"""How likely a suspect day is manipulated, by what people said of earlier ones: a calibrated sum of its signals."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from earshot.core.errors import IntegrityError
from earshot.core.logistic import logistic_weights, probability
from earshot.core.registered_models import Champion
from earshot.detectors.series import Flags, Floats
from earshot.detectors.signals import WEIGHTS

RULES: Final = "rules"
SIGNALS: Final = "signals"
RECIPES: Final[Mapping[str, tuple[str, ...]]] = {RULES: ("score",), SIGNALS: tuple(WEIGHTS)}
"""What competes: the rules' own score, calibrated, and a weight for each signal learnt from verdicts."""

_FILE: Final = "verdicts.json"
# Strength of the L2 penalty: a signal of which few verdicts speak stays near 0.
_PENALTY: Final = 1.0

Row = Mapping[str, Any]


@dataclass(frozen=True)
class VerdictModel:
    """Probability = 1 / (1 + exp(-(slope z + offset))), z = intercept + sum of weight x feature.

    Attributes:
        recipe: A name of `RECIPES`.
        weights: Of each feature of the recipe: the rules' score, or strengths (0 to 1) of signals.
        slope: Of the calibration on later verdicts.
        offset: Of the calibration.
    """

    recipe: str
    weights: tuple[float, ...]
    intercept: float
    slope: float
    offset: float

    def probability(self, rows: Sequence[Row]) -> Floats:
        """How likely each row of gold.suspect_listens is confirmed, 0 to 1."""
        features = features_of(rows, self.recipe)
        return probability(self.slope * (self.intercept + features @ np.array(self.weights)) + self.offset)

    def save(self, folder: Path) -> None:
        """Write the numbers as JSON into a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / _FILE).write_text(json.dumps(asdict(self), indent=1, sort_keys=True), encoding="utf-8")

    @classmethod
    def of(cls, champion: Champion | None) -> VerdictModel | None:
        """The model of the champion's version, if there is one."""
        return None if champion is None else cls.load(champion.folder)

    @classmethod
    def load(cls, folder: Path) -> VerdictModel:
        """Read what `save` wrote.

        Raises:
            IntegrityError: The folder holds no such model, or one of other signals.
        """
        try:
            told: dict[str, Any] = json.loads((folder / _FILE).read_text(encoding="utf-8"))
            model = cls(**{**told, "weights": tuple(told["weights"])})
            if len(model.weights) != len(RECIPES[model.recipe]):
                raise ValueError(f"{len(model.weights)} weights of {len(RECIPES[model.recipe])} features")
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise IntegrityError(
                f"This is no model of verdicts: {error}.",
                where=str(folder),
                remedy="Train again: `earshot run train_manipulation_detector`.",
            ) from None
        return model


def features_of(rows: Sequence[Row], recipe: str) -> Floats:
    """N x F: what the recipe looks at; a signal that a row does not name has strength 0."""
    if recipe == RULES:
        return np.array([[float(row["score"])] for row in rows], dtype=np.float64).reshape(-1, 1)
    names = {name: at for at, name in enumerate(WEIGHTS)}
    found = np.zeros((len(rows), len(names)))
    for number, row in enumerate(rows):
        for signal in row["signals"] or ():
            if signal["name"] in names:
                found[number, names[signal["name"]]] = signal["weight"] / WEIGHTS[signal["name"]]
    return found


def fit(recipe: str, learnt: Sequence[Row], calibrated: Sequence[Row]) -> VerdictModel:
    """Weights from some rows, calibration from later ones (Platt 1999, with his smoothed targets).

    Args:
        recipe: A name of `RECIPES`.
        learnt: Rows of gold.suspect_listens of which people spoke.
        calibrated: The same of later days.
    """
    weights = logistic_weights(features_of(learnt, recipe), confirmed(learnt).astype(np.float64), penalty=_PENALTY)
    raw = VerdictModel(recipe, tuple(weights[1:].tolist()), float(weights[0]), 1.0, 0.0)
    z = raw.intercept + features_of(calibrated, recipe) @ np.array(raw.weights)
    is_confirmed = confirmed(calibrated)
    many, few = int(is_confirmed.sum()), int((~is_confirmed).sum())
    targets = np.where(is_confirmed, (many + 1) / (many + 2), 1 / (few + 2))
    platt = logistic_weights(z[:, None], targets, penalty=1e-3)
    return VerdictModel(recipe, raw.weights, raw.intercept, float(platt[1]), float(platt[0]))


def confirmed(rows: Sequence[Row]) -> NDArray[np.bool_]:
    """Which rows people confirmed; the others they cleared."""
    return np.array([row["verdict"] == "confirmed" for row in rows], dtype=np.bool_)


def brier(probability: Floats, is_confirmed: Flags) -> float:
    """Mean squared error of probabilities (Brier 1950)."""
    return float(np.mean(np.square(probability - is_confirmed)))
