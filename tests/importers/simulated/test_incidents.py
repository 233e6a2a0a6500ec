from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from earshot.importers.simulated.incidents import METRICS
from importers.simulated.judge import start_ms

DAYS = 14


@pytest.fixture(scope="module")
def logs(simulate):
    return simulate("default", days=DAYS, listeners=400, plays=50_000)


@pytest.fixture(scope="module")
def happened(logs):
    incidents = {row["kind"]: row for row in logs.truth("incidents")}
    events = [(start_ms(event), event) for event in logs.events().values()]

    def inside(kind: str, days_before: int = 0) -> list[dict]:
        row = incidents[kind]
        low, high = (round(row[key].timestamp() * 1000) - days_before * 86_400_000 for key in ("starts_at", "ends_at"))
        wanted = dict(row["dimensions"])
        return [event for at, event in events if low <= at < high and all(event.get(k) == v for k, v in wanted.items())]

    return inside


def test_the_default_scenario_has_an_incident_of_every_kind_after_a_week_of_history(logs):
    rows = logs.truth("incidents")
    assert {row["kind"] for row in rows} == set(METRICS)
    first = datetime(2026, 3, 16, tzinfo=UTC)
    assert all(row["starts_at"] >= first + timedelta(days=8) for row in rows)
    assert all(row["ends_at"] > row["starts_at"] for row in rows)
    assert [row["incident_id"] for row in rows] == sorted(row["incident_id"] for row in rows)


def test_the_last_incident_lasts_until_the_end_of_the_last_day(logs):
    assert max(row["ends_at"] for row in logs.truth("incidents")) == datetime(2026, 3, 30, tzinfo=UTC)


def test_metrics_are_columns_of_the_hourly_marts(logs):
    from earshot.core.schemas import TABLES  # noqa: PLC0415 (needs pyspark)

    known = {*TABLES["gold.activity"].column_names, *TABLES["gold.audio_quality"].column_names}
    for row in logs.truth("incidents"):
        assert row["metrics"] and set(row["metrics"]) <= known


def test_in_an_outage_plays_vanish_and_those_that_come_fail(happened):
    during, week_before = happened("outage"), happened("outage", 7)
    assert len(during) < 0.65 * len(week_before)
    assert np.mean([event["start_failed"] for event in during]) > 0.7
    assert np.mean([event["start_failed"] for event in week_before]) < 0.05


def test_a_dropped_tier_falls_silent_and_the_others_do_not(happened, logs):
    assert len(happened("tier_drop")) < 0.25 * len(happened("tier_drop", 7))


def test_a_stalling_network_rebuffers_on_one_device_and_version(happened):
    during, before = happened("cdn_stall"), happened("cdn_stall", 1)
    assert np.mean([event["rebuffer_ms"] for event in during]) > 10 * np.mean([e["rebuffer_ms"] for e in before])


def test_a_slow_ramp_creeps_up(happened):
    during = sorted(happened("slow_ramp"), key=start_ms)
    startups = [event["startup_ms"] for event in during if "startup_ms" in event]
    quarter = len(startups) // 4
    quarters = [np.median(startups[i * quarter : (i + 1) * quarter]) for i in range(4)]
    assert quarters == sorted(quarters)
    assert quarters[3] > 2 * quarters[0]


def test_nothing_happens_in_a_clean_world(simulate):
    assert simulate("clean").truth("incidents") == []


def test_an_incident_for_which_the_span_is_too_short_is_left_out(simulate):
    rows = simulate("default", days=3).truth("incidents")
    assert {row["kind"] for row in rows} == {"tier_drop", "outage"}
