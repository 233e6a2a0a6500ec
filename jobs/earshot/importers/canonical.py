"""The canonical play event, one JSON object a line.

Lines that look like flat objects are parsed block by block by Arrow; where it stumbles over one, and for
all other lines, `events` parses that line alone. So a bad line spoils only itself. Both ways give the same play.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from earshot.core import columns as c
from earshot.importers.events import FIRST_MS, KNOWN, TEXT_KEYS, event_of, play_of
from earshot.importers.extras import map_of_texts
from earshot.importers.faults import damaged
from earshot.importers.flat_json import FlatJson
from earshot.importers.lines import Lines, split_lines
from earshot.importers.shape import (
    FLAGS,
    NUMBERS,
    SMALL_NUMBERS,
    TIME,
    TIMES,
    Limits,
    Part,
    Plays,
    Sample,
    Source,
    plays_of,
)
from earshot.importers.streams import DAMAGED, blocks

_KEYS = ('"listener"', '"played_ms"', '"started_at"', '"ended_at"', '"track_id"', '"track_title"')
_FEWEST_KEYS = 2
_FEW = 16  # lines of a block that cost less one by one than Arrow's parser does to begin
_EXACT = 2.0**53
_LATEST_MS = 253_402_300_800_000.0
_DATE = r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])"
_ZONED = rf"^{_DATE}[T ]([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{{1,6}})?)?(Z|[+-]([01]\d|2[0-3]):?[0-5]\d)$"
_SLOW_ROWS = 5_000


class Canonical:
    """JSON lines of our own event."""

    name = source = "canonical"
    splits_at_lines = True

    def confidence(self, sample: Sample) -> float:
        """By the keys of the first lines; malformed lines among them do not count. An array is near it only."""
        objects = [line for line in sample.lines if line.lstrip().startswith("{")]
        known = [line for line in objects if sum(key in line for key in _KEYS) >= _FEWEST_KEYS]
        if not objects:
            is_array = sample.text.lstrip().startswith("[")
            return 0.3 if is_array and sum(key in sample.text for key in _KEYS) >= _FEWEST_KEYS else 0.0
        return 0.5 + 0.5 * len(known) / len(objects) if known else 0.2

    def read(self, source: Source, part: Part) -> Iterator[Plays]:
        """The plays of a part. What follows a damaged place is one unreadable line."""
        parser = _Parser(source.limits)
        line = part.first_line
        try:
            for block in blocks(source, part.start, part.end):
                lines = split_lines(block, line)
                line += lines.count
                yield from parser.plays(lines)
        except FileNotFoundError:
            raise
        except DAMAGED as error:
            parser.slow.append({c.SOURCE_LINE: line, **damaged(error)})
        yield from parser.rest()

    def again(self, item: Mapping[str, Any] | str, source: Source) -> dict[str, Any]:
        """The play in an event, or in a line that could not be read."""
        if isinstance(item, str):
            return event_of(item.encode("utf-8", "surrogateescape"), source.limits)
        return play_of(item, source.limits)


class _Parser:
    """Parses blocks of lines; keeps what the slow way found until there is enough for a batch."""

    def __init__(self, limits: Limits) -> None:
        self.slow: list[dict[str, Any]] = []
        self._limits = limits
        self._flat = FlatJson()

    def plays(self, lines: Lines) -> Iterator[Plays]:
        fast, exact = lines.apart(self._limits.max_line_bytes)
        self._take(exact)
        if len(fast) < _FEW:
            self._take(fast)
        else:
            table, done = self._flat.parsed(fast)
            self._take(fast.chosen(~done))
            if table.num_rows:
                yield self._checked(table, fast.chosen(done))
        if len(self.slow) >= _SLOW_ROWS:
            yield from self.rest()

    def rest(self) -> Iterator[Plays]:
        if self.slow:
            yield plays_of(self.slow)
            self.slow = []

    def _take(self, lines: Lines) -> None:
        self.slow += [{c.SOURCE_LINE: number, **event_of(text, self._limits)} for number, text in lines]

    def _checked(self, table: pa.Table, lines: Lines) -> Plays:
        """The columns; rows with a value that only the slow way can judge are left to it."""
        columns = {name: _whole_column(table[name]) for name in table.column_names}
        extra = [name for name in columns if name not in KNOWN]
        odd = np.zeros(len(lines), dtype=bool)
        plays: dict[str, pa.Array] = {}
        for name in (*TEXT_KEYS, *extra):
            odd |= _longer(columns[name], self._limits.max_text_chars)
            plays[name] = columns[name]
        for name in NUMBERS:
            plays[name], wrong = _whole_numbers(columns[name], 2.0**31 if name in SMALL_NUMBERS else _EXACT)
            odd |= wrong
        for name in TIMES:
            plays[name], wrong = _times(columns[name])
            odd |= wrong
        odd |= _mask(plays[c.PLAYED_MS].is_null())
        odd |= _mask(plays[c.STARTED_AT].is_null()) & _mask(plays[c.ENDED_AT].is_null())
        odd |= _absent(plays[c.TRACK_ID]) & (_absent(plays[c.TRACK_TITLE]) | _absent(plays[c.ARTIST_NAME]))
        plays |= {name: columns[name] for name in FLAGS}
        texts = {name: plays.pop(name) for name in extra}
        if len(texts) > self._limits.max_extra_keys:
            odd[:] = True
        plays[c.EXTRA] = map_of_texts(texts, len(lines))
        plays[c.SOURCE_LINE] = pa.array(lines.numbers)
        if odd.any():
            self._take(lines.chosen(odd))
            kept = pa.array(~odd)
            plays = {name: column.filter(kept) for name, column in plays.items()}
        return plays


def _whole_column(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(column.chunks)


def _mask(column: pa.Array) -> np.ndarray[Any, Any]:
    found: np.ndarray[Any, Any] = pc.fill_null(column, False).to_numpy(zero_copy_only=False)
    return found


def _absent(column: pa.Array) -> np.ndarray[Any, Any]:
    return ~_mask(pc.match_substring_regex(column, r"\S"))


def _longer(column: pa.Array, limit: int) -> np.ndarray[Any, Any]:
    longest = pc.max(pc.binary_length(column)).as_py()
    if longest is None or longest <= limit:
        return np.zeros(len(column), dtype=bool)
    return _mask(pc.greater(pc.utf8_length(column), limit))


def _whole_numbers(column: pa.Array, limit: float) -> tuple[pa.Array, np.ndarray[Any, Any]]:
    if column.null_count == len(column):
        return pa.nulls(len(column), pa.int64()), np.zeros(len(column), dtype=bool)
    values = column.to_numpy(zero_copy_only=False)
    present = ~_mask(pc.is_null(column))
    good = present & (np.abs(values) < limit) & (np.floor(values) == values)
    wrong = present & ~good
    return pa.array(np.where(good, values, 0).astype(np.int64), mask=~good), wrong


def _times(column: pa.Array) -> tuple[pa.Array, np.ndarray[Any, Any]]:
    nothing = np.zeros(len(column), dtype=bool)
    if not pa.types.is_string(column.type):
        milliseconds, wrong = _whole_numbers(column, _LATEST_MS)
        early = _mask(pc.less(milliseconds, FIRST_MS))
        milliseconds, wrong = pc.if_else(pa.array(early), None, milliseconds), wrong | early
        return pc.multiply(milliseconds, 1000).cast(TIME), wrong
    try:
        return column.cast(TIME), nothing
    except pa.ArrowInvalid:
        wrong = _mask(pc.invert(pc.match_substring_regex(column, _ZONED)))
    try:
        return pc.if_else(pa.array(wrong), pa.scalar(None, pa.string()), column).cast(TIME), wrong
    except pa.ArrowInvalid:
        return pa.nulls(len(column), TIME), _mask(column.is_valid())
