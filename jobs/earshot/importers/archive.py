"""HOME/archive: landing files that are done with, by the hash of their bytes."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterable, Mapping, Set
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from earshot.core import columns as c
from earshot.core.settings import Settings
from earshot.core.small_tables import SmallTables
from earshot.importers.bronze import LEDGER
from earshot.importers.landing import LandingFile
from earshot.importers.names import landed
from earshot.security.landing_lines import strike_numbers

_SAME_TIME_S = 0.001


def archive_path(settings: Settings, sha256: str) -> Path:
    """Where a file with this hash is kept: archive/ab/abcdef..."""
    return settings.archive / sha256[:2] / sha256


def archive_files(files: Iterable[LandingFile], settings: Settings) -> None:
    """Move files from landing/ to the archive; one that has grown since it was read stays."""
    for file in {file.landing_path: file for file in files}.values():
        if not file.sha256:
            continue
        there, kept = landed(settings.landing, file.landing_path), archive_path(settings, file.sha256)
        try:
            stat = there.stat()
            if stat.st_size != file.size or abs(stat.st_mtime - file.arrived_at.timestamp()) > _SAME_TIME_S:
                continue
            if kept.exists():
                there.unlink()
                continue
            kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _move(there, kept)
        except FileNotFoundError:
            continue


def _move(there: Path, kept: Path) -> None:
    """Move a file so that it lies in one of the two places whole, whenever the process dies."""
    try:
        os.replace(there, kept)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        draft = kept.with_name(f".{kept.name}")
        shutil.copy2(there, draft)
        os.replace(draft, kept)
        there.unlink()


def strike_archived(files: Iterable[LandingFile], lines: Mapping[str, Set[int]], settings: Settings) -> None:
    """Empty lines of archived files, such as those of an erased listener that arrived again.

    Args:
        files: Of a batch; those that still lie in landing/ are left alone.
        lines: Numbers of lines by source_file.
        settings: Where the archive is.
    """
    numbers: dict[str, dict[str, Set[int]]] = {}
    for file in files:
        if file.source_file in lines:
            numbers.setdefault(file.sha256, {})[file.member or ""] = lines[file.source_file]
    for sha256, chosen in numbers.items():
        if (kept := archive_path(settings, sha256)).exists():
            strike_numbers(kept, chosen)


def expire_files(settings: Settings, small_tables: SmallTables, now: datetime) -> int:
    """Remove archived files whose last batch was published more than `ingest.archive_days` ago; says how many."""
    read = small_tables.arrow(LEDGER, columns=[c.CONTENT_SHA256, c.COMMITTED_AT])
    published = read.group_by(c.CONTENT_SHA256).aggregate([(c.COMMITTED_AT, "max")])
    oldest = pa.scalar(now - timedelta(days=settings.ingest.archive_days), pa.timestamp("us", "UTC"))
    old = published.filter(pc.less(published[f"{c.COMMITTED_AT}_max"], oldest))
    kept = [archive_path(settings, sha256) for sha256 in old[c.CONTENT_SHA256].to_pylist() if sha256]
    expired = [path for path in kept if path.exists()]
    for path in expired:
        path.unlink(missing_ok=True)
    return len(expired)
