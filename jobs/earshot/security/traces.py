"""Searches files for texts that must not be there any more: the proof of an erasure.

Parquet is read value by value (compressed bytes would hide a text), containers are opened, and
everything else is searched byte by byte.
"""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import zstandard

_GZIP, _ZSTD, _ZIP, _PARQUET = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PK\x03\x04", b"PAR1"


def files_with(root: Path, texts: Sequence[str], *, skip: Sequence[Path] = ()) -> list[Path]:
    """The files below `root` that hold one of the texts, sorted.

    Args:
        root: Folder; every file in it is read, whether a table names it or not.
        texts: What to look for.
        skip: Folders that are left out.
    """
    found = []
    for path in sorted(root.rglob("*")):
        if path.is_file() and not any(path.is_relative_to(folder) for folder in skip):
            if _holds(path.read_bytes(), texts):
                found.append(path)
    return found


def _holds(content: bytes, texts: Sequence[str]) -> bool:
    if any(text.encode() in content for text in texts):
        return True
    try:
        if content.startswith(_PARQUET):
            return any(_among(values, texts) for values in _strings_of(content))
        if content.startswith(_GZIP):
            return _holds(gzip.decompress(content), texts)
        if content.startswith(_ZSTD):
            with zstandard.ZstdDecompressor().stream_reader(content, read_across_frames=True) as stream:
                return _holds(stream.read(), texts)
        if content.startswith(_ZIP):
            with zipfile.ZipFile(io.BytesIO(content)) as container:
                return any(_holds(container.read(member), texts) for member in container.infolist())
    except (pa.ArrowException, OSError, EOFError, zlib.error, zstandard.ZstdError, zipfile.BadZipFile):
        pass  # what cannot be opened was searched as bytes
    return False


def _strings_of(content: bytes) -> Iterator[pa.Array]:
    file = pq.ParquetFile(io.BytesIO(content))
    for group in range(file.num_row_groups):
        for column in file.read_row_group(group).columns:
            for chunk in column.chunks:
                yield from _leaves(chunk)


def _leaves(values: pa.Array) -> Iterator[pa.Array]:
    """The arrays of strings in a column, however deep."""
    kind = values.type
    if pa.types.is_struct(kind):
        for inner in values.flatten():
            yield from _leaves(inner)
    elif pa.types.is_map(kind):
        yield from _leaves(values.keys)
        yield from _leaves(values.items)
    elif pa.types.is_list(kind) or pa.types.is_large_list(kind):
        yield from _leaves(values.flatten())
    elif pa.types.is_dictionary(kind):
        yield from _leaves(values.dictionary)
    elif pa.types.is_string(kind) or pa.types.is_large_string(kind):
        yield values


def _among(values: pa.Array, texts: Sequence[str]) -> bool:
    distinct = pc.unique(values)
    return any(pc.any(pc.match_substring(distinct, text)).as_py() for text in texts)
