"""A folder takes the place of another in one step, which no kill can halve and no reader can see undone."""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import sys
from pathlib import Path
from typing import Any, Final

# renameat2(2): AT_FDCWD, RENAME_EXCHANGE. renamex_np(2) of macOS: RENAME_SWAP.
_HERE: Final = -100
_EXCHANGE: Final = 2
_NOT_HERE: Final = {errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP}


def put_in_place(new: Path, target: Path) -> None:
    """Put the folder where the other one is; what was there is removed.

    Both lie in one folder, and what is in `new` is on the disk before its name changes. The kernel exchanges the two
    names (`renameat2` of Linux, `renamex_np` of macOS). On a file system that cannot do so the old one steps aside
    first: there, a kill between two renames leaves it as `.NAME.old`, and the next export begins by putting it back
    (`restore`).

    Args:
        new: A folder.
        target: A folder, or nothing.

    Raises:
        OSError: Neither is possible.
    """
    _flush(new)
    if not target.exists() or not any(target.iterdir()):
        new.replace(target)
    elif _exchange(new, target):
        shutil.rmtree(new, ignore_errors=True)
    else:
        aside = _aside(target)
        shutil.rmtree(aside, ignore_errors=True)
        target.rename(aside)
        new.rename(target)
        shutil.rmtree(aside, ignore_errors=True)
    _flush_folder(target.parent)


def restore(target: Path) -> None:
    """Put back what a kill between two renames has left aside."""
    if _aside(target).exists() and not target.exists():
        _aside(target).rename(target)


def _aside(target: Path) -> Path:
    return target.with_name(f".{target.name}.old")


def _exchange(one: Path, other: Path) -> bool:
    """Whether the two names were exchanged; False where the system cannot."""
    libc: Any = ctypes.CDLL(None, use_errno=True)
    names = os.fsencode(one), os.fsencode(other)
    if sys.platform.startswith("linux") and hasattr(libc, "renameat2"):
        failed = libc.renameat2(_HERE, names[0], _HERE, names[1], ctypes.c_uint(_EXCHANGE))
    elif hasattr(libc, "renamex_np"):
        failed = libc.renamex_np(*names, ctypes.c_uint(_EXCHANGE))
    else:
        return False
    if not failed:
        return True
    code = ctypes.get_errno()
    if code in _NOT_HERE:
        return False
    raise OSError(code, os.strerror(code), str(other))


def _flush(folder: Path) -> None:
    for path in folder.iterdir():
        with path.open("rb") as file:
            os.fsync(file.fileno())
    _flush_folder(folder)


def _flush_folder(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
