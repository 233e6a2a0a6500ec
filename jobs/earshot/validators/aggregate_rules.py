"""Aggregate expectations as observed aggregates: what Great Expectations' metrics are computed from.

Each gives the figures that it needs as Columns that `DataFrame.observe` takes (no shuffle, no distinct).
Distinct values are collected in one set a column, which suits columns of few values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

Arguments = Mapping[str, Any]
Figures = Mapping[str, Any]
SCHEMA_FIGURE = "schema"


def _when(domain: Column | None, value: Column) -> Column:
    return value if domain is None else F.when(domain, value)


def _column(arguments: Arguments, domain: Column | None) -> Column:
    return _when(domain, F.col(str(arguments["column"])))


def _one(function: Callable[[Column], Column]) -> Callable[[Arguments, Column | None], dict[str, Column]]:
    return lambda arguments, domain: {"value": function(_column(arguments, domain))}


def _distinct(arguments: Arguments, domain: Column | None) -> dict[str, Column]:
    return {"values": F.collect_set(_column(arguments, domain))}


def _counts(arguments: Arguments, domain: Column | None) -> dict[str, Column]:
    return {"present": F.count(_column(arguments, domain)), **_elements(arguments, domain)}


def _unique(arguments: Arguments, domain: Column | None) -> dict[str, Column]:
    return {"distinct": F.size(F.collect_set(_column(arguments, domain))), **_counts(arguments, domain)}


def _elements(arguments: Arguments, domain: Column | None) -> dict[str, Column]:
    return {"elements": F.count(_when(domain, F.lit(1)))}


def _nothing(arguments: Arguments, domain: Column | None) -> dict[str, Column]:
    return {}


AGGREGATES: dict[str, Callable[[Arguments, Column | None], dict[str, Column]]] = {
    "expect_column_distinct_values_to_be_in_set": _distinct,
    "expect_column_distinct_values_to_contain_set": _distinct,
    "expect_column_distinct_values_to_equal_set": _distinct,
    "expect_column_max_to_be_between": _one(F.max),
    "expect_column_mean_to_be_between": _one(F.avg),
    "expect_column_min_to_be_between": _one(F.min),
    "expect_column_proportion_of_non_null_values_to_be_between": _counts,
    "expect_column_proportion_of_unique_values_to_be_between": _unique,
    "expect_column_stdev_to_be_between": _one(F.stddev_samp),
    "expect_column_sum_to_be_between": _one(F.sum),
    "expect_column_to_exist": _nothing,
    "expect_column_unique_value_count_to_be_between": _unique,
    "expect_column_values_to_be_in_type_list": _elements,
    "expect_column_values_to_be_of_type": _elements,
    "expect_file_quarantined_share_to_be_at_most": _nothing,
    "expect_quarantined_share_to_be_at_most": _nothing,
    "expect_table_columns_to_match_set": _nothing,
    "expect_table_row_count_to_be_between": _elements,
    "expect_table_row_count_to_equal": _elements,
}


def schema_figures(schema: StructType) -> dict[str, Any]:
    """What expectations about columns and types need, beside the observed figures."""
    return {SCHEMA_FIGURE: {field.name: type(field.dataType).__name__ for field in schema}}
