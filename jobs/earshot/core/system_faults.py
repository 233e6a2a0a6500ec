"""Faults of disks and file systems, wherever they were met: in this process, a Spark task, the JVM, or delta-rs.

Only Python's own OSError carries the number of the fault and the file. Of the others there is a text, in which both
stand: `[Errno 28] No space left on device: '/x'`, `Unable to open file /x: ... (os error 30)`.
"""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path

from earshot.core.errors import DependencyError

_AGAIN = "Then run the same command again: nothing is lost, and nothing is done twice."
_REMEDIES = {
    errno.ENOSPC: "Free space on that disk (`earshot doctor` shows how much is left).",
    errno.EDQUOT: "Free space, or have the quota raised.",
    errno.EIO: "The disk does not answer as it should: check it and its cables (`dmesg`).",
    errno.EROFS: "Mount it for writing: after a fault of the disk, systems mount it read-only (`dmesg`).",
    errno.EACCES: "Give the user that runs Earshot the right to write there.",
    errno.EPERM: "Give the user that runs Earshot the right to write there.",
    errno.EMFILE: "Raise the limit of open files (`ulimit -n`).",
    errno.ENFILE: "Raise the system's limit of open files (`sysctl fs.file-max`).",
    errno.ESTALE: "The share was unmounted or replaced: mount it again.",
}
_CAUSES = 8
_TOLD_IN_WORDS = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS)
_NUMBER = re.compile(r"\[[Ee]rrno (\d+)\]|\(os error (\d+)\)")
_PLACE = re.compile(r"'(/[^'\n]+)'|[Uu]nable to [a-z ]+ file (/[^:\n#]+)|FileNotFoundException: (/[^\n(]+) \(")
_FRAME = re.compile(r"^\s+(?:at|File) .*$", re.MULTILINE)


def system_fault(error: BaseException, place: Path) -> DependencyError | None:
    """The fault of the system behind an error, with the place and a remedy; None where there is none.

    Args:
        error: What was raised.
        place: Named where the error names no file.
    """
    cause: BaseException | None = error
    for _ in range(_CAUSES):
        if cause is None:
            break
        text = _FRAME.sub("", str(cause))
        number = (cause.errno if isinstance(cause, OSError) else None) or _number_in(text)
        if number in _REMEDIES:
            where = str((isinstance(cause, OSError) and cause.filename) or _place_in(text) or place)
            what = f"{where} cannot be written or read: {os.strerror(number)}."
            return DependencyError(what, where=where, remedy=f"{_REMEDIES[number]} {_AGAIN}")
        cause = cause.__cause__ or cause.__context__
    return None


def _number_in(text: str) -> int | None:
    if found := _NUMBER.search(text):
        return int(found[1] or found[2])
    return next((number for number in _TOLD_IN_WORDS if os.strerror(number) in text), None)


def _place_in(text: str) -> str | None:
    found = _PLACE.search(text)
    return next(group for group in found.groups() if group) if found else None
