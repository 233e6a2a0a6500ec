"""Structured log lines: one JSON object a line on standard error, with the run's id; nothing that a terminal obeys."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TextIO

from earshot.core.text import json_line


class StructuredLog:
    """Writes `{"at":..., "level":..., "event":..., ...}` lines.

    Args:
        stream: Where the lines go; standard error by default, looked up at every line.
        clock: Tells the time.
        **bound: Fields of every line.
    """

    def __init__(
        self, stream: TextIO | None = None, *, clock: Callable[[], datetime] | None = None, **bound: object
    ) -> None:
        self._stream = stream
        self._clock = clock or (lambda: datetime.now(UTC))
        self._bound = bound

    def bind(self, **fields: object) -> StructuredLog:
        """The same log with more fields on every line."""
        return StructuredLog(self._stream, clock=self._clock, **{**self._bound, **fields})

    def info(self, event: str, **fields: object) -> None:
        """Something happened as it should."""
        self._write("info", event, fields)

    def warning(self, event: str, **fields: object) -> None:
        """Something happened that a person may want to look at."""
        self._write("warning", event, fields)

    def error(self, event: str, **fields: object) -> None:
        """Something failed."""
        self._write("error", event, fields)

    def _write(self, level: str, event: str, fields: dict[str, object]) -> None:
        line = {"at": self._clock().isoformat(), "level": level, "event": event, **self._bound, **fields}
        print(json_line(line), file=self._stream or sys.stderr, flush=True)
