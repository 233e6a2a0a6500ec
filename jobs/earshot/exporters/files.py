"""An export into a folder, all or nothing: written beside it, then put in its place by one rename."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

import pyarrow as pa

from earshot.core.errors import ArgumentError
from earshot.exporters.delimited import write_csv
from earshot.exporters.json_lines import write_json_lines
from earshot.exporters.manifest import MANIFEST, Manifest, describe
from earshot.exporters.parquet import write_parquet

Writer = Callable[[pa.Table, Path], None]

WRITERS: Mapping[str, Writer] = {"parquet": write_parquet, "csv": write_csv, "jsonl": write_json_lines}


def export_files(name: str, rows: pa.Table, target: Path, *, format: str, at: datetime) -> Manifest:
    """Write a table as one file with a manifest beside it.

    Args:
        name: The table, for the manifest and the file's name.
        rows: What to write.
        target: Folder; replaced where an earlier export is, made where it is not.
        format: parquet, csv or jsonl.
        at: When the export was asked for.

    Raises:
        ArgumentError: The format is unknown, or the folder holds something that is no export.
    """
    if format not in WRITERS:
        raise ArgumentError(f"There is no format {format}.", where="--format", remedy=f"Use: {', '.join(WRITERS)}.")
    if target.exists() and not (target / MANIFEST).is_file() and any(target.iterdir()):
        raise ArgumentError(
            f"{target} holds something that is no export.", where="--to", remedy="Name an empty or a new folder."
        )
    partial = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}")
    partial.mkdir(parents=True)
    try:
        file = partial / f"{name.replace('.', '_')}.{format}"
        WRITERS[format](rows, file)
        columns = tuple((field.name, str(field.type)) for field in rows.schema)
        manifest = Manifest(name, format, str(target), rows.num_rows, columns, (describe(file),), at)
        (partial / MANIFEST).write_text(manifest.as_json(), encoding="utf-8")
        _put_in_place(partial, target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return manifest


def _put_in_place(partial: Path, target: Path) -> None:
    """A reader sees the old export or the new one; a kill between the renames leaves the old one aside."""
    aside = target.with_name(f".{target.name}.old")
    shutil.rmtree(aside, ignore_errors=True)
    if target.exists():
        target.rename(aside)
    partial.rename(target)
    shutil.rmtree(aside, ignore_errors=True)
