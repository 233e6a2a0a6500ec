"""JSON lines: one object a row, times in ISO 8601, decimals as texts, so that nothing is rounded."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from earshot.exporters.nested import as_json

_BATCH: Final = 65_536
_CONTROL: Final = {chr(code): json.dumps(chr(code))[1:-1] for code in (*range(0x20), 0x7F)}


def write_json_lines(schema: pa.Schema, batches: Iterable[pa.RecordBatch], path: Path) -> int:
    """Write UTF-8 lines that end in a newline each; a null is null, and so is a number that JSON does not have.

    Returns:
        How many rows were written.
    """
    rows = 0
    with path.open("wb") as file:
        for whole in batches:
            for start in range(0, whole.num_rows, _BATCH):
                lines = as_lines(schema, whole.slice(start, _BATCH))
                file.write(_bytes(lines))
                rows += len(lines)
    return rows


def as_lines(schema: pa.Schema, batch: pa.RecordBatch) -> pa.Array:
    """Each row as a line of JSON, its newline included; built by Arrow column by column."""
    parts: list[pa.Array | str] = []
    for number, (field, column) in enumerate(zip(schema, batch.columns, strict=True)):
        parts += [f"{'{' if number == 0 else ', '}{json.dumps(field.name, ensure_ascii=False)}: ", _values(column)]
    return pc.binary_join_element_wise(
        *(pa.scalar(part) if isinstance(part, str) else part for part in parts),
        pa.scalar("}\n"),
        "",
        null_handling="replace",
        null_replacement="null",
    )


def _values(column: pa.Array) -> pa.Array:
    """The column as JSON values."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _values(column.cast(kind.value_type))
    if pa.types.is_nested(kind):
        return as_json(column)
    if pa.types.is_binary(kind):
        texts = (None if v is None else base64.b64encode(v).decode() for v in column.to_pylist())
        return _quoted(pa.array(texts, pa.string()))
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return _quoted(_escaped(column.cast(pa.string())))
    if pa.types.is_timestamp(kind):
        return _quoted(pc.replace_substring(column.cast(pa.string()), pattern=" ", replacement="T"))
    if pa.types.is_floating(kind):
        column = pc.if_else(pc.is_finite(column), column, pa.scalar(None, kind))
    texts = column.cast(pa.string())
    is_number = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)
    return texts if is_number else _quoted(texts)


def _quoted(texts: pa.Array) -> pa.Array:
    return pc.binary_join_element_wise(pa.scalar('"'), texts, pa.scalar('"'), "")


def _escaped(texts: pa.Array) -> pa.Array:
    """Backslashes, quotes and control characters as escapes; one look tells whether there are any."""
    if not pc.any(pc.match_substring_regex(texts, pattern=r'[\\"\x00-\x1f\x7f]')).as_py():
        return texts
    texts = pc.replace_substring(texts, pattern="\\", replacement="\\\\")
    texts = pc.replace_substring(texts, pattern='"', replacement='\\"')
    if pc.any(pc.match_substring_regex(texts, pattern=r"[\x00-\x1f\x7f]")).as_py():
        for control, escape in _CONTROL.items():
            texts = pc.replace_substring(texts, pattern=control, replacement=escape)
    return texts


def _bytes(texts: pa.Array) -> memoryview:
    """The texts one after another, without a copy."""
    offsets = memoryview(texts.buffers()[1]).cast("i")[texts.offset : texts.offset + len(texts) + 1]
    data = texts.buffers()[2]
    return memoryview(b"" if data is None else data)[offsets[0] : offsets[-1]]
