"""CSV that a spreadsheet may open: no cell of it can become a formula.

Texts are written as `core.text.guarded` has them, numbers as numbers, times in ISO 8601. Nested values become JSON.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from earshot.core.text import FORMULA_STARTS, guarded
from earshot.exporters.nested import as_json

_BATCH: Final = 65_536
_FORMULA: Final = f"^([{''.join(re.escape(start) for start in FORMULA_STARTS)}])"


def write_csv(schema: pa.Schema, batches: Iterable[pa.RecordBatch], path: Path) -> int:
    """Write UTF-8 with a header (RFC 4180, line feeds); a null is an empty cell, an empty text is `""`.

    Every batch is guarded and written by Arrow: no value becomes a Python object but nested ones, and no more
    than a batch is in memory.

    Returns:
        How many rows were written.
    """
    flat = pa.schema([pa.field(guarded(field.name), _flat_type(field.type)) for field in schema])
    rows = 0
    with path.open("wb") as file, pa.csv.CSVWriter(file, flat) as writer:
        for whole in batches:
            for start in range(0, whole.num_rows, _BATCH):
                batch = whole.slice(start, _BATCH)
                writer.write_batch(pa.record_batch([_cells(column) for column in batch.columns], schema=flat))
                rows += batch.num_rows
    return rows


def _flat_type(kind: pa.DataType) -> pa.DataType:
    is_text = pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_dictionary(kind)
    return pa.string() if is_text else kind


def _cells(column: pa.Array) -> pa.Array:
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_nested(column.type):
        return as_json(column)
    if pa.types.is_binary(column.type):
        return pa.array((None if v is None else base64.b64encode(v).decode() for v in column.to_pylist()), pa.string())
    return _guarded(column) if pa.types.is_string(column.type) or pa.types.is_large_string(column.type) else column


def _guarded(texts: pa.Array) -> pa.Array:
    """`core.text.guarded` of every text; a column in which none needs it, which is the rule, is not copied."""
    if not pc.any(pc.match_substring_regex(texts, pattern=_FORMULA)).as_py():
        return texts
    return pc.replace_substring_regex(texts, pattern=_FORMULA, replacement=r"'\1")
