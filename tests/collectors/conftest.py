from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from earshot.automation.pipeline import PIPELINE
from earshot.core.settings import Settings
from earshot.core.small_tables import SmallTables


def fill_lake(lake: SmallTables, now: datetime) -> None:
    """A day of every job, of which one failed and one batch was refused."""
    hour = now.replace(minute=0, second=0, microsecond=0)

    def run(job: str, status: str, hours_ago: float) -> dict[str, Any]:
        started = now - timedelta(hours=hours_ago)
        times = {"started_at": started, "ended_at": started + timedelta(seconds=12.5)}
        return {"run_id": f"r{hours_ago}", "job": job, "run_date": now.date(), "status": status, "rows_in": 7} | times

    lake.append(
        "ops.runs",
        [
            *(run(spec.name, "done", 2) for spec in PIPELINE),
            *(run(spec.name, "done" if spec.name != "publish_listens" else "refused", 1) for spec in PIPELINE),
        ],
    )
    counts = {"read": 100, "accepted": 90, "duplicate": 4, "quarantined": 5, "filtered": 1, "erased": 2}
    ledger = {"batch_id": "b1", "source_file": "a.jsonl", "format": "canonical", "status": "committed"} | counts
    refused = {"batch_id": "b2", "source_file": "b.jsonl", "format": "canonical", "status": "refused"}
    lake.append("ops.ledger", [ledger, refused])
    kpis = (("accuracy", 0.9995, 0.999), ("validation_success", 0.95, 0.995), ("error_rate", 0.0, 0.001))
    lake.append(
        "gold.quality_kpis",
        [
            {"batch_id": f"b{n}", "measured_at": now - timedelta(hours=n), "suite": "silver_listens", "kpi": kpi}
            | {"value": value if n == 1 else 0.5, "target": target, "met": kpi != "validation_success"}
            for n in (2, 1)
            for kpi, value, target in (*kpis, ("freshness_s", 20.0, 300.0))
        ],
    )
    lake.append(
        "gold.alerts",
        [
            {"fingerprint": f"f{n}", "rule": "kpi", "severity": "critical", "state": "firing", "starts_at": hour}
            | {"labels": {"metric": "listens", "country": "BR", "team": "analytics"}}
            for n in range(3)
        ],
    )
    lake.append(
        "ops.alert_outbox",
        [
            {"delivery_id": "d", "channel": "slack", "state": "given_up", "queued_at": now - timedelta(hours=30)},
            {"delivery_id": "w", "channel": "email", "state": "waiting", "queued_at": now - timedelta(hours=2)},
            {"delivery_id": "s", "channel": "file", "state": "sent", "queued_at": now - timedelta(hours=2)},
        ],
    )
    lake.append(
        "gold.anomalies",
        [
            {"metric": "listens", "window_start": hour - timedelta(hours=n), "severity": severity, "window_date": day}
            for n, severity, day in ((1, "critical", now.date()), (2, None, now.date()), (60, "info", date(2026, 3, 1)))
        ],
    )
    lake.append(
        "gold.activity",
        [
            {"hour_start": hour - timedelta(hours=ago), "country": country, "tier": tier, "activity_date": now.date()}
            | {"listens": 50, "start_failures": 1, "skips": 3, "played_ms": 1000}
            for ago in (0, 1)
            for country in ("DE", "US")
            for tier in ("free", "premium")
        ],
    )


@pytest.fixture
def lake(settings: Settings) -> SmallTables:
    small = SmallTables(settings.lake_root)
    fill_lake(small, datetime.now(UTC))
    return small
