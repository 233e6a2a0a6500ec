"""Columns that come and go, from files to verdict, alert and release."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from earshot.automation.loading import load_job
from earshot.core.errors import GateRefusedError
from earshot.core.job import Job
from earshot.core.settings import Settings
from earshot.core.small_tables import SmallTables
from earshot.validators.releases import record_release
from earshot.validators.reports import read_report

DAY = date(2026, 3, 29)
NOW = datetime(2026, 3, 31, 6, tzinfo=UTC)


def land(settings: Settings, name: str, day: date, **changes: Any) -> None:
    """A file of 120 plays of the day."""
    events = [
        {
            "listener": f"listener-{n % 7}",
            "started_at": f"{day}T{n // 6:02}:{n % 6 * 9:02}:00.000Z",
            "played_ms": 60_000 + n,
            "track_id": f"trk:{n}",
            "tier": "free",
        }
        | changes
        for n in range(120)
    ]
    told = [json.dumps({key: value for key, value in event.items() if value is not None}) for event in events]
    path = settings.landing / f"{day + timedelta(days=1)}" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(told) + "\n", encoding="utf-8")


def test_a_new_key_is_kept_and_told_once_and_a_lost_column_closes_the_gate_until_it_is_released(
    make_job: Callable[..., Job], settings: Settings
) -> None:
    small = SmallTables(settings.lake_root)

    def publish(day: date) -> None:
        for step in ("ingest_listens", "publish_listens"):
            load_job(step)(make_job(step, day + timedelta(days=1), now=NOW))

    for n in range(3):
        land(settings, f"{n}.jsonl", DAY - timedelta(days=n))
    publish(DAY)
    assert {row["listen_date"] for row in small.rows("ops.day_profiles")} == {DAY - timedelta(days=n) for n in range(3)}

    land(settings, "mood.jsonl", DAY, mood="calm", tier=None)
    with pytest.raises(GateRefusedError, match="which every earlier canonical file had") as refused:
        publish(DAY)
    assert f"tier, which every earlier canonical file had, is nowhere in {DAY + timedelta(days=1)}/mood.jsonl" in str(
        refused.value
    )
    (batch,) = {row["batch_id"] for row in small.rows("ops.ledger") if row["status"] == "refused"}
    verdict = read_report(settings, batch)
    assert verdict is not None
    assert [failure.rule for failure in verdict.closing] == ["no_lost_column"]
    assert "extra.mood" not in {row["column"] for row in small.rows("ops.source_columns")}

    record_release(small, batch, author="me", reason="tiers are gone for good", at=NOW)
    publish(DAY)
    columns = {row["column"]: row for row in small.rows("ops.source_columns")}
    assert columns["extra.mood"]["is_new"]
    assert (columns["tier"]["files_with"], columns["tier"]["of_files"]) == (3, 4)
    kept = small.arrow("silver.listens", columns=["extra"]).column("extra").drop_null().to_pylist()
    assert [("mood", "calm")] in [list(extra) for extra in kept]

    load_job("publish_alerts")(make_job("publish_alerts", DAY + timedelta(days=1), now=NOW))
    (alert,) = [row for row in small.rows("gold.alerts") if row["rule"] == "new_column"]
    assert (alert["state"], dict(alert["labels"])["column"]) == ("firing", "mood")

    land(settings, "again.jsonl", DAY + timedelta(days=1), mood="loud", tier=None)
    publish(DAY + timedelta(days=1))
    load_job("publish_alerts")(make_job("publish_alerts", DAY + timedelta(days=2), now=NOW + timedelta(days=1)))
    (alert,) = [row for row in small.rows("gold.alerts") if row["rule"] == "new_column"]
    assert alert["state"] == "resolved"
    assert {row["event_freshness_s"] for row in _by_batch(small)} != {None}
    assert {row["late_share"] for row in _by_batch(small)} == {0.0}


def _by_batch(small: SmallTables) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for row in small.rows("gold.quality_kpis"):
        found.setdefault(row["batch_id"], {"event_freshness_s": None})[row["kpi"]] = row["value"]
    return list(found.values())
