"""What tests of sources meet: plays, a database file, a PostgreSQL server of their own, and what the tables say."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from earshot.automation.spark_jars import EXTRAS
from earshot.core.settings import Settings
from earshot.core.small_tables import SmallTables
from loopback import free_port

BUCKET = "plays"
Configure = Callable[..., Settings]


def play(n: int, **changes: Any) -> dict[str, Any]:
    at = f"2026-03-28T{8 + n // 60:02}:{n % 60:02}:00.000Z"
    return {"listener": f"listener-{n % 5}", "started_at": at, "played_ms": 40_000 + n, "track_id": f"t{n}"} | changes


def lines(*numbers: int) -> bytes:
    return "".join(json.dumps(play(n)) + "\n" for n in numbers).encode()


def ledger(settings: Settings) -> dict[str, tuple[str, int, int]]:
    """By file: status, accepted, duplicate."""
    rows = SmallTables(settings.lake_root).rows("ops.ledger")
    return {row["source_file"]: (row["status"], row["accepted"], row["duplicate"]) for row in rows}


def told_of(settings: Settings) -> list[tuple[str, str, str | None]]:
    """Source, status and item of every row of ops.sources, in order."""
    rows = SmallTables(settings.lake_root).rows("ops.sources")
    return [
        (row["source"], row["status"], row["item"]) for row in sorted(rows, key=lambda row: (row["at"], row["source"]))
    ]


def need_jars(spark: SparkSession, extra: str) -> None:
    there = spark.conf.get("spark.jars", "")
    if not all(jar in there for jar in EXTRAS[extra].checksums):
        pytest.skip(
            f"the jars of {extra} are NOT FETCHED: python -m earshot.automation.spark_jars {extra}, and these tests run"
        )


@contextmanager
def credentials_of_s3a(spark: SparkSession) -> Iterator[None]:
    """Spark's JVM began before the test set its environment: tell its S3A of the keys as a cluster's settings would."""
    need_jars(spark, "s3a")
    hadoop = spark.sparkContext._jsc.hadoopConfiguration()
    keys = {"fs.s3a.access.key": "AKIDTEST", "fs.s3a.secret.key": "s3cr3t-of-the-bucket"}
    for name, value in keys.items():
        hadoop.set(name, value)
    yield
    for name in keys:
        hadoop.unset(name)


class Sqlite:
    """A database file with a table of plays."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.url = f"jdbc:sqlite:{path}"
        self.execute(
            "CREATE TABLE plays (id INTEGER PRIMARY KEY, listener TEXT, started_at TIMESTAMP, played_ms INTEGER,"
            " track_id TEXT)"
        )

    def execute(self, statement: str, *values: Any) -> None:
        with sqlite3.connect(self.path) as connection:
            connection.execute(statement, values)
        connection.close()

    def insert(self, *numbers: int, **changes: Any) -> None:
        for n in numbers:
            row = play(n, **changes)
            self.execute("INSERT INTO plays VALUES (?, ?, ?, ?, ?)", n, *row.values())


class Postgres:
    """A server of our own, with a table of plays; statements go through psql."""

    def __init__(self, binaries: Path) -> None:
        self.port = free_port()
        self.url = f"jdbc:postgresql://127.0.0.1:{self.port}/postgres"
        self._binaries = binaries
        self._folder = Path(tempfile.mkdtemp(prefix="earshot-postgres-"))
        # PostgreSQL refuses to run as root.
        self._as = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []

    def start(self) -> None:
        if self._as:
            shutil.chown(self._folder, "postgres", "postgres")
        password = self._folder / "password"
        password.write_text("hunter2\n")
        password.chmod(0o644)
        data = self._folder / "data"
        self._run("initdb", "-D", data, "-U", "earshot", "-A", "scram-sha-256", "--pwfile", password, "--no-sync")
        options = f"-h 127.0.0.1 -p {self.port} -k {self._folder} -c fsync=off -c timezone=Asia/Kolkata"
        self._run("pg_ctl", "-D", data, "-w", "-l", self._folder / "log", "-o", options, "start")

    def stop(self) -> None:
        self._run("pg_ctl", "-D", self._folder / "data", "-m", "immediate", "stop")
        shutil.rmtree(self._folder)

    def execute(self, statement: str) -> None:
        self._run("psql", "-q", "-h", "127.0.0.1", "-p", self.port, "-U", "earshot", "-c", statement, "postgres")

    def insert(self, *rows: str) -> None:
        self.execute(f"INSERT INTO plays VALUES {', '.join(f'({row})' for row in rows)}")  # noqa: S608 (of the test's own)

    def _run(self, program: str, *arguments: Any) -> None:
        command = [*self._as, str(self._binaries / program), *map(str, arguments)]
        environment = {**os.environ, "PGPASSWORD": "hunter2", "PGTZ": "UTC", "LC_ALL": "C.UTF-8"}
        done = subprocess.run(
            command, cwd="/", env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False
        )
        assert done.returncode == 0, done.stderr


def postgres_binaries() -> Path | None:
    """Where initdb and pg_ctl are, and can be started."""
    if os.geteuid() == 0 and "postgres" not in {user.pw_name for user in pwd.getpwall()}:
        return None
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    named = shutil.which("initdb")
    return found[-1].parent if found else Path(named).resolve().parent if named else None
