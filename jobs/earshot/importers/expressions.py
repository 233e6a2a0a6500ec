"""Expressions of mappings: a few operators and functions on the fields of a record, and nothing else of Python.

`col("Name")` is a field, and so is a bare name. `+` joins texts and adds numbers, `- * / // %` count, `== != < <= >
>= in and or not` and `A if B else C` decide. A field that is missing is None; what is computed from None, or cannot
be computed, is None.
"""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

LONGEST = 500

_LONGEST_TEXT = 100_000
_ARITHMETIC: dict[type[ast.AST], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_COMPARISONS: dict[type[ast.AST], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda one, many: one in many,
    ast.NotIn: lambda one, many: one not in many,
}


class ExpressionError(ValueError):
    """An expression says something that expressions cannot say."""


def compute(expression: str, record: Mapping[str, Any]) -> Any:
    """The value of an expression for one record.

    Raises:
        ExpressionError: The expression is not well formed; see `check`.
    """
    try:
        return _value(_parsed(expression), record)
    except (TypeError, ValueError, ZeroDivisionError, OverflowError, IndexError, AttributeError):
        return None


def check(expression: str) -> set[str]:
    """Check an expression; returns the fields that it names.

    Raises:
        ExpressionError: It is too long, no expression, or uses what is not allowed.
    """
    return {name for node in ast.walk(_parsed(expression)) if (name := _field(node)) is not None}


@lru_cache(maxsize=1_000)
def _parsed(expression: str) -> ast.expr:
    if len(expression) > LONGEST:
        raise ExpressionError(f"it is longer than {LONGEST} characters")
    try:
        body = ast.parse(expression.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ExpressionError("it cannot be parsed") from None
    _check(body)
    return body


def _check(node: ast.AST) -> None:
    match node:
        case ast.Call(func=ast.Name(id="col"), args=[ast.Constant(value=str())], keywords=[]):
            return
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in FUNCTIONS:
            children: list[ast.AST] = list(args)
        case ast.Call():
            raise ExpressionError(f"only {', '.join(sorted(['col', *FUNCTIONS]))} can be called")
        case ast.BinOp(op=op) if type(op) in _ARITHMETIC:
            children = [node.left, node.right]
        case ast.Compare(ops=ops) if all(type(op) in _COMPARISONS for op in ops):
            children = [node.left, *node.comparators]
        case ast.BoolOp(values=values):
            children = list(values)
        case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand):
            children = [operand]
        case ast.IfExp():
            children = [node.test, node.body, node.orelse]
        case ast.List(elts=elts) | ast.Tuple(elts=elts):
            children = list(elts)
        case ast.Name() | ast.Constant(value=str() | int() | float() | bool() | None):
            return
        case _:
            raise ExpressionError(f"{type(node).__name__} is not allowed")
    for child in children:
        _check(child)


def _field(node: ast.AST) -> str | None:
    match node:
        case ast.Call(func=ast.Name(id="col"), args=[ast.Constant(value=str(name))]):
            return name
        case ast.Name(id=name) if name not in FUNCTIONS and name != "col":
            return name
    return None


def _value(node: ast.AST, record: Mapping[str, Any]) -> Any:  # noqa: PLR0911 (one return a kind of node)
    if (name := _field(node)) is not None:
        return record.get(name)
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Call(func=ast.Name(id=name), args=args):
            return FUNCTIONS[name](*(_value(argument, record) for argument in args))
        case ast.BinOp(left=left, op=op, right=right):
            return _arithmetic(type(op), _value(left, record), _value(right, record))
        case ast.Compare(left=left, ops=ops, comparators=comparators):
            values = [_value(one, record) for one in (left, *comparators)]
            return all(_COMPARISONS[type(op)](a, b) for op, a, b in zip(ops, values, values[1:], strict=False))
        case ast.BoolOp(op=ast.And(), values=listed):
            return all(_value(one, record) for one in listed)
        case ast.BoolOp(values=listed):
            return any(_value(one, record) for one in listed)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return not _value(operand, record)
        case ast.UnaryOp(operand=operand):
            return -_value(operand, record)
        case ast.IfExp(test=test, body=body, orelse=orelse):
            return _value(body if _value(test, record) else orelse, record)
        case ast.List(elts=elts) | ast.Tuple(elts=elts):
            return [_value(one, record) for one in elts]
    raise ExpressionError(f"{type(node).__name__} is not allowed")


def _arithmetic(kind: type[ast.AST], left: Any, right: Any) -> Any:
    texts = isinstance(left, str) and isinstance(right, str)
    numbers = all(isinstance(side, int | float) and not isinstance(side, bool) for side in (left, right))
    if not numbers and not (texts and kind is ast.Add):
        return None
    value = _ARITHMETIC[kind](left, right)
    return value[:_LONGEST_TEXT] if isinstance(value, str) else value


def _number(value: Any) -> float | int | None:
    if isinstance(value, str):
        value = float(value.strip().replace(",", "."))
    if not math.isfinite(value):
        return None
    return int(value) if value == int(value) else float(value)


def _milliseconds(text: Any) -> int | None:
    """H:MM:SS, M:SS or seconds, fractions allowed, as milliseconds."""
    if isinstance(text, int | float):
        return round(text * 1000)
    parts = re.fullmatch(r"(?:(?:(\d{1,4}):)?(\d{1,4}):)?(\d{1,6}(?:\.\d{1,6})?)", text.strip())
    if not parts:
        return None
    hours, minutes, seconds = (float(part or 0) for part in parts.groups())
    return round(((hours * 60 + minutes) * 60 + seconds) * 1000)


def _part(text: str, separator: str, place: int) -> str | None:
    parts = text.split(separator)
    return parts[place - 1].strip() if 1 <= place <= len(parts) else None


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "coalesce": lambda *values: next((value for value in values if value not in {None, ""}), None),
    "lower": lambda text: text.lower(),
    "milliseconds": _milliseconds,
    "number": _number,
    "part": _part,
    "replace": lambda text, old, new: text.replace(old, new)[:_LONGEST_TEXT],
    "round": round,
    "text": lambda value: None if value is None else str(value),
    "trim": lambda text: text.strip(),
    "upper": lambda text: text.upper(),
}
"""What expressions can call; `part(text, separator, n)` is the n-th piece, `milliseconds` reads H:MM:SS."""
