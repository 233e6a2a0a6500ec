"""What cannot be compiled: judged by Great Expectations' Spark engine, compared with plain Python here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from earshot.core.errors import SettingsError, TableError
from earshot.core.settings import Settings
from earshot.validators import suites
from earshot.validators.compile import CompiledSuite, compile_suite
from earshot.validators.suites import read_suite
from earshot.validators.vocabulary import AGGREGATE_TYPES, ROW_TYPES, SCANNED_TYPES

COLUMNS = "listener_id string, source string, started_at timestamp, ended_at timestamp, listens bigint, x double"
NOT_RADIO = {"type": "comparison", "column": {"name": "source"}, "operator": "!=", "parameter": "radio"}
# Great Expectations has no Spark engine for these, or they speak of other tables or of SQL's patterns.
LEFT_OUT = {
    "expect_column_values_to_match_like_pattern",
    "expect_column_values_to_match_like_pattern_list",
    "expect_column_values_to_not_match_like_pattern",
    "expect_column_values_to_not_match_like_pattern_list",
    "expect_column_values_to_be_dateutil_parseable",
    "expect_query_results_to_match_comparison",
    "expect_table_row_count_to_equal_other_table",
}

Row = tuple[Any, ...]
MakeSuite = Callable[..., CompiledSuite]


def play(listener: str | None, minute: float | None, length: float | None, *, source: str = "canonical") -> Row:
    began = None if minute is None else datetime(2026, 3, 29, tzinfo=UTC) + timedelta(minutes=minute)
    ended = None if began is None or length is None else began + timedelta(minutes=length)
    return listener, source, began, ended, 1, None if minute is None else float(minute)


CLEAN = [play("a", 0, 3), play("a", 3, 3), play("a", 60, 3), play("b", 1, 9), play("r", 200, 3, source="radio")]
DIRTY = [
    *CLEAN,
    play("a", 1, 1),  # within another
    play("a", 5.9, 1),  # six seconds too early
    play("a", 62.95, 1),  # three seconds: crossfade
    play("b", 20, None),  # takes no time
    play("b", 20, 1),
    play("r", 201, 3, source="radio"),  # a station
    play("c", 0, -5),  # ends before it starts
    play(None, 0, 9),
    play(None, 1, 9),
    play("d", None, None),
]


def overlapping(rows: Sequence[Row], slack: timedelta) -> int:
    """Plays during whose start an earlier play of the listener was still heard for longer than the slack."""
    timed = [(r[0], r[2], max(r[2], r[3] or r[2])) for r in rows if r[0] and r[2]]
    timed.sort(key=lambda play: play[1:])
    return sum(
        any(other[0] == one[0] and other[2] - one[1] > slack for other in timed[:number])
        for number, one in enumerate(timed)
    )


def out_of_order(rows: Sequence[Row], pause: timedelta) -> int:
    """Sessions that do not end after they start, or start within a pause of an earlier one."""
    timed = sorted((r for r in rows if r[2]), key=lambda r: (r[2], max(r[2], r[3] or r[2])))
    wrong = 0
    for number, (listener, _, began, ended, plays, _) in enumerate(timed):
        earlier = [max(r[2], r[3] or r[2]) for r in timed[:number] if r[0] == listener]
        apart = not earlier or began - max(earlier) > pause
        wrong += not (apart and listener and ended and ended >= began and plays)
    return wrong


@pytest.fixture
def make_suite(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> MakeSuite:
    monkeypatch.setitem(suites.DERIVED_TABLES, "scanned", tuple(f.split()[0] for f in COLUMNS.split(", ")))

    def make(*listed: tuple[str, dict[str, Any]], action: str = "warn") -> CompiledSuite:
        expectations = [
            {"type": kind, "kwargs": arguments, "meta": {"earshot": {"rule": f"rule_{n}", "action": action}}}
            for n, (kind, arguments) in enumerate(listed)
        ]
        content = {"name": "scanned", "expectations": expectations, "meta": {"earshot": {"table": "scanned"}}}
        return compile_suite(read_suite(content, path=Path("scanned.json")), settings)

    return make


@pytest.fixture
def frame(spark: SparkSession) -> Callable[[list[Row]], DataFrame]:
    return lambda rows: spark.createDataFrame(rows, COLUMNS).coalesce(1)


@pytest.mark.parametrize("rows", [CLEAN, DIRTY], ids=["clean", "dirty"])
def test_overlaps_and_sessions_are_those_that_plain_python_finds(
    rows: list[Row], make_suite: MakeSuite, frame: Callable[[list[Row]], DataFrame]
) -> None:
    suite = make_suite(
        ("expect_no_impossible_overlap", {"slack_ms": 5_000}),
        ("expect_no_impossible_overlap", {"slack_ms": 0, "mostly": 0.5, "row_condition": NOT_RADIO}),
        ("expect_monotone_session", {"gap_minutes": {"$PARAMETER": "marts.session_gap_minutes"}, "mostly": 0.1}),
    )
    results = suite.verdict({"rows": len(rows)}, rows=lambda: frame(rows)).result["results"]
    on_air = [row for row in rows if row[1] != "radio"]
    wanted = [
        (rows, overlapping(rows, timedelta(seconds=5)), 1.0),
        (on_air, overlapping(on_air, timedelta()), 0.5),
        (rows, out_of_order(rows, timedelta(minutes=30)), 0.1),
    ]
    for judged, (those, wrong, mostly) in zip(results, wanted, strict=True):
        timed = sum(row[2] is not None for row in those)
        found = judged["result"]
        assert (found["element_count"], found["unexpected_count"]) == (len(those), wrong)
        assert found["unexpected_percent"] == pytest.approx(100 * wrong / timed)
        assert judged["success"] == (1 - wrong / timed >= mostly)
    assert (wanted[0][1] == 0) == (rows is CLEAN)


def test_a_verdict_joins_figures_and_scans_and_names_the_cost(
    make_suite: MakeSuite, frame: Callable[[list[Row]], DataFrame]
) -> None:
    suite = make_suite(
        ("expect_table_row_count_to_be_between", {"min_value": 1}),
        (
            "expect_column_quantile_values_to_be_between",
            {"column": "x", "quantile_ranges": {"quantiles": [0.5], "value_ranges": [[0, 1]]}},
        ),
        ("expect_compound_columns_to_be_unique", {"column_list": ["listener_id", "started_at"]}),
        ("expect_column_values_to_match_strftime_format", {"column": "x", "strftime_format": "%Y"}),
        action="fail",
    )
    figures = {"rows": 5, "rule_0__elements": 5}
    verdict = suite.verdict(figures, batch_id="b", rows=lambda: frame(CLEAN))
    assert verdict.statistics["evaluated_expectations"] == 4
    assert [scan.rule for scan in verdict.scans] == ["rule_1", "rule_2", "rule_3"]
    assert all(scan.jobs >= 1 and scan.seconds > 0 for scan in verdict.scans)
    assert {failure.rule for failure in verdict.failures} == {"rule_1", "rule_3"}
    assert verdict.closed
    told = verdict.explain()
    assert "rule_3 (expect_column_values_to_match_strftime_format, warning): could not be judged: TypeError" in told
    assert "Judged by scans of the written rows: rule_1 (" in told
    assert "Spark jobs" in told


def test_without_rows_a_scan_is_an_error(make_suite: MakeSuite) -> None:
    with pytest.raises(TableError, match="there are no rows to scan"):
        make_suite(("expect_column_median_to_be_between", {"column": "x"})).verdict({"rows": 5})


def test_a_scan_comes_too_late_to_set_a_row_aside(make_suite: MakeSuite) -> None:
    with pytest.raises(SettingsError, match="judged after the rows are written"):
        make_suite(("expect_column_values_to_be_unique", {"column": "x"}), action="quarantine")


def test_arguments_that_great_expectations_does_not_take_are_told_with_their_place(make_suite: MakeSuite) -> None:
    suite = make_suite(("expect_column_median_to_be_between", {"column": "x", "minimum": 3}))
    with pytest.raises(SettingsError, match=r"rule_0: Great Expectations does not take.*minimum") as caught:
        suite.verdict({"rows": 5}, rows=lambda: pytest.fail("nothing is scanned"))
    assert caught.value.where == "scanned.json, item 1"


def test_every_expectation_of_great_expectations_has_its_place() -> None:
    import great_expectations.expectations.core  # noqa: F401, PLC0415 (registers the types)
    from great_expectations.expectations.registry import (  # noqa: PLC0415
        list_registered_expectation_implementations,
    )

    import earshot.validators.expectation_types  # noqa: F401, PLC0415 (registers ours)

    assert not SCANNED_TYPES & (ROW_TYPES | AGGREGATE_TYPES)
    registered = set(list_registered_expectation_implementations())
    assert registered - LEFT_OUT == ROW_TYPES | AGGREGATE_TYPES | SCANNED_TYPES
