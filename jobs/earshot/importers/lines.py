"""Lines of a block of text, with their physical numbers, without a Python object a line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

_LINE_END = 2  # CR LF, or LF and a blank line
_LF, _CR, _SPACE, _ASCII = 10, 13, 32, 128
_OPEN, _CLOSE, _LIST, _ESCAPE = b"{}[\\"
_BOM = b"\xef\xbb\xbf"

Numbers = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True)
class Lines:
    """Some lines of a block.

    Attributes:
        block: The bytes.
        starts: First byte of each line.
        ends: The byte after the last of each line, without line end.
        numbers: Physical line numbers, from 1.
        count: Physical lines of the whole block, blank ones too.
    """

    block: bytes
    starts: Numbers
    ends: Numbers
    numbers: Numbers
    count: int

    def __len__(self) -> int:
        """How many lines."""
        return len(self.starts)

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        """Number and bytes of each line."""
        for number, start, end in zip(self.numbers.tolist(), self.starts.tolist(), self.ends.tolist(), strict=True):
            yield number, self.block[start:end]

    def pieces(self, size: int) -> Iterator[tuple[int, int]]:
        """First line, and the line after the last, of pieces of about so many bytes."""
        if len(self):
            cuts = np.flatnonzero(np.diff(self.starts // size)) + 1
            yield from zip([0, *cuts.tolist()], [*cuts.tolist(), len(self)], strict=True)

    def between(self, first: int, last: int) -> Lines:
        """The lines first..last-1 of these."""
        return self._picked(slice(first, last))

    def chosen(self, mask: np.ndarray[Any, Any]) -> Lines:
        """The lines for which the mask holds."""
        return self._picked(mask)

    def joined(self) -> bytes:
        """The lines as one text; neighbours are copied as one piece."""
        if not len(self):
            return b""
        gaps = np.flatnonzero(self.starts[1:] - self.ends[:-1] > _LINE_END)
        firsts, lasts = self.starts[[0, *(gaps + 1)]].tolist(), self.ends[[*gaps, -1]].tolist()
        return b"\n".join(self.block[first:last] for first, last in zip(firsts, lasts, strict=True))

    def apart(self, max_bytes: int) -> tuple[Lines, Lines]:
        """Those that look like flat JSON objects in valid UTF-8, and the others; blank lines are in neither."""
        whole = np.frombuffer(self.block, dtype=np.uint8)
        lengths = self.ends - self.starts
        first, last = whole[self.starts], whole[self.ends - 1]
        flat = (lengths <= max_bytes) & (first == _OPEN) & (last == _CLOSE)
        if self.block.count(b"{") > len(self):
            opened = np.searchsorted(self.starts, np.flatnonzero(whole == _OPEN), side="right") - 1
            flat &= np.bincount(opened[opened >= 0], minlength=len(self)) <= 1
        if b"[" in self.block:
            flat[self._lines_at(np.flatnonzero(whole == _LIST))] = False
        if b"\\u0000" in self.block:
            flat[self._lines_at(np.flatnonzero(whole == _ESCAPE))] = False
        try:
            self.block.decode("utf-8")
        except UnicodeDecodeError:
            flat[[n for n in self._lines_at(np.flatnonzero(whole >= _ASCII)) if not self._is_utf8(n)]] = False
        return self.chosen(flat), self.chosen(~flat)

    def _is_utf8(self, n: int) -> bool:
        try:
            self.block[self.starts[n] : self.ends[n]].decode("utf-8")
        except UnicodeDecodeError:
            return False
        return True

    def _lines_at(self, places: Numbers) -> Numbers:
        found = np.searchsorted(self.starts, places, side="right") - 1
        return np.unique(found[found >= 0])

    def _picked(self, which: Any) -> Lines:
        return Lines(self.block, self.starts[which], self.ends[which], self.numbers[which], self.count)


def split_lines(block: bytes, first_number: int) -> Lines:
    """The lines of a block that are not blank; LF or CR LF ends a line, a byte order mark begins none.

    Args:
        block: Whole lines; the last one may lack its line end.
        first_number: Physical number of the first line.
    """
    whole = np.frombuffer(block, dtype=np.uint8)
    feeds = np.flatnonzero(whole == _LF)
    if not len(feeds) or feeds[-1] != len(whole) - 1:
        feeds = np.append(feeds, len(whole))
    starts = np.concatenate([[0], feeds[:-1] + 1]).astype(np.int64)
    if first_number == 1 and block.startswith(_BOM):
        starts[0] = len(_BOM)
    ends = _trimmed(whole, starts, feeds.astype(np.int64))
    filled = ends > starts
    numbers = np.arange(first_number, first_number + len(feeds), dtype=np.int64)
    return Lines(block, starts[filled], ends[filled], numbers[filled], len(feeds))


def _trimmed(whole: np.ndarray[Any, Any], starts: Numbers, ends: Numbers) -> Numbers:
    """The ends without trailing carriage returns, blanks and tabs."""
    trimmed = ends.copy()
    while True:
        last = whole[np.maximum(trimmed - 1, 0)]
        blank = (trimmed > starts) & ((last == _CR) | (last == _SPACE) | (last == 9))  # noqa: PLR2004 (tab)
        if not blank.any():
            return trimmed
        trimmed[blank] -= 1
