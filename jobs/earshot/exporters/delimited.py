"""CSV that a spreadsheet may open: no cell of it can become a formula.

Texts are written as `core.text.guarded` has them, numbers as numbers. Nested values become JSON.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pyarrow as pa

from earshot.core.text import guarded
from earshot.exporters.json_lines import as_line

_BATCH = 20_000


def write_csv(rows: pa.Table, path: Path) -> None:
    """Write UTF-8 with a header (RFC 4180 quoting, line feeds); null is an empty cell."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([guarded(name) for name in rows.column_names])
        for batch in rows.to_batches(max_chunksize=_BATCH):
            for row in batch.to_pylist():
                plain = json.loads(as_line(row)).values()
                writer.writerow([_cell(value, before) for value, before in zip(plain, row.values(), strict=True)])


def _cell(value: object, original: object) -> object:
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, str) and isinstance(original, str):
        return guarded(value)
    return value
