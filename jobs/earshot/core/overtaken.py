"""What the writers of Delta say when another one was faster, in one word."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from deltalake.exceptions import CommitFailedError

from earshot.core.errors import OvertakenError

RETRIES: Final = 100
"""How often delta-rs tries a commit anew that conflicts with none of those that were faster."""

_SPARKS = ("io.delta.exceptions.", "[DELTA_CONCURRENT", "[DELTA_METADATA_CHANGED", "[DELTA_PROTOCOL_CHANGED")
_OF_A_TASK = f"{OvertakenError.__module__}.{OvertakenError.__name__}:"
"""In what Spark tells of a task of Python that found so itself."""


@contextmanager
def overtaken(table: str, where: str) -> Iterator[None]:
    """Name a conflict of commits, delta-rs's, Spark's or a task's, as what it is; other errors pass.

    Args:
        table: Its name.
        where: Its folder.

    Raises:
        OvertakenError: Another writer committed first.
    """
    try:
        yield
    except CommitFailedError as error:
        raise OvertakenError(table, where=where) from error
    except Exception as error:
        if any(mark in str(error) for mark in (*_SPARKS, _OF_A_TASK)):
            raise OvertakenError(table, where=where) from error
        raise
