"""An export as files with a manifest beside them: into a folder or a bucket, all or nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol

import pyarrow as pa

from earshot.core.errors import ArgumentError
from earshot.core.explanations import nearest
from earshot.exporters.delimited import write_csv
from earshot.exporters.json_lines import write_json_lines
from earshot.exporters.manifest import Manifest, describe
from earshot.exporters.parquet import write_parquet
from earshot.exporters.rows import Rows

Writer = Callable[[pa.Schema, Iterable[pa.RecordBatch], Path], int]

WRITERS: Final[Mapping[str, Writer]] = {"parquet": write_parquet, "csv": write_csv, "jsonl": write_json_lines}
"""By format, which is the ending of the file, too."""


class Destination(Protocol):
    """Where an export is published in one step."""

    @property
    def name(self) -> str:
        """As it stands in the manifest."""

    def workplace(self) -> AbstractContextManager[Path]:
        """A folder to write into, gone at the end of the block."""

    def publish(self, place: Path, manifest: Manifest) -> None:
        """Make what is in the workplace the export that readers see."""


def checked_format(format: str) -> str:
    """The format, where there is a writer of it.

    Raises:
        ArgumentError: There is none.
    """
    if format not in WRITERS:
        close = nearest(format, WRITERS)
        raise ArgumentError(
            f"There is no format {format}.",
            where="option --format",
            remedy=f"Use {close}; known: {', '.join(WRITERS)}.",
        )
    return format


def export_files(rows: Rows, to: Destination, *, format: str, at: datetime) -> Manifest:
    """Write rows as one file with a manifest beside it; no more than a few batches are in memory.

    Args:
        rows: What to write.
        to: Where; an earlier export there is replaced.
        format: A key of `WRITERS`.
        at: When the export was asked for.

    Raises:
        ArgumentError: The format is unknown, or the place holds something that is no export.
    """
    writer = WRITERS[checked_format(format)]
    with to.workplace() as place:
        file = place / f"{rows.table.replace('.', '_')}.{format}"
        count = writer(rows.schema, rows.batches, file)
        columns = tuple((field.name, str(field.type)) for field in rows.schema)
        manifest = Manifest(
            rows.table, format, to.name, count, columns, (describe(file),), at, rows.version, rows.where
        )
        to.publish(place, manifest)
    return manifest
