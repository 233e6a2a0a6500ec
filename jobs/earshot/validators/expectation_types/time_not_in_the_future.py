"""expect_time_not_to_be_in_the_future: no play starts after its file arrived."""

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

from earshot.validators.row_rules import not_in_the_future
from earshot.validators.spark_terms import SPARK


class ColumnPairValuesTimeNotBeInTheFuture(ColumnPairMapMetricProvider):
    """Whether the time is at most the arrival plus the tolerance."""

    condition_metric_name = "column_pair_values.not_in_the_future"
    condition_domain_keys = (
        "batch_id",
        "table",
        "column_A",
        "column_B",
        "row_condition",
        "condition_parser",
        "ignore_row_if",
    )
    condition_value_keys = ("tolerance_s",)

    @column_pair_condition_partial(engine=SparkDFExecutionEngine)
    def _spark(cls, column_A: Column, column_B: Column, **kwargs: Any) -> Column:
        expected: Column = not_in_the_future(SPARK, column_A, column_B, kwargs)
        return expected


class ExpectTimeNotToBeInTheFuture(ColumnPairMapExpectation):
    """Expect started_at (A) to be at most arrived_at (B), with a tolerance.

    Args:
        tolerance_s: Seconds by which clocks may differ.
    """

    column_A: str = "started_at"
    column_B: str = "arrived_at"
    ignore_row_if: Literal["both_values_are_missing", "either_value_is_missing", "neither"] = "either_value_is_missing"
    tolerance_s: float = 0.0

    map_metric: ClassVar[str] = "column_pair_values.not_in_the_future"
    success_keys: ClassVar[tuple[str, ...]] = ("mostly", "ignore_row_if", "tolerance_s")
