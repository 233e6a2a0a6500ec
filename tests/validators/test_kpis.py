from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from earshot.core.settings import QualitySettings, Settings
from earshot.validators.compile import compile_suite
from earshot.validators.day_profiles import timed_and_late
from earshot.validators.kpis import error_rate, kpi_figures, percentile, quality_kpis
from earshot.validators.suites import load_suite

NOW = datetime(2026, 3, 30, 6, tzinfo=UTC)
FIGURES = {
    "read": 1_000.0,
    "passed": 996.0,
    "quarantined": 3.0,
    "values_checked": 20_000.0,
    "values_agreeing": 19_990.0,
    "freshness_s": 301.0,
    "event_lag_s": 7_200.0,
}


def run(status: str, days_ago: float) -> dict[str, Any]:
    return {"status": status, "started_at": NOW - timedelta(days=days_ago)}


def by_kpi(**changes: Any) -> dict[str, dict[str, Any]]:
    arguments: dict[str, Any] = {"figures": FIGURES, "runs": [run("done", 1)]} | changes
    rows = quality_kpis(batch_id="b1", suite="silver_listens", measured_at=NOW, targets=QualitySettings(), **arguments)
    return {row["kpi"]: row for row in rows}


def test_kpis_are_compared_with_their_targets() -> None:
    rows = by_kpi()
    assert rows["accuracy"] == {
        "batch_id": "b1",
        "measured_at": NOW,
        "suite": "silver_listens",
        "kpi": "accuracy",
        "value": 0.9995,
        "target": 0.999,
        "met": True,
    }
    assert (rows["validation_success"]["value"], rows["validation_success"]["met"]) == (0.996, True)
    assert (rows["freshness_s"]["value"], rows["freshness_s"]["met"]) == (301.0, False)
    assert (rows["error_rate"]["value"], rows["error_rate"]["met"]) == (0.0, True)
    assert (rows["event_lag_s"]["target"], rows["event_lag_s"]["met"]) == (None, None)


def test_what_counts_nothing_has_no_kpi() -> None:
    assert set(by_kpi(figures={"read": 0.0, "passed": 0.0}, runs=[])) == set()


def test_the_error_rate_counts_failed_runs_of_thirty_days() -> None:
    runs = [run("failed", 2), run("done", 3), run("refused", 4), run("skipped", 1), run("done", 5), run("failed", 31)]
    assert error_rate(runs, NOW) == 0.25
    assert error_rate([run("failed", 31), run("skipped", 1)], NOW) is None


def test_accuracy_counts_values_not_rows(settings: Settings) -> None:
    suite = compile_suite(load_suite("silver_listens"), settings)
    observed: dict[str, int] = {"rows": 100, "failed": 4, "quarantined": 3}
    for expectation in suite.suite.expectations:
        if expectation.judges_rows:
            observed[f"{expectation.rule}__unexpected"] = 0
            observed[suite.rules.figure_name(expectation, "nulls")] = 100
            observed[suite.rules.figure_name(expectation, "filtered")] = 0
    observed |= {"country__nulls": 20, "known_country__unexpected": 2}
    observed |= {"ordered_times__filtered": 50, "ordered_times__unexpected": 1}
    figures = kpi_figures(suite, observed, freshness_s=-0.5, catalogue=(10, 9), event_freshness_s=-1.0)
    assert (figures["values_checked"], figures["values_agreeing"]) == (80 + 50 + 10, 78 + 49 + 9)
    assert (figures["read"], figures["passed"], figures["quarantined"]) == (100, 96, 3)
    assert figures["freshness_s"] == figures["event_freshness_s"] == 0.0
    with_podcasts = kpi_figures(suite, observed, read=200)
    assert (with_podcasts["read"], with_podcasts["passed"]) == (200, 196), "what is filtered was read"


@given(st.lists(st.integers(-1_000, 1_000), min_size=1, max_size=50), st.floats(0.01, 1))
def test_a_percentile_is_the_smallest_value_that_enough_do_not_exceed(values: list[int], share: float) -> None:
    found = percentile(values, share)
    assert found is not None
    enough = share * len(values) - 1e-9
    assert sum(value <= found for value in values) >= enough
    assert not [value for value in values if value < found and sum(v <= value for v in values) >= enough]


def test_a_percentile_may_be_weighted_by_rows() -> None:
    assert percentile([10.0, 500.0], 0.99, weights=[990, 10]) == 10.0
    assert percentile([10.0, 500.0], 0.99, weights=[980, 20]) == 500.0
    assert percentile([], 0.99) is None


@pytest.mark.parametrize("kpi", ["accuracy", "validation_success", "error_rate", "freshness_s"])
def test_every_kpi_of_the_contract_has_a_target(kpi: str) -> None:
    assert by_kpi()[kpi]["target"] is not None


def test_a_play_is_late_that_arrives_later_than_on_the_day_after_its_own() -> None:
    arrived = datetime(2026, 3, 29, 18, tzinfo=UTC)
    started = [
        datetime(2026, 3, 28, tzinfo=UTC),
        datetime(2026, 3, 27, 23, 59, tzinfo=UTC),
        datetime(2026, 2, 1, tzinfo=UTC),
        datetime(2026, 2, 1, tzinfo=UTC),
        None,
    ]
    lines = pa.table(
        {
            "arrived_at": pa.array([arrived] * len(started), pa.timestamp("us", "UTC")),
            "started_at": pa.array(started, pa.timestamp("us", "UTC")),
            "quarantine_rules": pa.array([[], [], [], ["known_tier"], []], pa.list_(pa.string())),
            "filtered_reason": pa.nulls(len(started), pa.string()),
        }
    )
    timed, late = timed_and_late(lines)
    assert (timed.value, late.value) == (3, 2)
