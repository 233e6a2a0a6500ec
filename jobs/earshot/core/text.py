"""Text of unknown origin, made harmless for where it is shown."""

from __future__ import annotations

import json
from typing import Any, Final

FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What a cell begins with that a spreadsheet may run."""


def one_line(text: str, most: int | None = None) -> str:
    """The text without control characters, escapes of terminals, line ends and marks of direction; at most so long."""
    return "".join(char if char.isprintable() else "\ufffd" for char in text[:most])


def guarded(text: str) -> str:
    """The text as a cell that no spreadsheet runs as a formula.

    A text that begins with one of = + - @, their full-width forms, tab or a line end is preceded by an apostrophe, as
    OWASP's page on CSV injection advises.
    """
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def json_line(value: Any) -> str:
    """JSON on one line, in which what cannot be printed (also halves of surrogate pairs) stands as an escape."""
    line = json.dumps(value, default=str, ensure_ascii=False)
    if line.isprintable():
        return line
    return "".join(char if char.isprintable() else json.dumps(char)[1:-1] for char in line)
