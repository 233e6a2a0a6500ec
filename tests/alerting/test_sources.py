"""From rows to findings."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from earshot.alerting import sources
from earshot.alerting.findings import fingerprint_of
from earshot.alerting.rulebooks import load_rulebook
from earshot.alerting.rules import Rule
from earshot.core.errors import ArgumentError
from earshot.core.locations import conf_folder

SHIPPED = conf_folder() / "alerts.toml"
NOON = datetime(2026, 3, 29, 12, tzinfo=UTC)


def rule(source: str, summary: str = "x", **more) -> Rule:
    return Rule.model_validate({"name": "r", "source": source, "summary": summary, **more})


def anomaly(**changed):
    row = {
        "metric": "listens",
        "grain": "hour",
        "dimensions": {"device": "ios", "country": "BR"},
        "window_start": NOON,
        "observed": 310.0,
        "expected": 1234.0,
        "lower": 1100.0,
        "upper": 1350.0,
        "score": 0.93,
        "severity": "critical",
        "contributors": [{"name": "app_version", "value": "9.1", "share": 0.82}],
        "detector": "seasonal",
        "model_version": "3",
    }
    return {**row, **changed}


def anomalies(found_by: Rule, *rows):
    return sources.anomaly_findings(found_by, rows, lambda metric: "volume", {"hour": NOON + timedelta(hours=1)})


def test_an_anomaly_says_what_was_expected_what_was_seen_and_which_slice_explains_it() -> None:
    text = "{metric} {where} {direction}: saw {observed}, expected {expected} ({lower} to {upper}){because}"
    (finding,) = anomalies(rule("anomalies", text, severity="finding"), anomaly())
    assert finding.summary == (
        "listens country BR, device ios below: saw 310, expected 1,234 (1,100 to 1,350); "
        "explained by app_version 9.1 (82%)"
    )
    assert finding.severity == "critical"
    assert finding.labels["family"] == "volume"
    assert (finding.starts_at, finding.ends_at) == (NOON, NOON + timedelta(hours=1))
    assert finding.evidence.contributors[0].value == "9.1"


def test_where_a_cause_is_known_it_is_said_and_no_slice_that_was_ruled_out() -> None:
    known = "country BR explains 100% of the drop in listens (310 seen, 1,234 due)"
    row = anomaly(
        dimensions={"country": "BR"},
        cause=f"{known}; not app_version, cdn",
        ruled_out=["app_version", "cdn"],
        contributors=[
            {"name": name, "value": value, "share": share}
            for name, value, share in (
                ("app_version", "9.1", 0.82),
                ("tier", "free", 0.9),
                ("country", "BR", 0.8),
                ("cdn", "beta", 0.5),
            )
        ],
    )
    (finding,) = anomalies(rule("anomalies", "{metric}{because}", severity="finding"), row)
    assert finding.summary == f"listens; {known}"
    assert (finding.evidence.facts["cause"], finding.evidence.facts["ruled_out"]) == (known, "app_version, cdn")
    explained_by = [(part.name, part.share) for part in finding.evidence.contributors]
    assert explained_by == [("country", 0.8), ("tier", 0.9)], "the cause first, then what is left within it"


def test_the_fingerprint_depends_on_rule_metric_and_dimensions_and_on_nothing_else() -> None:
    (one,) = anomalies(rule("anomalies"), anomaly())
    (same,) = anomalies(
        rule("anomalies"),
        anomaly(dimensions={"country": "BR", "device": "ios"}, severity="info", observed=1.0, window_start=NOON),
    )
    (other,) = anomalies(rule("anomalies"), anomaly(metric="skips"))
    assert one.fingerprint == same.fingerprint != other.fingerprint
    identity = {"metric": "listens", "grain": "hour", "country": "BR", "device": "ios"}
    assert one.fingerprint == fingerprint_of("r", identity)


def test_a_rule_can_speak_of_slices_without_data_alone() -> None:
    silent = rule("anomalies", match=["window_state=no_data"])
    assert len(anomalies(silent, anomaly(state="no_data"), anomaly(state="judged"), anomaly())) == 1


def test_a_rule_takes_only_the_anomalies_that_match() -> None:
    only = rule("anomalies", match=["severity=critical", "country!=DE"])
    found = anomalies(only, anomaly(), anomaly(severity="warning"), anomaly(dimensions={"country": "DE"}))
    assert len(found) == 1


def test_an_anomaly_without_figures_is_still_said() -> None:
    bad = anomaly(observed=float("nan"), expected=None, lower=None, upper=None, contributors=None, dimensions=None)
    (finding,) = anomalies(rule("anomalies", "{metric} {where}: {observed}, {expected}"), bad)
    assert finding.summary == "listens overall: nothing, nothing"
    assert finding.evidence.observed is None


def ledger(batch: str, file: str, status: str = "refused", **changed):
    return {
        "batch_id": batch,
        "source_file": file,
        "status": status,
        "reason": "validation_success was 0.91, at least 0.995 is expected: 900 of 10,000 rows",
        "read": 10_000,
        "format": "canonical",
        "started_at": NOON,
        "committed_at": NOON,
        **changed,
    }


def test_a_refused_batch_is_one_finding_however_many_files_it_has() -> None:
    rows = [ledger("b1", "a.jsonl"), ledger("b1", "b.jsonl"), ledger("b2", "c.jsonl", "committed")]
    (finding,) = sources.refused_batch_findings(
        rule("refused_batches", "{batch}: {reason} ({files} files)", severity="critical"), rows
    )
    assert finding.summary.startswith("b1: validation_success was 0.91")
    assert finding.summary.endswith("(2 files)")
    assert finding.ends_at is None
    assert finding.evidence.examples == ("a.jsonl", "b.jsonl")


def kpi(hours: int, value: float, met: bool | None, name: str = "accuracy"):
    at = NOON + timedelta(hours=hours)
    return {
        "batch_id": f"b{hours}",
        "measured_at": at,
        "suite": "listens",
        "kpi": name,
        "value": value,
        "target": 0.999,
        "met": met,
    }


def test_a_target_that_the_last_batches_missed_is_found_since_the_first_of_them() -> None:
    rows = [kpi(3, 0.9, False), kpi(0, 0.8, False), kpi(1, 1.0, True), kpi(2, 0.95, False)]
    (finding,) = sources.quality_findings(rule("quality_kpis", "{kpi} {value} {target} {batch}"), rows)
    assert finding.starts_at == NOON + timedelta(hours=2)
    assert finding.windows == 2
    assert finding.summary == "accuracy 0.9 0.999 b3"


def test_a_target_that_is_met_again_or_does_not_exist_is_not_found() -> None:
    rows = [kpi(0, 0.8, False), kpi(1, 1.0, True), kpi(2, 9.0, None, "event_lag_s")]
    assert sources.quality_findings(rule("quality_kpis"), rows) == []


def run(hours: int, status: str, job: str = "build_marts"):
    at = NOON + timedelta(hours=hours)
    return {
        "run_id": f"run{hours}",
        "job": job,
        "run_date": date(2026, 3, 29),
        "status": status,
        "started_at": at,
        "ended_at": at + timedelta(minutes=5),
        "error": "The disk is full.\n  where: lake" if status == "failed" else None,
    }


def test_a_job_whose_last_runs_failed_is_found_with_its_error() -> None:
    rows = [
        run(0, "done"),
        run(1, "failed"),
        run(2, "failed"),
        run(3, "refused"),
        run(1, "failed", "x"),
        run(2, "done", "x"),
    ]
    (finding,) = sources.failed_job_findings(rule("failed_jobs", "{job} {run_date} {times} {error}"), rows)
    assert finding.summary == "build_marts 2026-03-29 2 The disk is full."
    assert finding.starts_at == NOON + timedelta(hours=1)


def test_a_source_that_cannot_be_read_is_found_until_it_answers_or_is_gone_from_the_settings() -> None:
    def row(hour: int, status: str, source: str = "partner") -> dict[str, Any]:
        reason = "There is no bucket.\n  remedy: Make one." if status == "failed" else None
        return {"source": source, "status": status, "reason": reason, "at": NOON + timedelta(hours=hour)}

    told = [row(0, "failed"), row(1, "brought"), row(2, "failed"), row(3, "failed")]
    others = [row(0, "failed", "a"), row(1, "reached", "a"), row(0, "failed", "b"), row(1, "dropped", "b")]
    failing = rule("failed_sources", "{source} since {since} {times}: {reason}")
    (finding,) = sources.failed_source_findings(failing, told + others)
    assert finding.summary == "partner since 2026-03-29 14:00 UTC 2: There is no bucket."
    assert "remedy" in finding.evidence.facts["reason"]
    assert sources.failed_source_findings(rule("failed_sources", "x", match=["source=shop"]), told) == []


def test_plays_that_stop_coming_are_found() -> None:
    stale = rule("freshness", "{newest} {age_hours} {max_age_hours}", max_age_hours=26)
    assert sources.freshness_findings(stale, NOON, NOON + timedelta(hours=26)) == []
    assert sources.freshness_findings(stale, None, NOON) == []
    (finding,) = sources.freshness_findings(stale, NOON, NOON + timedelta(hours=30))
    assert finding.summary == "2026-03-29 12:00 UTC 30 26"


def test_a_new_key_is_news_for_a_day_and_is_told_of_once() -> None:
    new = rule("new_columns", "{source} {column} {day} {batch}", max_age_hours=24)
    seen = {"source": "canonical", "column": "extra.mood", "is_new": True, "first_day": date(2026, 3, 28)}
    seen |= {"first_seen_at": NOON + timedelta(days=90), "first_batch": "b7"}
    midnight = datetime(2026, 3, 29, tzinfo=UTC)
    (finding,) = sources.new_column_findings(new, [seen], midnight)
    assert finding.summary == "canonical mood 2026-03-28 b7"
    assert finding.labels == {"source": "canonical", "column": "mood"}
    assert sources.new_column_findings(new, [seen], midnight + timedelta(hours=24)) == []
    assert sources.new_column_findings(new, [seen], midnight - timedelta(hours=1)) == [], "not known of yet"
    live = seen | {"first_seen_at": midnight - timedelta(hours=3)}
    assert len(sources.new_column_findings(new, [live], midnight - timedelta(hours=1))) == 1
    for not_news in ({"is_new": False}, {"column": "tier"}):
        assert sources.new_column_findings(new, [seen | not_news], midnight) == []


def test_drift_and_targets_are_different_alerts() -> None:
    shipped = {shipped.name: shipped for shipped in load_rulebook(SHIPPED).rules}
    of_day = {"kpi": "drift_rows", "suite": "drift.canonical", "value": 0.6, "target": 0.3, "met": False}
    of_day |= {"batch_id": "b1", "measured_at": NOON}
    assert sources.quality_findings(shipped["quality_target_missed"], [of_day]) == []
    (finding,) = sources.quality_findings(shipped["batch_drift"], [of_day])
    assert finding.summary == ("drift_rows of drift.canonical is 0.6; on this weekday at most 0.3 is usual (batch b1)")


def test_runs_that_stop_coming_are_found() -> None:
    dead = rule("heartbeat", "{job} {age_hours}", match=["job=publish_listens"], max_age_hours=26)
    rows = [run(0, "done", "publish_listens"), run(1, "failed", "publish_listens"), run(0, "done", "other")]
    assert sources.heartbeat_findings(dead, rows, NOON + timedelta(hours=20)) == []
    (finding,) = sources.heartbeat_findings(dead, rows, NOON + timedelta(hours=31))
    assert finding.summary == "publish_listens 31"
    assert sources.heartbeat_findings(dead, [], NOON) == []


def test_who_knows_how_often_runs_are_due_misses_them_sooner() -> None:
    rows = [run(0, "done", "publish_listens")]
    (dead,) = [rule for rule in load_rulebook(SHIPPED, "1").rules if rule.source == "heartbeat"]
    last = rows[0]["ended_at"]
    assert sources.heartbeat_findings(dead, rows, last + timedelta(minutes=59)) == []
    assert len(sources.heartbeat_findings(dead, rows, last + timedelta(minutes=61))) == 1


@pytest.mark.parametrize("text", ["", "0", "-1", "soon", "inf"])
def test_hours_are_a_positive_number(text: str) -> None:
    with pytest.raises(ArgumentError, match="no number of hours"):
        load_rulebook(SHIPPED, text)


def test_a_slice_that_falls_quiet_while_others_go_on_is_found() -> None:
    quiet = rule("no_data", "{where} {newest} {age_hours} {usual}", max_age_hours=26)
    rows = [
        {"value": "BR", "newest": NOON - timedelta(hours=30), "days": 7},
        {"value": "DE", "newest": NOON, "days": 7},
        {"value": "IS", "newest": NOON - timedelta(hours=30), "days": 2},
    ]
    (finding,) = sources.no_data_findings(quiet, rows, NOON, NOON)
    assert finding.summary == "country BR 2026-03-28 06:00 UTC 30 7"
    assert finding.labels == {"country": "BR"}
    assert sources.no_data_findings(quiet, rows, NOON - timedelta(hours=30), NOON) == [], (
        "all are quiet: freshness speaks"
    )
    assert sources.no_data_findings(quiet, rows, None, NOON) == []


def test_windows_that_only_keep_an_alert_alive_are_found_and_do_not_open_one() -> None:
    damped = rule("anomalies", "{metric}", match=["severity=critical"], keep=["severity=~info|critical"])
    row = {"metric": "listens", "grain": "hour", "dimensions": {}, "window_start": NOON, "score": 0.9}
    row |= {"observed": 1.0, "expected": 2.0, "lower": 1.5, "upper": 2.5, "contributors": None}
    severities = ("critical", "warning", "info")
    rows = [{**row, "severity": severity} for severity in severities]
    found = sources.anomaly_findings(damped, rows, lambda metric: metric, {})
    assert [(finding.severity, finding.opens) for finding in found] == [("warning", True), ("warning", False)]
