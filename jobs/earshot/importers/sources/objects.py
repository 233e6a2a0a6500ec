"""Objects of a store: listed, and each content of each key fetched once."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Protocol

from earshot.core.errors import DependencyError
from earshot.core.settings import Settings
from earshot.core.source_settings import SourceSettings
from earshot.importers.sources.deliveries import Deliveries, Draft
from earshot.importers.sources.names import is_hidden

_AT_ONCE, _IN_A_COMMIT = 8, 200


class StoredObject(Protocol):
    """An object as a listing tells of it."""

    @property
    def key(self) -> str:
        """Below the prefix."""

    @property
    def etag(self) -> str:
        """Changes with the content."""

    @property
    def size(self) -> int:
        """In bytes."""

    @property
    def modified_at(self) -> datetime:
        """When it was written."""

    def write_to(self, path: Path) -> None:
        """Write the content that was listed into a file, over what it holds.

        Raises:
            FileNotFoundError: It was replaced or removed meanwhile.
            PermissionError: This object cannot be had, others may.
            DependencyError: The store cannot be asked.
        """


class ObjectStore(Protocol):
    """A bucket, below a prefix (see `integrations.object_store`)."""

    def objects(self) -> Iterator[StoredObject]:
        """All of them.

        Raises:
            DependencyError: The store cannot be asked.
        """


def bring_objects(store: ObjectStore, source: SourceSettings, deliveries: Deliveries, settings: Settings) -> int:
    """Bring the objects that are new, at most as many as a batch may have files.

    The oldest come first, those that were refused before last, so that none of the others waits for them.

    Args:
        store: The bucket.
        source: Which of its keys are wanted.
        deliveries: What was brought before.
        settings: Limits.

    Returns:
        How many wait for a later run.

    Raises:
        DependencyError: The store cannot be asked.
    """
    new = _new(store, source, deliveries, settings.limits.max_file_bytes)
    most = settings.ingest.max_files_per_batch
    chosen = new[:most]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for start in range(0, len(chosen), _IN_A_COMMIT):
            some = chosen[start : start + _IN_A_COMMIT]
            _deliver(some, [pool.submit(_fetched, found, deliveries.draft_path()) for found in some], deliveries)
    return len(new) - len(chosen)


def _new(store: ObjectStore, source: SourceSettings, deliveries: Deliveries, most_bytes: int) -> list[StoredObject]:
    new: list[StoredObject] = []
    for found in store.objects():
        is_folder = found.key.endswith("/") or not found.key
        if is_folder or is_hidden(found.key) or not fnmatchcase(found.key, source.pattern):
            continue
        if deliveries.has(found.key, found.etag, found.size):
            continue
        if found.size > most_bytes:
            deliveries.refuse(found.key, found.etag, found.size, f"larger than limits.max_file_bytes ({most_bytes})")
        else:
            new.append(found)
    return sorted(new, key=lambda found: (deliveries.was_refused(found.key, found.etag), found.modified_at, found.key))


def _deliver(some: Sequence[StoredObject], fetched: Sequence[Future[Draft | None]], deliveries: Deliveries) -> None:
    drafts, broken = [], None
    for found, future in zip(some, fetched, strict=True):
        try:
            draft = future.result()
            drafts += [draft] if draft else []
        except (DependencyError, OSError) as error:
            if isinstance(error, PermissionError) and error.errno is None:  # not of our own disk
                deliveries.refuse(found.key, found.etag, found.size, str(error))
            else:
                broken = broken or error
    deliveries.bring(drafts)
    if broken:
        raise broken


def _fetched(found: StoredObject, path: Path) -> Draft | None:
    """The object as a draft; None where it is another by now: the next listing has it."""
    try:
        found.write_to(path)
        with path.open("rb+") as draft:
            os.fsync(draft.fileno())
    except FileNotFoundError:
        path.unlink(missing_ok=True)
        return None
    moment = found.modified_at.timestamp()
    os.utime(path, (moment, moment))
    return Draft(found.key, found.etag, path)
