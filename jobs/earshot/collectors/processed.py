"""Metrics of results that were processed in memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Gauge

from earshot.core import columns as c


class ProcessedMetrics:
    """Gauges of processed results, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._rows = self._gauge("earshot_processed_rows", "Rows of a part of the results.", ["part"])
        self._sums = self._gauge("earshot_processed_sessions", "Sums over the sessions.", ["figure"])
        self._behaviour = self._gauge(
            "earshot_processed_behaviour", "Behaviour of all listeners on the latest day.", ["metric"]
        )
        self._quality = self._gauge(
            "earshot_processed_audio_quality", "Playback quality, weighted by plays.", ["country", "figure"]
        )
        self._pool = self._gauge(
            "earshot_processed_revenue_pool", "Revenue pools of all months, suspects excluded.", ["currency"]
        )

    def record(
        self,
        *,
        rows: Mapping[str, int],
        sessions: Mapping[str, float],
        behaviour: Iterable[Mapping[str, Any]],
        audio_quality: Iterable[Mapping[str, Any]],
        pools: Mapping[str, float],
    ) -> None:
        """Set the gauges; what was recorded before and is not any more goes.

        Args:
            rows: By part.
            sessions: By figure.
            behaviour: metric and value.
            audio_quality: country and figures.
            pools: By currency.
        """
        for gauge in (self._rows, self._sums, self._behaviour, self._quality, self._pool):
            gauge.clear()
        for part, count in rows.items():
            self._rows.labels(part).set(count)
        for figure, value in sessions.items():
            self._sums.labels(figure).set(value)
        for row in behaviour:
            self._behaviour.labels(row[c.METRIC]).set(row[c.VALUE])
        for row in audio_quality:
            for figure, value in row.items():
                if figure != c.COUNTRY and value is not None:
                    self._quality.labels(row[c.COUNTRY], figure).set(value)
        for currency, amount in pools.items():
            self._pool.labels(currency).set(amount)

    def _gauge(self, name: str, text: str, labels: list[str]) -> Gauge:
        return Gauge(name, text, labels, registry=self.registry)
