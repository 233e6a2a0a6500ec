"""Memos: what was worked out from files that never change, kept in a file that is named for them.

A memo can be deleted at any time: whoever misses it works it out again. It lies in a folder of the table that it
serves whose name begins with `_`, so that neither Delta nor a VACUUM takes it for a part of the table.
"""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

MEMO: Final = "_memo"
"""Folder of the memos, in that of a table."""

RECENT_DAYS: Final = 4
"""Up to so many of the last days sums are remembered: plays that come two days late leave one to begin from."""

_DAY: Final = len("2026-03-01")


def memo_name(says: str, made_from: Iterable[str]) -> str:
    """The name of a memo: what it says, and a checksum of all that it is made from."""
    told = hashlib.sha256()
    for part in made_from:
        told.update(f"{part}\n".encode())
    return f"{says}-{told.hexdigest()[:32]}.arrow"


def one_row(columns: Mapping[str, Any]) -> pa.RecordBatch:
    """Columns of different lengths as lists, so that one memo holds them; `listed` takes them out again."""
    return pa.RecordBatch.from_pydict({name: _as_list(pa.array(values)) for name, values in columns.items()})


def listed(memo: pa.RecordBatch, name: str) -> pa.Array:
    """A column that `one_row` was given, without a copy."""
    return memo.column(name).flatten()


def _as_list(values: pa.Array) -> pa.Array:
    return pa.LargeListArray.from_arrays(pa.array([0, len(values)], pa.int64()), values)


@dataclass(frozen=True)
class MemoFiles:
    """The memos of a table. Can be sent to executors.

    Attributes:
        folder: Where they lie.
        least: From how many rows on what changes every day is worth a memo; fewer are counted as quickly as found.
    """

    folder: str
    least: int = 0

    @classmethod
    def of(cls, root: str, table: str, *, least: int = 0) -> MemoFiles:
        """Those of a table (`layer.noun`) of a lake."""
        return cls(f"{root.rstrip('/')}/{table.replace('.', '/')}/{MEMO}", least)

    def __contains__(self, name: str) -> bool:
        """Whether there is a memo of this name that is whole."""
        return self.read(name) is not None

    def read(self, name: str) -> pa.RecordBatch | None:
        """A memo, of which only what is looked at is read from the disk; None where there is none that is whole."""
        try:
            with pa.memory_map(str(Path(self.folder, name))) as source, pa.ipc.open_file(source) as file:
                return file.get_batch(0)
        except (OSError, pa.ArrowInvalid):
            return None

    def write(self, name: str, memo: pa.RecordBatch) -> None:
        """Keep a memo: whoever reads it finds all of it or none, even if this process or the machine dies meanwhile."""
        Path(self.folder).mkdir(parents=True, exist_ok=True)
        aside = Path(self.folder, f".{uuid.uuid4().hex}")
        with aside.open("wb") as sink:
            with pa.ipc.new_file(sink, memo.schema) as file:
                file.write_batch(memo)
            sink.flush()
            os.fsync(sink.fileno())
        try:
            aside.rename(Path(self.folder, name))
        except FileNotFoundError:  # another run has tidied up
            return

    def keep(self, names: Collection[str], *, later_than: date | None = None) -> None:
        """Delete all others, and what was never finished.

        Args:
            names: Those that hold.
            later_than: Those of days after this one stay, too, which nobody asks for now; names begin with a day then.
        """
        for path in Path(self.folder).glob("*"):
            is_finished = not path.name.startswith(".")
            is_later = is_finished and later_than is not None and path.name[:_DAY] > later_than.isoformat()
            if path.name not in names and not is_later:
                path.unlink(missing_ok=True)
