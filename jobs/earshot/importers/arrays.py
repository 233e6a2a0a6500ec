"""What importers have in common that read JSON arrays, each element under its ordinal."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any

from earshot.core import columns as c
from earshot.importers.elements import Text, elements
from earshot.importers.faults import unreadable
from earshot.importers.objects import UnreadableError, as_object, value_of
from earshot.importers.rows import Row, RowImporter
from earshot.importers.shape import READABLE_LINE, Part, Source


class JsonArrayImporter(RowImporter):
    """A format of one array of objects."""

    @abstractmethod
    def play(self, item: Mapping[str, Any], source: Source) -> Row:
        """The play in one object."""

    def rows(self, source: Source, part: Part) -> Iterator[Row]:
        """The elements; what follows the array is one more."""
        text = Text(source)
        ordinal = 0
        if text.skip_blanks() == "[":
            text.at += 1
            for ordinal, (value, error, told) in enumerate(elements(text, source.limits), 1):
                yield {c.SOURCE_LINE: ordinal, **self._row(value, error, told, source)}
        if text.skip_blanks():
            rest = text.window[text.at : text.at + source.limits.max_line_bytes]
            yield {c.SOURCE_LINE: ordinal + 1, **unreadable(rest, READABLE_LINE, "it stands behind the array's end")}

    def again(self, item: Mapping[str, Any] | str, source: Source) -> Row:
        """See `shape.Importer`."""
        if not isinstance(item, str):
            return self.play(item, source)
        try:
            return self._row(value_of(item), None, item, source)
        except UnreadableError as error:
            return unreadable(item, error.fault, error.why)

    def _row(self, value: Any, error: UnreadableError | None, told: str, source: Source) -> Row:
        try:
            if error:
                raise error
            return self.play(as_object(value), source)
        except UnreadableError as found:
            return unreadable(told or str(value), found.fault, found.why)
