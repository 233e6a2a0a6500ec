"""Aggregate expectations as observed aggregates: what Great Expectations' metrics are computed from.

Each gives the figures that it needs in `terms`: as Columns that `DataFrame.observe` takes (no shuffle, no distinct),
or as figures of a part of an Arrow pass.
Distinct values are collected in one set a column, which suits columns of few values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pyspark.sql.types import StructType

from earshot.validators.terms import Terms, Value

Arguments = Mapping[str, Any]
Aggregate = Any
"""A Spark Column for `observe` and `agg`, or one of `core.partial_figures`."""
SCHEMA_FIGURE = "schema"


def _column(terms: Terms, arguments: Arguments, domain: Value | None) -> Value:
    return terms.where(domain, terms.column(str(arguments["column"])))


def _one(aggregate: Callable[[Terms, Value], Aggregate]) -> Callable[..., dict[str, Aggregate]]:
    def figures(terms: Terms, arguments: Arguments, domain: Value | None) -> dict[str, Aggregate]:
        column = _column(terms, arguments, domain)
        return {"value": aggregate(terms, column), "present": terms.count(column)}

    return figures


def _distinct(terms: Terms, arguments: Arguments, domain: Value | None) -> dict[str, Aggregate]:
    return {"values": terms.distinct(_column(terms, arguments, domain))}


def _counts(terms: Terms, arguments: Arguments, domain: Value | None) -> dict[str, Aggregate]:
    return {"present": terms.count(_column(terms, arguments, domain)), **_elements(terms, arguments, domain)}


def _unique(terms: Terms, arguments: Arguments, domain: Value | None) -> dict[str, Aggregate]:
    distinct = terms.distinct_count(_column(terms, arguments, domain))
    return {"distinct": distinct, **_counts(terms, arguments, domain)}


def _elements(terms: Terms, arguments: Arguments, domain: Value | None) -> dict[str, Aggregate]:
    return {"elements": terms.count(terms.where(domain, terms.constant(1)))}


def _nothing(terms: Terms, arguments: Arguments, domain: Value | None) -> dict[str, Aggregate]:
    return {}


AGGREGATES: dict[str, Callable[[Terms, Arguments, Value | None], dict[str, Aggregate]]] = {
    "expect_column_distinct_values_to_be_in_set": _distinct,
    "expect_column_distinct_values_to_contain_set": _distinct,
    "expect_column_distinct_values_to_equal_set": _distinct,
    "expect_column_max_to_be_between": _one(lambda terms, value: terms.largest(value)),
    "expect_column_mean_to_be_between": _one(lambda terms, value: terms.mean(value)),
    "expect_column_min_to_be_between": _one(lambda terms, value: terms.smallest(value)),
    "expect_column_proportion_of_non_null_values_to_be_between": _counts,
    "expect_column_proportion_of_unique_values_to_be_between": _unique,
    "expect_column_stdev_to_be_between": _one(lambda terms, value: terms.deviation(value)),
    "expect_column_sum_to_be_between": _one(lambda terms, value: terms.sum(value)),
    "expect_column_to_exist": _nothing,
    "expect_column_unique_value_count_to_be_between": _unique,
    "expect_column_values_to_be_in_type_list": _elements,
    "expect_column_values_to_be_of_type": _elements,
    "expect_file_quarantined_share_to_be_at_most": _nothing,
    "expect_no_lost_column": _nothing,
    "expect_quarantined_share_to_be_at_most": _nothing,
    "expect_table_columns_to_match_set": _nothing,
    "expect_table_row_count_to_be_between": _elements,
    "expect_table_row_count_to_equal": _elements,
}


def schema_figures(schema: StructType) -> dict[str, Any]:
    """What expectations about columns and types need, beside the observed figures."""
    return {SCHEMA_FIGURE: {field.name: type(field.dataType).__name__ for field in schema}}
