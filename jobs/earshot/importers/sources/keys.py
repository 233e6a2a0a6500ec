"""The key by which rows of a database grow: its values as SQL and as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from earshot.core.errors import DependencyError, SettingsError

Value = int | Decimal | str | date | datetime


def as_json(values: Sequence[Value]) -> str:
    """For ops.sources."""
    return json.dumps([_packed(value) for value in values])


def from_json(text: str) -> tuple[Value, ...]:
    """What `as_json` wrote."""
    return tuple(_unpacked(value) for value in json.loads(text))


def literal(value: Value) -> str:
    """The value in SQL, as the standard has it.

    Raises:
        DependencyError: A text that databases do not read alike.
    """
    if isinstance(value, datetime):
        if value.tzinfo:
            return f"TIMESTAMP WITH TIME ZONE '{value.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}+00:00'"
        return f"TIMESTAMP '{value:%Y-%m-%d %H:%M:%S.%f}'"
    if isinstance(value, date):
        return f"DATE '{value}'"
    if isinstance(value, str):
        if "\\" in value or not value.isprintable():
            raise DependencyError(
                f"The key {value[:40]!r} has characters that databases do not read alike.",
                remedy="Choose a key of numbers or times, or make one in a query.",
            )
        return "'" + value.replace("'", "''") + "'"
    return str(value)


def before(value: Value, overlap: float) -> Value:
    """The value less the overlap: in its own unit, of a time in seconds.

    Raises:
        SettingsError: It is a text.
    """
    if isinstance(value, datetime):
        return value - timedelta(seconds=overlap)
    if isinstance(value, str):
        raise SettingsError(
            "There is no overlap of a key that is text.",
            where="sources, key overlap",
            remedy="Choose a key of numbers or times, or make one in a query.",
        )
    if isinstance(value, date):
        return date.fromordinal(value.toordinal() - int(-(-overlap // 86_400)))
    return value - int(-(-overlap // 1))


def shown(values: Sequence[Value]) -> str:
    """For names of files."""
    return ",".join(
        f"{value:%Y%m%dT%H%M%S.%f}" if isinstance(value, datetime) else str(value).replace("/", "-") for value in values
    )


def condition(columns: Sequence[str], low: Sequence[Value] | None, overlap: float) -> str:
    """SQL for what comes after `low`, or from the overlap before it on; true without `low`."""
    if low is None:
        return "1 = 1"
    if overlap:
        return f"{columns[0]} >= {literal(before(low[0], overlap))}"
    return _beyond(columns, low)


def up_to(columns: Sequence[str], high: Sequence[Value]) -> str:
    """SQL for what does not come after `high`."""
    return f"NOT ({_beyond(columns, high)})"


def _beyond(columns: Sequence[str], values: Sequence[Value]) -> str:
    cases = []
    for n, (column, value) in enumerate(zip(columns, values, strict=True)):
        same = [f"{columns[k]} = {literal(values[k])}" for k in range(n)]
        cases.append(" AND ".join([*same, f"{column} > {literal(value)}"]))
    first = f"{columns[0]} >= {literal(values[0])}"
    return f"{first} AND ({' OR '.join(f'({case})' for case in cases)})"


def _packed(value: Value) -> object:
    if isinstance(value, int | str):
        return value
    if isinstance(value, datetime):
        return {"timestamp": value.isoformat()}
    return {"date": value.isoformat()} if isinstance(value, date) else {"decimal": str(value)}


def _unpacked(value: int | str | dict[str, str]) -> Value:
    if isinstance(value, int | str):
        return value
    ((tag, text),) = value.items()
    if tag == "decimal":
        return Decimal(text)
    return datetime.fromisoformat(text) if tag == "timestamp" else date.fromisoformat(text)
