"""When a detector learns anew: after each so many rows, from the rows before, for the rows that follow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

_FIRST: Final = 128
_GROWTH: Final = 1.5


def checkpoints(rows: int, first: int = _FIRST) -> Iterator[tuple[int, int]]:
    """Begin and end of the stretches between learnings; each learns from all rows before its begin."""
    begin = first
    while begin < rows:
        end = int(begin * _GROWTH)
        yield begin, min(end, rows)
        begin = end
