from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from earshot.core.settings import Settings
from earshot.core.small_tables import SmallTables
from earshot.importers.archive import archive_path, expire_files

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
