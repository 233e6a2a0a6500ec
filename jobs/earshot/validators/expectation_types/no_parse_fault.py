"""expect_listen_to_have_no_parse_fault: the parser did not report this fault."""

from __future__ import annotations

from typing import Any, ClassVar

from great_expectations.execution_engine.sparkdf_execution_engine import SparkDFExecutionEngine
from great_expectations.expectations.expectation import ColumnMapExpectation
from great_expectations.expectations.metrics.map_metric_provider.column_condition_partial import (
    column_condition_partial,
)
from great_expectations.expectations.metrics.map_metric_provider.column_map_metric_provider import (
    ColumnMapMetricProvider,
)
from pyspark.sql import Column

from earshot.validators.row_rules import ROW_RULES
from earshot.validators.spark_terms import SPARK


class ColumnValuesNoParseFault(ColumnMapMetricProvider):
    """Whether the fault is absent, and the required column present where there is no fault at all."""

    condition_metric_name = "column_values.no_parse_fault"
    condition_value_keys = ("fault", "required")

    @column_condition_partial(engine=SparkDFExecutionEngine)
    def _spark(cls, column: Column, fault: str, required: str | None, **kwargs: Any) -> Column:
        named = {"column": kwargs["_accessor_domain_kwargs"]["column"], "fault": fault, "required": required}
        expected: Column = ROW_RULES["expect_listen_to_have_no_parse_fault"].expected(SPARK, named)
        return expected


class ExpectListenToHaveNoParseFault(ColumnMapExpectation):
    """Expect the array of parse faults not to hold one fault.

    Args:
        fault: Name of the fault.
        required: A column that a line without any fault must have. The gate asks it of every line that no rule sets
            aside.
    """

    fault: str
    required: str | None = None

    map_metric: ClassVar[str] = "column_values.no_parse_fault"
    success_keys: ClassVar[tuple[str, ...]] = ("mostly", "fault", "required")
