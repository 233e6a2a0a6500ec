"""Rows of a real SQLite file and a real PostgreSQL come over JDBC into landing/ once, and from there into silver."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from earshot.core.job import Job
from earshot.core.settings import Settings
from earshot.core.small_tables import SmallTables
from earshot.importers.sources.bringing import bring
from earshot.importers.sources.deliveries import open_deliveries
from earshot.importers.sources.rows import bring_rows
from earshot.integrations.source_store import open_store
from source_servers import Configure, Postgres, Sqlite, ledger, play, told_of

RunStep = Callable[[str, Settings], Job]
Bring = Callable[[Settings], dict[str, str]]


class Killed(BaseException):
    """The process is gone."""


@pytest.fixture
def brought(make_job: Callable[..., Job]) -> Bring:
    """Bring, and say which sources failed."""
    return lambda settings: bring(make_job("ingest_listens", settings=settings), open_store)


def files(settings: Settings, source: str = "shop") -> list[Path]:
    return sorted((settings.landing / source).glob("[!.]*.parquet"), key=lambda path: path.stat().st_mtime_ns)


def rows(settings: Settings, column: str = "id", source: str = "shop") -> list[list[Any]]:
    """The values of a column, file by file."""
    return [pq.read_table(path).column(column).to_pylist() for path in files(settings, source)]


def test_rows_of_sqlite_become_rows_of_silver_and_come_no_second_time(
    sqlite: Sqlite, configured: Configure, run_step: RunStep
) -> None:
    sqlite.insert(1, 2, 3)
    settings = configured(shop={"url": sqlite.url, "table": "plays", "key": "id"})
    assert run_step("ingest_listens", settings).summary.facts["brought from shop"] == 1
    sqlite.insert(4, 5)
    run_step("ingest_listens", settings)
    run_step("publish_listens", settings)
    assert run_step("ingest_listens", settings).summary.facts == {"files": 0}
    assert ledger(settings) == {
        "shop/first..3.parquet": ("committed", 3, 0),
        "shop/3..5.parquet": ("committed", 2, 0),
    }
    silver = SmallTables(settings.lake_root).rows("silver.listens")
    assert sorted((row["track_id"], row["played_ms"]) for row in silver) == [(f"t{n}", 40_000 + n) for n in range(1, 6)]


def test_rows_of_postgresql_come_by_a_time_and_a_tie_breaker_whatever_the_zone_of_the_server(
    postgres: Postgres, configured: Configure, brought: Bring
) -> None:
    at = "timestamptz '2026-03-29 00:30:00.000001+00'"
    postgres.insert(f"1, 'anna', {at}, 40000, 't1'", f"2, 'ben', {at}, 40000, 't2'")
    source = {"url": postgres.url, "table": "public.plays", "key": ["started_at", "id"]}
    source |= {"user_env": "PLAYS_USER", "password_env": "PLAYS_PASSWORD"}
    settings = configured(shop=source)
    assert brought(settings) == {}
    postgres.insert(f"3, 'anna', {at}, 40000, 't3'", f"4, 'ben', {at} + interval '1 hour', 40000, 't4'")
    assert brought(settings) == {}
    assert brought(settings) == {}
    assert rows(settings) == [[1, 2], [3, 4]]
    stored = pq.read_table(files(settings)[0])
    assert stored.column("started_at").to_pylist()[0].isoformat() == "2026-03-29T00:30:00.000001+00:00"
    assert files(settings)[0].name == "first..20260329T003000.000001,2.parquet"


def test_postgresql_to_silver_through_a_query(postgres: Postgres, configured: Configure, run_step: RunStep) -> None:
    postgres.execute(
        "INSERT INTO plays (listener, started_at, played_ms, track_id) SELECT 'l' || n % 7,"
        " timestamptz '2026-03-28 08:00:00+00' + n * interval '1 second', 40000, 't' || n FROM "
        "generate_series(1, 500) n"
    )
    query = "SELECT id, upper(listener) AS listener, started_at, played_ms, track_id FROM plays WHERE id % 2 = 0;"
    source = {"url": postgres.url, "query": query, "key": "id", "user_env": "PLAYS_USER"}
    settings = configured(shop=source | {"password_env": "PLAYS_PASSWORD"})
    run_step("ingest_listens", settings)
    run_step("publish_listens", settings)
    assert ledger(settings) == {"shop/first..500.parquet": ("committed", 250, 0)}


def test_a_row_that_is_committed_late_comes_with_the_overlap_and_what_has_not_changed_comes_once_more(
    sqlite: Sqlite, configured: Configure, brought: Bring
) -> None:
    settings = configured(shop={"url": sqlite.url, "table": "plays", "key": "id", "overlap": 3})
    sqlite.insert(1, 2, 4, 5)
    for _ in range(3):
        brought(settings)
    assert rows(settings) == [[1, 2, 4, 5], [2, 4, 5]]
    sqlite.insert(3)
    for _ in range(2):
        brought(settings)
    assert rows(settings)[2:] == [[2, 3, 4, 5]]
    sqlite.insert(9)
    brought(settings)
    assert rows(settings)[3:] == [[2, 3, 4, 5, 9]]


def test_many_rows_become_several_files_in_the_order_of_their_key(
    spark: SparkSession, sqlite: Sqlite, configured: Configure
) -> None:
    sqlite.execute(
        "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 25000)"
        " INSERT INTO plays SELECT 25001 - i, 'anna', '2026-03-28T00:00:00Z', 1, 't' FROM n"
    )
    settings = configured(shop={"url": sqlite.url, "table": "plays", "key": "id"})
    small = SmallTables(settings.lake_root)
    with open_deliveries("shop", settings.landing, small, lambda: datetime.now(UTC)) as deliveries:
        assert deliveries is not None
        bring_rows(spark, settings.sources["shop"], deliveries, rows_in_a_file=10_000)
        assert (deliveries.files, deliveries.watermark) == (3, "[25000]")
    names = [f"first..25000-{n}.parquet" for n in (1, 2, 3)]
    ids = [pq.read_table(settings.landing / "shop" / name).column("id").to_pylist() for name in names]
    assert [len(some) for some in ids] == [10_000, 10_000, 5_000]
    assert [one for some in ids for one in some] == list(range(1, 25_001))


@pytest.mark.parametrize("recorded", [False, True])
def test_a_run_that_dies_between_file_and_watermark_loses_and_doubles_no_row(
    recorded: bool, sqlite: Sqlite, configured: Configure, brought: Bring
) -> None:
    sqlite.insert(1, 2)
    settings = configured(shop={"url": sqlite.url, "table": "plays", "key": "id"})
    append = SmallTables.append

    def dying(tables: SmallTables, name: str, told: Any) -> None:
        if recorded:
            append(tables, name, told)
        raise Killed

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(SmallTables, "append", dying)
        with pytest.raises(Killed):
            brought(settings)
    assert files(settings) == []
    sqlite.insert(3)
    assert brought(settings) == {}
    assert rows(settings) == ([[1, 2], [3]] if recorded else [[1, 2, 3]])


def test_sqlite_gives_what_is_stored_whatever_was_declared(
    sqlite: Sqlite, configured: Configure, brought: Bring
) -> None:
    sqlite.insert(1)
    sqlite.execute("INSERT INTO plays VALUES (?, 'anna', 1774746000000, ?, 'x')", 1 << 40, 1 << 33)
    settings = configured(shop={"url": sqlite.url, "table": "plays", "key": "id"})
    assert brought(settings) == {}
    assert rows(settings, "started_at") == [[play(1)["started_at"], "1774746000000"]]
    assert rows(settings, "played_ms") == [[40_001, 1 << 33]]


def test_a_source_without_new_rows_or_without_rows_brings_nothing(
    sqlite: Sqlite, configured: Configure, brought: Bring
) -> None:
    settings = configured(shop={"url": sqlite.url, "table": "plays", "key": "id"})
    assert brought(settings) == {}
    assert (files(settings), told_of(settings)) == ([], [])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"table": "nope"}, "no such table: nope"),
        ({"key": "idd"}, "There is no column idd"),
        ({"url": "jdbc:sqlite:/nowhere/shop.db"}, "The database file is not there"),
        ({"url": "jdbc:oracle:thin:@x", "driver": "oracle.jdbc.OracleDriver"}, "driver of oracle is not among"),
        ({"password_env": "NO_SUCH_VARIABLE"}, "The environment has no variable NO_SUCH_VARIABLE"),
        ({"key": "started_at"}, "Rows of the same started_at could be missed"),
        ({"key": "track_id", "overlap": 5}, "no overlap of a key that is text"),
    ],
)
def test_what_cannot_be_read_is_an_error_with_a_remedy(
    changes: dict[str, Any], said: str, sqlite: Sqlite, configured: Configure, brought: Bring
) -> None:
    sqlite.insert(1)
    settings = configured(shop={"url": sqlite.url, "table": "plays", "key": "id"} | changes)
    if "overlap" in changes:
        assert brought(settings) == {}
    reason = brought(settings)["shop"]
    assert said in reason
    assert "remedy:" in reason
    assert "Exception" not in reason


def test_a_password_that_is_wrong_is_told_without_it(
    postgres: Postgres, configured: Configure, brought: Bring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLAYS_PASSWORD", "swordfish")
    source = {"url": postgres.url, "table": "plays", "key": ["started_at"], "user_env": "PLAYS_USER"}
    settings = configured(shop=source | {"password_env": "PLAYS_PASSWORD"})
    reason = brought(settings)["shop"]
    assert "password authentication failed" in reason
    assert "swordfish" not in reason
    monkeypatch.setenv("PLAYS_PASSWORD", "hunter2")
    assert "Rows of the same started_at could be missed" in brought(settings)["shop"]
    assert "connection" in brought(configured(shop=source | {"url": "jdbc:postgresql://127.0.0.1:1/x"}))["shop"].lower()
