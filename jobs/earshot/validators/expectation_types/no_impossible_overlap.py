"""expect_no_impossible_overlap: a listener does not hear two things at once."""

from __future__ import annotations

from typing import Any, ClassVar

from great_expectations.core.metric_function_types import MetricPartialFunctionTypes
from great_expectations.execution_engine.sparkdf_execution_engine import SparkDFExecutionEngine
from great_expectations.expectations.expectation import ColumnMapExpectation
from great_expectations.expectations.metrics.map_metric_provider.column_condition_partial import (
    column_condition_partial,
)
from great_expectations.expectations.metrics.map_metric_provider.column_map_metric_provider import (
    ColumnMapMetricProvider,
)
from pyspark.sql import Column
from pyspark.sql import functions as F

from earshot.validators.expectation_types.listener_history import latest_end_before


class ColumnValuesNoImpossibleOverlap(ColumnMapMetricProvider):
    """Whether all earlier plays of the listener had ended when a play began, but for some slack."""

    condition_metric_name = "column_values.no_impossible_overlap"
    condition_value_keys = ("listener_column", "end_column", "slack_ms")

    @column_condition_partial(
        engine=SparkDFExecutionEngine, partial_fn_type=MetricPartialFunctionTypes.WINDOW_CONDITION_FN
    )
    def _spark(cls, column: Column, listener_column: str, end_column: str, slack_ms: int, **kwargs: Any) -> Column:
        start = kwargs["_accessor_domain_kwargs"]["column"]
        earlier = latest_end_before(listener_column, start, end_column)
        overlap_us = F.unix_micros(earlier) - F.unix_micros(column)
        return F.col(listener_column).isNull() | (F.coalesce(overlap_us, F.lit(0)) <= F.lit(slack_ms * 1_000))


class ExpectNoImpossibleOverlap(ColumnMapExpectation):
    """Expect a play not to begin before the listener's earlier plays have ended.

    The column holds the starts. Of two plays that overlap, the one that began later is unexpected. Needs a sort of
    the plays by listener.

    Args:
        listener_column: Who listens; plays without a listener overlap nothing.
        end_column: When plays ended; a play without an end takes no time.
        slack_ms: How long two plays may overlap (crossfade, clocks).
    """

    column: str = "started_at"
    listener_column: str = "listener_id"
    end_column: str = "ended_at"
    slack_ms: int = 5_000

    map_metric: ClassVar[str] = "column_values.no_impossible_overlap"
    success_keys: ClassVar[tuple[str, ...]] = ("mostly", "listener_column", "end_column", "slack_ms")
