from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from earshot.core.settings import Settings
from earshot.core.small_tables import SmallTables
from earshot.importers.archive import archive_files, archive_path, expire_files
from earshot.importers.landing import LandingFile

NOW = datetime(2026, 3, 29, tzinfo=UTC)


def archived(settings: Settings, sha256: str) -> Path:
    path = archive_path(settings, sha256)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{}", encoding="utf-8")
    return path


def test_a_file_leaves_the_archive_when_its_last_batch_is_older_than_the_setting(settings: Settings) -> None:
    old, young, again, foreign = (archived(settings, letter * 64) for letter in "abcd")
    days = settings.ingest.archive_days
    published = {"a": (days + 1,), "b": (days - 1,), "c": (days + 5, 2)}
    small_tables = SmallTables(settings.lake_root)
    small_tables.append(
        "ops.ledger",
        [
            {"source_file": f"{letter}{age}", "content_sha256": letter * 64, "committed_at": NOW - timedelta(days=age)}
            for letter, ages in published.items()
            for age in ages
        ],
    )
    assert expire_files(settings, small_tables, NOW) == 1
    assert [path.exists() for path in (old, young, again, foreign)] == [False, True, True, True]
    assert expire_files(settings, small_tables, NOW) == 0


class KilledError(BaseException):
    """The process is gone."""


def landed(settings: Settings) -> LandingFile:
    path = settings.landing / "a.jsonl"
    path.parent.mkdir(parents=True)
    path.write_text("{}\n", encoding="utf-8")
    stat = path.stat()
    return LandingFile("a.jsonl", None, "e" * 64, stat.st_size, datetime.fromtimestamp(stat.st_mtime, UTC))


def of_another_disk(original: Callable[..., None]) -> Callable[..., None]:
    """os.replace as it is between two file systems."""

    def replace(there: Any, here: Any) -> None:
        if "landing" in str(there):
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        original(there, here)

    return replace


@pytest.mark.parametrize("dies_in", [None, "copy", "replace", "unlink"])
def test_a_file_that_is_archived_on_another_disk_is_whole_in_one_of_the_places_whenever_the_run_dies(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, dies_in: str | None
) -> None:
    def die(*_: Any, **__: Any) -> None:
        raise KilledError

    file, replace = landed(settings), of_another_disk(os.replace)
    there, kept = settings.landing / "a.jsonl", archive_path(settings, file.sha256)
    with monkeypatch.context() as dying:
        dying.setattr(os, "replace", replace)
        if dies_in == "copy":
            dying.setattr(shutil, "copy2", die)
        elif dies_in == "replace":
            dying.setattr(os, "replace", lambda a, b: replace(a, b) if "landing" in str(a) else die())
        elif dies_in == "unlink":
            dying.setattr(Path, "unlink", die)
        try:
            archive_files([file], settings)
        except KilledError:
            assert there.exists() or kept.exists()
    archive_files([file], settings)
    assert not there.exists()
    assert kept.read_text(encoding="utf-8") == "{}\n"
