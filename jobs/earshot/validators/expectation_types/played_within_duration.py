"""expect_played_within_duration: no more is heard than the track is long."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from great_expectations.execution_engine.sparkdf_execution_engine import SparkDFExecutionEngine
from great_expectations.expectations.expectation import ColumnPairMapExpectation
from great_expectations.expectations.metrics.map_metric_provider.column_pair_condition_partial import (
    column_pair_condition_partial,
)
from great_expectations.expectations.metrics.map_metric_provider.column_pair_map_metric_provider import (
    ColumnPairMapMetricProvider,
)
from pyspark.sql import Column

from earshot.validators.row_rules import fits_duration
from earshot.validators.spark_terms import SPARK


class ColumnPairValuesPlayedWithinDuration(ColumnPairMapMetricProvider):
    """Whether played <= duration * factor + slack."""

    condition_metric_name = "column_pair_values.played_within_duration"
    condition_domain_keys = (
        "batch_id",
        "table",
        "column_A",
        "column_B",
        "row_condition",
        "condition_parser",
        "ignore_row_if",
    )
    condition_value_keys = ("factor", "slack_ms")

    @column_pair_condition_partial(engine=SparkDFExecutionEngine)
    def _spark(cls, column_A: Column, column_B: Column, **kwargs: Any) -> Column:
        expected: Column = fits_duration(SPARK, column_A, column_B, kwargs)
        return expected


class ExpectPlayedWithinDuration(ColumnPairMapExpectation):
    """Expect played_ms (A) to be at most duration_ms (B), with slack.

    Args:
        factor: Share of the duration that may be heard.
        slack_ms: Milliseconds beyond that.
    """

    column_A: str = "played_ms"
    column_B: str = "duration_ms"
    ignore_row_if: Literal["both_values_are_missing", "either_value_is_missing", "neither"] = "either_value_is_missing"
    factor: float = 1.1
    slack_ms: int = 5000

    map_metric: ClassVar[str] = "column_pair_values.played_within_duration"
    success_keys: ClassVar[tuple[str, ...]] = ("mostly", "ignore_row_if", "factor", "slack_ms")
