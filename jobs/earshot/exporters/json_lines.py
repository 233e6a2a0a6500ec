"""JSON lines: one object a row, times in ISO 8601, decimals as strings, so that nothing is rounded."""

from __future__ import annotations

import base64
import json
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa

_BATCH = 20_000


def write_json_lines(rows: pa.Table, path: Path) -> None:
    """Write UTF-8 lines that end in a newline each."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for batch in rows.to_batches(max_chunksize=_BATCH):
            file.writelines(as_line(row) + "\n" for row in batch.to_pylist())


def as_line(row: dict[str, object]) -> str:
    """One row as JSON; maps are objects."""
    return json.dumps({name: _plain(value) for name, value in row.items()}, ensure_ascii=False)


def _plain(value: object) -> object:
    if isinstance(value, list):
        pairs = value and all(isinstance(item, tuple) and len(item) == 2 for item in value)  # noqa: PLR2004 (a pair)
        return {key: _plain(item) for key, item in value} if pairs else [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value
