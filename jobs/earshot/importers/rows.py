"""What importers have in common that read a file row by row."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any

from earshot.core import columns as c
from earshot.importers.faults import damaged, unreadable
from earshot.importers.objects import UnreadableError, object_of
from earshot.importers.shape import READABLE_LINE, UNREADABLE, Part, Plays, Sample, Source, plays_of
from earshot.importers.streams import DAMAGED, blocks

_BATCH = 10_000
_BATCH_CHARS = 32 * 1024 * 1024
_BOM = b"\xef\xbb\xbf"

Row = dict[str, Any]


class RowImporter(ABC):
    """A format whose rows are parsed one after the other."""

    name: str
    splits_at_lines = False

    @property
    def source(self) -> str:
        """What the plays call it; the name of the format, unless a format of the same service has another."""
        return self.name

    @abstractmethod
    def confidence(self, sample: Sample) -> float:
        """See `shape.Importer`."""

    @abstractmethod
    def rows(self, source: Source, part: Part) -> Iterator[Row]:
        """Plays with their source_line (keys of `shape.PARSED`)."""

    def again(self, item: Mapping[str, Any] | str, source: Source) -> Row:
        """See `shape.Importer`; a text that was no item stays unreadable unless the format says otherwise."""
        return unreadable(str(item), READABLE_LINE, "it cannot be read by itself")

    def read(self, source: Source, part: Part) -> Iterator[Plays]:
        """Batches of plays. What follows a damaged place is one unreadable line."""
        for batch in _batches(self._guarded(source, part)):
            yield plays_of(batch)

    def _guarded(self, source: Source, part: Part) -> Iterator[Row]:
        line = part.first_line - 1
        try:
            for row in self.rows(source, part):
                line = row[c.SOURCE_LINE]
                yield row
        except FileNotFoundError:
            raise
        except DAMAGED as error:
            yield {c.SOURCE_LINE: line + 1, **damaged(error)}


class JsonLinesImporter(RowImporter):
    """A format of one JSON object a line."""

    splits_at_lines = True

    @abstractmethod
    def play(self, item: Mapping[str, Any], source: Source) -> Row:
        """The play in one object."""

    def rows(self, source: Source, part: Part) -> Iterator[Row]:
        """The lines that are not blank."""
        for number, line in physical_lines(source, part):
            if line.strip():
                yield {c.SOURCE_LINE: number, **self._play(line, source)}

    def again(self, item: Mapping[str, Any] | str, source: Source) -> Row:
        """See `shape.Importer`."""
        if isinstance(item, str):
            return self._play(item.encode("utf-8", "surrogateescape"), source)
        return self.play(item, source)

    def _play(self, line: bytes, source: Source) -> Row:
        try:
            return self.play(object_of(line, source.limits), source)
        except UnreadableError as error:
            return unreadable(line[: source.limits.max_line_bytes], error.fault, error.why)


def _batches(rows: Iterator[Row]) -> Iterator[list[Row]]:
    """As many rows at once as their texts allow: those of faulty rows may be as long as a line."""
    batch: list[Row] = []
    chars = 0
    for row in rows:
        batch.append(row)
        chars += sum(len(row.get(name) or "") for name in (UNREADABLE, c.RAW))
        extra = row.get(c.EXTRA) or ()
        chars += sum(len(value) for _, value in (extra.items() if isinstance(extra, Mapping) else extra))
        if len(batch) >= _BATCH or chars >= _BATCH_CHARS:
            yield batch
            batch, chars = [], 0
    if batch:
        yield batch


def physical_lines(source: Source, part: Part) -> Iterator[tuple[int, bytes]]:
    """Number and bytes of each line, blank ones too, without line end and byte order mark."""
    number = part.first_line
    for block in blocks(source, part.start, part.end):
        if number == 1:
            block = block.removeprefix(_BOM)  # noqa: PLW2901 (the same block)
        lines = block.split(b"\n")
        if not lines[-1]:
            lines.pop()
        for line in lines:
            yield number, line.removesuffix(b"\r")
            number += 1


def text_of_line(line: bytes) -> str:
    """The line as text.

    Raises:
        UnreadableError: It is no UTF-8.
    """
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UnreadableError(f"no UTF-8 at byte {error.start + 1}; save the file as UTF-8") from None
