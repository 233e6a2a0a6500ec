"""Parquet: types and nesting as they are."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq


def write_parquet(rows: pa.Table, path: Path) -> None:
    """Write one zstd-compressed file."""
    pq.write_table(rows, path, compression="zstd")
