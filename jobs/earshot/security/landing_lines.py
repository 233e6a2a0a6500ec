"""Takes the lines of a listener out of files as they landed, whatever their format and compression.

A line that goes is left empty (a row of Parquet null, an element of a JSON array null), so that the
numbers of all other lines, by which tables name them, stay what they were.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import json
import os
import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import zstandard

from earshot.core.schemas import LISTEN_COLUMNS

_GZIP, _ZSTD, _ZIP, _PARQUET = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PK\x03\x04", b"PAR1"
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_DELIMITERS = (",", "\t", ";", "|")

# Keys and columns that say whose play it is; of the others, those that a play has by itself are not asked.
_WHOSE = re.compile(r"user|listener|account|member|profile|owner|station|callsign", re.IGNORECASE)
_WHAT = frozenset(
    [column.name for column in LISTEN_COLUMNS]
    + "track artist album release song title genres master_metadata_track_name conn_country "
    "master_metadata_album_artist_name master_metadata_album_album_name".split()
)


class _Choice(Protocol):
    """Which lines of a file go; numbers begin with 1, as tables have them."""

    def inside(self, member: str) -> _Choice:
        """The same for a member of an archive."""

    def line(self, number: int, line: str, columns: Sequence[str]) -> bool:
        """Whether a line goes; `columns` is the header, where the text has one."""

    def element(self, number: int, element: object) -> bool:
        """Whether an element of a JSON array goes."""

    def rows(self, first: int, rows: pa.Table) -> pa.Array:
        """Which rows of Parquet go; the first of them has this number."""


def strike_lines(path: Path, identity: str) -> int:
    """Empty the lines of the listener with this raw identity; the file is replaced as a whole.

    Returns:
        How many lines, rows or elements went; 0 leaves the file as it was.
    """
    return _strike(path, _OfListener(identity))


def strike_numbers(path: Path, numbers: Mapping[str, Set[int]]) -> int:
    """Empty lines by their numbers: of the file itself under the name "", of members of an archive under theirs.

    Returns:
        How many lines, rows or elements went, those that were empty before among them.
    """
    return _strike(path, _Numbered(numbers))


def _strike(path: Path, choice: _Choice) -> int:
    content = path.read_bytes()
    struck, count = _struck(content, choice)
    if count:
        stat = path.stat()
        draft = path.with_name(f".{path.name}.struck")
        draft.write_bytes(struck)
        os.utime(draft, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        os.chmod(draft, stat.st_mode)
        os.replace(draft, path)
    return count


@dataclass(frozen=True)
class _OfListener:
    """The lines that speak of a listener."""

    identity: str = field(repr=False)

    def inside(self, member: str) -> _OfListener:
        return self

    def line(self, number: int, line: str, columns: Sequence[str]) -> bool:
        return bool(line) and names_listener(line, self.identity, columns)

    def element(self, number: int, element: object) -> bool:
        return _value_names(element, self.identity, asked=True)

    def rows(self, first: int, rows: pa.Table) -> pa.Array:
        names = [field.name for field in rows.schema if _may_identify(field.name, field.type, self.identity)]
        return _rows_of(rows, names, self.identity)


@dataclass(frozen=True)
class _Numbered:
    """Lines by their numbers."""

    numbers: Mapping[str, Set[int]]
    member: str = ""

    def inside(self, member: str) -> _Numbered:
        return _Numbered(self.numbers, member)

    def line(self, number: int, line: str, columns: Sequence[str]) -> bool:
        return number in self.numbers.get(self.member, ())

    def element(self, number: int, element: object) -> bool:
        return self.line(number, "", ())

    def rows(self, first: int, rows: pa.Table) -> pa.Array:
        return pa.array([self.line(first + n, "", ()) for n in range(rows.num_rows)], pa.bool_())


def names_listener(line: str, identity: str, columns: Sequence[str] = ()) -> bool:
    """Whether a line of JSON, of delimited text or of nothing known speaks of the listener.

    Args:
        line: The line without its end.
        identity: The raw identity.
        columns: The header, where the text has one.
    """
    if identity not in line and "\\u" not in line:
        return False
    try:
        return _value_names(json.loads(line), identity, asked=True)
    except ValueError:
        pass
    for delimiter in _DELIMITERS:
        cells = _cells(line, delimiter)
        whose = [cell for column, cell in zip(columns, cells, strict=False) if _WHOSE.search(column)]
        if identity in (cell.strip() for cell in whose or cells):
            return True
    looks_cut = line.lstrip().startswith(("{", "["))
    return looks_cut and re.search(rf"(?<!\w){re.escape(identity)}(?!\w)", line) is not None


def _struck(content: bytes, choice: _Choice) -> tuple[bytes, int]:
    if content.startswith(_GZIP):
        inner, count = _struck(gzip.decompress(content), choice)
        return gzip.compress(inner, mtime=0), count
    if content.startswith(_ZSTD):
        with zstandard.ZstdDecompressor().stream_reader(content, read_across_frames=True) as stream:
            inner, count = _struck(stream.read(), choice)
        return zstandard.compress(inner), count
    if content.startswith(_ZIP):
        return _struck_zip(content, choice)
    if content.startswith(_PARQUET):
        return _struck_parquet(content, choice)
    return _struck_text(content, choice)


def _struck_zip(content: bytes, choice: _Choice) -> tuple[bytes, int]:
    total, out = 0, io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as before, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as after:
        for member in before.infolist():
            inner, count = _struck(before.read(member), choice.inside(member.filename))
            after.writestr(member, inner)
            total += count
    return out.getvalue(), total


def _struck_text(content: bytes, choice: _Choice) -> tuple[bytes, int]:
    encoding = "utf-16" if content.startswith(_UTF16) else "utf-8"
    text = content.decode(encoding, "surrogateescape" if encoding == "utf-8" else "replace")
    if text.lstrip("\ufeff \t\r\n").startswith("["):
        try:
            return _struck_array(json.loads(text.removeprefix("\ufeff")), choice, encoding)
        except ValueError:
            pass  # a cut array is struck line by line
    lines = text.split("\n")
    columns = max((_cells(lines[0].removeprefix("\ufeff"), delimiter) for delimiter in _DELIMITERS), key=len)
    named = [choice.line(number, line.removeprefix("\ufeff"), columns) for number, line in enumerate(lines, 1)]
    kept = "\n".join("" if gone else line for line, gone in zip(lines, named, strict=True))
    return kept.encode(encoding, "surrogateescape" if encoding == "utf-8" else "strict"), sum(named)


def _struck_array(items: object, choice: _Choice, encoding: str) -> tuple[bytes, int]:
    elements = items if isinstance(items, list) else [items]
    named = [choice.element(number, element) for number, element in enumerate(elements, 1)]
    kept = [None if gone else element for element, gone in zip(elements, named, strict=True)]
    return json.dumps(kept, ensure_ascii=False).encode(encoding, "surrogatepass"), sum(named)


def _struck_parquet(content: bytes, choice: _Choice) -> tuple[bytes, int]:
    file = pq.ParquetFile(io.BytesIO(content))
    out, total, first = io.BytesIO(), 0, 1
    schema = pa.schema([field.with_nullable(True) for field in file.schema_arrow])
    with pq.ParquetWriter(out, schema) as writer:
        for group in range(file.num_row_groups):
            rows = file.read_row_group(group)
            gone = choice.rows(first, rows)
            first += rows.num_rows
            total += pc.sum(gone).as_py() or 0
            columns = [pc.if_else(gone, pa.scalar(None, column.type), column) for column in rows.columns]
            writer.write_table(pa.Table.from_arrays(columns, schema=schema))
    return out.getvalue(), total


def _may_identify(name: str, kind: pa.DataType, identity: str) -> bool:
    if pa.types.is_integer(kind):
        return identity.isdecimal() and _WHOSE.search(name) is not None
    if name in _WHAT:
        return False
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_dictionary(kind))


def _rows_of(rows: pa.Table, names: Iterable[str], identity: str) -> pa.Array:
    gone = pa.array([False] * rows.num_rows, pa.bool_())
    for name in names:
        text = pc.cast(rows.column(name).combine_chunks(), pa.string())
        gone = pc.or_(gone, pc.fill_null(pc.equal(pc.utf8_trim_whitespace(text), identity), False))
    return gone


def _value_names(value: object, identity: str, *, asked: bool, whose: bool = False) -> bool:
    if isinstance(value, dict):
        return any(
            _value_names(
                inner, identity, asked=key not in _WHAT or bool(_WHOSE.search(key)), whose=bool(_WHOSE.search(key))
            )
            for key, inner in value.items()
        )
    if isinstance(value, list):
        return any(_value_names(inner, identity, asked=asked, whose=whose) for inner in value)
    if isinstance(value, str):
        return asked and value.strip() == identity
    return whose and isinstance(value, int) and str(value) == identity


def _cells(line: str, delimiter: str) -> list[str]:
    if delimiter not in line:
        return []
    try:
        return next(csv.reader([line.rstrip("\r")], delimiter=delimiter), [])
    except csv.Error:
        return line.split(delimiter)
