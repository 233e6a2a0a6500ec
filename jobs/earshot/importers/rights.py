"""Who has a share in a track: HOME/catalogue/rights/*.csv into silver.rights, all or nothing."""

from __future__ import annotations

import csv
import difflib
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final

from earshot.core.columns import (
    RIGHTS_HOLDER_ID,
    RIGHTS_HOLDER_NAME,
    SHARE,
    SOURCE_FILE,
    SOURCE_LINE,
    TRACK_ID,
    UPDATED_AT,
)
from earshot.core.errors import InputError
from earshot.core.small_tables import SmallTables
from earshot.core.table_history import TableHistory

TABLE: Final = "silver.rights"
_FILES: Final = "rights_files"
_REQUIRED: Final = (TRACK_ID, RIGHTS_HOLDER_ID, SHARE)
_COLUMNS: Final = (*_REQUIRED, RIGHTS_HOLDER_NAME)
_DIGITS: Final = 6


@dataclass(frozen=True)
class RightsImport:
    """What is in silver.rights now; `written` is False where the files were in it before."""

    files: int
    rows: int
    written: bool


def import_rights(folder: Path, root: str, *, now: datetime) -> RightsImport:
    """Replace silver.rights by what the files hold, in one commit; files that are gone take their splits with them.

    Args:
        folder: HOME/catalogue/rights; it may be missing. Names that begin with `.` or `_` are still being written.
        root: Root of the lake.
        now: When the rows are written.

    Raises:
        InputError: A row cannot be what it should be, names a holder of a track twice, or lifts the shares of a
            track over 1; nothing is written then.
    """
    files = [path for path in sorted(folder.glob("*.csv")) if not path.name.startswith((".", "_"))]
    present = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    if present == _known(root):
        return RightsImport(len(files), 0, written=False)
    rows = _checked(row for path in files for row in _rows(path))
    stamped = [{**row, UPDATED_AT: now} for row in rows]
    SmallTables(root).overwrite(TABLE, stamped, metadata={_FILES: present})
    return RightsImport(len(files), len(rows), written=True)


def _known(root: str) -> dict[str, str]:
    changes = TableHistory(root, TABLE).changes
    return next((dict(change.metadata[_FILES]) for change in changes if _FILES in change.metadata), {})


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            names = [(name or "").strip().lower() for name in reader.fieldnames or []]
            _check_header(names, path)
            reader.fieldnames = names
            for cells in reader:
                yield _row(cells, path, reader.line_num)
    except (UnicodeDecodeError, csv.Error, OSError) as error:
        raise InputError(
            f"{path.name} cannot be read: {error}.", where=str(path), remedy="Save it as CSV in UTF-8 with a header."
        ) from None


def _check_header(names: list[str], path: Path) -> None:
    for missing in (name for name in _REQUIRED if name not in names):
        near = difflib.get_close_matches(missing, names, n=1)
        remedy = f"Is it {near[0]}? Rename it." if near else f"It needs {', '.join(_REQUIRED)}."
        raise InputError(f"{path.name} has no column {missing}.", where=f"{path}, line 1", remedy=remedy)


def _row(cells: dict[str, Any], path: Path, line: int) -> dict[str, Any]:
    where = f"{path}, line {line}"
    texts = {name: (cells.get(name) or "").strip() for name in _COLUMNS}
    for name in (TRACK_ID, RIGHTS_HOLDER_ID):
        if not texts[name]:
            raise InputError(f"The row has no {name}.", where=where, remedy="Fill it in, or remove the row.")
    return {
        TRACK_ID: texts[TRACK_ID],
        RIGHTS_HOLDER_ID: texts[RIGHTS_HOLDER_ID],
        RIGHTS_HOLDER_NAME: texts[RIGHTS_HOLDER_NAME] or None,
        SHARE: _share(texts[SHARE], where),
        SOURCE_FILE: path.name,
        SOURCE_LINE: line,
    }


def _share(text: str, where: str) -> Decimal:
    try:
        share = Decimal(text)
    except InvalidOperation:
        share = Decimal("NaN")
    if not (share.is_finite() and 0 < share <= 1 and round(share, _DIGITS) == share):
        raise InputError(
            f"The share {text!r} is no part of 1.",
            where=where,
            remedy=f"Write a number above 0 and up to 1 with at most {_DIGITS} decimals, such as 0.125.",
        )
    return share


def _checked(rows: Iterator[dict[str, Any]]) -> list[dict[str, Any]]:
    checked: list[dict[str, Any]] = []
    seen: dict[tuple[str, str], str] = {}
    sums: dict[str, Decimal] = {}
    for row in rows:
        place = f"{row[SOURCE_FILE]}, line {row[SOURCE_LINE]}"
        key = row[TRACK_ID], row[RIGHTS_HOLDER_ID]
        if key in seen:
            raise InputError(
                f"{row[RIGHTS_HOLDER_ID]} has a share in {row[TRACK_ID]} twice.",
                where=place,
                remedy=f"Keep one of it and {seen[key]}.",
            )
        seen[key] = place
        total = sums[row[TRACK_ID]] = sums.get(row[TRACK_ID], Decimal(0)) + row[SHARE]
        if total > 1:
            raise InputError(
                f"The shares in {row[TRACK_ID]} add up to {total * 100:f} %, over 100 %.",
                where=place,
                remedy="Lower them; what is left of 1 is paid to unknown.",
            )
        checked.append(row)
    return checked
