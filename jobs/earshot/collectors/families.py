"""What the lake tells Prometheus: one function a subject, each from small tables and never from a scan of plays."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from earshot.core import columns as c
from earshot.core.schemas import TABLES
from earshot.core.small_tables import SmallTables

_OUTCOMES = (c.READ, c.ACCEPTED, c.DUPLICATE, c.QUARANTINED, c.FILTERED, c.ERASED)
_ACTIVITY = (c.LISTENS, c.COUNTED_LISTENS, c.SKIPS, c.START_FAILURES, c.PLAYED_MS, c.REBUFFER_MS)
_DETECTIONS_OF = timedelta(hours=24)


def run_families(lake: SmallTables) -> Iterator[Metric]:
    """Runs of jobs: how many by status, and of the latest one seconds, rows and time."""
    rows = sorted(lake.rows("ops.runs"), key=lambda row: row[c.STARTED_AT])
    total = CounterMetricFamily("earshot_runs", "Runs of a job by how they ended.", labels=["earshot_job", "status"])
    for (job, status), count in sorted(Counter((row[c.JOB], row[c.STATUS]) for row in rows).items()):
        total.add_metric([job, status], count)
    yield total
    latest = {row[c.JOB]: row for row in rows}
    good = {row[c.JOB]: row for row in rows if row[c.STATUS] in {"done", "skipped"}}
    yield _gauge(
        "earshot_run_last_success", "Whether the latest run of a job ended 0.", latest, lambda row: row in good.values()
    )
    yield _gauge("earshot_run_last_seconds", "Seconds that the latest run of a job took.", latest, _seconds)
    yield _gauge("earshot_run_last_timestamp_seconds", "End of the latest run of a job.", latest, _ended)
    yield _gauge("earshot_run_last_success_timestamp_seconds", "End of the latest run that ended 0.", good, _ended)
    read, written = "Rows that the latest run read.", "Rows that the latest run wrote."
    yield _gauge("earshot_run_last_rows_in", read, latest, lambda row: row[c.ROWS_IN])
    yield _gauge("earshot_run_last_rows_out", written, latest, lambda row: row[c.ROWS_OUT])


def table_families(lake: SmallTables) -> Iterator[Metric]:
    """Tables: rows, bytes, files, version, and when they were last written; from their logs."""
    rows, size, files, version, written = (
        GaugeMetricFamily(f"earshot_table_{name}", text, labels=["table"])
        for name, text in (
            ("rows", "Rows, as the files' statistics tell."),
            ("bytes", "Bytes of the current files."),
            ("files", "Current files."),
            ("version", "Latest commit."),
            ("last_commit_timestamp_seconds", "Time of the latest commit."),
        )
    )
    for name in TABLES:
        table = lake.open(name)
        if table is None:
            continue
        actions = pa.table(table.get_add_actions(flatten=True))
        counts = actions["num_records"] if "num_records" in actions.column_names else pa.chunked_array([[0]])
        rows.add_metric([name], pc.sum(counts).as_py() or 0)
        size.add_metric([name], (pc.sum(actions["size_bytes"]).as_py() or 0) if actions.num_rows else 0)
        files.add_metric([name], actions.num_rows)
        version.add_metric([name], table.version())
        written.add_metric([name], int(table.history(1)[0]["timestamp"]) / 1000)
    yield from (rows, size, files, version, written)


def quality_families(lake: SmallTables) -> Iterator[Metric]:
    """The gate: KPIs against their targets, batches by verdict, lines by where they went."""
    latest: dict[tuple[str, str], dict[str, Any]] = {}
    for row in sorted(lake.rows("gold.quality_kpis"), key=lambda row: row[c.MEASURED_AT]):
        latest[row[c.SUITE] or "", row[c.KPI]] = row
    for name, column, text in (
        ("earshot_quality_kpi", c.VALUE, "Latest value of a KPI: a fraction or seconds."),
        ("earshot_quality_kpi_target", c.TARGET, "What the KPI should reach."),
        ("earshot_quality_kpi_met", c.MET, "Whether the KPI met its target."),
    ):
        family = GaugeMetricFamily(name, text, labels=["suite", "kpi"])
        for (suite, kpi), row in sorted(latest.items()):
            if row[column] is not None:
                family.add_metric([suite, kpi], float(row[column]))
        yield family
    ledger = lake.rows("ops.ledger")
    files = CounterMetricFamily("earshot_files", "Landing files by verdict and format.", labels=["status", "format"])
    for (status, kind), count in sorted(Counter((row[c.STATUS], row[c.FORMAT] or "") for row in ledger).items()):
        files.add_metric([status, kind], count)
    yield files
    refused = {row[c.BATCH_ID] for row in ledger if row[c.STATUS] == "refused"}
    waiting = GaugeMetricFamily("earshot_gate_refused_batches", "Batches that the gate holds back.")
    waiting.add_metric([], len(refused))
    yield waiting
    lines = CounterMetricFamily("earshot_lines", "Lines of published files by where they went.", labels=["outcome"])
    for outcome in _OUTCOMES:
        lines.add_metric([outcome], sum(row[outcome] or 0 for row in ledger))
    yield lines


def alert_families(lake: SmallTables) -> Iterator[Metric]:
    """Alerts by rule, severity and state; deliveries by channel and state; detections of the last day."""
    alerts = Counter((row[c.RULE], row[c.SEVERITY], row[c.STATE]) for row in lake.rows("gold.alerts"))
    yield _counts(
        "earshot_alerts", "Alerts by rule, severity and state.", ["rule", "severity", "state"], alerts.items()
    )
    columns = [c.CHANNEL, c.STATE, "queued_at"]
    outbox = lake.arrow("ops.alert_outbox", columns=columns).to_pylist()
    deliveries = Counter((row[c.CHANNEL], row[c.STATE]) for row in outbox)
    yield _counts(
        "earshot_alert_deliveries", "Deliveries by channel and state.", ["channel", "state"], deliveries.items()
    )
    oldest = GaugeMetricFamily(
        "earshot_alert_oldest_waiting_timestamp_seconds",
        "When the oldest message was written that a channel has not taken yet.",
        labels=["channel"],
    )
    waiting = [row for row in outbox if row[c.STATE] == "waiting"]
    for channel in sorted({row[c.CHANNEL] for row in waiting}):
        queued = [row["queued_at"] for row in waiting if row[c.CHANNEL] == channel and row["queued_at"]]
        oldest.add_metric([channel], min(queued).timestamp() if queued else 0.0)
    yield oldest
    yield from _firing(lake)
    scored = lake.arrow("gold.anomalies", columns=[c.METRIC, c.SEVERITY, c.WINDOW_START])
    end: datetime | None = pc.max(scored[c.WINDOW_START]).as_py() if scored.num_rows else None
    found: Counter[tuple[str, ...]] = Counter()
    if end is not None:
        recent = pc.greater(scored[c.WINDOW_START], pa.scalar(end - _DETECTIONS_OF, scored[c.WINDOW_START].type))
        detections = scored.filter(pc.and_(recent, pc.is_valid(scored[c.SEVERITY])))
        found.update(zip(detections[c.METRIC].to_pylist(), detections[c.SEVERITY].to_pylist(), strict=True))
    yield _counts(
        "earshot_detections", "Anomalies of the last 24 hours that were scored.", ["metric", "severity"], found.items()
    )


def _firing(lake: SmallTables) -> Iterator[Metric]:
    """Each alert that fires, with its labels, so that Prometheus can tell when it began."""
    labels = ["fingerprint", "rule", "severity", "metric", "country", "device", "team"]
    family = GaugeMetricFamily(
        "earshot_alert_firing_since_timestamp_seconds", "Start of each alert that fires and speaks.", labels=labels
    )
    newest: dict[str, dict[str, Any]] = {}
    for row in sorted(lake.rows("gold.alerts", pc.field(c.STATE) == "firing"), key=lambda row: row[c.STARTS_AT]):
        if '"inhibited_by":""' in (row["evidence"] or '"inhibited_by":""'):
            newest[row[c.FINGERPRINT]] = row
    for fingerprint, row in sorted(newest.items()):
        own = row["labels"] or {}
        values = [fingerprint, row[c.RULE], row[c.SEVERITY], *(own.get(label) or "" for label in labels[3:])]
        family.add_metric(values, row[c.STARTS_AT].timestamp())
    yield family


def activity_families(lake: SmallTables) -> Iterator[Metric]:
    """Listening in the latest hour of gold.activity, by country."""
    days = lake.arrow("gold.activity", columns=[c.HOUR_START])
    hour: datetime | None = pc.max(days[c.HOUR_START]).as_py() if days.num_rows else None
    sums: dict[str, Counter[str]] = defaultdict(Counter)
    if hour is not None:
        for row in lake.rows("gold.activity", filters=[(c.HOUR_START, "=", hour)]):
            for metric in _ACTIVITY:
                sums[row[c.COUNTRY] or ""][metric] += row[metric] or 0
    family = GaugeMetricFamily(
        "earshot_activity", "Sums over the latest hour of gold.activity.", labels=["country", "metric"]
    )
    for country, metrics in sorted(sums.items()):
        for metric in _ACTIVITY:
            family.add_metric([country, metric], metrics[metric])
    yield family
    latest = GaugeMetricFamily("earshot_activity_hour_timestamp_seconds", "Start of the latest hour of gold.activity.")
    if hour is not None:
        latest.add_metric([], hour.timestamp())
    yield latest


def _gauge(name: str, text: str, rows: Mapping[str, Mapping[str, Any]], value: Any) -> Metric:
    family = GaugeMetricFamily(name, text, labels=["earshot_job"])
    for job, row in sorted(rows.items()):
        family.add_metric([job], float(value(row) or 0))
    return family


def _counts(name: str, text: str, labels: list[str], counts: Iterable[tuple[tuple[str, ...], int]]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=labels)
    for values, count in sorted((_texts(values), count) for values, count in counts):
        family.add_metric(values, count)
    return family


def _texts(values: Iterable[str | None]) -> list[str]:
    return [value or "" for value in values]


def _seconds(row: Mapping[str, Any]) -> float:
    started: datetime = row[c.STARTED_AT]
    ended: datetime = row[c.ENDED_AT] or started
    return (ended - started).total_seconds()


def _ended(row: Mapping[str, Any]) -> float:
    ended: datetime = row[c.ENDED_AT] or row[c.STARTED_AT]
    return ended.timestamp()
