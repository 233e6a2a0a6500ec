"""CSV files that people keep in HOME/catalogue, known by their content; an error names file and line."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from earshot.core.errors import InputError
from earshot.core.explanations import nearest
from earshot.core.table_history import TableHistory


@dataclass(frozen=True)
class Line:
    """A row of a sheet.

    Attributes:
        file: Name of the sheet.
        number: Its line in the file; a header is line 1.
        where: File and line, for an error.
        cells: Every column of the sheet's kind; blanks around a text are gone, empty where there is none.
    """

    file: str
    number: int
    where: str
    cells: dict[str, str]


@dataclass(frozen=True)
class Sheets:
    """The sheets of one kind, from which one table is made.

    Attributes:
        folder: Where they lie; it may be missing. Names that begin with `.` or `_` are still being written.
        table: Whose commits name the files that it was made from.
        told_as: Under this key of their metadata.
        required: Columns that a sheet must have.
        optional: Columns that it may have.
        closed: Whether any other column is refused, and not only one whose name is nearly that of a missing one.
    """

    folder: Path
    table: str
    told_as: str
    required: tuple[str, ...]
    optional: tuple[str, ...]
    closed: bool

    def files(self) -> list[Path]:
        """The files, by name."""
        return [path for path in sorted(self.folder.glob("*.csv")) if not path.name.startswith((".", "_"))]

    def contents(self) -> dict[str, str]:
        """SHA-256 of each file."""
        return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in self.files()}

    def imported(self, root: str) -> dict[str, str]:
        """The contents from which the table was made; none where it was not yet."""
        changes = TableHistory(root, self.table).changes()
        return next((dict(change.metadata[self.told_as]) for change in changes if self.told_as in change.metadata), {})

    def lines(self) -> Iterator[Line]:
        """The rows of all files.

        Raises:
            InputError: A file cannot be read, its header is wrong, or a row has more cells than it.
        """
        for path in self.files():
            try:
                yield from self._lines(path)
            except (UnicodeDecodeError, csv.Error, OSError) as error:
                what, remedy = f"{path.name} cannot be read: {error}.", "Save it as CSV in UTF-8 with a header."
                raise InputError(what, where=str(path), remedy=remedy) from None

    def _lines(self, path: Path) -> Iterator[Line]:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            names = [(name or "").strip().lower() for name in reader.fieldnames or []]
            self._check(names, path)
            reader.fieldnames = names
            for cells in reader:
                where = f"{path}, line {reader.line_num}"
                if None in cells:
                    remedy = "Quote cells with commas."
                    raise InputError("The row has more cells than the header.", where=where, remedy=remedy)
                texts = {name: (cells.get(name) or "").strip() for name in (*self.required, *self.optional)}
                yield Line(path.name, reader.line_num, where, texts)

    def _check(self, names: list[str], path: Path) -> None:
        where, known = f"{path}, line 1", (*self.required, *self.optional)
        others = [name for name in names if name not in known]
        for missing in (name for name in self.required if name not in names):
            near = get_close_matches(missing, others, n=1)
            remedy = f"Is it {near[0]}? Rename it." if near else f"It needs {', '.join(self.required)}."
            raise InputError(f"{path.name} has no column {missing}.", where=where, remedy=remedy)
        absent = [name for name in self.optional if name not in names]
        for other in others:
            meant = get_close_matches(other, absent, n=1)
            if self.closed or meant:
                remedy = f"Is it {meant[0] if meant else nearest(other, known)}? Rename it, or leave it out."
                raise InputError(f"{path.name} has an unknown column {other!r}.", where=where, remedy=remedy)
