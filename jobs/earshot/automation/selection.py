"""Which rows and columns of a table are meant: conditions and days, as the command line takes them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import reduce
from typing import Any, Final

import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import (
    BooleanType,
    DataType,
    DateType,
    DecimalType,
    DoubleType,
    IntegralType,
    StringType,
    TimestampType,
)

from earshot.automation.dates import parse_day
from earshot.core.errors import ArgumentError
from earshot.core.explanations import nearest
from earshot.core.schemas import TableSpec

_CONDITION: Final = re.compile(r"\s*(\w+)\s*(!=|<=|>=|=|<|>|\bin\b|\bis\b)\s*(.*)", flags=re.DOTALL)
_OPERATORS: Final = "=, !=, <, <=, >, >=, in A,B, is null, is not null"
_TRUTH: Final = {"true": True, "false": False}


@dataclass(frozen=True)
class Condition:
    """One condition.

    Attributes:
        column: A column of the table.
        operator: = != < <= > >= in, or is.
        value: Of the column's type; a list for `in`; for `is`, whether null is meant.
        text: As a person wrote it.
    """

    column: str
    operator: str
    value: Any
    text: str

    def holds_for(self, column: Any, is_in: Callable[[Any, list[Any]], Any]) -> Any:
        """The condition over a column of Spark or an expression of Arrow, which write comparisons alike."""
        comparisons: dict[str, Callable[[], Any]] = {
            "=": lambda: column == self.value,
            "!=": lambda: column != self.value,
            "<": lambda: column < self.value,
            "<=": lambda: column <= self.value,
            ">": lambda: column > self.value,
            ">=": lambda: column >= self.value,
            "in": lambda: is_in(column, self.value),
        }
        return comparisons[self.operator]()


@dataclass(frozen=True)
class Selection:
    """Rows for which every condition holds, and their columns in order (empty = all)."""

    conditions: tuple[Condition, ...] = ()
    columns: tuple[str, ...] = ()

    @property
    def texts(self) -> tuple[str, ...]:
        """The conditions as a person wrote them."""
        return tuple(condition.text for condition in self.conditions)

    def of_arrow(self) -> Any:
        """The conditions as an expression of Arrow; None where there is none."""
        return reduce(lambda one, other: one & other, map(_of_arrow, self.conditions)) if self.conditions else None

    def of_spark(self, rows: DataFrame) -> DataFrame:
        """The chosen rows and columns."""
        for condition in self.conditions:
            rows = rows.where(_of_spark(condition))
        return rows.select(*self.columns) if self.columns else rows


def selection(
    spec: TableSpec,
    *,
    where: Sequence[str] = (),
    since: str | None = None,
    until: str | None = None,
    columns: str | None = None,
) -> Selection:
    """Read what a person wrote.

    Args:
        spec: The table.
        where: Conditions such as `country=DE`, `streams>=1000`, `country in DE,FR`, `reason is null`.
        since: First day, of the table's day (`day_column`).
        until: Last day, itself included.
        columns: Names with commas between them.

    Raises:
        ArgumentError: A column, an operator or a value is none.
    """
    days = [(f">={since}", "--since", since)] if since else []
    days += [(f"<={until}", "--until", until)] if until else []
    conditions = [_condition(spec, text, "option --where") for text in where]
    for text, option, day in days:
        parse_day(day, option)
        conditions.append(_condition(spec, f"{day_column(spec)}{text}", f"option {option}"))
    names = [_known(spec, name.strip(), "option --columns") for name in columns.split(",")] if columns else []
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise ArgumentError(f"{twice} is named twice.", where="option --columns", remedy="Name it once.")
    return Selection(tuple(conditions), tuple(names))


def day_column(spec: TableSpec) -> str:
    """The column that says of which day a row is: a date of the partition, else the first date, else the first time.

    Raises:
        ArgumentError: There is none.
    """
    of_type = {
        kind: [f.name for f in spec.schema if isinstance(f.dataType, kind)] for kind in (DateType, TimestampType)
    }
    partition = [name for name in of_type[DateType] if name in spec.partition_by]
    found = [*partition, *of_type[DateType], *of_type[TimestampType]]
    if not found:
        raise ArgumentError(f"{spec.name} has no day.", where="options --since and --until", remedy="Use --where.")
    return found[0]


def _condition(spec: TableSpec, text: str, place: str) -> Condition:
    parts = _CONDITION.fullmatch(text)
    if parts is None:
        raise ArgumentError(f"{text!r} is no condition.", where=place, remedy=f"Write COLUMN and one of: {_OPERATORS}.")
    name, operator, rest = _known(spec, parts[1], place), parts[2], parts[3].strip()
    kind = spec.schema[name].dataType
    if operator == "is":
        told = " ".join(rest.lower().split())
        if told not in {"null", "not null"}:
            raise ArgumentError(f"{text!r} is no condition.", where=place, remedy="Write is null or is not null.")
        return Condition(name, "is", told == "null", text)
    if operator == "in":
        return Condition(name, "in", [_value(kind, one.strip(), text, place) for one in rest.split(",")], text)
    value = _value(kind, rest, text, place)
    if isinstance(kind, TimestampType) and operator == "<=" and len(rest) == len("2026-03-29"):
        return Condition(name, "<", value + timedelta(days=1), text)  # a day ends with the beginning of the next
    return Condition(name, operator, value, text)


def _known(spec: TableSpec, name: str, place: str) -> str:
    if name not in spec.column_names:
        close = nearest(name, spec.column_names)
        known = ", ".join(spec.column_names)
        raise ArgumentError(
            f"{spec.name} has no column {name!r}.", where=place, remedy=f"Use {close}, or another of: {known}."
        )
    return name


def _value(kind: DataType, text: str, condition: str, place: str) -> Any:
    readers: dict[type[DataType], Callable[[str], Any]] = {
        StringType: str,
        BooleanType: lambda word: _TRUTH[word.lower()],
        DateType: date.fromisoformat,
        TimestampType: _moment,
        DecimalType: Decimal,
        DoubleType: float,
        IntegralType: int,
    }
    reader = next((read for known, read in readers.items() if isinstance(kind, known)), None)
    if reader is None:
        raise ArgumentError(f"{condition!r} compares a nested column.", where=place, remedy="Choose another column.")
    try:
        return reader(text)
    except (ValueError, KeyError, ArithmeticError):
        raise ArgumentError(
            f"{text!r} in {condition!r} is no {kind.simpleString()}.",
            where=place,
            remedy="Write days and times in ISO 8601, numbers with a point, truth values as true or false.",
        ) from None


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _of_arrow(condition: Condition) -> Any:
    column = pc.field(condition.column)
    if condition.operator == "is":
        return column.is_null() if condition.value else column.is_valid()
    return condition.holds_for(column, lambda one, values: one.isin(values))


def _of_spark(condition: Condition) -> Column:
    column = F.col(condition.column)
    if condition.operator == "is":
        return column.isNull() if condition.value else column.isNotNull()
    held: Column = condition.holds_for(column, lambda one, values: one.isin(values))
    return held
