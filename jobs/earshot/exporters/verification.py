"""An export against its manifest: every file there, no other, each with its size and checksum, as many rows as told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final, Protocol

import pyarrow.parquet as pq

from earshot.core.errors import ArgumentError, IntegrityError
from earshot.exporters.manifest import MANIFEST, ExportedFile, Manifest, digest_of

_BLOCK: Final = 1 << 20


class Stored(Protocol):
    """Exported files where they lie."""

    @property
    def name(self) -> str:
        """Folder or address."""

    def names(self) -> Iterable[str]:
        """Names of all files, the manifest included."""

    def pieces(self, name: str) -> Iterator[bytes]:
        """The content of a file."""


class StoredFolder:
    """An export in a folder.

    Args:
        path: The folder, or the manifest in it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.parent if path.name == MANIFEST else path

    @property
    def name(self) -> str:
        """The folder."""
        return str(self.path)

    def names(self) -> Iterable[str]:
        """See `Stored`."""
        return sorted(str(path.relative_to(self.path)) for path in self.path.rglob("*") if path.is_file())

    def pieces(self, name: str) -> Iterator[bytes]:
        """See `Stored`."""
        with (self.path / name).open("rb") as file:
            yield from iter(lambda: file.read(_BLOCK), b"")


def verify_export(stored: Stored, is_leftover: Callable[[str], bool] = lambda _: False) -> Manifest:
    """Compare an export with its manifest.

    Args:
        stored: Where it lies.
        is_leftover: Whether a file that the manifest does not name may be there.

    Returns:
        The manifest, if everything agrees with it.

    Raises:
        ArgumentError: There is no export.
        IntegrityError: Something does not agree; all that was found is told.
    """
    names = set(stored.names())
    if MANIFEST not in names:
        raise ArgumentError(
            f"{stored.name} holds no export.",
            where="option --verify",
            remedy=f"Name a folder or an address with a {MANIFEST}, as `earshot export` wrote it.",
        )
    manifest = Manifest.from_json(b"".join(stored.pieces(MANIFEST)), f"{stored.name}/{MANIFEST}")
    found = [wrong for file in manifest.files for wrong in _differences(stored, file, names)]
    told = {MANIFEST, *(file.name for file in manifest.files)}
    found += [f"{name} is not in the manifest" for name in sorted(names - told) if not is_leftover(name)]
    if not found and isinstance(stored, StoredFolder) and manifest.format == "parquet":
        found += _other_rows(stored.path, manifest)
    if found:
        raise IntegrityError(
            f"The export differs from its manifest: {'; '.join(found)}.",
            where=stored.name,
            remedy="Do not use it; export the table again.",
        )
    return manifest


def _differences(stored: Stored, file: ExportedFile, names: set[str]) -> Iterator[str]:
    if file.name not in names:
        yield f"{file.name} is missing"
        return
    size, digest = digest_of(stored.pieces(file.name))
    if size != file.bytes:
        yield f"{file.name} has {size:,} bytes where {file.bytes:,} were written"
    elif digest != file.sha256:
        yield f"{file.name} has another checksum"


def _other_rows(folder: Path, manifest: Manifest) -> Iterator[str]:
    read = [pq.ParquetFile(folder / file.name) for file in manifest.files]
    rows = sum(file.metadata.num_rows for file in read)
    if rows != manifest.rows:
        yield f"{rows:,} rows where {manifest.rows:,} were told"
