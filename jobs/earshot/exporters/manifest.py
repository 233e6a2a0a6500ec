"""What stands beside every export: rows, columns, files and their checksums."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

MANIFEST = "manifest.json"


@dataclass(frozen=True)
class ExportedFile:
    """One file of an export with its SHA-256 in hex."""

    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """One export.

    Attributes:
        columns: Name and Arrow type, in order.
        files: Empty where the export went into a database.
        target: Folder, or database and table, without credentials.
    """

    table: str
    format: str
    target: str
    rows: int
    columns: tuple[tuple[str, str], ...]
    files: tuple[ExportedFile, ...]
    exported_at: datetime

    def as_json(self) -> str:
        """The manifest as it is written."""
        return json.dumps(asdict(self), default=str, indent=2, ensure_ascii=False) + "\n"


def describe(path: Path) -> ExportedFile:
    """Size and checksum of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return ExportedFile(path.name, path.stat().st_size, digest.hexdigest())
