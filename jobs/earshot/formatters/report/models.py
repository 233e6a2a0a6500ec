"""Runs of the recommenders as rows of the report's comparison."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

_SHOWN = ("ndcg", "recall", "map", "coverage", "novelty")


class LoggedRun(Protocol):
    """A run as the registry gives it back."""

    @property
    def name(self) -> str:
        """The algorithm."""

    @property
    def metrics(self) -> Mapping[str, float]:
        """Its figures by name."""


def compared(runs: Iterable[LoggedRun], champion_kind: str) -> list[dict[str, Any]]:
    """Best first by NDCG, with the columns that the runs have in common.

    Args:
        runs: One run an algorithm, of one training.
        champion_kind: Algorithm of the champion; empty where there is none.
    """
    logged = list(runs)
    names = {name for run in logged for name in run.metrics if name.split("_at_")[0] in _SHOWN}
    columns = sorted(names, key=lambda name: _SHOWN.index(name.split("_at_")[0]))
    rows = [
        {
            "name": run.name.replace("_", " "),
            "champion": run.name == champion_kind,
            **{column.replace("_at_", "@"): run.metrics.get(column) for column in columns},
        }
        for run in logged
    ]
    first = columns[0].replace("_at_", "@") if columns else "name"
    return sorted(rows, key=lambda row: (row[first] is None, row[first]), reverse=bool(columns))
