"""SIGKILL while a table of a database is replaced: what is there is one export or the other, with its manifest."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from source_servers import need_jars

MOMENTS = 3
_EXPORTER = """
import sys
from datetime import UTC, datetime
from earshot.automation.session import open_session
from earshot.core.settings import SparkSettings
from earshot.exporters.database import DatabaseTable, export_jdbc
spark = open_session(SparkSettings(master="local[1]", shuffle_partitions=1))
turn = 0
while True:
    turn = 1 - turn
    rows = spark.range(30_000 if turn else 200).selectExpr("id", f"{turn} AS turn")
    target = DatabaseTable(f"jdbc:sqlite:{sys.argv[1]}", "x")
    export_jdbc("gold.x", rows, target, key=("id",), mode="replace", at=datetime.now(UTC))
    print("done", flush=True)
"""


@pytest.mark.integration
def test_killed_at_any_moment_a_table_and_its_manifest_agree(spark: SparkSession, tmp_path: Path) -> None:
    need_jars(spark, "sqlite")
    file = tmp_path / "x.db"
    for moment in range(MOMENTS):
        with subprocess.Popen([sys.executable, "-c", _EXPORTER, file], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"done\n"
            time.sleep(0.05 + 0.3 * moment)
            process.send_signal(signal.SIGKILL)
            process.wait()
        with sqlite3.connect(file) as connection:
            ((rows, turns, turn),) = connection.execute("SELECT count(*), count(DISTINCT turn), max(turn) FROM x")
            ((told,),) = connection.execute("SELECT manifest FROM earshot_exports WHERE table_name = 'x'")
        assert (rows, turns) == (30_000 if turn else 200, 1)
        assert json.loads(told)["rows"] == rows
