"""A memo is there as a whole or not at all, and can be deleted at any time."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from earshot.core.memo_files import MemoFiles

MEMO = pa.RecordBatch.from_pydict({"numbers": pa.array([[1, 2, 3]], pa.large_list(pa.int64()))})


@pytest.fixture
def memos(tmp_path: Path) -> MemoFiles:
    (tmp_path / "gold" / "charts").mkdir(parents=True)
    return MemoFiles.of(str(tmp_path), "gold.charts")


def test_what_was_kept_is_read_again(memos: MemoFiles) -> None:
    assert memos.read("one") is None
    memos.write("one", MEMO)
    assert memos.read("one") == MEMO


def test_a_memo_that_is_cut_off_is_none(memos: MemoFiles) -> None:
    memos.write("one", MEMO)
    path = Path(memos.folder, "one")
    for size in (0, 10, path.stat().st_size - 1):
        path.write_bytes(path.read_bytes()[:size])
        assert memos.read("one") is None


def test_a_writer_that_dies_leaves_no_memo(memos: MemoFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as dying, pytest.raises(KeyboardInterrupt):
        dying.setattr(Path, "rename", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        memos.write("one", MEMO)
    assert memos.read("one") is None
    assert len(list(Path(memos.folder).iterdir())) == 1
    memos.keep([])
    assert list(Path(memos.folder).iterdir()) == []


def test_only_those_that_are_named_are_kept(memos: MemoFiles) -> None:
    for name in ("one", "two", "three"):
        memos.write(name, MEMO)
    memos.keep(["two", "four"])
    assert [path.name for path in Path(memos.folder).iterdir()] == ["two"]


def test_those_of_later_days_stay_where_nobody_asks_for_them_now(memos: MemoFiles) -> None:
    for name in ("2026-03-01-a", "2026-03-02-a", "2026-03-02-b", "2026-04-01-a"):
        memos.write(name, MEMO)
    Path(memos.folder, ".half").write_bytes(b"")
    memos.keep(["2026-03-02-a"], later_than=date(2026, 3, 2))
    assert sorted(path.name for path in Path(memos.folder).iterdir()) == ["2026-03-02-a", "2026-04-01-a"]


def test_a_memo_that_another_run_tidied_away_while_it_was_written_is_done_without(
    memos: MemoFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved = Path.rename

    def tidied(path: Path, target: Path) -> Path:
        memos.keep([])
        return moved(path, target)

    monkeypatch.setattr(Path, "rename", tidied)
    memos.write("one", MEMO)
    assert memos.read("one") is None


def test_no_vacuum_takes_a_memo_away(memos: MemoFiles) -> None:
    table = str(Path(memos.folder).parent)
    write_deltalake(table, pa.table({"rank": [1]}))
    memos.write("one", MEMO)
    stray = Path(table, "stray.parquet")
    stray.write_bytes(b"")
    for path in (stray, Path(memos.folder, "one")):
        os.utime(path, (1, 1))
    DeltaTable(table).vacuum(0, dry_run=False, enforce_retention_duration=False, full=True)
    assert (stray.exists(), "one" in memos) == (False, True)
    assert DeltaTable(table).to_pyarrow_table().num_rows == 1
