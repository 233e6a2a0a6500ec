"""The catalogue from CSV files: HOME/catalogue/*.csv into silver.tracks, each content once."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from earshot.core.columns import DURATION_MS, GENRES, RELEASED_ON, SOURCE, TRACK_ID, UPDATED_AT
from earshot.core.commits import DeltaLog
from earshot.core.errors import InputError

TABLE = "silver.tracks"
_FILES = "catalogue_files"
_LONGEST_MS = 86_400_000
_DELIMITERS = ",;\t|"
_BLOCK_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True)
class CatalogueFile:
    """A CSV file and the SHA-256 of its bytes."""

    path: Path
    sha256: str


@dataclass(frozen=True)
class CatalogueRows:
    """What a file holds.

    Attributes:
        rows: Columns of silver.tracks, each track_id once (the last line of it).
        skipped: Lines without a track_id, with too many or too few cells, or with a text that is too long.
        emptied: Cells that were no duration or date, and are null now.
        unknown: Columns that silver.tracks does not have.
    """

    rows: pa.Table
    skipped: int
    emptied: int
    unknown: tuple[str, ...]


class CatalogueTable:
    """silver.tracks, and which files are in it.

    Args:
        root: Root of the lake.
    """

    def __init__(self, root: str) -> None:
        self._log = DeltaLog(root, TABLE)

    def merged(self) -> dict[str, str]:
        """The content hash of every file that is in the table, by file name."""
        for commit in self._log.newest_first():
            if _FILES in commit.metadata:
                return dict(commit.metadata[_FILES])
        return {}

    def merge(self, rows: pa.Table, *, files: Mapping[str, str] | None = None) -> int:
        """Insert tracks and update those that differ; returns how many.

        Args:
            rows: Columns of silver.tracks.
            files: The content hashes of every file that is in the table then; None leaves them.
        """
        metadata = {} if files is None else {_FILES: dict(files)}
        return sum(self._log.merge(rows, stamps=(UPDATED_AT,), metadata=metadata))

    @property
    def schema(self) -> pa.Schema:
        """The columns as Arrow has them."""
        return self._log.schema


def catalogue_files(folder: Path) -> list[CatalogueFile]:
    """The CSV files of a folder by name; names that begin with `.` or `_` are still being written."""
    paths = [path for pattern in ("*.csv", "*.csv.gz") for path in folder.glob(pattern) if path.is_file()]
    return [
        CatalogueFile(path, hashlib.sha256(path.read_bytes()).hexdigest())
        for path in sorted(paths)
        if not path.name.startswith((".", "_"))
    ]


def read_catalogue(path: Path, schema: pa.Schema, *, updated_at: datetime, max_text_chars: int) -> CatalogueRows:
    """Read one CSV file, with a header, in UTF-8; genres are joined by `;`.

    Args:
        path: The file.
        schema: Columns of silver.tracks.
        updated_at: When the rows are written.
        max_text_chars: Lines with a longer text are skipped.

    Raises:
        InputError: The file is no CSV, not UTF-8, or has no column track_id.
    """
    ragged = 0

    def count(row: csv.InvalidRow) -> str:
        nonlocal ragged
        ragged += 1
        return "skip"

    try:
        delimiter = _delimiter(path)
        names = _header(path, delimiter)
        cells = csv.read_csv(
            path,
            read_options=csv.ReadOptions(block_size=_BLOCK_BYTES),
            parse_options=csv.ParseOptions(delimiter=delimiter, invalid_row_handler=count, newlines_in_values=True),
            convert_options=csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True, null_values=[""]
            ),
        )
    except (OSError, EOFError, UnicodeDecodeError, pa.ArrowInvalid, pa.ArrowKeyError) as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise InputError(
            f"{path.name} is no catalogue: {reason}.", where=str(path), remedy="Save it as CSV in UTF-8 with a header."
        ) from None
    cells = cells.rename_columns([name.strip().lower() for name in cells.column_names])
    _require_track_id(cells.column_names, path)
    return _conformed(cells, schema, updated_at, max_text_chars, ragged)


def _conformed(
    cells: pa.Table, schema: pa.Schema, updated_at: datetime, max_text_chars: int, ragged: int
) -> CatalogueRows:
    known = [name for name in schema.names if name in cells.column_names]
    trimmed = pa.table({name: _trimmed(cells.column(name)) for name in known})
    keep = pc.is_valid(trimmed.column(TRACK_ID))
    for name in known:
        keep = pc.and_(keep, pc.fill_null(pc.less_equal(pc.utf8_length(trimmed.column(name)), max_text_chars), True))
    kept = _last_of_each(trimmed.filter(keep))
    columns = {name: _typed(name, kept.column(name)) for name in known if name != UPDATED_AT}
    emptied = sum(columns[n].null_count - kept.column(n).null_count for n in (DURATION_MS, RELEASED_ON) if n in columns)
    columns[UPDATED_AT] = pa.array([updated_at] * kept.num_rows, schema.field(UPDATED_AT).type)
    columns[SOURCE] = pc.fill_null(columns.get(SOURCE, pa.nulls(kept.num_rows, pa.string())), "csv")
    rows = pa.table([columns.get(f.name, pa.nulls(kept.num_rows, f.type)) for f in schema], names=schema.names)
    skipped = ragged + trimmed.num_rows - int(pc.sum(keep).as_py() or 0)
    unknown = tuple(sorted(set(cells.column_names) - set(schema.names)))
    return CatalogueRows(rows.cast(schema), skipped, emptied, unknown)


def _typed(name: str, cells: pa.ChunkedArray) -> pa.ChunkedArray:
    if name == DURATION_MS:
        whole = pc.replace_substring_regex(cells, r"\.0+$", "")
        number = _where(pc.match_substring_regex(whole, r"^[0-9]{1,12}$"), whole).cast(pa.int64())
        return _where(pc.and_(pc.greater(number, 0), pc.less_equal(number, _LONGEST_MS)), number)
    if name == RELEASED_ON:
        size = pc.utf8_length(cells)
        months = pc.binary_join_element_wise(cells, "-01", "")
        days = pc.binary_join_element_wise(cells, "-01-01", "")
        whole = pc.if_else(pc.equal(size, 4), days, pc.if_else(pc.equal(size, 7), months, cells))
        whole = _where(pc.match_substring_regex(whole, r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"), whole)
        moments = pc.strptime(whole, "%Y-%m-%d", "s", error_is_null=True)
        # strptime rolls 2026-02-30 over into March; a date that comes back otherwise was none.
        return _where(pc.equal(pc.strftime(moments, "%Y-%m-%d"), whole), moments).cast(pa.date32())
    if name == GENRES:
        return pc.split_pattern(cells, ";")
    return cells


def _where(condition: pa.ChunkedArray, values: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.if_else(pc.fill_null(condition, False), values, pa.scalar(None, values.type))


def _trimmed(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    text = pc.utf8_trim_whitespace(cells.cast(pa.string()))
    return _where(pc.greater(pc.utf8_length(text), 0), text)


def _last_of_each(rows: pa.Table) -> pa.Table:
    numbered = pa.table({TRACK_ID: rows.column(TRACK_ID), "line": pa.array(range(rows.num_rows), pa.int64())})
    last = numbered.group_by(TRACK_ID).aggregate([("line", "max")]).column("line_max")
    return (
        rows.take(pc.sort_indices(last)) if len(last) == rows.num_rows else rows.take(last.take(pc.sort_indices(last)))
    )


def _header(path: Path, delimiter: str) -> list[str]:
    options = csv.ParseOptions(delimiter=delimiter, invalid_row_handler=lambda row: "skip", newlines_in_values=True)
    with csv.open_csv(path, parse_options=options) as lines:
        return list(lines.schema.names)


def _delimiter(path: Path) -> str:
    with pa.input_stream(str(path)) as stream:
        first = stream.read(64 * 1024).decode("utf-8-sig", errors="replace").partition("\n")[0]
    return max(_DELIMITERS, key=first.count)


def _require_track_id(names: Iterable[str], path: Path) -> None:
    columns = list(names)
    if TRACK_ID not in columns:
        close = difflib.get_close_matches(TRACK_ID, columns, n=1)
        hint = f"Is it {close[0]}? Rename it." if close else f"It has: {', '.join(columns[:12])}."
        raise InputError(f"{path.name} has no column track_id.", where=f"{path}, line 1", remedy=hint)
