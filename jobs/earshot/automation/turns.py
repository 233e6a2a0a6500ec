"""Runs that write the same tables of one HOME take turns.

A turn is a lock (flock) on a file in HOME/turns. The kernel frees it when its holder ends, however it ends: a run
that was killed holds nobody up.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from earshot.core.errors import TableError
from earshot.core.logs import StructuredLog

_NAP_S = 0.2


class Turns:
    """The turns of one HOME.

    Args:
        folder: HOME/turns.
        wait_s: How long a run waits for another one to end.
    """

    def __init__(self, folder: Path, wait_s: float) -> None:
        self._folder = folder
        self._wait_s = wait_s

    @contextmanager
    def turn(self, name: str, holder: Mapping[str, str], log: StructuredLog) -> Iterator[None]:
        """Have the turn while the block runs; wait for it, and say so.

        Args:
            name: What is held: runs of the same name come one after the other.
            holder: Run and job, for those who wait.
            log: Told when the run has to wait.

        Raises:
            TableError: It was not free in time.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / name
        with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o644), "r+", encoding="utf-8") as file:
            if not _taken(file.fileno()):
                self._wait(file.fileno(), path, log)
            since = datetime.now(UTC).isoformat(timespec="seconds")
            told = {**holder, "pid": os.getpid(), "host": socket.gethostname(), "since": since}
            _say(file, json.dumps(told))
            try:
                yield
            finally:
                _say(file, "")

    def _wait(self, handle: int, path: Path, log: StructuredLog) -> None:
        began = time.monotonic()
        log.info("waits for its turn", held_by=_holder(path), at_most_s=self._wait_s)
        while not _taken(handle):
            if time.monotonic() - began >= self._wait_s:
                raise TableError(
                    f"Another run is still writing after {self._wait_s:g} s: {_holder(path)}.",
                    where=str(path),
                    remedy="Let it end, or end that process: its turn is free as soon as it is gone. Then run again; "
                    "maintenance.turn_wait_s says how long a run waits.",
                )
            time.sleep(_NAP_S)
        log.info("has its turn", waited_s=round(time.monotonic() - began, 1))


def _say(file: TextIO, text: str) -> None:
    file.seek(0)
    file.truncate()
    file.write(text)
    file.flush()


def _taken(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in {errno.EAGAIN, errno.EACCES}:
            raise
        return False
    return True


def _holder(path: Path) -> str:
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
        return f"{held['job']} of run {held['run_id']} (process {held['pid']} on {held['host']}, since {held['since']})"
    except (OSError, ValueError, KeyError):
        return "a run that has just begun"
