"""Which columns the files of a source have, seen in the pass that writes them: the ground for schema drift."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypedDict

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from earshot.core import columns as c

FILE_ROWS: Final = 100
"""A file of fewer lines says little of what its source has."""
EXTRA: Final = "extra."
WATCHED: Final = (
    *(c.TRACK_ID, c.TRACK_TITLE, c.ARTIST_ID, c.ARTIST_NAME, c.ALBUM_TITLE, c.ISRC, c.RECORDING_MBID),
    *(c.PLAYED_MS, c.DURATION_MS, c.COUNTRY, c.TIME_ZONE, c.DEVICE, c.PLATFORM, c.APP_VERSION, c.TIER, c.CONTEXT),
    *(c.REASON_START, c.REASON_END, c.SKIPPED, c.SHUFFLE, c.OFFLINE, c.STARTUP_MS, c.REBUFFER_COUNT),
    *(c.REBUFFER_MS, c.BITRATE_KBPS, c.BITRATE_SWITCHES, c.START_FAILED, c.CDN, c.DEVICE_TOKEN, c.NETWORK_TOKEN),
)

_COMPUTED: Final = frozenset({c.TRACK_ID, c.ARTIST_ID})
_HASH: Final = "h:"
_MOST_EXTRA, _LONGEST_KEY, _MOST_NAMED = 200, 100, 3


class SeenOfSource(TypedDict):
    """What was seen of a source.

    Attributes:
        rows: Lines.
        columns: Lines that have the column.
        files: Files of at least 100 lines.
        files_with: How many of them have the column.
        named: The first of them, by name.
    """

    rows: int
    columns: dict[str, int]
    files: int
    files_with: dict[str, int]
    named: list[str]


@dataclass(frozen=True)
class SeenColumns:
    """Columns of a part of the lines; one of `core.partial_figures`.

    Attributes:
        lines: By source and file, lines.
        having: By source and file, lines that have each column.
    """

    lines: Mapping[tuple[str, str], int] = field(default_factory=dict)
    having: Mapping[tuple[str, str], Mapping[str, int]] = field(default_factory=dict)

    def __add__(self, other: SeenColumns) -> SeenColumns:
        """Of both parts."""
        having = dict(self.having)
        for file, columns in other.having.items():
            having[file] = dict(Counter(having[file]) + Counter(columns)) if file in having else columns
        return SeenColumns(dict(Counter(self.lines) + Counter(other.lines)), having)

    @property
    def value(self) -> dict[str, SeenOfSource]:
        """By source."""
        found: dict[str, SeenOfSource] = {}
        for (source, file), lines in sorted(self.lines.items()):
            nothing = SeenOfSource(rows=0, columns={}, files=0, files_with={}, named=[])
            seen, columns = found.setdefault(source, nothing), self.having[source, file]
            seen["rows"] += lines
            seen["columns"] = dict(Counter(seen["columns"]) + Counter(columns))
            if lines >= FILE_ROWS:
                seen["files"] += 1
                seen["files_with"] = dict(Counter(seen["files_with"]) + Counter(dict.fromkeys(columns, 1)))
                seen["named"] = [*seen["named"], file][:_MOST_NAMED]
        for seen in found.values():
            seen["columns"] = _bounded(seen["columns"])
            seen["files_with"] = {name: n for name, n in seen["files_with"].items() if name in seen["columns"]}
        return found

    @classmethod
    def of(cls, lines: pa.Table) -> SeenColumns:
        """Of canonical lines, those of a file beside one another."""
        total = cls()
        for source, file, first, last in _runs(lines):
            rows = lines.slice(first, last - first)
            total += cls({(source, file): rows.num_rows}, {(source, file): dict(_having(rows))})
        return total


def _runs(lines: pa.Table) -> Iterator[tuple[str, str, int, int]]:
    files = pc.run_end_encode(lines[c.SOURCE_FILE].combine_chunks()) if lines.num_rows else None
    first = 0
    for chunk in files.chunks if isinstance(files, pa.ChunkedArray) else [files] if files is not None else []:
        for end, file in zip(chunk.run_ends.to_pylist(), chunk.values.to_pylist(), strict=True):
            yield str(lines[c.SOURCE][first].as_py()), str(file), first, end
            first = end


def _having(rows: pa.Table) -> Iterator[tuple[str, int]]:
    for name in WATCHED:
        column = rows[name]
        count = len(column) - column.null_count
        if name in _COMPUTED and count:
            count -= pc.sum(pc.starts_with(column, _HASH)).as_py() or 0
        if count:
            yield name, count
    extra = rows[c.EXTRA].combine_chunks()
    if extra.null_count < len(extra):
        keys = pc.value_counts(extra.keys.slice(*_span(extra)))
        for found in keys.to_pylist():
            yield EXTRA + found["values"][:_LONGEST_KEY], found["counts"]


def _span(extra: pa.MapArray) -> tuple[int, int]:
    offsets = np.asarray(extra.offsets)
    return int(offsets[0]), int(offsets[-1] - offsets[0])


def _bounded(columns: dict[str, int]) -> dict[str, int]:
    """At most two hundred keys beside the columns of plays, the frequent ones."""
    extra = Counter({name: n for name, n in columns.items() if name.startswith(EXTRA)})
    kept = dict(sorted(extra.items(), key=lambda key: (-key[1], key[0]))[:_MOST_EXTRA])
    return {name: n for name, n in columns.items() if not name.startswith(EXTRA)} | kept


def lost_columns(
    seen: Mapping[str, Any], always: Mapping[str, list[str]], *, min_rows: int
) -> list[dict[str, str | list[str]]]:
    """Columns that all earlier files of a source had, and no line of these has.

    Args:
        seen: By source, `SeenOfSource`.
        always: By source, columns that all earlier files had.
        min_rows: Sources of fewer lines are not judged.

    Returns:
        source, column and the first files.
    """
    return [
        {"source": source, "column": column, "files": list(seen[source]["named"])}
        for source, columns in sorted(always.items())
        if source in seen and seen[source]["rows"] >= min_rows
        for column in columns
        if not seen[source]["columns"].get(column)
    ]
