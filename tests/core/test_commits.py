"""Commits of writers that work at the same time: one of a kind, and no row lost or doubled."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable

from earshot.core.commits import DeltaLog
from earshot.core.errors import OvertakenError
from earshot.core.small_tables import SmallTables
from earshot.core.staging import StagedFile

WRITERS = 8
AT = datetime(2026, 3, 29, tzinfo=UTC)


def together(work: Callable[[int], Any], writers: int = WRITERS) -> list[Any]:
    """What the writers came to, who all begin at the same moment: `overtaken`, or what they returned."""
    start = threading.Barrier(writers)

    def one(n: int) -> Any:
        start.wait()
        try:
            return work(n)
        except OvertakenError:
            return "overtaken"

    with ThreadPoolExecutor(writers) as pool:
        return list(pool.map(one, range(writers)))


def kpi(batch: str) -> dict[str, Any]:
    return {"batch_id": batch, "measured_at": AT, "suite": "listens", "kpi": "accuracy", "value": 1.0}


def staged(root: Path, log: DeltaLog, n: int) -> list[StagedFile]:
    rows = pa.Table.from_pylist([kpi(f"b{n}")], schema=log.schema)
    return log.stage(f"batch=b{n}").write(rows)


def test_whoever_comes_first_makes_the_table_and_the_others_find_it(tmp_path: Path) -> None:
    log = DeltaLog(str(tmp_path), "silver.listens")
    made = together(lambda n: log.create())
    assert made == [None] * WRITERS
    assert DeltaTable(log.path).metadata().partition_columns == ["listen_date"]
    assert log.is_empty()


def test_one_application_commits_once_however_many_try_at_the_same_time(tmp_path: Path) -> None:
    log = DeltaLog(str(tmp_path), "gold.quality_kpis")
    log.create()
    rows = pa.Table.from_pylist([kpi("b")], schema=log.schema)
    told = together(lambda n: log.append(rows, app_id="publish:b", metadata={}))
    assert set(told) <= {None, "overtaken"}
    assert len(SmallTables(str(tmp_path)).rows("gold.quality_kpis")) == 1


def test_one_application_adds_its_files_once_however_many_try_at_the_same_time(tmp_path: Path) -> None:
    log = DeltaLog(str(tmp_path), "gold.quality_kpis")
    log.create()
    files = [staged(tmp_path, log, n) for n in range(WRITERS)]
    for batch in range(5):
        told = together(lambda n, batch=batch: log.add(files[n], app_id=f"publish:b{batch}", metadata={}))
        assert set(told) <= {None, "overtaken"}
        assert log.contents().version == batch + 1


def test_of_writers_who_decided_on_the_same_version_one_commits_and_the_others_know(tmp_path: Path) -> None:
    log = DeltaLog(str(tmp_path), "gold.quality_kpis")
    files = [staged(tmp_path, log, n) for n in range(WRITERS)]
    seen = log.seen("publish")
    told = together(lambda n: log.add(files[n], app_id=f"publish:b{n}", metadata={}, seen=seen))
    assert Counter(told) == {None: 1, "overtaken": WRITERS - 1}
    assert len(SmallTables(str(tmp_path)).rows("gold.quality_kpis")) == 1


def test_writers_who_look_again_after_they_were_overtaken_all_commit(tmp_path: Path) -> None:
    log = DeltaLog(str(tmp_path), "gold.quality_kpis")
    log.create()
    files = [staged(tmp_path, log, n) for n in range(WRITERS)]

    def until_done(n: int) -> int:
        for attempt in range(1, WRITERS + 1):
            try:
                log.add(files[n], app_id=f"publish:b{n}", metadata={}, seen=log.seen("publish"))
                return attempt
            except OvertakenError:
                continue
        raise AssertionError("overtaken as often as there are writers")

    together(until_done)
    batches = [row["batch_id"] for row in SmallTables(str(tmp_path)).rows("gold.quality_kpis")]
    assert sorted(batches) == [f"b{n}" for n in range(WRITERS)]


def test_a_compaction_in_between_overtakes_nobody(tmp_path: Path) -> None:
    log, small = DeltaLog(str(tmp_path), "gold.quality_kpis"), SmallTables(str(tmp_path))
    for n in range(3):
        small.append("gold.quality_kpis", [kpi(f"a{n}")])
    seen, files = log.seen("publish"), staged(tmp_path, log, 0)
    DeltaTable(log.path).optimize.compact()
    log.add(files, app_id="publish:b0", metadata={}, seen=seen)
    assert len(small.rows("gold.quality_kpis")) == 4


def test_files_that_a_vacuum_took_away_are_not_committed(tmp_path: Path) -> None:
    log, small = DeltaLog(str(tmp_path), "gold.quality_kpis"), SmallTables(str(tmp_path))
    small.append("gold.quality_kpis", [kpi("a")])
    files = staged(tmp_path, log, 0)
    assert small.vacuum("gold.quality_kpis", 0)
    with pytest.raises(OvertakenError, match=r"Another run changed gold\.quality_kpis"):
        log.add(files, app_id="publish:b0", metadata={})
    assert [row["batch_id"] for row in small.rows("gold.quality_kpis")] == ["a"]


def test_rows_appended_by_several_processes_at_once_are_all_there(tmp_path: Path) -> None:
    small = SmallTables(str(tmp_path))
    together(lambda n: [small.append("gold.quality_kpis", [kpi(f"{n}-{m}")]) for m in range(3)])
    assert len({row["batch_id"] for row in small.rows("gold.quality_kpis")}) == 3 * WRITERS


def test_of_two_who_replace_the_same_rows_one_knows_that_it_was_overtaken(tmp_path: Path) -> None:
    small = SmallTables(str(tmp_path))
    small.append("gold.quality_kpis", [kpi("b")])
    told = together(lambda n: small.overwrite("gold.quality_kpis", [kpi("b")], predicate="batch_id = 'b'"))
    assert None in told
    assert len(small.rows("gold.quality_kpis")) == 1
