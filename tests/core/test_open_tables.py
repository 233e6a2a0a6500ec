"""Tables that stay open: whoever takes one sees the last commit, and nobody else has it meanwhile."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from earshot.core.commits import DeltaLog
from earshot.core.open_tables import give_back, history_of, newest_first, opened, take
from earshot.core.table_history import TableHistory


@pytest.fixture
def path(tmp_path: Path) -> str:
    path = str(tmp_path / "table")
    append(path, 1)
    return path


def append(path: str, *values: int) -> None:
    for value in values:
        write_deltalake(path, pa.table({"value": [value]}), mode="append")


def values(path: str, version: int | None = None) -> list[int]:
    with opened(path, version) as table:
        assert table
        return sorted(table.to_pyarrow_table()["value"].to_pylist())


def test_a_table_that_was_never_written_is_none(tmp_path: Path) -> None:
    with opened(str(tmp_path / "nothing")) as table:
        assert table is None


def test_a_handle_is_lent_again_and_sees_what_was_committed_since(path: str) -> None:
    with opened(path) as first:
        pass
    append(path, 2, 3)
    with opened(path) as again:
        assert again is first
    assert values(path) == [1, 2, 3]


def test_a_table_that_nobody_wrote_to_is_not_read_again(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    updates: list[int] = []
    update = DeltaTable.update_incremental

    def told(table: DeltaTable) -> None:
        updates.append(table.version())
        update(table)

    monkeypatch.setattr(DeltaTable, "update_incremental", told)
    assert values(path) == values(path) == [1]
    assert [entry["version"] for entry in newest_first(path, at_first=2)] == [0]
    assert updates == []
    append(path, 2)
    assert values(path) == values(path) == [1, 2]
    assert updates == [0]


def test_nobody_else_gets_a_handle_that_is_lent(path: str) -> None:
    with opened(path) as one, opened(path) as other:
        assert one is not other
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda _: take(path), range(8)))
    assert len(set(map(id, taken))) == 8


def test_a_handle_whose_user_failed_is_not_lent_again(path: str) -> None:
    with pytest.raises(ZeroDivisionError), opened(path) as failed:
        raise ZeroDivisionError
    with opened(path) as table:
        assert table is not failed


def test_a_version_of_the_past_is_seen_whatever_is_open(path: str) -> None:
    append(path, 2)
    assert values(path) == [1, 2]
    assert values(path, version=0) == [1]
    assert values(path) == [1, 2]


def test_another_table_in_the_same_place_is_not_taken_for_the_old_one(path: str) -> None:
    append(path, 2, 3)
    assert values(path) == [1, 2, 3]
    shutil.rmtree(path)
    append(path, 7)
    assert values(path) == [7]
    shutil.rmtree(path)
    append(path, 8, 9, 10)  # of the same version
    assert values(path) == [8, 9, 10]
    shutil.rmtree(path)
    assert take(path) is None


def test_handles_that_were_used_longest_ago_are_let_go(tmp_path: Path) -> None:
    paths = [str(tmp_path / f"table{n}") for n in range(33)]
    for path in paths:
        append(path, 1)
    handles = [take(path) for path in paths]
    for path, handle in zip(paths, handles, strict=True):
        give_back(path, handle)
    assert take(paths[0]) is not handles[0]
    assert all(take(path) is handle for path, handle in zip(paths[1:], handles[1:], strict=True))
    assert all(take(path) is not handle for path, handle in zip(paths, handles, strict=True))


def test_commits_keep_their_numbers_when_another_came_in_between(path: str) -> None:
    append(path, 2, 3)
    table = DeltaTable(path)
    append(path, 4)
    assert [entry["version"] for entry in history_of(path, table)] == [3, 2, 1, 0]
    table = DeltaTable(path)
    append(path, 5)
    assert [entry["version"] for entry in history_of(path, table, 2)] == [4, 3]


def test_commits_are_told_once_and_in_order_however_many_pieces_they_are_read_in(path: str) -> None:
    append(path, *range(2, 12))
    entries = newest_first(path, at_first=2)
    assert next(entries)["version"] == 10
    append(path, 12)
    assert [entry["version"] for entry in entries] == list(range(9, -1, -1))
    assert [entry["version"] for entry in newest_first(path, at_first=2)] == list(range(11, -1, -1))
    assert list(newest_first(f"{path}-not-there", at_first=2)) == []


def test_a_log_that_lacks_commits_does_not_tell_what_came_after(tmp_path: Path) -> None:
    log = DeltaLog(str(tmp_path), "gold.suspect_listens")
    log.create()
    for n in range(5):
        log.append(log.schema.empty_table(), app_id=f"w{n}", metadata={"n": n})
    history = TableHistory(str(tmp_path), "gold.suspect_listens")
    told = history.changes_after(2)
    assert told is not None
    assert [change.metadata for change in told] == [{"n": 4}, {"n": 3}, {"n": 2}]
    assert history.changes_after(5) == []
    assert history.changes_after(6) is None
    DeltaTable(log.path).create_checkpoint()
    for version in range(4):
        Path(log.path, "_delta_log", f"{version:020}.json").unlink()
    assert TableHistory(str(tmp_path), "gold.suspect_listens").changes_after(2) is None
