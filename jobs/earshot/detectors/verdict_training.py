"""One training on verdicts: fitted on the first days, calibrated on the next, judged on the last, and its record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from earshot.core.registered_models import OpenRun
from earshot.core.settings import ManipulationSettings
from earshot.detectors.series import Flags, Floats
from earshot.detectors.verdict_model import RECIPES, RULES, SIGNALS, Row, VerdictModel, brier, confirmed, fit

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_LEARNT: Final = 0.6
_CALIBRATED: Final = 0.8
_BINS: Final = 5
_SURE: Final = 0.5


@dataclass(frozen=True)
class Judgement:
    """A recipe on the last days.

    Attributes:
        brier: Mean squared error; what the champion is chosen by.
        ece: Expected calibration error over bins of as many rows (Naeini, Cooper, Hauskrecht 2015).
        precision: Of the rows with a probability of at least a half.
        recall: Of the same.
        bins: Mean probability, part that was confirmed, rows.
    """

    brier: float
    ece: float
    precision: float
    recall: float
    bins: tuple[tuple[float, float, int], ...]


@dataclass(frozen=True)
class Training:
    """What a training found.

    Attributes:
        model: The winner, fitted again with the last days in its calibration.
        judged: By recipe, on the last days.
        verdicts: How many rows were learnt from, calibrated on, and judged.
        judged_from: First of the last days.
    """

    model: VerdictModel
    judged: Mapping[str, Judgement]
    verdicts: tuple[int, int, int]
    judged_from: date

    def metrics(self) -> dict[str, float]:
        """For MLflow: the winner's figures, the rules' Brier score beside them, and the number of verdicts."""
        one = self.judged[self.model.recipe]
        told = {name: float(getattr(one, name)) for name in ("brier", "ece", "precision", "recall")}
        return {**told, "brier_of_rules": self.judged[RULES].brier, "verdicts": float(sum(self.verdicts))}


def labelled(suspects: Iterable[Row], before: date) -> list[Row]:
    """Rows of gold.suspect_listens of earlier days of which people spoke, by day."""
    told = (row for row in suspects if row["verdict"] in {"confirmed", "cleared"} and row["listen_date"] < before)
    return sorted(told, key=lambda row: (row["listen_date"], row["listener_id"], row["track_id"] or ""))


def shortage(rows: Sequence[Row], settings: ManipulationSettings) -> str:
    """What is missing to learn from, in words; empty where nothing is."""
    least = settings.minimum_verdicts
    if len(rows) < least:
        return f"too few verdicts: {len(rows)} rows were confirmed or cleared, {least} are needed"
    for name, part in zip(("first", "next", "last"), _split(rows), strict=True):
        if len(set(confirmed(part).tolist())) < 2:  # noqa: PLR2004 (both verdicts)
            return f"too few verdicts: of the {name} days all or none were confirmed; nothing tells them apart"
    return ""


def train(rows: Sequence[Row]) -> Training:
    """Fit each recipe in the order of time and choose by the Brier score of the last days; the rules win a tie.

    Args:
        rows: What `labelled` gives, without a `shortage`.
    """
    learnt, calibrated, last = _split(rows)
    judged = {recipe: _judge(fit(recipe, learnt, calibrated).probability(last), confirmed(last)) for recipe in RECIPES}
    winner = SIGNALS if judged[SIGNALS].brier < judged[RULES].brier else RULES
    model = fit(winner, [*learnt, *calibrated], last)
    return Training(model, judged, (len(learnt), len(calibrated), len(last)), last[0]["listen_date"])


def with_probability(rows: Iterable[Row], model: VerdictModel | None, settings: ManipulationSettings) -> list[Row]:
    """Rows of `suspects_among` with `probability`, and `by_rule` where the model is sure of the contrary.

    A model that is nearly sure (`sure_probability`) makes a strange day suspect that the rules let pass, and lets one
    pass that they suspect; between the two the rules decide. Whole days only: a hijacked account's tracks stay.

    Args:
        rows: What `suspects_among` gives.
        model: The champion; None before there is one.
        settings: How sure.
    """
    found = list(rows)
    if model is None or not found:
        return [{**row, "probability": None} for row in found]
    sure = settings.sure_probability
    told: list[Row] = []
    for row, probability in zip(found, model.probability(found).tolist(), strict=True):
        by_rule = row["by_rule"]
        if row["track_id"] is None and row["score"] > 0:
            by_rule = probability >= sure or (by_rule and probability > 1 - sure)
        told.append({**row, "probability": probability, "by_rule": by_rule})
    return told


def log(training: Training, run: OpenRun) -> None:
    """Leave parameters, figures, weights and the reliability diagram in a run."""
    run.log_params({"recipe": training.model.recipe, "judged_from": str(training.judged_from)})
    run.log_metrics(training.metrics())
    names = RECIPES[training.model.recipe]
    weights = zip(names, training.model.weights, strict=True)
    run.log_table([{"feature": name, "weight": weight} for name, weight in weights], "weights.json")
    run.log_figure(_reliability(training), "reliability.png")


def signature(training: Training) -> dict[str, Any]:
    """What the registry stores with the artefacts: kind, example of input and output, metadata."""
    return {
        "kind": training.model.recipe,
        "input_example": {"score": 0.7},
        "output_example": {"probability": 0.93},
        "metadata": {"recipe": training.model.recipe, "judged_from": str(training.judged_from)},
    }


def _split(rows: Sequence[Row]) -> tuple[Sequence[Row], Sequence[Row], Sequence[Row]]:
    """In the order of time; the rows of a day stay together."""
    days = [row["listen_date"] for row in rows]
    first, second = (_end_of_day(days, part) for part in (_LEARNT, _CALIBRATED))
    return rows[:first], rows[first:second], rows[second:]


def _end_of_day(days: Sequence[date], part: float) -> int:
    at = int(len(days) * part)
    while 0 < at < len(days) and days[at] == days[at - 1]:
        at += 1
    return at


def _judge(probability: Floats, is_confirmed: Flags) -> Judgement:
    order = np.argsort(probability, kind="stable")
    parts = [part for part in np.array_split(order, _BINS) if part.size]
    bins = [(float(probability[p].mean()), float(is_confirmed[p].mean()), int(p.size)) for p in parts]
    ece = sum(abs(said - seen) * size for said, seen, size in bins) / len(probability)
    sure = probability >= _SURE
    right = int((sure & is_confirmed).sum())
    precision = right / max(int(sure.sum()), 1)
    recall = right / max(int(is_confirmed.sum()), 1)
    return Judgement(brier(probability, is_confirmed), ece, precision, recall, tuple(bins))


def _reliability(training: Training) -> Figure:
    from matplotlib.figure import Figure as NewFigure  # noqa: PLC0415 (scoring needs no matplotlib)

    figure = NewFigure(figsize=(4.5, 4.2), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="#b9c4c9", linestyle="--")
    for recipe, one in training.judged.items():
        said, seen, _ = zip(*one.bins, strict=True)
        axes.plot(said, seen, marker="o", label=f"{recipe}: Brier {one.brier:.3f}, ECE {one.ece:.3f}")
    axes.set(xlabel="probability", ylabel="part that was confirmed", xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    axes.legend(frameon=False, fontsize=8, loc="lower right")
    return figure
