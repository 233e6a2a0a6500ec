"""Delta tables that stay open from one use to the next, which then applies only what was committed meanwhile.

To open a table is to replay its log: 20 to 100 ms for one of some thousand files, dozens of times in a run that adds
one day. A handle is lent to one user at a time, so that whoever has it may commit through it.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, Final

from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError

_MOST: Final = 32
"""Handles that are kept; the one that was used longest ago goes first."""


@dataclass(frozen=True, eq=False)
class _Kept:
    path: str
    table: DeltaTable
    stamp: tuple[int, ...]


_kept: deque[_Kept] = deque(maxlen=_MOST)
_lock: Final = Lock()


@contextmanager
def opened(path: str, version: int | None = None) -> Iterator[DeltaTable | None]:
    """The table for the length of a `with`, and for nobody else meanwhile; None where it was never written.

    Args:
        path: Folder or address of the table. Only of folders a handle is kept.
        version: The commit after which to see it; now without it.
    """
    table = take(path, version)
    yield table
    give_back(path, table)


def take(path: str, version: int | None = None) -> DeltaTable | None:
    """A handle of the table, for the caller alone; None where it was never written. Prefer `opened`."""
    for kept in _kept_of(path, version):
        if kept.stamp != _stamp(path, kept.table.version()):
            continue  # another table lies there now
        try:
            if version is None:
                _catch_up(path, kept.table)
        except DeltaError:
            continue
        return kept.table
    try:
        return DeltaTable(path, version=version)
    except TableNotFoundError:
        return None


def give_back(path: str, table: DeltaTable | None) -> None:
    """Keep a handle for the next user; whoever gives it back has no further use of it."""
    stamp = None if table is None or "://" in path else _stamp(path, table.version())
    if table is not None and stamp is not None:
        with _lock:
            _kept.append(_Kept(path, table, stamp))


def history_of(path: str, table: DeltaTable, limit: int | None = None) -> list[dict[str, Any]]:
    """What the commits say of themselves, newest first, each with its `version`; brings the handle up to date.

    delta-rs lists the commits that the folder has and numbers them from the handle's version on: one that came in
    between would give every entry the number of its neighbour.
    """
    while True:
        entries: list[dict[str, Any]] = table.history(limit)
        seen = table.version()
        _catch_up(path, table)
        if table.version() == seen:
            return entries


def newest_first(path: str, *, at_first: int) -> Iterator[dict[str, Any]]:
    """The commits of a table as `history_of` has them, read piece by piece: few ask for more than the last.

    Args:
        path: Of the table.
        at_first: How many the first piece has; each further one is four times as long.
    """
    told, wanted = math.inf, at_first
    while True:
        with opened(path) as table:
            entries = history_of(path, table, wanted) if table else []
        for entry in entries:
            if entry["version"] < told:
                told = entry["version"]
                yield entry
        if len(entries) < wanted:
            return
        wanted *= 4


def _catch_up(path: str, table: DeltaTable) -> None:
    """Apply what was committed since. Commits follow one another without a gap: where the next one is not, none is."""
    if "://" in path or Path(path, "_delta_log", f"{table.version() + 1:020}.json").exists():
        table.update_incremental()


def _kept_of(path: str, version: int | None) -> Iterator[_Kept]:
    """The handles of a table (at a version), the last used first; each is the caller's alone from then on."""
    while True:
        with _lock:
            found = (one for one in reversed(_kept) if one.path == path and version in (None, one.table.version()))
            kept = next(found, None)
            if kept is None:
                return
            _kept.remove(kept)
        yield kept


def _stamp(path: str, version: int) -> tuple[int, ...] | None:
    """What tells the file of a commit from any other that is ever written in its place."""
    try:
        file = Path(path, "_delta_log", f"{version:020}.json").stat()
    except OSError:
        return None
    return file.st_mtime_ns, file.st_ino, file.st_size
