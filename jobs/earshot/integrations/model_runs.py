"""One run of MLflow: while it is open, and as it is read again."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from matplotlib.figure import Figure
from mlflow import MlflowClient
from mlflow.entities import Metric, Param


@dataclass(frozen=True)
class RunRecord:
    """A run as it was logged: for reports and comparisons."""

    run_id: str
    name: str
    started_at_ms: int
    params: dict[str, str]
    metrics: dict[str, float]
    tags: dict[str, str] = field(default_factory=dict)


class Run:
    """One open run of the tracking server.

    Args:
        client: The registry's client.
        run_id: The run.
        name: Its name.
    """

    def __init__(self, client: MlflowClient, run_id: str, name: str) -> None:
        self._client = client
        self.run_id = run_id
        self.name = name

    def log_params(self, params: Mapping[str, object]) -> None:
        """Log what the model was built with."""
        self._client.log_batch(self.run_id, params=[Param(key, str(value)) for key, value in params.items()])

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Log figures; `step` orders the values of one metric."""
        now = int(time.time() * 1000)
        self._client.log_batch(
            self.run_id, metrics=[Metric(key, float(value), now, step or 0) for key, value in metrics.items()]
        )

    def log_figure(self, figure: Figure, name: str) -> None:
        """Log a picture, such as `comparison.png`."""
        self._client.log_figure(self.run_id, figure, name)

    def log_table(self, rows: Sequence[Mapping[str, object]], name: str) -> None:
        """Log rows as JSON, such as `comparison.json`; every row has the keys of the first."""
        if rows:
            columns = {key: [row[key] for row in rows] for key in rows[0]}
            self._client.log_table(self.run_id, columns, name)
