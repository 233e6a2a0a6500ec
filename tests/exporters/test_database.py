"""Exports over JDBC: into Derby, which comes with Spark, an SQLite file and a PostgreSQL server."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, Row, SparkSession
from tests.importers.sources.conftest import postgres_server  # noqa: F401 - a fixture

from earshot.core.errors import ArgumentError, DependencyError
from earshot.core.schemas import TABLES
from earshot.exporters import database
from earshot.exporters.database import DatabaseTable, export_jdbc
from earshot.exporters.modes import Mode
from exporters.export_worlds import AT
from source_servers import Postgres, need_jars

DERBY = {"driver": "org.apache.derby.iapi.jdbc.AutoloadedDriver"}
SPEC = TABLES["gold.revenue"]
MONTH = date(2026, 3, 1)


def revenue(spark: SparkSession, *rows: tuple[str, str, str | None]) -> DataFrame:
    """Payouts of March: payee, amount, reason."""
    values = [
        {
            **dict.fromkeys(SPEC.column_names), "month": MONTH, "country": "DE", "tier": "premium", "currency": "EUR",
            "model": "pro_rata", "payee_type": "artist", "payee_id": payee, "streams": 3, "amount": Decimal(amount),
            "pool": Decimal("1000000000000.01"), "suspects": "included", "status": "provisional", "reason": reason,
        }
        for payee, amount, reason in rows
    ]  # fmt: skip
    return spark.createDataFrame([Row(**value) for value in values], SPEC.schema)


@pytest.fixture(params=["derby", "sqlite", "postgresql"])
def target(request: pytest.FixtureRequest, spark: SparkSession, tmp_path: Path) -> Iterator[DatabaseTable]:
    if request.param == "derby":
        yield DatabaseTable(f"jdbc:derby:memory:{tmp_path.name};create=true", "payouts", DERBY)
        return
    need_jars(spark, request.param)
    if request.param == "sqlite":
        yield DatabaseTable(f"jdbc:sqlite:{tmp_path / 'books.db'}", "payouts")
        return
    server: Postgres = request.getfixturevalue("postgres_server")
    yield DatabaseTable(server.url, "payouts", {"user": "earshot", "password": "hunter2"})
    server.execute("DROP TABLE IF EXISTS payouts, payouts_incoming, earshot_exports CASCADE")


@pytest.fixture
def send(spark: SparkSession, target: DatabaseTable) -> Callable[..., Any]:
    def export(*rows: tuple[str, str, str | None], mode: Mode = "replace", **more: Any) -> Any:
        chosen = revenue(spark, *rows)
        return export_jdbc("gold.revenue", chosen, target, key=SPEC.key, mode=mode, at=AT, version=4, **more)

    return export


def there(spark: SparkSession, target: DatabaseTable) -> set[tuple[str, str, str | None]]:
    read = spark.read.jdbc(target.url, target.table, properties=target.options)
    return {
        (row["payee_id"], str(Decimal(row["amount"]).quantize(Decimal("0.01"))), row["reason"])
        for row in read.collect()
    }


def receipt(spark: SparkSession, target: DatabaseTable) -> dict[str, Any]:
    (row,) = spark.read.jdbc(target.url, "earshot_exports", properties=target.options).collect()
    told: dict[str, Any] = json.loads(row[1])
    return told


def test_a_table_is_replaced_with_its_manifest(
    spark: SparkSession, target: DatabaseTable, send: Callable[..., Any]
) -> None:
    for rows in ([("a", "1.10", None), ("b", "2.20", None)], [("a", "1.15", None)], []):
        manifest = send(*rows)
        assert there(spark, target) == set(rows)
        assert (manifest.rows, receipt(spark, target)["rows"]) == (len(rows), len(rows))
    told = receipt(spark, target)
    assert (told["table"], told["source_version"], told["created_at"]) == ("gold.revenue", 4, AT.isoformat())
    assert [name for name, _ in told["columns"]] == ["earshot_key", *SPEC.column_names]


def test_an_upsert_updates_appends_and_removes_nothing_also_where_the_key_has_nulls(
    spark: SparkSession, target: DatabaseTable, send: Callable[..., Any]
) -> None:
    send(("a", "1.10", None), ("b", "2.20", None), mode="upsert")
    send(("b", "2.25", None), ("b", "0.05", "verdicts"), ("c", "3.30", None), mode="upsert")
    expected = {("a", "1.10", None), ("b", "2.25", None), ("b", "0.05", "verdicts"), ("c", "3.30", None)}
    assert there(spark, target) == expected
    send(("b", "2.25", None), ("b", "0.05", "verdicts"), ("c", "3.30", None), mode="upsert")
    assert there(spark, target) == expected


def test_an_export_that_fails_in_its_transaction_leaves_table_and_manifest(
    spark: SparkSession, target: DatabaseTable, send: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    send(("a", "1.10", None))

    def fail(*_: Any) -> None:
        raise RuntimeError("killed")

    monkeypatch.setattr(database, "record", fail)
    modes: tuple[Mode, ...] = ("replace", "upsert")
    for mode in modes:
        with pytest.raises(DependencyError, match="killed"):
            send(("a", "9.99", None), ("z", "1.00", None), mode=mode)
        assert there(spark, target) == {("a", "1.10", None)}
        assert receipt(spark, target)["rows"] == 1


def test_two_rows_with_one_key_are_refused(target: DatabaseTable, send: Callable[..., Any]) -> None:
    with pytest.raises(DependencyError, match="did not take"):
        send(("a", "1.10", None), ("a", "1.20", None))


def test_an_upsert_into_a_table_of_somebody_else_is_refused(
    spark: SparkSession, target: DatabaseTable, send: Callable[..., Any]
) -> None:
    if target.database == "sqlite":  # of which Spark makes no table
        with sqlite3.connect(target.url.removeprefix("jdbc:sqlite:")) as connection:
            connection.executescript("CREATE TABLE payouts (id INTEGER); INSERT INTO payouts VALUES (1)")
    else:
        spark.range(1).write.jdbc(target.url, target.table, properties=target.options)
    with pytest.raises(ArgumentError, match="other columns"):
        send(("a", "1.10", None), mode="upsert")
    assert spark.read.jdbc(target.url, target.table, properties=target.options).count() == 1
    send(("a", "1.10", None))
    assert there(spark, target) == {("a", "1.10", None)}


def test_grants_and_views_of_a_table_stay(spark: SparkSession, postgres_server: Postgres) -> None:  # noqa: F811
    target = DatabaseTable(postgres_server.url, "payouts", {"user": "earshot", "password": "hunter2"})
    export_jdbc("gold.revenue", revenue(spark, ("a", "1.10", None)), target, key=SPEC.key, mode="replace", at=AT)
    postgres_server.execute("CREATE VIEW seen AS SELECT payee_id, amount FROM payouts")
    try:
        export_jdbc("gold.revenue", revenue(spark, ("b", "2.20", None)), target, key=SPEC.key, mode="replace", at=AT)
        (row,) = spark.read.jdbc(target.url, "seen", properties=target.options).collect()
        assert (row["payee_id"], row["amount"]) == ("b", Decimal("2.200000"))
    finally:
        postgres_server.execute("DROP TABLE payouts, earshot_exports CASCADE")


def test_sqlite_keeps_money_to_the_cent_times_and_truth(spark: SparkSession, tmp_path: Path) -> None:
    need_jars(spark, "sqlite")
    target = DatabaseTable(f"jdbc:sqlite:{tmp_path / 'x.db'}", "x")
    moment = datetime(2026, 3, 29, 1, 59, 59, 999_000, tzinfo=UTC)
    value = Decimal("1000000000000.000001")
    schema = "amount decimal(28,6), at timestamp, day date, met boolean, dimensions map<string,string>"
    frame = spark.createDataFrame([(value, moment, MONTH, True, {"country": "DE"})], schema)
    export_jdbc("gold.x", frame, target, key=("dimensions",), mode="replace", at=AT)
    with sqlite3.connect(tmp_path / "x.db") as connection:
        (row,) = connection.execute("SELECT amount, at, day, met, dimensions, date(at) FROM x").fetchall()
    assert row == (
        "1000000000000.000001", "2026-03-29T01:59:59.999000Z", "2026-03-01", 1, '{"country":"DE"}', "2026-03-29",
    )  # fmt: skip


def test_an_upsert_of_a_table_without_key_is_refused(spark: SparkSession) -> None:
    with pytest.raises(ArgumentError, match="no key"):
        export_jdbc("gold.x", spark.range(1), DatabaseTable("jdbc:derby:x", "x"), key=(), mode="upsert", at=AT)


def test_a_name_that_could_be_sql_is_refused() -> None:
    with pytest.raises(ArgumentError):
        DatabaseTable("jdbc:derby:x", "charts; DROP TABLE charts")


def test_a_database_that_is_not_there_is_an_error_without_the_password(spark: SparkSession) -> None:
    target = DatabaseTable("jdbc:derby:memory:nowhere;user=me;password=hunter2", "charts", DERBY)
    with pytest.raises(DependencyError) as caught:
        export_jdbc("gold.x", spark.range(1), target, key=(), mode="replace", at=AT)
    assert "hunter2" not in str(caught.value)


def test_a_driver_that_is_missing_is_told_with_the_command_that_fetches_it(spark: SparkSession) -> None:
    target = DatabaseTable("jdbc:oracle:thin:@x", "charts")
    with pytest.raises(DependencyError, match="driver of oracle is not among") as caught:
        export_jdbc("gold.x", spark.range(1), target, key=(), mode="replace", at=AT)
    assert "spark.jars" in caught.value.remedy
