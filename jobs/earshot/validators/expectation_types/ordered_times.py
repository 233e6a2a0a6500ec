"""expect_ordered_times: a play does not end before it starts."""

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

from earshot.validators.row_rules import ordered
from earshot.validators.spark_terms import SPARK


class ColumnPairValuesOrderedTimes(ColumnPairMapMetricProvider):
    """Whether the first time is not after the second."""

    condition_metric_name = "column_pair_values.ordered_times"
    condition_domain_keys = (
        "batch_id",
        "table",
        "column_A",
        "column_B",
        "row_condition",
        "condition_parser",
        "ignore_row_if",
    )

    @column_pair_condition_partial(engine=SparkDFExecutionEngine)
    def _spark(cls, column_A: Column, column_B: Column, **kwargs: Any) -> Column:
        expected: Column = ordered(SPARK, column_A, column_B, kwargs)
        return expected


class ExpectOrderedTimes(ColumnPairMapExpectation):
    """Expect started_at (A) not to be after ended_at (B)."""

    column_A: str = "started_at"
    column_B: str = "ended_at"
    ignore_row_if: Literal["both_values_are_missing", "either_value_is_missing", "neither"] = "either_value_is_missing"

    map_metric: ClassVar[str] = "column_pair_values.ordered_times"
    success_keys: ClassVar[tuple[str, ...]] = ("mostly", "ignore_row_if")
