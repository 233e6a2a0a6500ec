"""A challenger: fitted, backtested, with its threshold, its artefacts and its picture."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from earshot.core.errors import IntegrityError
from earshot.core.registered_models import Champion, OpenRun
from earshot.core.settings import AnomalySettings
from earshot.detectors import backtest_figures
from earshot.detectors.backtest import Backtest, Point, backtest
from earshot.detectors.baseline import SeasonalConfig
from earshot.detectors.holt import NAME as HOLT_WINTERS
from earshot.detectors.holt import Holt
from earshot.detectors.interface import Detector, FittedDetector
from earshot.detectors.seasonal import NAME as SEASONAL
from earshot.detectors.seasonal import SeasonalDetector
from earshot.detectors.series import SeriesMatrix

if TYPE_CHECKING:
    pass

DETECTORS: Final[Mapping[str, Callable[[SeasonalConfig], Detector]]] = {
    SEASONAL: SeasonalDetector,
    HOLT_WINTERS: lambda config: SeasonalDetector(config, Holt()),
}
JUDGED_DAYS: Final = 4
_PARAMETERS: Final = "parameters.npz"
_DESCRIPTION: Final = "detector.json"


@dataclass(frozen=True)
class Trained:
    """A fitted detector with the threshold that its backtest chose.

    Attributes:
        detector: What has been fitted.
        threshold: Score from which an hour is a detection.
        result: Its backtest.
        rivals: F-half of each detector that was tried, itself included.
    """

    detector: FittedDetector
    threshold: float
    result: Backtest
    rivals: Mapping[str, float] = field(default_factory=dict)

    @property
    def point(self) -> Point:
        """The backtest at the threshold."""
        return self.result.at(self.threshold)

    @property
    def f_half(self) -> float:
        """What champions are chosen by: F with twice the weight on precision."""
        return self.point.f_measure(0.5)

    def metrics(self) -> dict[str, float]:
        """Figures for the registry, see `backtest_figures.metrics`."""
        rivals = {f"f_half_{name}": reached for name, reached in self.rivals.items()}
        return {**backtest_figures.metrics(self.result, self.point), **rivals}

    def parameters(self) -> dict[str, object]:
        """What it was set to."""
        return {"detector": self.detector.name, "threshold": self.threshold, **asdict(self.detector.config)}


def train(history: Sequence[SeriesMatrix], settings: AnomalySettings) -> Trained:
    """Fit each detector of the settings on history, with the threshold that made-up incidents choose; the best of them.

    The same incidents for all; of two that are as good, the one that is named first.
    """
    tried = []
    for name in settings.detectors:
        fitted = DETECTORS[name](SeasonalConfig()).fit(history)
        result = examine(fitted, history, settings)
        tried.append(Trained(fitted, result.best().threshold, result))
    best = max(tried, key=lambda one: one.f_half)
    return replace(best, rivals={one.detector.name: one.f_half for one in tried})


def examine(
    fitted: FittedDetector,
    history: Sequence[SeriesMatrix],
    settings: AnomalySettings,
    *,
    at: float | None = None,
) -> Backtest:
    """The backtest that challengers and champions are compared on, at every threshold or at the one nearest to `at`."""
    return backtest(
        fitted,
        history,
        incidents=settings.backtest_incidents,
        judged_days=JUDGED_DAYS,
        minimum_volume=settings.minimum_volume,
        seed=settings.seed,
        at=at,
    )


@dataclass(frozen=True)
class Model:
    """A detector in use: with its threshold, and its version in the registry (empty: not registered)."""

    detector: FittedDetector
    threshold: float
    version: str


def rival_f_half(folder: Path, history: Sequence[SeriesMatrix], settings: AnomalySettings) -> float:
    """The present champion on the same backtest, at its own threshold."""
    fitted, threshold = load(folder)
    return examine(fitted, history, settings, at=threshold).at(threshold).f_measure(0.5)


def champion_or_plain(champion: Champion | None, settings: AnomalySettings) -> Model:
    """The champion; before there is one, the plain detector as it is set."""
    if champion is None:
        return Model(DETECTORS[SEASONAL](SeasonalConfig()).restore({}), settings.threshold, "")
    detector, threshold = load(champion.folder)
    return Model(detector, threshold, champion.version)


def log(trained: Trained, run: OpenRun) -> None:
    """Leave parameters, figures, the curve and its picture in a run."""
    run.log_params(trained.parameters())
    run.log_metrics(trained.metrics())
    run.log_figure(backtest_figures.picture(trained.result, trained.point), "precision_recall.png")
    run.log_table([backtest_figures.row(trained.result, point) for point in trained.result.points], "backtest.json")


def signature(trained: Trained) -> dict[str, Any]:
    """What the registry stores with the artefacts: kind, example of input and output, metadata."""
    return {
        "kind": trained.detector.name,
        "input_example": {"metric": "listens", "window_start": "2026-03-29T02:00:00Z", "value": 120.0, "volume": 120},
        "output_example": {"expected": 131.5, "lower": 88.0, "upper": 175.0, "score": 0.04},
        "metadata": {"threshold": trained.threshold, "detector": trained.detector.name},
    }


def save(trained: Trained, folder: Path) -> None:
    """Write the artefacts, plain npz and JSON, into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    arrays: dict[str, Any] = dict(trained.detector.parameters())
    np.savez(folder / _PARAMETERS, **arrays)
    told = {
        "detector": trained.detector.name,
        "threshold": trained.threshold,
        "config": asdict(trained.detector.config),
    }
    (folder / _DESCRIPTION).write_text(json.dumps(told, sort_keys=True, indent=1), encoding="utf-8")


def load(folder: Path) -> tuple[FittedDetector, float]:
    """The detector and its threshold from a folder that `save` wrote.

    Raises:
        IntegrityError: The folder does not hold a detector that is known.
    """
    try:
        told: dict[str, Any] = json.loads((folder / _DESCRIPTION).read_text(encoding="utf-8"))
        config = SeasonalConfig(**{**told["config"], "windows": tuple(told["config"]["windows"])})
        with np.load(folder / _PARAMETERS, allow_pickle=False) as stored:
            parameters = {name: stored[name] for name in stored.files}
        return DETECTORS[told["detector"]](config).restore(parameters), float(told["threshold"])
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise IntegrityError(
            f"The registered detector cannot be read: {error}.",
            where=str(folder),
            remedy="Run train_anomaly_detector again; it registers a new version.",
        ) from None
