"""Loaded by every Python of a run whose PYTHONPATH names this folder: lets one call of the file system fail.

FAULT_OF_THE_DISK is `N ERRNO HOME COUNTER`: the N-th call, of the driver and its tasks together, that would change a
file below HOME raises OSError(ERRNO); N may also be the name of a call or, with a slash in it, a part of a file's path,
and means the first of them. Calls are counted in the file COUNTER, a byte a call; COUNTER.met tells which one failed.
"""

from __future__ import annotations

import builtins
import io
import os
import shutil
from collections.abc import Callable
from typing import Any

import deltalake
import deltalake.table
import pyarrow.parquet as pq

import earshot.core.commits
import earshot.core.small_tables

_MOMENT, _ERRNO, _HOME, _COUNTER = os.environ["FAULT_OF_THE_DISK"].split(" ")
_OPEN = os.open


def _fails(place: object, what: str) -> None:
    """Count a call on a place below HOME; it may be the one that fails."""
    text = str(os.fspath(place)).removeprefix("file://") if isinstance(place, str | os.PathLike) else ""
    if not text.startswith(_HOME + "/"):
        return
    handle = _OPEN(_COUNTER, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(handle, b".")
    number = os.lseek(handle, 0, os.SEEK_CUR)
    os.close(handle)
    is_it = _MOMENT in text if "/" in _MOMENT else _MOMENT in {str(number), what}
    if is_it and not os.path.exists(_COUNTER + ".met"):
        with _fdopen(_OPEN(_COUNTER + ".met", os.O_WRONLY | os.O_CREAT)) as met:
            met.write(f"{what} {text}")
        raise OSError(int(_ERRNO), os.strerror(int(_ERRNO)), text)


def _fdopen(handle: int) -> Any:
    return io.TextIOWrapper(io.BufferedWriter(io.FileIO(handle, "w")))


def _failing(owner: Any, name: str, place: Callable[..., object], what: str = "") -> None:
    original = getattr(owner, name)

    def call(*arguments: Any, **named: Any) -> Any:
        _fails(place(*arguments, **named), what or name)
        return original(*arguments, **named)

    setattr(owner, name, call)


def _written(path: Any, mode: Any = "r", *_: Any, **__: Any) -> object:
    return path if isinstance(mode, str) and set(mode) & set("wax+") else None


def _created(path: Any, flags: int, *_: Any, **__: Any) -> object:
    return path if flags & (os.O_WRONLY | os.O_RDWR) else None


def _first(path: Any, *_: Any, **__: Any) -> object:
    return path


def _second(_: Any, path: Any, *__: Any, **___: Any) -> object:
    return path


for _name in ("replace", "rename", "link"):
    _failing(os, _name, _second)
_failing(os, "unlink", _first)
_failing(os, "mkdir", lambda path, *_, **__: None if os.path.isdir(path) else path)
_failing(os, "open", _created)
_failing(builtins, "open", _written)
_failing(io, "open", _written)
_failing(shutil, "move", _second)
_failing(pq, "write_table", _second)
_failing(pq.ParquetWriter, "__init__", _second, "ParquetWriter")
_failing(pq.ParquetWriter, "write_table", lambda writer, *_, **__: writer.where, "ParquetWriter.write_table")
_failing(pq.ParquetWriter, "close", lambda writer, *_, **__: writer.where, "ParquetWriter.close")
# delta-rs writes in Rust: its calls fail before they begin.
for _module in (earshot.core.commits, earshot.core.small_tables):
    _failing(_module, "write_deltalake", lambda table, *_, **__: getattr(table, "table_uri", table))
for _name in ("create_write_transaction", "merge", "delete"):
    _failing(deltalake.DeltaTable, _name, lambda table, *_, **__: table.table_uri)
