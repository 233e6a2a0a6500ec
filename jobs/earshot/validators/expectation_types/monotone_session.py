"""expect_monotone_session: a listener's sessions go forward in time, with a pause between them."""

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

_MINUTE_US = 60_000_000


class ColumnValuesMonotoneSession(ColumnMapMetricProvider):
    """Whether a session has plays, ends no earlier than it starts, and starts after a pause."""

    condition_metric_name = "column_values.monotone_session"
    condition_value_keys = ("listener_column", "end_column", "plays_column", "gap_minutes")

    @column_condition_partial(
        engine=SparkDFExecutionEngine, partial_fn_type=MetricPartialFunctionTypes.WINDOW_CONDITION_FN
    )
    def _spark(
        cls, column: Column, listener_column: str, end_column: str, plays_column: str, gap_minutes: float, **kwargs: Any
    ) -> Column:
        start = kwargs["_accessor_domain_kwargs"]["column"]
        earlier = latest_end_before(listener_column, start, end_column)
        pause_us = F.unix_micros(column) - F.unix_micros(earlier)
        apart = earlier.isNull() | (pause_us > F.lit(int(gap_minutes * _MINUTE_US)))
        whole = (F.col(end_column) >= column) & (F.col(plays_column) > 0) & F.col(listener_column).isNotNull()
        return F.coalesce(apart & whole, F.lit(False))


class ExpectMonotoneSession(ColumnMapExpectation):
    """Expect sessions to hold plays, to end after they start, and to start a pause after all earlier ones ended.

    The column holds the starts of the sessions. A session that begins within the pause belongs to the one before it:
    the plays of both were not put in order. Needs a sort of the sessions by listener.

    Args:
        listener_column: Whose session it is.
        end_column: When sessions ended.
        plays_column: How many plays they hold.
        gap_minutes: The longest pause within a session.
    """

    column: str = "started_at"
    listener_column: str = "listener_id"
    end_column: str = "ended_at"
    plays_column: str = "listens"
    gap_minutes: float = 30.0

    map_metric: ClassVar[str] = "column_values.monotone_session"
    success_keys: ClassVar[tuple[str, ...]] = (
        "mostly",
        "listener_column",
        "end_column",
        "plays_column",
        "gap_minutes",
    )
