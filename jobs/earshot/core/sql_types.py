"""Spark SQL's names of types, read without a JVM (`pyspark` asks the JVM to do it)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pyspark.sql.types import (
    ArrayType,
    BinaryType,
    BooleanType,
    DataType,
    DateType,
    DecimalType,
    DoubleType,
    IntegerType,
    LongType,
    MapType,
    StringType,
    StructField,
    StructType,
    TimestampType,
)

from earshot.core.errors import TableError

_PLAIN: dict[str, type[DataType]] = {
    "string": StringType,
    "timestamp": TimestampType,
    "date": DateType,
    "bigint": LongType,
    "int": IntegerType,
    "double": DoubleType,
    "boolean": BooleanType,
    "binary": BinaryType,
}
_NESTED = re.compile(r"(array|map|struct)\s*<(.*)>", re.DOTALL)
_DECIMAL = re.compile(r"decimal\s*\(\s*(\d+)\s*,\s*(\d+)\s*\)")


def spark_type(text: str) -> DataType:
    """The type that a name such as `array<struct<name:string,share:double>>` stands for.

    Raises:
        TableError: No table has such a type.
    """
    name = text.strip()
    if name in _PLAIN:
        return _PLAIN[name]()
    if decimal := _DECIMAL.fullmatch(name):
        return DecimalType(int(decimal[1]), int(decimal[2]))
    nested = _NESTED.fullmatch(name)
    if nested is None:
        raise TableError(f"{name} is no type that the tables use.", where="core.schemas")
    parts = list(_parts(nested[2]))
    if nested[1] == "array":
        return ArrayType(spark_type(nested[2]), True)
    if nested[1] == "map":
        return MapType(spark_type(parts[0]), spark_type(parts[1]), True)
    fields = (part.split(":", 1) for part in parts)
    return StructType([StructField(field.strip(), spark_type(kind), True) for field, kind in fields])


def _parts(text: str) -> Iterator[str]:
    """Split at the commas that stand outside of every bracket."""
    depth = start = 0
    for position, character in enumerate(text):
        depth += (character in "<(") - (character in ">)")
        if character == "," and depth == 0:
            yield text[start:position]
            start = position + 1
    yield text[start:]
