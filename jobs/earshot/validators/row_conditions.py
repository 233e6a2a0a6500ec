"""Great Expectations' `row_condition` in `terms`."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any

from earshot.core.errors import SettingsError
from earshot.validators.terms import Terms, Value

_OPERATORS: dict[str, Callable[[Terms, Value, Any], Value]] = {
    "==": lambda terms, column, value: column == value,
    "!=": lambda terms, column, value: column != value,
    "<": lambda terms, column, value: column < value,
    "<=": lambda terms, column, value: column <= value,
    ">": lambda terms, column, value: column > value,
    ">=": lambda terms, column, value: column >= value,
    "IN": lambda terms, column, value: terms.is_in(column, value),
    "NOT_IN": lambda terms, column, value: ~terms.is_in(column, value),
}
_LEGACY = re.compile(
    r"""^\s*col\(\s*["'](?P<column>\w+)["']\s*\)\s*(?:
        (?P<operator>==|!=|<=|>=|<|>)\s*(?P<value>"[^"]*"|'[^']*'|-?\d+(?:\.\d+)?)
      | \.(?P<nullity>isNull|notNull|is_null|is_not_null)\(\)
    )\s*$""",
    re.VERBOSE,
)


def row_condition(terms: Terms, condition: Any, *, parser: str | None, where: str) -> Value | None:
    """The rows that an expectation speaks of; None stands for all.

    Args:
        terms: What it is written in.
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
        return _tree(terms, condition, where)
    text = str(condition)
    if parser == "spark":
        return terms.sql(text, where)
    found = _LEGACY.match(text)
    if not found:
        raise SettingsError(
            f"The row_condition {text!r} cannot be read.",
            where=where,
            remedy='Write col("column") == "value", or set condition_parser to "spark" and write SQL.',
        )
    column = terms.column(found["column"])
    if found["nullity"]:
        is_null = terms.is_null(column)
        return is_null if found["nullity"] in {"isNull", "is_null"} else ~is_null
    value = found["value"]
    literal: object = value[1:-1] if value[0] in "\"'" else float(value) if "." in value else int(value)
    return _OPERATORS[found["operator"]](terms, column, literal)


def _tree(terms: Terms, condition: Mapping[str, Any], where: str) -> Value:
    kind = condition.get("type")
    if kind in {"and", "or"}:
        parts = [_tree(terms, part, where) for part in condition.get("conditions", [])]
        if parts:
            return reduce(operator.and_ if kind == "and" else operator.or_, parts)
    named = condition.get("column")
    if isinstance(named, Mapping) and "name" in named:
        column = terms.column(str(named["name"]))
        if kind == "nullity":
            is_null = terms.is_null(column)
            return is_null if condition.get("is_null", True) else ~is_null
        if kind == "comparison" and condition.get("operator") in _OPERATORS:
            return _OPERATORS[condition["operator"]](terms, column, condition.get("parameter"))
    if kind == "pass_through" and condition.get("pass_through_filter"):
        return terms.sql(str(condition["pass_through_filter"]), where)
    raise SettingsError(
        f"The row_condition {dict(condition)} cannot be read.",
        where=where,
        remedy="Give it the type comparison, nullity, and, or, or pass_through, as Great Expectations writes it.",
    )
