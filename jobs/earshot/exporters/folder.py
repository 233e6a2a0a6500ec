"""An export into a folder: written beside it, then exchanged with it in one step."""

from __future__ import annotations

import fcntl
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from glob import escape
from pathlib import Path

from earshot.core.errors import ArgumentError
from earshot.exporters.exchange import put_in_place, restore
from earshot.exporters.manifest import MANIFEST, Manifest


class Folder:
    """A folder that holds one export, and nothing else.

    Args:
        path: It need not be there; an earlier export is replaced.
    """

    def __init__(self, path: Path) -> None:
        self._path = path.absolute()

    @property
    def name(self) -> str:
        """As it stands in the manifest."""
        return str(self._path)

    @contextmanager
    def workplace(self) -> Iterator[Path]:
        """An empty folder beside it, removed at the end; those of exports that were killed are cleared away.

        Raises:
            ArgumentError: The folder holds something that is no export, or is a file.
        """
        restore(self._path)
        if self._path.exists() and not self._is_ours():
            raise ArgumentError(
                f"{self._path} holds something that is no export.",
                where="option --to",
                remedy="Name an empty or a new folder.",
            )
        _clear(self._path)
        place = self._path.with_name(f"{_prefix(self._path)}{uuid.uuid4().hex[:8]}")
        place.mkdir(parents=True)
        lock = os.open(place, os.O_RDONLY)
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            yield place
        finally:
            shutil.rmtree(place, ignore_errors=True)
            os.close(lock)

    def publish(self, place: Path, manifest: Manifest) -> None:
        """What is in the workplace becomes the folder: a reader sees the export before, or this one."""
        (place / MANIFEST).write_text(manifest.as_json(), encoding="utf-8")
        put_in_place(place, self._path)

    def _is_ours(self) -> bool:
        if not self._path.is_dir():
            return False
        return (self._path / MANIFEST).is_file() or not any(self._path.iterdir())


def _prefix(path: Path) -> str:
    return f".{path.name}.partial-"


def _clear(path: Path) -> None:
    """Remove workplaces whose owners are gone: a living one holds a lock, which the kernel frees with its process."""
    for place in path.parent.glob(f"{escape(_prefix(path))}*"):
        lock = os.open(place, os.O_RDONLY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(place, ignore_errors=True)
        except BlockingIOError:
            continue
        finally:
            os.close(lock)
