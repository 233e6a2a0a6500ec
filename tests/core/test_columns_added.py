"""A lake that was written before a column was added."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
from deltalake import write_deltalake

from earshot.core.small_tables import SmallTables

NOW = datetime(2026, 3, 30, tzinfo=UTC)


def test_rows_with_a_column_that_the_table_lacks_are_appended(tmp_path: Path) -> None:
    small = SmallTables(str(tmp_path))
    before = pa.schema([field for field in small.schema("gold.quality_kpis") if field.name != "listen_date"])
    old = pa.Table.from_pylist([{"batch_id": "old", "kpi": "accuracy", "measured_at": NOW}], schema=before)
    write_deltalake(small.path("gold.quality_kpis"), old)

    day = date(2026, 3, 29)
    small.append("gold.quality_kpis", [{"batch_id": "new", "kpi": "drift_rows", "listen_date": day}])

    rows = {row["batch_id"]: row for row in small.rows("gold.quality_kpis")}
    assert rows["new"]["listen_date"] == day
    assert rows["old"]["listen_date"] is None
    assert rows["old"]["kpi"] == "accuracy"


def test_a_column_that_the_table_lacks_yet_is_left_out_of_what_is_read(tmp_path: Path) -> None:
    small = SmallTables(str(tmp_path))
    old = pa.table({"hour_start": pa.array([NOW]), "cdn": ["north"], "quality_date": [NOW.date()]})
    write_deltalake(small.path("gold.audio_quality"), old)
    assert small.arrow("gold.audio_quality", columns=["cdn", "startup_ms_sketch"]).column_names == ["cdn"]
