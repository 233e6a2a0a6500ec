"""A backtest as figures, rows and a picture for the registry of models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from earshot.detectors.backtest import Backtest, Point
from earshot.detectors.injection import KINDS, SIZES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def metrics(result: Backtest, point: Point) -> dict[str, float]:
    """Figures of one point.

    Returns:
        Precision, recall, F1, F-half; recall by kind, by size and by both, precision by kind; median hours to detect by
        kind; false alarms a week and 1,000 series.
    """
    figures = {
        "precision": point.precision,
        "recall": point.recall,
        "f1": point.f1,
        "f_half": point.f_measure(0.5),
        "threshold": point.threshold,
        "false_groups": float(point.false_groups),
        "false_alarms_per_1000_series_weeks": result.false_alarms(point),
    }
    for kind, recall in point.recall_by_kind.items():
        figures[f"recall_{kind}"] = recall
        figures[f"precision_{kind}"] = point.precision_of(kind, result.incidents)
    figures |= {f"recall_{name}": recall for name, recall in {**point.recall_by_size, **point.recall_by_both}.items()}
    return figures | {f"hours_to_detect_{kind}": hours for kind, hours in point.hours_to_detect.items()}


def row(result: Backtest, point: Point) -> dict[str, object]:
    """The same as a row of the curve; every row has the same keys, hours to detect what was not found are null."""
    late = {f"hours_to_detect_{kind}": None for kind in KINDS}
    return {**late, **metrics(result, point), "choosable": point.choosable}


def picture(result: Backtest, chosen: Point) -> Figure:
    """Precision over recall at every threshold for each size, then recall and hours to detect by kind when chosen."""
    from matplotlib.figure import Figure as NewFigure  # noqa: PLC0415 (scoring needs no matplotlib)

    figure = NewFigure(figsize=(13, 3.6), layout="constrained")
    curve, found, late = figure.subplots(1, 3)
    _curve(curve, result, chosen)
    _bars(found, chosen.recall_by_kind, "recall by kind")
    found.set_ylim(0, 1.02)
    _bars(late, chosen.hours_to_detect, "median hours to detect")
    return figure


def _curve(axes: Axes, result: Backtest, chosen: Point) -> None:
    axes.plot(
        [point.recall for point in result.points], [point.precision for point in result.points], marker="o", label="all"
    )
    for size in SIZES:
        recalls = [point.recall_by_size.get(size, 0.0) for point in result.points]
        axes.plot(recalls, [point.precision for point in result.points], linestyle=":", label=size)
    axes.plot([chosen.recall], [chosen.precision], marker="D", color="crimson", linestyle="", label="chosen")
    title = f"made-up incidents; {result.false_alarms(chosen):.0f} false alarms a week and 1,000 series"
    axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1.02), ylim=(0, 1.02))
    axes.set_title(title, fontsize=9)
    axes.legend(loc="lower left", fontsize=8)


def _bars(axes: Axes, heights: Mapping[str, float], title: str) -> None:
    axes.bar(list(heights), list(heights.values()), color="slategrey")
    axes.tick_params(axis="x", labelrotation=30)
    axes.set_title(title, fontsize=9)
