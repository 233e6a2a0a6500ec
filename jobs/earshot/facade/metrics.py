"""PrometheusMetricsManager: processed results as Prometheus metrics."""

from __future__ import annotations

import re
import threading
from pathlib import Path
from wsgiref.simple_server import WSGIServer

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from earshot.collectors import exposition as out
from earshot.collectors.processed import ProcessedMetrics
from earshot.core import columns as c
from earshot.core.errors import SettingsError
from earshot.core.locations import deploy_folder
from earshot.core.measures import ALL
from earshot.facade.options import MONITORING_CONFIG, Options, read_options
from earshot.facade.processor import ProcessedMusic

_RETENTION = re.compile(r"([0-9]+(ms|s|m|h|d|w|y))+")


class PrometheusMetricsManager:
    """Records what `MusicDataProcessor` made, and gives it to Prometheus.

    Args:
        config: Options of `MONITORING_CONFIG`: prometheus_enabled (off: nothing is recorded),
            grafana_dashboards and alert_webhooks (whether `dashboards` and `alert_rules` name their
            files), metric_retention (for `prometheus_arguments`).

    Raises:
        SettingsError: An option is unknown, of another kind, or no duration.
    """

    def __init__(self, config: Options | None = None) -> None:
        options = read_options(config, MONITORING_CONFIG, "MONITORING_CONFIG")
        self._enabled = bool(options["prometheus_enabled"])
        self._dashboards = bool(options["grafana_dashboards"])
        self._webhooks = bool(options["alert_webhooks"])
        self._retention = str(options["metric_retention"])
        if not _RETENTION.fullmatch(self._retention):
            raise SettingsError(
                f"metric_retention is {self._retention!r}; expected: a duration.",
                where="MONITORING_CONFIG['metric_retention']",
                remedy="Write it as Prometheus does, for example 30d.",
            )
        self._metrics = ProcessedMetrics()

    def record_metrics(self, processed: ProcessedMusic) -> None:
        """Compute the figures (a Spark job a part) and set the gauges."""
        if not self._enabled:
            return
        sessions = _sums(processed.sessions)
        quality = _quality_by_country(processed.audio_quality)
        pools = processed.revenue.where((F.col(c.SUSPECTS) == "excluded") & (F.col(c.MODEL) == "pro_rata"))
        by_pool = pools.groupBy(c.CURRENCY).agg(F.sum(c.AMOUNT).alias(c.POOL), F.count("*").alias("rows")).collect()
        latest = processed.behaviour.groupBy().agg(F.max(c.DAY)).collect()[0][0]
        of_all = (F.col(c.DAY) == latest) & (F.col(c.COUNTRY) == ALL) & (F.col(c.TIER) == ALL) & F.col(c.SLICE).isNull()
        behaviour = [row.asDict() for row in processed.behaviour.where(of_all).collect() if row[c.VALUE] is not None]
        self._metrics.record(
            rows={"sessions": int(sessions["sessions"]), "revenue": sum(row["rows"] for row in by_pool)},
            sessions=sessions,
            behaviour=behaviour,
            audio_quality=quality,
            pools={row[c.CURRENCY]: float(row[c.POOL]) for row in by_pool},
        )

    def exposition(self) -> str:
        """The metrics in Prometheus's text format."""
        return out.exposition(self._metrics.registry)

    def serve(self, port: int = 0) -> tuple[WSGIServer, threading.Thread]:
        """Answer scrapes on a port of loopback until the server's `shutdown`; 0 is any free one."""
        return out.serve(self._metrics.registry, port)

    def push(self, url: str) -> None:
        """Put the metrics to a push gateway."""
        out.push(self._metrics.registry, url)

    def dashboards(self) -> list[Path]:
        """Grafana dashboards to import."""
        return sorted((deploy_folder() / "grafana").glob("*.json")) if self._dashboards else []

    def alert_rules(self) -> list[Path]:
        """Prometheus's rule files; their alerts go to the webhooks of an Alertmanager."""
        return sorted((deploy_folder() / "prometheus").glob("*.rules.yml")) if self._webhooks else []

    def prometheus_arguments(self) -> list[str]:
        """What Prometheus must be started with to keep the metrics as long as configured."""
        config = deploy_folder() / "prometheus" / "prometheus.yml"
        return [f"--config.file={config}", f"--storage.tsdb.retention.time={self._retention}"]


def _sums(sessions: DataFrame) -> dict[str, float]:
    figures = (c.LISTENS, c.COUNTED_LISTENS, c.SKIPS, c.PLAYED_MS)
    row = sessions.agg(
        F.count("*").alias("sessions"),
        F.count_distinct(c.LISTENER_ID).alias(c.LISTENERS),
        *(F.sum(figure).alias(figure) for figure in figures),
    ).collect()[0]
    return {figure: float(value or 0) for figure, value in row.asDict().items()}


def _quality_by_country(audio_quality: DataFrame) -> list[dict[str, object]]:
    weight = F.col(c.PLAYS)
    means = {
        figure: F.sum(F.col(figure) * weight) / F.sum(F.when(F.col(figure).isNotNull(), weight))
        for figure in (c.QUALITY_SCORE, c.REBUFFER_RATIO, c.BITRATE_KBPS_MEAN)
    }
    sums = {figure: F.sum(figure) for figure in (c.PLAYS, c.START_FAILURES, c.EXITS_BEFORE_START)}
    rows = audio_quality.groupBy(c.COUNTRY).agg(*(column.alias(name) for name, column in (means | sums).items()))
    return [row.asDict() for row in rows.collect()]
