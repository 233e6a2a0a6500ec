"""Great Expectations' `row_condition` as a Spark Column."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any

from pyspark.sql import Column
from pyspark.sql import functions as F

from earshot.core.errors import SettingsError

_OPERATORS: dict[str, Callable[[Column, Any], Column]] = {
    "==": lambda column, value: column == F.lit(value),
    "!=": lambda column, value: column != F.lit(value),
    "<": lambda column, value: column < F.lit(value),
    "<=": lambda column, value: column <= F.lit(value),
    ">": lambda column, value: column > F.lit(value),
    ">=": lambda column, value: column >= F.lit(value),
    "IN": lambda column, value: column.isin(list(value)),
    "NOT_IN": lambda column, value: ~column.isin(list(value)),
}
_LEGACY = re.compile(
    r"""^\s*col\(\s*["'](?P<column>\w+)["']\s*\)\s*(?:
        (?P<operator>==|!=|<=|>=|<|>)\s*(?P<value>"[^"]*"|'[^']*'|-?\d+(?:\.\d+)?)
      | \.(?P<nullity>isNull|notNull|is_null|is_not_null)\(\)
    )\s*$""",
    re.VERBOSE,
)


def row_condition(condition: Any, *, parser: str | None, where: str) -> Column | None:
    """The rows that an expectation speaks of; None stands for all.

    Args:
        condition: None, Great Expectations' condition as JSON (comparison, nullity, and, or, pass_through),
            or a legacy string: `col("x") == "y"`, or SQL where `parser` is `spark`.
        parser: `condition_parser` of the expectation.
        where: File and line, for errors.

    Raises:
        SettingsError: The condition is none of these.
    """
    if condition is None:
        return None
    if isinstance(condition, Mapping):
        return _tree(condition, where)
    text = str(condition)
    if parser == "spark":
        return F.expr(text)
    found = _LEGACY.match(text)
    if not found:
        raise SettingsError(
            f"The row_condition {text!r} cannot be read.",
            where=where,
            remedy='Write col("column") == "value", or set condition_parser to "spark" and write SQL.',
        )
    column = F.col(found["column"])
    if found["nullity"]:
        return column.isNull() if found["nullity"] in {"isNull", "is_null"} else column.isNotNull()
    value = found["value"]
    literal: object = value[1:-1] if value[0] in "\"'" else float(value) if "." in value else int(value)
    return _OPERATORS[found["operator"]](column, literal)


def _tree(condition: Mapping[str, Any], where: str) -> Column:
    kind = condition.get("type")
    if kind in {"and", "or"}:
        parts = [_tree(part, where) for part in condition.get("conditions", [])]
        if parts:
            return reduce((lambda a, b: a & b) if kind == "and" else (lambda a, b: a | b), parts)
    named = condition.get("column")
    if isinstance(named, Mapping) and "name" in named:
        column = F.col(str(named["name"]))
        if kind == "nullity":
            return column.isNull() if condition.get("is_null", True) else column.isNotNull()
        if kind == "comparison" and condition.get("operator") in _OPERATORS:
            return _OPERATORS[condition["operator"]](column, condition.get("parameter"))
    if kind == "pass_through" and condition.get("pass_through_filter"):
        return F.expr(str(condition["pass_through_filter"]))
    raise SettingsError(
        f"The row_condition {dict(condition)} cannot be read.",
        where=where,
        remedy="Give it the type comparison, nullity, and, or, or pass_through, as Great Expectations writes it.",
    )
