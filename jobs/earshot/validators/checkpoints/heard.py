"""What Great Expectations says of an action in its log: kept for the reason of a failure, off the log of the run.

It may repeat the address of a webhook, which is a secret, or hold a trace. Several actions say nowhere else why nobody
took their message, and the site builder not at all that a page could not be written.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_ACTIONS: Final = logging.getLogger("great_expectations.checkpoint.actions")
_PAGES: Final = logging.getLogger("great_expectations.render.renderer.site_builder")
_TRACE = re.compile(r'(\w+: "[^\n]*?")\.\s+Traceback: ')


class Heard(logging.Handler):
    """Keeps the last warning of each thread: of actions always, for one that was left behind may speak any time."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._said: dict[str, str] = {}
        _ACTIONS.addHandler(self)
        _ACTIONS.propagate = False

    @contextmanager
    def of_pages(self) -> Iterator[None]:
        """Keep what is said of pages, too, while the block runs."""
        self.taken()
        _PAGES.addHandler(self)
        _PAGES.propagate = False
        try:
            yield
        finally:
            _PAGES.propagate = True
            _PAGES.removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep what was said; of an error with its trace, the error."""
        said = record.getMessage()
        traced = _TRACE.search(said)
        self._said[str(record.threadName)] = traced[1] if traced else said

    def taken(self, thread: str | None = None) -> str:
        """What the thread said last, once; empty where it said nothing.

        Args:
            thread: Its name; by default this one.
        """
        return self._said.pop(thread or threading.current_thread().name, "")


HEARD = Heard()
