"""Any file of rows as one Arrow table, with the line of every row and the lines that could not be read."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from earshot.core.errors import InputError
from earshot.importers.delimited import header_and_lines, records
from earshot.importers.detection import sample_of
from earshot.importers.elements import Text, elements
from earshot.importers.mapped import flat
from earshot.importers.objects import UnreadableError, as_object, object_of
from earshot.importers.parquet_rows import parquet_batches
from earshot.importers.rows import physical_lines
from earshot.importers.shape import Limits, Part, Source
from earshot.importers.streams import DAMAGED

Kind = Literal["csv", "jsonl", "json", "parquet", "table"]
Read = tuple[int, Sequence[Any] | Mapping[str, Any] | UnreadableError]

_BATCH = 50_000
_WHOLE = Part(0)


@dataclass(frozen=True)
class Unread:
    """A line that is no row."""

    line: int
    why: str


@dataclass(frozen=True)
class Tabular:
    """The rows of a file.

    Attributes:
        kind: What kind of file it is.
        table: Its rows; the columns of a CSV are texts.
        lines: The line of each row (its number, in Parquet and JSON arrays), from 1.
        unread: Lines that are no rows, in order.
    """

    kind: Kind
    table: pa.Table
    lines: Sequence[int]
    unread: tuple[Unread, ...]


def source_of(file: Path, limits: Limits) -> Source:
    """The file, or the member of a zip that `FILE.zip!MEMBER` names.

    Raises:
        InputError: There is none.
    """
    if file.is_file():
        return Source(str(file), None, limits)
    archive, mark, member = str(file).partition("!")
    if mark and zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as opened:
            if member in opened.namelist():
                return Source(archive, member, limits)
    raise InputError(f"{file} is no file.", where="FILE", remedy="Name a file; in a zip as FILE.zip!MEMBER.")


def read_rows(source: Source) -> Tabular:
    """Read a CSV with a header, JSON (one object a line, or an array) or Parquet; compressed or not.

    Raises:
        InputError: It cannot be read, or holds no row.
    """
    try:
        found = _read(source)
    except DAMAGED as error:
        raise _refusal(source, f"it cannot be read: {error or type(error).__name__}") from None
    if not found.table.num_rows or not found.table.num_columns:
        first = found.unread[0] if found.unread else None
        raise _refusal(source, f"it holds no rows with named columns{f' ({first.why})' if first else ''}", first)
    return found


def _read(source: Source) -> Tabular:
    sample = sample_of(source)
    if sample.columns:
        batches = [batch for _, batch in parquet_batches(source)]
        table = pa.Table.from_batches(batches) if batches else pa.table({})
        return Tabular("parquet", table, range(1, table.num_rows + 1), ())
    if b"\0" in sample.head:
        raise _refusal(source, "it is binary data and no Parquet")
    begin = sample.text.lstrip()[:1]
    if begin in {"{", "["}:
        return _objects("jsonl" if begin == "{" else "json", _lines_of_json(source) if begin == "{" else _array(source))
    header, delimiter, lines = header_and_lines(physical_lines(source, _WHOLE))
    rows = ((number, fields) for number, fields, _ in records(lines, delimiter, source.limits, len(header)))
    return _texts(header, rows)


def _texts(header: Sequence[str], rows: Iterator[Read]) -> Tabular:
    lines: list[int] = []
    unread: list[Unread] = []
    batches = []
    schema = pa.schema([(name, pa.string()) for name in header])
    while batch := list(islice(rows, _BATCH)):
        good = [(n, fields) for n, fields in batch if not isinstance(fields, UnreadableError)]
        unread += [Unread(n, fields.why) for n, fields in batch if isinstance(fields, UnreadableError)]
        lines += [n for n, _ in good]
        columns = zip(*(fields for _, fields in good), strict=True) if good else [()] * len(header)
        batches.append(pa.record_batch([pa.array(column, pa.string()) for column in columns], schema=schema))
    return Tabular("csv", pa.Table.from_batches(batches, schema), lines, tuple(unread))


def _lines_of_json(source: Source) -> Iterator[Read]:
    for number, line in physical_lines(source, _WHOLE):
        if line.strip():
            try:
                yield number, flat(object_of(line, source.limits))
            except UnreadableError as error:
                yield number, error


def _array(source: Source) -> Iterator[Read]:
    text = Text(source)
    text.skip_blanks()
    text.at += 1
    for ordinal, (value, error, _) in enumerate(elements(text, source.limits), 1):
        try:
            yield ordinal, error or flat(as_object(value))
        except UnreadableError as found:
            yield ordinal, found


def _objects(kind: Kind, read: Iterator[Read]) -> Tabular:
    lines: list[int] = []
    unread: list[Unread] = []
    columns: dict[str, list[Any]] = {}
    for number, item in read:
        if isinstance(item, UnreadableError):
            unread.append(Unread(number, item.why))
            continue
        if isinstance(item, Mapping):
            for name, value in item.items():
                values = columns.setdefault(name, [])
                values.extend([None] * (len(lines) - len(values)))
                values.append(value)
        lines.append(number)
    for values in columns.values():
        values.extend([None] * (len(lines) - len(values)))
    return Tabular(kind, pa.table({name: _array_of(values) for name, values in columns.items()}), lines, tuple(unread))


def _array_of(values: list[Any]) -> pa.Array:
    """The values under one type; under text where they have several."""
    kinds = {type(value) for value in values if value is not None}
    if len(kinds) > 1 and not kinds <= {int, float}:
        return pa.array([_written(value) for value in values], pa.string())
    try:
        return pa.array(values)
    except (pa.ArrowException, OverflowError):
        return pa.array([_written(value) for value in values], pa.string())


def _written(value: object) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _refusal(source: Source, why: str, first: Unread | None = None) -> InputError:
    return InputError(
        f"There is nothing to profile: {why}.",
        where=f"{source.path}{f'!{source.member}' if source.member else ''}{f':{first.line}' if first else ''}",
        remedy="Give a CSV with a header, JSON objects (one a line, or an array) or Parquet, in UTF-8.",
    )
