"""The elements of JSON arrays, one after the other, without the whole in memory.

A broken element is one error: reading goes on at the next object. Numbers are ordinals, from 1.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from typing import Any

from earshot.importers.objects import STRICT, UnreadableError, checked, too_deep
from earshot.importers.shape import WITHIN_LIMITS, Limits, Source
from earshot.importers.streams import open_text, pieces

_BLANKS = re.compile(r"[ \t\r\n]*")
_NEXT_OBJECT = re.compile(r"\}[ \t\r\n]*,[ \t\r\n]*(?=\{)")
_LONGEST_SIGN = 4096

Element = tuple[Any, UnreadableError | None, str]
_LENIENT = json.JSONDecoder()


class Text:
    """Content as text that is looked at through a window.

    Args:
        source: The file; bytes that are no UTF-8 become halves of surrogate pairs, which no JSON that is read may hold.
    """

    def __init__(self, source: Source) -> None:
        self.window = ""
        self.at = 0
        self._pieces = pieces(open_text(source))
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self.ended = False

    def more(self) -> bool:
        """Read on, and forget what is behind; False at the end."""
        if self.ended:
            return False
        piece = next(self._pieces, b"")
        self.ended = not piece
        self.window = self.window[self.at :] + self._decoder.decode(piece, self.ended)
        self.at = 0
        return not self.ended

    def skip_blanks(self) -> str:
        """Go to what is not blank; returns that character, nothing at the end."""
        while True:
            found = _BLANKS.match(self.window, self.at)
            self.at = found.end() if found else self.at
            if self.at < len(self.window):
                return self.window[self.at].removeprefix("\ufeff") or self._after_mark()
            if not self.more():
                return ""

    def search(self, pattern: re.Pattern[str], keep: int = _LONGEST_SIGN) -> bool:
        """Go behind the next match of a pattern (at most `keep` long); False, and at the end, if there is none."""
        while True:
            if found := pattern.search(self.window, self.at):
                self.at = found.end()
                return True
            self.at = max(self.at, len(self.window) - keep)
            if not self.more():
                self.at = len(self.window)
                return False

    def _after_mark(self) -> str:
        self.at += 1
        return self.skip_blanks()


def elements(text: Text, limits: Limits, most: int | None = None) -> Iterator[Element]:
    """The elements of the array in which the text stands (behind its bracket), up to and with its end.

    Args:
        text: What is read.
        limits: How long an element may be.
        most: Another bound of its length.

    Yields:
        Value, or why there is none and the beginning of what stands there.
    """
    longest = most or limits.max_line_bytes
    char = text.skip_blanks()
    while char != "]":
        if not char:
            yield None, UnreadableError("the file ends within the array"), ""
            return
        value, error = value_at(text, longest)
        if error is None:
            yield value, None, ""
        else:
            yield None, error, error.text
        if error and not error.passed:
            if not text.search(_NEXT_OBJECT):
                return
            char = text.skip_blanks()
            continue
        char = text.skip_blanks()
        if char == ",":
            text.at += 1
            char = text.skip_blanks()
        elif char not in {"]", ""}:
            yield None, UnreadableError("there is no comma before it"), text.window[text.at : text.at + longest]
            if not text.search(_NEXT_OBJECT):
                return
            char = text.skip_blanks()
    text.at += 1


class BrokenError(UnreadableError):
    """A value that cannot be read.

    Args:
        cause: Why.
        text: What stands there, cut.
        passed: Whether reading can go on behind it.
    """

    def __init__(self, cause: UnreadableError, text: str, *, passed: bool) -> None:
        super().__init__(cause.why, cause.fault)
        self.text, self.passed = text, passed


def value_at(text: Text, longest: int) -> tuple[Any, BrokenError | None]:
    """The value that begins where the text stands, which then stands behind it; or why there is none."""
    while True:
        begin, window = text.at, text.window
        try:
            value, end = STRICT.raw_decode(window, begin)
            if end < len(window) or text.ended or isinstance(value, dict | list | str):
                return _passed(text, value, end, longest)
            error = UnreadableError("no JSON")
        except json.JSONDecodeError as failed:
            error = UnreadableError(f"no JSON: {failed.msg} at character {failed.pos - begin + 1} of it")
        except RecursionError:
            error = too_deep()
        except UnreadableError as failed:
            error = failed
        except ValueError as failed:
            error = UnreadableError(f"no JSON: {str(failed)[:60]}")
        if text.ended or len(window) - begin > longest:
            return None, _broken(text, error, longest)
        text.more()


def _passed(text: Text, value: Any, end: int, longest: int) -> tuple[Any, BrokenError | None]:
    begin, text.at = text.at, end
    told = text.window[begin:end]
    if len(told) > longest:
        error = UnreadableError(f"it is longer than {longest:,} characters", WITHIN_LIMITS)
        return None, BrokenError(error, told[:longest], passed=True)
    try:
        return checked(value, told), None
    except UnreadableError as error:
        return None, BrokenError(error, told, passed=True)


def _broken(text: Text, error: UnreadableError, longest: int) -> BrokenError:
    """Behind what is JSON to more lenient readers reading goes on as if nothing had happened."""
    begin = text.at
    try:
        _, text.at = _LENIENT.raw_decode(text.window, begin)
    except (ValueError, RecursionError):
        if not text.ended and "Unterminated" in error.why:
            error = UnreadableError(f"it is longer than {longest:,} characters, or has no end", WITHIN_LIMITS)
        return BrokenError(error, text.window[begin : begin + longest], passed=False)
    return BrokenError(error, text.window[begin : min(text.at, begin + longest)], passed=True)
