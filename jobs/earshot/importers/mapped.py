"""Files that a mapping in conf/mappings describes: CSV, JSON lines, JSON arrays and Parquet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from earshot.core import columns as c
from earshot.importers.canonical_tables import typed_event
from earshot.importers.delimited import HEADER, header_and_lines, header_of, records
from earshot.importers.drafts import clock, epoch_milliseconds, number_of
from earshot.importers.elements import Text, elements
from earshot.importers.events import play_of
from earshot.importers.expressions import check, compute
from earshot.importers.faults import unreadable
from earshot.importers.mappings import Cell, Mapped, mappings
from earshot.importers.objects import STRICT, UnreadableError, as_object, object_of
from earshot.importers.parquet_rows import parquet_rows
from earshot.importers.rows import Row, RowImporter, physical_lines
from earshot.importers.shape import (
    FLAGS,
    IDENTITIES,
    LISTENER,
    NUMBERS,
    READABLE_LINE,
    TEXTS,
    TIMES,
    Part,
    Sample,
    Source,
)

_IN_MS = {"s": 1000.0, "ms": 1.0, "us": 0.001}
Read = tuple[int, Mapping[str, Any] | UnreadableError | None, str | bytes]


def mapped_importers() -> list[MappedImporter]:
    """An importer for each mapping.

    Raises:
        SettingsError: A mapping cannot be used.
    """
    return [MappedImporter(name, mapping) for name, mapping in mappings().items()]


@dataclass(frozen=True)
class MappedImporter(RowImporter):
    """One mapping at work."""

    name: str
    mapping: Mapped

    @property
    def source(self) -> str:
        """As the mapping says."""
        return self.mapping.source or self.name

    @property
    def splits_at_lines(self) -> bool:  # type: ignore[override]
        """An object a line can be cut."""
        return self.mapping.kind == "jsonl"

    def confidence(self, sample: Sample) -> float:
        """1 where all the columns that it needs are there."""
        needs = set(self.mapping.needs)
        return len(needs & self._names(sample)) / len(needs) if self._is_of_kind(sample) else 0.0

    def rows(self, source: Source, part: Part) -> Iterator[Row]:
        """The rows."""
        for number, item, told in self._items(source, part):
            if item is None:
                yield {c.SOURCE_LINE: number, c.FILTERED_REASON: HEADER}
            elif isinstance(item, UnreadableError):
                yield {c.SOURCE_LINE: number, **unreadable(told, item.fault, item.why)}
            else:
                yield {c.SOURCE_LINE: number, **self.play(item, source)}

    def play(self, item: Mapping[str, Any], source: Source) -> Row:
        """The play in one record."""
        record = flat(item)
        for leaving in self.mapping.filters:
            if compute(leaving.when, record):
                return {c.FILTERED_REASON: leaving.reason}
        cells = self.mapping.columns
        event = {name: _cell(name, cell, record) for name, cell in cells.items()}
        event = typed_event({name: value for name, value in event.items() if value is not None})
        if LISTENER not in cells:
            event[LISTENER] = source.export_listener
        if self.mapping.keep:
            used = {name for cell in cells.values() for name in _columns_of(cell)}
            event |= {name: v for name, v in record.items() if name not in used | _TAKEN and v is not None and v != ""}
        return play_of(event, source.limits, needs_played_ms=False)

    def again(self, item: Mapping[str, Any] | str, source: Source) -> Row:
        """See `shape.Importer`; events are kept under the names of silver."""
        if isinstance(item, str):
            return unreadable(item, READABLE_LINE, "it cannot be read by itself")
        return play_of(item, source.limits, needs_played_ms=False)

    def _names(self, sample: Sample) -> set[str]:
        if self.mapping.kind == "parquet":
            return set(sample.columns)
        if self.mapping.kind == "csv":
            return set(header_of(sample))
        found = _first_element(sample) if self.mapping.kind == "json" else next(iter(sample.objects), None)
        return set(flat(found or {}))

    def _is_of_kind(self, sample: Sample) -> bool:
        begin = sample.text.lstrip()[:1]
        kind = "parquet" if sample.columns else {"{": "jsonl", "[": "json"}.get(begin, "csv")
        return kind == self.mapping.kind

    def _items(self, source: Source, part: Part) -> Iterator[Read]:
        if self.mapping.kind == "parquet":
            yield from ((row, item, "") for row, item in parquet_rows(source))
        elif self.mapping.kind == "json":
            yield from _array(source)
        elif self.mapping.kind == "jsonl":
            yield from _objects(source, part)
        else:
            header, delimiter, lines = header_and_lines(physical_lines(source, part))
            for number, fields, line in records(lines, self.mapping.delimiter or delimiter, source.limits, len(header)):
                if isinstance(fields, UnreadableError):
                    yield number, fields, line[: source.limits.max_line_bytes]
                else:
                    yield number, None if fields == header else dict(zip(header, fields, strict=True)), line


_TAKEN = frozenset({*IDENTITIES, *TEXTS, *NUMBERS, *FLAGS, *TIMES, c.LISTEN_DATE, c.LISTENER_ID})


def flat(item: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """The record with nested objects under names with dots."""
    fields: dict[str, Any] = {}
    for key, value in item.items():
        if isinstance(value, Mapping):
            fields |= flat(value, f"{before}{key}.")
        else:
            fields[f"{before}{key}"] = value
    return fields


def _array(source: Source) -> Iterator[Read]:
    text = Text(source)
    if text.skip_blanks() == "[":
        text.at += 1
        for ordinal, (value, error, told) in enumerate(elements(text, source.limits), 1):
            try:
                yield ordinal, error or as_object(value), told
            except UnreadableError as found:
                yield ordinal, found, str(value)


def _objects(source: Source, part: Part) -> Iterator[Read]:
    for number, line in physical_lines(source, part):
        if line.strip():
            try:
                yield number, object_of(line, source.limits), line
            except UnreadableError as error:
                yield number, error, line[: source.limits.max_line_bytes]


def _first_element(sample: Sample) -> Mapping[str, Any] | None:
    try:
        value, _ = STRICT.raw_decode(sample.text.lstrip().removeprefix("[").lstrip())
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, Mapping) else None


def _columns_of(cell: Cell) -> set[str]:
    return check(cell.expression) if cell.expression else {cell.column} if cell.column else set()


def _cell(name: str, cell: Cell, record: Mapping[str, Any]) -> Any:
    """The value for a column of the event; a text that does not fit stays, so that the event's rules name it."""
    if cell.constant is not None:
        return cell.constant
    value = compute(cell.expression, record) if cell.expression else record.get(cell.column or "")
    if value is None or value == "":
        return None
    if name in TIMES:
        value = _time(cell, value)
    elif name in NUMBERS and cell.unit:
        number = number_of(value)
        value = value if number is None else round(number * _IN_MS[cell.unit])
    elif name in FLAGS and isinstance(value, str):
        lowered = value.strip().lower()
        value = True if lowered in cell.true else False if lowered in cell.false else value
    elif name in (*TEXTS, *IDENTITIES) and isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    return value


def _time(cell: Cell, value: Any) -> Any:
    if isinstance(value, datetime):
        return value if value.tzinfo or not cell.zone else value.replace(tzinfo=ZoneInfo(cell.zone))
    if isinstance(value, date):
        return datetime.combine(value, time(), ZoneInfo(cell.zone)) if cell.zone else value
    if cell.unit:
        number = number_of(value)
        return value if number is None else epoch_milliseconds(number * _IN_MS[cell.unit]) or value
    if isinstance(value, str) and (cell.zone or cell.format):
        formats = (cell.format,) if cell.format else ()
        return clock(value, ZoneInfo(cell.zone or "UTC"), *formats) or value
    return value
