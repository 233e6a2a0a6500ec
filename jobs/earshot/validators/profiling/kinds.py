"""Types of columns, under the names that pandas and Spark have for them."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from earshot.validators.profiling.columns import ProfiledColumn
from earshot.validators.profiling.findings import Finding

WHOLE = ("int64", "Int64", "LongType", "IntegerType", "ShortType", "ByteType")
FRACTION = ("float64", "Float64", "DoubleType", "FloatType", "DecimalType")
TEXT = ("str", "string", "StringType")
_NATIVE = (
    (pa.types.is_boolean, ("bool", "boolean", "BooleanType")),
    (pa.types.is_integer, WHOLE),
    (pa.types.is_floating, FRACTION),
    (pa.types.is_decimal, FRACTION),
    (pa.types.is_timestamp, ("datetime64[ns]", "datetime64[us]", "datetime64", "Timestamp", "TimestampType")),
    (pa.types.is_date, ("date", "DateType")),
    (pa.types.is_string, TEXT),
    (pa.types.is_large_string, TEXT),
)


def kind_of(column: ProfiledColumn) -> str:
    """What a person calls the type: whole number, number, text or what Arrow calls it."""
    if column.is_text:
        if column.filled and column.number_share == 1:
            return "whole number" if _is_whole(column) else "number"
        return "text"
    return str(column.type)


def find_kinds(column: ProfiledColumn) -> Iterator[Finding]:
    """The type of the column."""
    types = _types(column)
    if types:
        told = kind_of(column)
        yield Finding(
            "type",
            column.name,
            "expect_column_values_to_be_in_type_list",
            {"type_list": list(types)},
            f"{column.name} is of the type {told}.",
            support=column.filled,
            seen={"type": told},
        )


def _types(column: ProfiledColumn) -> tuple[str, ...]:
    if not column.filled:
        return ()
    if column.is_text and column.number_share == 1:
        return (*WHOLE, *FRACTION) if _is_whole(column) else FRACTION
    return next((names for holds, names in _NATIVE if holds(column.type)), ())


def _is_whole(column: ProfiledColumn) -> bool:
    return not column.matching("[.eE]").any()
