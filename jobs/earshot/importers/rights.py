"""Who has a share in a track: HOME/catalogue/rights/*.csv into silver.rights, all or nothing."""

from __future__ import annotations

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
from earshot.importers.sheet_cells import FEW_DECIMALS, text_of
from earshot.importers.sheets import Line, Sheets

TABLE: Final = "silver.rights"
_FILES: Final = "rights_files"
_REQUIRED: Final = (TRACK_ID, RIGHTS_HOLDER_ID, SHARE)


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
    sheets = Sheets(folder, TABLE, _FILES, _REQUIRED, (RIGHTS_HOLDER_NAME,), closed=False)
    present = sheets.contents()
    if present == sheets.imported(root):
        return RightsImport(len(present), 0, written=False)
    rows = _checked(map(_row, sheets.lines()))
    SmallTables(root).overwrite(TABLE, [{**row, UPDATED_AT: now} for row in rows], metadata={_FILES: present})
    return RightsImport(len(present), len(rows), written=True)


def _row(line: Line) -> dict[str, Any]:
    return {
        TRACK_ID: text_of(line.cells, TRACK_ID, line.where),
        RIGHTS_HOLDER_ID: text_of(line.cells, RIGHTS_HOLDER_ID, line.where),
        RIGHTS_HOLDER_NAME: line.cells[RIGHTS_HOLDER_NAME] or None,
        SHARE: _share(line.cells[SHARE], line.where),
        SOURCE_FILE: line.file,
        SOURCE_LINE: line.number,
    }


def _share(text: str, where: str) -> Decimal:
    try:
        share = Decimal(text)
    except InvalidOperation:
        share = Decimal("NaN")
    if not (share.is_finite() and 0 < share <= 1 and round(share, FEW_DECIMALS) == share):
        raise InputError(
            f"The share {text!r} is no part of 1.",
            where=where,
            remedy=f"Write a number above 0 and up to 1 with at most {FEW_DECIMALS} decimals, such as 0.125.",
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
