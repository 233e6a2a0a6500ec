"""`python dying.py N WRITES ARGUMENTS`: the command line, whose session is killed in write N (0: in none).

An odd N means before the write (N + 1) / 2, an even one after the write N / 2. What was written is listed in WRITES.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from earshot.automation.cli import entry_point
from earshot.core.commits import DeltaLog
from earshot.core.small_tables import SmallTables
from exactly_once.processes import end_session

NAMED: list[tuple[Any, str]] = [
    *((DeltaLog, name) for name in ("add", "append", "amend", "drop_rows", "create")),
    *((SmallTables, name) for name in ("append", "overwrite")),
    *((os, name) for name in ("replace", "link", "rename")),
    (shutil, "move"),
    *((Path, name) for name in ("unlink", "write_text")),
]
"""Everything that lasts goes through one of these."""
INSIDE = threading.local()


@contextmanager
def dying_in(moment: int, writes: Path, die: Callable[[], None]) -> Iterator[None]:
    """Die before or after a write while the block runs, and list the writes; those inside others do not count."""
    originals = [(owner, name, getattr(owner, name)) for owner, name in NAMED]
    writes.write_text("")
    for owner, name, original in originals:
        setattr(owner, name, _dying(original, f"{owner.__name__}.{name}", moment, writes, die))
    try:
        yield
    finally:
        for owner, name, original in originals:
            setattr(owner, name, original)


def _dying(
    original: Callable[..., Any], name: str, moment: int, writes: Path, die: Callable[[], None]
) -> Callable[..., Any]:
    def call(*arguments: Any, **named: Any) -> Any:
        if getattr(INSIDE, "write", False) or _is_idle(name, arguments):
            return original(*arguments, **named)
        INSIDE.write = True
        try:
            number = len(writes.read_text().splitlines()) + 1
            with writes.open("a") as file:
                file.write(f"{name} {_of(arguments)}\n")
            if number * 2 - 1 == moment:
                die()
            result = original(*arguments, **named)
            if number * 2 == moment:
                die()
            return result
        finally:
            INSIDE.write = False

    return call


def _is_idle(name: str, arguments: tuple[Any, ...]) -> bool:
    """Whether it is about to make a table that is there."""
    return name == "DeltaLog.create" and Path(arguments[0].path, "_delta_log").exists()


def _of(arguments: tuple[Any, ...]) -> str:
    """The table or the file: what the first argument that tells of one says."""
    if isinstance(arguments[0], DeltaLog):
        return arguments[0].spec.name
    place = next(one for one in arguments if isinstance(one, str | Path))
    return re.sub(r"[0-9a-f]{16,}|[0-9T]+-[0-9a-f]{8}", "*", Path(place).name)


if __name__ == "__main__":
    moment, writes = int(sys.argv[1]), Path(sys.argv[2])
    sys.argv = ["earshot", *sys.argv[3:]]
    with dying_in(moment, writes, lambda: end_session(os.getsid(0), last=os.getpid())):
        entry_point()
