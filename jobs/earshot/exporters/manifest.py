"""What stands beside every export: rows, columns, files and their checksums."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Self

from earshot.core.errors import IntegrityError

MANIFEST: Final = "manifest.json"
_BLOCK: Final = 1 << 20


@dataclass(frozen=True)
class ExportedFile:
    """One file of an export with its SHA-256 in hex; the name is relative to the manifest."""

    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """One export.

    Attributes:
        table: `layer.noun`.
        format: parquet, csv, jsonl or jdbc.
        target: Folder, bucket with prefix, or database and table; without credentials.
        rows: How many.
        columns: Name and type, in order: of Arrow, or of Spark where the export went into a database.
        files: Empty where the export went into a database.
        created_at: When the export was asked for.
        source_version: Version of the Delta table that was read; None where it was never written.
        where: Conditions by which the rows were chosen; empty = all of them.
    """

    table: str
    format: str
    target: str
    rows: int
    columns: tuple[tuple[str, str], ...]
    files: tuple[ExportedFile, ...]
    created_at: datetime
    source_version: int | None = None
    where: tuple[str, ...] = ()

    def as_json(self) -> str:
        """The manifest as it is written."""
        return json.dumps(asdict(self), default=_written, indent=2, ensure_ascii=False) + "\n"

    def below(self, folder: str) -> Self:
        """The manifest of the same files one folder deeper."""
        return replace(self, files=tuple(replace(file, name=f"{folder}/{file.name}") for file in self.files))

    @classmethod
    def from_json(cls, text: str | bytes, where: str) -> Self:
        """Read what `as_json` wrote.

        Raises:
            IntegrityError: It is no manifest.
        """
        try:
            told: dict[str, Any] = json.loads(text)
            return cls(
                table=str(told["table"]),
                format=str(told["format"]),
                target=str(told["target"]),
                rows=int(told["rows"]),
                columns=tuple((str(name), str(kind)) for name, kind in told["columns"]),
                files=tuple(ExportedFile(str(f["name"]), int(f["bytes"]), str(f["sha256"])) for f in told["files"]),
                created_at=datetime.fromisoformat(told["created_at"]),
                source_version=told.get("source_version"),
                where=tuple(told.get("where", ())),
            )
        except (ValueError, KeyError, TypeError):
            raise IntegrityError("The manifest is damaged.", where=where, remedy="Export the table again.") from None


def describe(path: Path) -> ExportedFile:
    """Size and checksum of a file."""
    with path.open("rb") as file:
        size, digest = digest_of(iter(lambda: file.read(_BLOCK), b""))
    return ExportedFile(path.name, size, digest)


def digest_of(pieces: Iterable[bytes]) -> tuple[int, str]:
    """Size and SHA-256 in hex of a content that comes in pieces."""
    digest, size = hashlib.sha256(), 0
    for piece in pieces:
        digest.update(piece)
        size += len(piece)
    return size, digest.hexdigest()


def _written(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
