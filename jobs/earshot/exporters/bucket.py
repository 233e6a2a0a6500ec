"""An export into a bucket: objects under names of their own, then, in one call, the manifest that names them."""

from __future__ import annotations

import re
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Protocol

from earshot.core.errors import ArgumentError
from earshot.exporters.manifest import MANIFEST, Manifest

_GENERATION: Final = re.compile(r"export-\d{8}T\d{6}Z-[0-9a-f]{8}/.+")


def of_another_export(key: str) -> bool:
    """Whether an object may be there that the manifest does not name: of an earlier export, or of a killed one."""
    return _GENERATION.fullmatch(key) is not None


class ObjectStore(Protocol):
    """The objects below a prefix of a bucket."""

    @property
    def name(self) -> str:
        """Address of the prefix."""

    def content(self, key: str) -> tuple[bytes, str] | None:
        """A small object and its ETag; None where there is none."""

    def keys(self) -> Iterator[str]:
        """All keys, below the prefix."""

    def send(self, path: Path, key: str) -> None:
        """Upload a file, in parts where it is large; it is there whole or not at all."""

    def put(self, key: str, body: bytes, *, replacing: str | None) -> None:
        """Write a small object, if the one there has this ETag (None: if none is there); else OvertakenError."""

    def remove(self, keys: Sequence[str]) -> None:
        """Remove objects; those that are not there are no error."""

    def forget_uploads(self) -> None:
        """End uploads that were begun and never completed."""


class BucketFolder:
    """A prefix of a bucket that holds exports, and nothing else.

    The manifest is the pointer: a store swaps one object at once, so a reader that begins with it sees the
    export before or this one. The objects of the export before stay until the next one, for readers that have
    begun. Two exports at once: the second manifest is refused, since it replaces another than it has seen.

    Args:
        store: Where.
    """

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._seen: tuple[bytes, str] | None = None

    @property
    def name(self) -> str:
        """As it stands in the manifest."""
        return self._store.name

    @contextmanager
    def workplace(self) -> Iterator[Path]:
        """A folder for the files before they are sent.

        Raises:
            ArgumentError: There are objects below the prefix that are no export.
        """
        self._seen = self._store.content(MANIFEST)
        foreign = None if self._seen else next((k for k in self._store.keys() if not _GENERATION.fullmatch(k)), None)
        if foreign:
            raise ArgumentError(
                f"{self.name} holds something that is no export: {foreign}.",
                where="option --to",
                remedy="Name a prefix of its own.",
            )
        with tempfile.TemporaryDirectory(prefix="earshot-export-") as scratch:
            yield Path(scratch)

    def publish(self, place: Path, manifest: Manifest) -> None:
        """Send the files, then the manifest; then remove what neither it nor the one before names.

        Raises:
            OvertakenError: Another export was published meanwhile; nothing of this one is seen.
        """
        generation = f"export-{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{uuid.uuid4().hex[:8]}"
        placed = manifest.below(generation)
        for local, sent in zip(manifest.files, placed.files, strict=True):
            self._store.send(place / local.name, sent.name)
        body, etag = self._seen or (b"", None)
        self._store.put(MANIFEST, placed.as_json().encode(), replacing=etag)
        kept = {file.name for file in placed.files}
        if body:
            kept |= {file.name for file in Manifest.from_json(body, f"{self.name}{MANIFEST}").files}
        self._store.remove([key for key in self._store.keys() if _GENERATION.fullmatch(key) and key not in kept])
        self._store.forget_uploads()
