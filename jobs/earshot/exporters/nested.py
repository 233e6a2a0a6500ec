"""Values that have no place in a flat cell, as JSON: maps are objects, decimals and times are texts."""

from __future__ import annotations

import base64
import json
import math
from datetime import date, datetime
from decimal import Decimal

import pyarrow as pa


def as_json(column: pa.Array) -> pa.Array:
    """A column of lists, maps or structs as JSON texts; null stays null."""
    if pa.types.is_map(column.type):
        values = [None if pairs is None else dict(pairs) for pairs in column.to_pylist()]
    else:
        values = column.to_pylist()
    return pa.array((None if value is None else _written(value) for value in values), pa.string())


def _written(value: object) -> str:
    return json.dumps(_plain(value), ensure_ascii=False)


def _plain(value: object) -> object:
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return _as_text(value)


def _as_text(value: object) -> object:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value
