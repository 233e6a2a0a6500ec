"""Great Expectations' own Spark run against its verdicts on observed figures."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from great_expectations.core.batch import Batch
from great_expectations.execution_engine import SparkDFExecutionEngine
from great_expectations.execution_engine.sparkdf_batch_data import SparkDFBatchData
from great_expectations.validator.validator import Validator
from pyspark.sql import DataFrame, Observation, SparkSession

from earshot.core.partial_figures import added, values_of
from earshot.core.settings import Settings
from earshot.validators import suites
from earshot.validators.aggregate_rules import schema_figures
from earshot.validators.arrow_terms import ArrowTerms
from earshot.validators.compile import CompiledSuite, compile_suite
from earshot.validators.seen_columns import SeenColumns
from earshot.validators.suites import read_suite
from earshot.validators.verdicts import to_great_expectations
from earshot.validators.vocabulary import AGGREGATE_TYPES, ROW_TYPES
from gx_results import comparable

SCHEMA = (
    "country string, tier string, played_ms bigint, duration_ms bigint, started_at timestamp, ended_at timestamp, "
    "arrived_at timestamp, bitrate double, title string, parse_faults array<string>, quarantine_rules array<string>, "
    "source_file string"
)
PREMIUM = {"type": "comparison", "column": {"name": "tier"}, "operator": "==", "parameter": "premium"}
NAMED_AND_PAID = {
    "type": "and",
    "conditions": [
        {"type": "nullity", "column": {"name": "title"}, "is_null": False},
        {"type": "comparison", "column": {"name": "tier"}, "operator": "IN", "parameter": ["premium", "family"]},
    ],
}
NOBODY = {"type": "comparison", "column": {"name": "tier"}, "operator": "==", "parameter": "nobody"}

# One of each kind; every one is also tried with mostly and with row conditions where its type has them.
ROW_EXPECTATIONS: dict[str, dict[str, Any]] = {
    "expect_column_values_to_not_be_null": {"column": "country"},
    "expect_column_values_to_be_null": {"column": "title"},
    "expect_column_values_to_be_between": {"column": "played_ms", "min_value": 0, "max_value": 200_000},
    "expect_column_values_to_be_in_set": {"column": "tier", "value_set": ["free", "premium"]},
    "expect_column_values_to_not_be_in_set": {"column": "country", "value_set": ["QQ", "XX"]},
    "expect_column_values_to_match_regex": {"column": "title", "regex": "^[A-Z]"},
    "expect_column_values_to_not_match_regex": {"column": "title", "regex": "[0-9]$"},
    "expect_column_values_to_match_regex_list": {"column": "title", "regex_list": ["^[A-Z]", "e"], "match_on": "all"},
    "expect_column_values_to_not_match_regex_list": {"column": "title", "regex_list": ["^Und", "[0-9]"]},
    "expect_column_value_lengths_to_be_between": {"column": "title", "min_value": 2, "max_value": 9},
    "expect_column_value_lengths_to_equal": {"column": "country", "value": 2},
    "expect_column_pair_values_a_to_be_greater_than_b": {
        "column_A": "duration_ms",
        "column_B": "played_ms",
        "or_equal": True,
    },
    "expect_column_pair_values_to_be_equal": {
        "column_A": "played_ms",
        "column_B": "duration_ms",
        "ignore_row_if": "either_value_is_missing",
    },
    "expect_known_country": {"column": "country", "also": ["XK"]},
    "expect_listen_to_have_no_parse_fault": {
        "column": "parse_faults",
        "fault": "typed_fields",
        "required": "country",
    },
    "expect_played_within_duration": {"column_A": "played_ms", "column_B": "duration_ms"},
    "expect_ordered_times": {"column_A": "started_at", "column_B": "ended_at"},
    "expect_time_not_to_be_in_the_future": {
        "column_A": "started_at",
        "column_B": "arrived_at",
        "tolerance_s": {"$PARAMETER": "future_tolerance_s"},
    },
}
LOST_COLUMN = "expect_no_lost_column"
MORE: list[tuple[str, dict[str, Any]]] = [
    ("expect_column_values_to_be_between", {"column": "started_at", "min_value": "2002-10-01T00:00:00Z"}),
    ("expect_column_values_to_be_between", {"column": "bitrate", "min_value": 1, "strict_min": True, "max_value": 320}),
    ("expect_column_values_to_be_between", {"column": "bitrate", "max_value": 256, "strict_max": True}),
    (
        "expect_column_values_to_match_regex",
        {"column": "title", "regex": "^[A-Z]", "row_condition": 'col("tier") == "premium"'}
        | {"condition_parser": "great_expectations"},
    ),
    ("expect_column_pair_values_to_be_equal", {"column_A": "played_ms", "column_B": "duration_ms"}),
    ("expect_table_row_count_to_be_between", {"min_value": 1, "max_value": 5}),
    ("expect_table_row_count_to_equal", {"value": 9}),
    ("expect_column_min_to_be_between", {"column": "played_ms", "min_value": 0}),
    ("expect_column_max_to_be_between", {"column": "bitrate", "max_value": 320, "strict_max": True}),
    ("expect_column_max_to_be_between", {"column": "bitrate", "max_value": 320, "row_condition": PREMIUM}),
    ("expect_column_mean_to_be_between", {"column": "played_ms", "min_value": 1, "max_value": 150_000}),
    ("expect_column_sum_to_be_between", {"column": "duration_ms", "min_value": 1_000_000}),
    ("expect_column_stdev_to_be_between", {"column": "bitrate", "min_value": 1, "max_value": 100}),
    ("expect_column_unique_value_count_to_be_between", {"column": "country", "min_value": 2, "max_value": 3}),
    ("expect_column_proportion_of_unique_values_to_be_between", {"column": "country", "min_value": 0.6}),
    ("expect_column_proportion_of_non_null_values_to_be_between", {"column": "title", "min_value": 0.9}),
    (
        "expect_column_proportion_of_non_null_values_to_be_between",
        {"column": "title", "min_value": 0.9, "row_condition": PREMIUM},
    ),
    ("expect_column_distinct_values_to_be_in_set", {"column": "tier", "value_set": ["free", "premium"]}),
    ("expect_column_distinct_values_to_contain_set", {"column": "tier", "value_set": ["free", "student"]}),
    ("expect_column_distinct_values_to_equal_set", {"column": "tier", "value_set": ["free", "premium"]}),
    ("expect_column_to_exist", {"column": "title"}),
    ("expect_column_values_to_be_of_type", {"column": "played_ms", "type_": "LongType"}),
    ("expect_column_values_to_be_of_type", {"column": "played_ms", "type_": "StringType"}),
    ("expect_column_values_to_be_in_type_list", {"column": "title", "type_list": ["StringType", "LongType"]}),
    ("expect_table_columns_to_match_set", {"column_set": ["title", "tier", "nothing"], "exact_match": False}),
    ("expect_quarantined_share_to_be_at_most", {"max_share": 0.2, "min_rows": 2}),
    ("expect_quarantined_share_to_be_at_most", {"max_share": 0.2, "min_rows": 1000}),
    ("expect_file_quarantined_share_to_be_at_most", {"max_share": 0.2, "min_rows": 2}),
]


def at(hour: int, year: int = 2026) -> datetime:
    return datetime(year, 3, 29, hour, tzinfo=UTC)


CLEAN = [
    ("DE", "premium", 184_000, 201_000, at(1), at(2), at(20), 256.0, "Undertow", [], [], "a"),
    ("SE", "free", 31_000, 31_000, at(3), at(3), at(20), 128.0, "Tides", [], [], "a"),
    ("XK", "premium", 120_000, 240_000, at(4), at(5), at(20), 320.0, "Ebb", [], [], "b"),
]
DIRTY = [
    *CLEAN,
    (None, None, None, None, None, None, None, None, None, None, None, "a"),
    ("QQ", "gold", -1, 200_000, at(6), at(5), at(20), 0.5, "x", ["typed_fields"], ["known_tier"], "a"),
    ("de", "family", 900_000, 200_000, at(23), at(23), at(20), 9_999.0, "Under the 9", [], ["known_country"], "b"),
    (None, "premium", 5, None, at(1, 1999), at(1, 1999), at(20), float("nan"), "", [], ["not_before_2002"], "b"),
    ("FR", "premium", None, 7, None, at(1), at(20), None, None, ["time_present"], ["time_present"], "c"),
    ("FR", "free", 7, 7, at(2), None, None, 96.0, "a very long title indeed", ["listener_present"], [], "c"),
]


MakeSuite = Callable[[bool], CompiledSuite]


@pytest.fixture
def parity_suite(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> MakeSuite:
    """Compile one expectation of every kind, or, where that is wanted, each also with mostly and row conditions."""
    columns = tuple(field.split()[0] for field in SCHEMA.split(", "))
    monkeypatch.setitem(suites.DERIVED_TABLES, "parity", columns)

    def make(every_variant: bool) -> CompiledSuite:
        listed = [*ROW_EXPECTATIONS.items(), *MORE]
        for kind, arguments in ROW_EXPECTATIONS.items() if every_variant else ():
            listed.append((kind, arguments | {"mostly": 0.75}))
            listed.append((kind, arguments | {"mostly": 0.5, "row_condition": PREMIUM}))
            listed.append((kind, arguments | {"row_condition": NOBODY}))
        kind, arguments = next(iter(ROW_EXPECTATIONS.items()))
        listed.append((kind, arguments | {"row_condition": NAMED_AND_PAID}))
        expectations = [
            {"type": kind, "kwargs": arguments, "meta": {"earshot": {"rule": f"rule_{n}", "action": "warn"}}}
            for n, (kind, arguments) in enumerate(listed)
        ]
        content = {"name": "parity", "expectations": expectations, "meta": {"earshot": {"table": "parity"}}}
        return compile_suite(read_suite(content, path=Path("parity.json")), settings)

    return make


def test_every_compiled_type_is_compared() -> None:
    assert {*ROW_EXPECTATIONS, *(kind for kind, _ in MORE), LOST_COLUMN} == ROW_TYPES | AGGREGATE_TYPES


@pytest.mark.parametrize("always", [["tier", "played_ms"], ["tier", "isrc", "extra.mood"]], ids=["clean", "dirty"])
def test_lost_columns_are_those_that_great_expectations_finds(
    make_plays: Callable[[list[dict[str, Any]]], DataFrame],
    good_play: dict[str, Any],
    settings: Settings,
    always: list[str],
) -> None:
    frame = make_plays([good_play, {**good_play, "source_file": "b"}, {**good_play, "source": "radio"}]).coalesce(1)
    arguments = {"always": {"canonical": always, "radio": ["isrc"], "lastfm": ["tier"]}, "min_rows": 2}
    expectation = {"type": LOST_COLUMN, "kwargs": arguments, "meta": {"earshot": {"rule": "lost", "action": "fail"}}}
    content = {"name": "columns", "expectations": [expectation], "meta": {"earshot": {"table": "silver.listens"}}}
    suite = compile_suite(read_suite(content, path=Path("columns.json")), settings)
    figures = {"rows": 3, "seen_columns": SeenColumns.of(frame.toArrow()).value}
    (mine,) = suite.verdict(figures).to_json()["result"]["results"]
    theirs = _from_great_expectations(suite, frame)["lost"]
    assert comparable(mine) == theirs
    assert theirs["success"] == ("isrc" not in always)


@pytest.mark.parametrize(("rows", "every_variant"), [(CLEAN, False), (DIRTY, True)], ids=["clean", "dirty"])
def test_verdicts_equal_great_expectations_own(
    spark: SparkSession, parity_suite: MakeSuite, rows: list[tuple[Any, ...]], every_variant: bool
) -> None:
    suite = parity_suite(every_variant)
    frame = spark.createDataFrame(rows, SCHEMA).coalesce(1).cache()
    theirs = _from_great_expectations(suite, frame)
    for mine in (_from_one_pass(suite, frame), _from_arrow_tasks(suite, frame)):
        different = {
            e.rule: (e.type, dict(e.kwargs), mine[e.rule], theirs[e.rule])
            for e in suite.suite.expectations
            if mine[e.rule] != theirs[e.rule]
        }
        assert not different, "\n".join(f"{rule}: {found}" for rule, found in different.items())
        assert 0 < sum(judged["success"] for judged in mine.values()) < len(mine), "some succeed, some do not"


def _from_one_pass(suite: CompiledSuite, frame: DataFrame) -> dict[str, dict[str, Any]]:
    observation = Observation("parity")
    quarantined = frame.selectExpr("*", "array() as failed_rules")
    aggregates = [a for a in suite.aggregates() if "__" not in str(a)] + suite.aggregates(judged=False)
    quarantined.observe(observation, *_first_of_each_name(aggregates)).write.format("noop").mode("overwrite").save()
    return _verdicts(suite, frame, observation.get)


def _from_arrow_tasks(suite: CompiledSuite, frame: DataFrame) -> dict[str, dict[str, Any]]:
    rows = frame.toArrow()
    rows = rows.append_column("failed_rules", pa.array([[]] * len(rows), pa.list_(pa.string())))
    parts = []
    for part in (rows.slice(0, 2), rows.slice(2), rows.slice(0, 0)):
        terms = ArrowTerms(part)
        whole = {name: f for name, f in suite.rules.figures(terms).items() if "__" not in name}
        parts.append(suite.rules.figures(terms, judged=False) | whole)
    return _verdicts(suite, frame, values_of(added(parts)))


def _verdicts(suite: CompiledSuite, frame: DataFrame, figures: dict[str, Any]) -> dict[str, dict[str, Any]]:
    counted = frame.selectExpr("source_file", "int(size(quarantine_rules) > 0) as q").collect()
    files = [
        {
            "source_file": name,
            "rows_in": sum(row.source_file == name for row in counted),
            "quarantined": sum(row.q for row in counted if row.source_file == name),
        }
        for name in sorted({row.source_file for row in counted})
    ]
    verdict = suite.verdict(figures | schema_figures(frame.schema), files=files)
    return {
        r["expectation_config"]["meta"]["earshot"]["rule"]: comparable(r)
        for r in verdict.to_json()["result"]["results"]
    }


def _first_of_each_name(aggregates: list[Any]) -> list[Any]:
    named = {str(aggregate).rsplit(" AS ", 1)[-1].rstrip("'>"): aggregate for aggregate in reversed(aggregates)}
    return list(named.values())


def _from_great_expectations(suite: CompiledSuite, frame: DataFrame) -> dict[str, dict[str, Any]]:
    expectations = to_great_expectations(suite.rules).expectation_configurations

    engine = SparkDFExecutionEngine(spark=frame.sparkSession, persist=False)
    validator = Validator(execution_engine=engine, batches=[Batch(data=SparkDFBatchData(engine, frame))])
    validator.metrics_calculator.show_progress_bars = False
    results = validator.graph_validate(
        configurations=expectations, runtime_configuration={"result_format": "BASIC", "catch_exceptions": True}
    )
    return {
        r.expectation_config.meta["earshot"]["rule"]: comparable(r.to_json_dict()) for r in results if r is not None
    }
