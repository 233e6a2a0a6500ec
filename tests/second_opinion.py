"""A second opinion on the lake: DuckDB over what delta-rs reads, with SQL written from the meanings of the tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from deltalake import DeltaTable

Rows = list[tuple[Any, ...]]

PLAYS = """
    SELECT *, played_ms IS NULL OR played_ms >= 30000 AS counted,
        EXISTS (
            SELECT 1 FROM gold_suspect_listens AS named
            WHERE named.listener_id = plays.listener_id AND named.listen_date = plays.listen_date
                AND (named.track_id IS NULL OR named.track_id = plays.track_id)
                AND named.verdict IN ('suspect', 'confirmed')
        ) AS flagged
    FROM silver_listens AS plays
"""


class SecondOpinion:
    """Tables as views `layer_noun`; `plays` is silver.listens with `counted` and `flagged`."""

    def __init__(self) -> None:
        self._connection = duckdb.connect()
        self._connection.execute("SET TimeZone = 'UTC'")

    @classmethod
    def of_lake(cls, lake: Path) -> SecondOpinion:
        """Every table below the folder."""
        opinion = cls()
        for path in sorted(lake.glob("*/*")):
            opinion.take(f"{path.parent.name}_{path.name}", DeltaTable(str(path)).to_pyarrow_table())
        opinion.run(f"CREATE TABLE plays AS {PLAYS}")
        return opinion

    def take(self, name: str, rows: pa.Table) -> None:
        """Offer a table under this name."""
        self._connection.register(name, rows)

    def run(self, sql: str) -> None:
        """Run a statement."""
        self._connection.execute(sql)

    def rows(self, sql: str) -> Rows:
        """The rows of a query."""
        return self._connection.sql(sql).fetchall()

    def differences(self, expected: str, found: str) -> Rows:
        """Up to ten rows of the one query that the other does not have, with the number of times they are missing."""
        one = f"(SELECT 'missing' AS what, * FROM (({expected}) EXCEPT ALL ({found})))"  # noqa: S608 (our own SQL)
        other = f"(SELECT 'surplus' AS what, * FROM (({found}) EXCEPT ALL ({expected})))"  # noqa: S608 (our own SQL)
        return self.rows(f"{one} UNION ALL {other} LIMIT 10")
