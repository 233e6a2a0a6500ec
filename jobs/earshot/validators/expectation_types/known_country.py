"""expect_known_country: values are ISO 3166-1 alpha-2 codes."""

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


class ColumnValuesKnownCountry(ColumnMapMetricProvider):
    """Whether a value is an assigned code, or one of `also`."""

    condition_metric_name = "column_values.known_country"
    condition_value_keys = ("also",)

    @column_condition_partial(engine=SparkDFExecutionEngine)
    def _spark(cls, column: Column, also: tuple[str, ...], **kwargs: Any) -> Column:
        named = {"column": kwargs["_accessor_domain_kwargs"]["column"], "also": also or ()}
        expected: Column = ROW_RULES["expect_known_country"].expected(SPARK, named)
        return expected


class ExpectKnownCountry(ColumnMapExpectation):
    """Expect the values to be ISO 3166-1 alpha-2 country codes.

    Args:
        also: Further codes to accept, such as XK.
    """

    also: tuple[str, ...] = ()

    map_metric: ClassVar[str] = "column_values.known_country"
    success_keys: ClassVar[tuple[str, ...]] = ("mostly", "also")
