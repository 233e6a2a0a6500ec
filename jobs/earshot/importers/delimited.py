"""Delimited text (CSV, TSV): records under their physical lines, and what importers of it have in common."""

from __future__ import annotations

import csv
import io
import itertools
from abc import abstractmethod
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from earshot.core import columns as c
from earshot.importers.faults import unreadable
from earshot.importers.objects import UnreadableError
from earshot.importers.rows import Row, RowImporter, physical_lines, text_of_line
from earshot.importers.shape import WITHIN_LIMITS, Limits, Part, Sample, Source

DELIMITERS = (",", ";", "\t", "|")
HEADER = "header"

_RECORD_LINES = 50

Record = tuple[int, list[str] | UnreadableError, bytes]
Lines = Iterator[tuple[int, bytes]]


class HeaderedImporter(RowImporter):
    """Delimited text whose first line names the fields."""

    @abstractmethod
    def play(self, item: Mapping[str, str], source: Source) -> Row:
        """The play in one record, by the names of the header."""

    def rows(self, source: Source, part: Part) -> Iterator[Row]:
        """The records; a header that is repeated is filtered."""
        header, delimiter, lines = header_and_lines(physical_lines(source, part))
        for number, fields, line in records(lines, delimiter, source.limits, len(header)):
            yield {c.SOURCE_LINE: number, **self._row(header, fields, line, source)}

    def again(self, item: Mapping[str, Any] | str, source: Source) -> Row:
        """See `shape.Importer`."""
        return super().again(item, source) if isinstance(item, str) else self.play(item, source)

    def _row(self, header: list[str], fields: list[str] | UnreadableError, line: bytes, source: Source) -> Row:
        if isinstance(fields, UnreadableError):
            return unreadable(line[: source.limits.max_line_bytes], fields.fault, fields.why)
        if fields == header:
            return {c.FILTERED_REASON: HEADER}
        return self.play(dict(zip(header, fields, strict=True)), source)


def header_of(sample: Sample) -> list[str]:
    """The names in the first line; none where it does not look like a header."""
    line = next(iter(sample.lines), "").rstrip("\r")
    return [] if line.lstrip().startswith(("{", "[")) else _named(line)[0]


def header_and_lines(lines: Lines) -> tuple[list[str], str, Lines]:
    """The header, its delimiter, and the lines after it."""
    for _, line in lines:
        if line.strip():
            header, delimiter = _named(line.decode("utf-8", "replace"))
            return header, delimiter, lines
    return [], DELIMITERS[0], lines


def delimiter_of(line: str) -> str:
    """The delimiter that cuts a line into most fields."""
    return max(DELIMITERS, key=lambda delimiter: len(_cells(line, delimiter)))


def records(
    lines: Iterable[tuple[int, bytes]], delimiter: str, limits: Limits, width: int | None = None
) -> Iterator[Record]:
    """Records of delimited text, each under the number of its first physical line.

    A quoted field may go over several lines (RFC 4180). Where its closing quote does not come within a few lines, or
    what then comes has not the right number of fields, the first line alone is bad: a line that was cut in two does
    not swallow those after it.

    Args:
        lines: From `physical_lines`.
        delimiter: One character.
        limits: How long a line may be.
        width: How many fields a record has, if that is known.

    Yields:
        Number, fields (or why there are none), bytes. Blank lines are left out.
    """
    coming: Lines = iter(lines)
    ahead: deque[tuple[int, bytes]] = deque()
    while (first := ahead.popleft() if ahead else next(coming, None)) is not None:
        number, line = first
        if not line.strip():
            continue
        fields = _fields(line, delimiter, limits)
        if fields is None:
            ahead.extend(itertools.islice(coming, _RECORD_LINES - len(ahead)))
            fields, taken = _closed(line, ahead, delimiter, limits, width)
            line = b"\n".join([line, *(ahead.popleft()[1] for _ in range(taken))])
        elif isinstance(fields, list) and width is not None and len(fields) != width:
            fields = UnreadableError(f"it has {len(fields)} fields, not {width}")
        yield number, fields, line


def _closed(
    line: bytes, following: Collection[tuple[int, bytes]], delimiter: str, limits: Limits, width: int | None
) -> tuple[list[str] | UnreadableError, int]:
    """The fields of a record that goes over several lines, and how many of those that follow belong to it."""
    text = line
    for taken, (_, more) in enumerate(following, 1):
        text += b"\n" + more
        fields = _fields(text, delimiter, limits)
        if isinstance(fields, list) and (width is None or len(fields) == width):
            return fields, taken
        if fields is not None:
            break
    return UnreadableError("a quoted field has no end"), 0


def _fields(line: bytes, delimiter: str, limits: Limits) -> list[str] | UnreadableError | None:
    """The fields of a record; None where a quoted one has no end yet."""
    if len(line) > limits.max_line_bytes:
        return UnreadableError(f"the line is longer than {limits.max_line_bytes:,} bytes", WITHIN_LIMITS)
    try:
        text = text_of_line(line)
    except UnreadableError as error:
        return error
    if '"' not in text:
        return text.split(delimiter)
    try:
        return next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        return None if "unexpected end" in str(error) else UnreadableError(f"no CSV: {error}")


def _named(line: str) -> tuple[list[str], str]:
    line = line.removeprefix("\ufeff")
    delimiter = delimiter_of(line)
    seen: dict[str, int] = {}
    names = []
    for place, cell in enumerate(_cells(line, delimiter), 1):
        name = cell.strip() or f"column_{place}"
        seen[name] = seen.get(name, 0) + 1
        names.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return names, delimiter


def _cells(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return line.split(delimiter)
