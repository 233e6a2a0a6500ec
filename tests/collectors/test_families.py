from __future__ import annotations

from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from earshot.collectors.exposition import LakeCollector, exposition, lake_registry
from earshot.core.settings import Settings
from earshot.core.small_tables import SmallTables


def _sample(lake: SmallTables, name: str, **labels: str) -> float | None:
    return lake_registry(lake).get_sample_value(name, labels)


def test_runs_are_counted_by_job_and_status(lake: SmallTables) -> None:
    assert _sample(lake, "earshot_runs_total", earshot_job="build_marts", status="done") == 2
    assert _sample(lake, "earshot_runs_total", earshot_job="publish_listens", status="refused") == 1


def test_the_latest_run_of_a_job_tells_seconds_rows_and_success(lake: SmallTables) -> None:
    assert _sample(lake, "earshot_run_last_seconds", earshot_job="build_marts") == 12.5
    assert _sample(lake, "earshot_run_last_rows_in", earshot_job="build_marts") == 7
    assert _sample(lake, "earshot_run_last_success", earshot_job="build_marts") == 1
    assert _sample(lake, "earshot_run_last_success", earshot_job="publish_listens") == 0
    failed_at = _sample(lake, "earshot_run_last_timestamp_seconds", earshot_job="publish_listens")
    good_at = _sample(lake, "earshot_run_last_success_timestamp_seconds", earshot_job="publish_listens")
    assert failed_at is not None
    assert good_at is not None
    assert failed_at - good_at == 3600


def test_tables_tell_rows_files_and_versions_from_their_logs(lake: SmallTables) -> None:
    lake.append("ops.feedback", [{"subject": "x"}] * 5)
    lake.append("ops.feedback", [{"subject": "y"}])
    assert _sample(lake, "earshot_table_rows", table="ops.feedback") == 6
    assert _sample(lake, "earshot_table_files", table="ops.feedback") == 2
    assert _sample(lake, "earshot_table_version", table="ops.feedback") == 1
    assert _sample(lake, "earshot_table_rows", table="silver.listens") is None
    size = _sample(lake, "earshot_table_bytes", table="ops.feedback")
    assert size is not None
    assert size > 0


def test_kpis_are_the_latest_with_their_targets(lake: SmallTables) -> None:
    kpi = {"suite": "silver_listens", "kpi": "validation_success"}
    assert _sample(lake, "earshot_quality_kpi", **kpi) == 0.95
    assert _sample(lake, "earshot_quality_kpi_target", **kpi) == 0.995
    assert _sample(lake, "earshot_quality_kpi_met", **kpi) == 0
    assert _sample(lake, "earshot_quality_kpi_met", suite="silver_listens", kpi="accuracy") == 1


def test_lines_add_up_and_refused_batches_are_seen(lake: SmallTables) -> None:
    outcomes = {o: _sample(lake, "earshot_lines_total", outcome=o) or 0 for o in ("read", "accepted", "duplicate")}
    outcomes |= {o: _sample(lake, "earshot_lines_total", outcome=o) or 0 for o in ("quarantined", "filtered")}
    assert outcomes.pop("read") == sum(outcomes.values()) == 100
    assert _sample(lake, "earshot_gate_refused_batches") == 1
    assert _sample(lake, "earshot_files_total", status="committed", format="canonical") == 1


def test_alerts_deliveries_and_the_last_days_detections_are_counted(lake: SmallTables) -> None:
    assert _sample(lake, "earshot_alerts", rule="kpi", severity="critical", state="firing") == 3
    assert _sample(lake, "earshot_alert_deliveries", channel="slack", state="given_up") == 1
    assert _sample(lake, "earshot_detections", metric="listens", severity="critical") == 1
    assert _sample(lake, "earshot_detections", metric="listens", severity="info") is None


def test_activity_is_of_the_latest_hour(lake: SmallTables) -> None:
    assert _sample(lake, "earshot_activity", country="DE", metric="listens") == 100
    assert _sample(lake, "earshot_activity", country="DE", metric="start_failures") == 2


def test_an_empty_lake_still_exposes_valid_text(settings: Settings) -> None:
    text = exposition(lake_registry(SmallTables(settings.lake_root)))
    names = {family.name for family in text_string_to_metric_families(text)}
    assert {"earshot_runs", "earshot_table_rows", "earshot_gate_refused_batches"} <= names


def test_no_metric_names_a_listener(lake: SmallTables) -> None:
    lake.append("gold.recommendations", [{"listener_id": "v1:" + "a" * 32, "rank": 1}])
    assert "v1:" not in exposition(lake_registry(lake))


def test_the_lake_is_not_read_again_for_scrapes_that_follow_at_once(lake: SmallTables) -> None:
    now = [0.0]
    registry = CollectorRegistry()
    registry.register(LakeCollector(lake, fresh_s=5.0, clock=lambda: now[0]))

    def refused() -> float | None:
        return registry.get_sample_value("earshot_gate_refused_batches")

    assert refused() == 1
    lake.overwrite("ops.ledger", [])
    now[0] = 4.0
    assert refused() == 1
    now[0] = 6.0
    assert refused() == 0
