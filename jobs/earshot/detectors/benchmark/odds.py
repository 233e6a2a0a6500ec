"""Tabular detectors on labelled sets of ODDS (Rayana, "ODDS Library", 2016) beside published isolation-forest figures.

The protocol is that of PyOD's benchmark (Zhao, Nasrullah and Li, JMLR 20(96), 2019): 60 % of the rows to learn from,
40 % to judge, area under the ROC curve, mean of random splits. `PUBLISHED` are its figures for isolation forests, of
ten splits. Small sets have few outliers: the mean of ten splits of `glass` moves by 0.03, so more are taken here, and
their standard error is told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import count, islice
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from earshot.core.errors import InputError
from earshot.detectors.tabular import TABULAR

PUBLISHED: Final[Mapping[str, float]] = {
    "cardio": 0.9243,
    "glass": 0.7016,
    "ionosphere": 0.8529,
    "lympho": 0.9913,
    "pima": 0.6681,
    "vertebral": 0.3874,
    "wbc": 0.9325,
}
SPLITS: Final = 30
ERROR: Final = "standard error of the forest"
_LEARNT: Final = 0.6
_FOREST: Final = "isolation-forest"


def evaluate(folder: Path, *, splits: int = SPLITS) -> list[dict[str, Any]]:
    """One row a set, with the area under the ROC curve of each detector, and a last row with their means.

    Args:
        folder: Holds `NAME.mat` files with arrays X and y.
        splits: How many random splits are averaged.

    Raises:
        InputError: There is no such file, or one cannot be read.
    """
    files = sorted(folder.glob("*.mat"))
    if not files:
        raise InputError("There are no sets of ODDS.", where=str(folder), remedy="Name a folder with .mat files.")
    rows = [judged(file, splits) for file in files]
    means: dict[str, Any] = {"set": "mean", "rows": sum(row["rows"] for row in rows)}
    for name in (*TABULAR, "published isolation forest"):
        told = [row[name] for row in rows if row[name] is not None]
        means[name] = float(np.mean(told)) if told else None
    means[ERROR] = float(np.sqrt(np.sum(np.square([row[ERROR] for row in rows])))) / len(rows)
    return [*rows, means]


def judged(file: Path, splits: int) -> dict[str, Any]:
    """One set: its name, its rows, and the area under the ROC curve of each detector, mean of the splits."""
    from scipy.io import loadmat  # noqa: PLC0415 (keeps `import earshot.detectors` light)
    from sklearn.metrics import roc_auc_score  # noqa: PLC0415

    try:
        content = loadmat(file)
        features, labels = np.asarray(content["X"], dtype=np.float64), np.asarray(content["y"]).ravel().astype(bool)
    except (OSError, KeyError, ValueError, TypeError, NotImplementedError) as error:
        raise InputError(
            f"A set cannot be read: {error}.", where=str(file), remedy="Give MATLAB 5 files with X and y."
        ) from None
    if labels.all() or not labels.any():
        raise InputError("A set has rows of one class only.", where=str(file), remedy="Give a set with outliers in it.")
    areas: dict[str, list[float]] = {name: [] for name in TABULAR}
    for seed, (learnt, judged) in islice(_splits(labels), splits):
        for name, detector in TABULAR.items():
            scores = detector(features[learnt], features[judged], seed)
            areas[name].append(float(roc_auc_score(labels[judged], scores)))
    row: dict[str, Any] = {"set": file.stem, "rows": len(features)}
    row.update({name: float(np.mean(found)) for name, found in areas.items()})
    row["published isolation forest"] = PUBLISHED.get(file.stem)
    row[ERROR] = float(np.std(areas[_FOREST]) / np.sqrt(splits))
    return row


def _splits(labels: NDArray[np.bool_]) -> Iterator[tuple[int, tuple[NDArray[np.intp], NDArray[np.intp]]]]:
    """Seeds with rows to learn from and rows to judge, of which some are outliers and some are not."""
    for seed in count():
        order = np.random.default_rng(seed).permutation(len(labels))
        learnt, judged = np.split(order, [int(_LEARNT * len(order))])
        if labels[judged].any() and not labels[judged].all():
            yield seed, (learnt, judged)
