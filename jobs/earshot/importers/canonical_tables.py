"""The canonical play event as CSV and as Parquet: columns are the keys of the event, unknown ones go to `extra`."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from earshot.core import columns as c
from earshot.importers.delimited import HeaderedImporter, header_of
from earshot.importers.events import play_of
from earshot.importers.faults import unreadable
from earshot.importers.parquet_rows import parquet_rows
from earshot.importers.rows import Row, RowImporter
from earshot.importers.shape import FLAGS, LISTENER, NUMBERS, READABLE_LINE, TIMES, Part, Sample, Source

SOURCE = "canonical"

_TRUTH = {"true": True, "false": False, "1": True, "0": False}


class CanonicalCsv(HeaderedImporter):
    """Events as delimited text."""

    name = "canonical_csv"

    @property
    def source(self) -> str:
        """They are the same events."""
        return SOURCE

    def confidence(self, sample: Sample) -> float:
        """By the header."""
        return _confidence(header_of(sample))

    def play(self, item: Mapping[str, Any], source: Source) -> Row:
        """The play in one record."""
        return play_of(typed_event(item), source.limits)


class CanonicalParquet(RowImporter):
    """Events as Parquet."""

    name = "canonical_parquet"

    @property
    def source(self) -> str:
        """They are the same events."""
        return SOURCE

    def confidence(self, sample: Sample) -> float:
        """By the columns."""
        return _confidence(sample.columns)

    def rows(self, source: Source, part: Part) -> Iterator[Row]:
        """The rows."""
        for row, event in parquet_rows(source):
            yield {c.SOURCE_LINE: row, **play_of(unpacked(event), source.limits)}

    def again(self, item: Mapping[str, Any] | str, source: Source) -> Row:
        """See `shape.Importer`."""
        if isinstance(item, str):
            return unreadable(item, READABLE_LINE, "it cannot be read by itself")
        return play_of(item, source.limits)


def typed_event(item: Mapping[str, Any]) -> dict[str, Any]:
    """The event in a record of texts: numbers, flags and epoch times typed, empty texts left out.

    A text that is none of what its column wants stays a text, so that the event's own rules name it.
    """
    return {name: _typed(name, value) for name, value in item.items() if value != ""}


def unpacked(event: Mapping[str, Any]) -> dict[str, Any]:
    """An event whose map `extra`, if it has one, is taken apart."""
    more = event.get(c.EXTRA)
    if isinstance(more, list):
        more = dict(pair for pair in more if isinstance(pair, tuple))
    if not isinstance(more, Mapping):
        return dict(event)
    return {**more, **{name: value for name, value in event.items() if name != c.EXTRA}}


def whole_or_text(text: str) -> int | str:
    """The whole number in a text, or the text."""
    trimmed = text.strip()
    plain = trimmed.removeprefix("-").removesuffix(".0")
    digits = plain.isascii() and plain.isdigit() and len(plain) < _INT_DIGITS
    return int(trimmed.removesuffix(".0")) if digits else text


_INT_DIGITS = 20


def _typed(name: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if name in NUMBERS or name in TIMES:
        return whole_or_text(value)
    return _TRUTH.get(value.strip().lower(), value) if name in FLAGS else value


def _confidence(names: Collection[str]) -> float:
    """By the columns; a listener and a time must be among them."""
    known = set(names)
    parts = [
        LISTENER in known,
        bool(known & set(TIMES)),
        c.PLAYED_MS in known,
        bool(known & {c.TRACK_ID, c.TRACK_TITLE}),
    ]
    return sum(parts) / len(parts) if all(parts[:2]) else 0.1 * sum(parts)
