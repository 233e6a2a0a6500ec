"""Faults of the system, however they come: named with the place and a remedy."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from earshot.core.system_faults import system_fault

HOME = Path("/srv/earshot")
OF_A_TASK = """An exception was thrown from the Python worker. Please see the stack trace below.
Traceback (most recent call last):
  File "/venv/lib/python3.11/site-packages/pyspark/worker.py", line 1834, in main
    process()
OSError: [Errno 5] Input/output error: '/srv/earshot/lake/bronze/listens/part-1.parquet'
"""
OF_DELTA_RS = (
    "Failed to parse parquet: External: Generic LocalFileSystem error: Unable to open file "
    "/srv/lake/t/part-0.parquet#1: Read-only file system (os error 30)"
)
OF_ARROW = "[Errno 28] Error writing bytes to file. Detail: [errno 28] No space left on device"
OF_JAVA = "java.io.FileNotFoundException: /srv/lake/t/x.crc (No space left on device)"


@pytest.mark.parametrize(
    ("error", "place", "what"),
    [
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/srv/x"), "/srv/x", "No space left on device"),
        (RuntimeError(OF_A_TASK), "/srv/earshot/lake/bronze/listens/part-1.parquet", "Input/output error"),
        (RuntimeError(OF_DELTA_RS), "/srv/lake/t/part-0.parquet", "Read-only file system"),
        (OSError(OF_ARROW), str(HOME), "No space left on device"),
        (RuntimeError(OF_JAVA), "/srv/lake/t/x.crc", "No space left on device"),
    ],
)
def test_a_fault_is_named_with_its_place(error: Exception, place: str, what: str) -> None:
    fault = system_fault(error, HOME)
    assert fault is not None
    assert fault.what == f"{place} cannot be written or read: {what}."
    assert fault.where == place
    assert "nothing is lost" in fault.remedy
    assert fault.exit_code == 1


def test_the_fault_may_be_the_cause_of_what_was_raised() -> None:
    try:
        raise ValueError("the file has no footer") from OSError(errno.EIO, "x", "/srv/y")
    except ValueError as error:
        fault = system_fault(error, HOME)
    assert fault is not None
    assert fault.where == "/srv/y"


def test_an_error_of_another_kind_is_none() -> None:
    assert system_fault(ValueError("no such column"), HOME) is None
    assert system_fault(FileNotFoundError(errno.ENOENT, "No such file or directory", "/x"), HOME) is None
