"""Groups of a table, summed while its files are read: only those files that the days asked for are in."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable

from earshot.core.small_tables import SmallTables

FIRST = date(2026, 3, 28)
DAYS = [FIRST + timedelta(days=n) for n in range(5)]
SUMS = {"sessions": ("session_id", "count"), "played_ms": ("played_ms", "sum")}


@pytest.fixture
def lake(tmp_path: Path) -> SmallTables:
    lake = SmallTables(str(tmp_path / "lake"))
    for number, day in enumerate(DAYS):
        row: dict[str, Any] = {"session_date": day, "listener_id": f"v1:{number % 2}", "played_ms": 10**number}
        lake.append("silver.sessions", [{**row, "session_id": f"{number}-{n}"} for n in range(number + 1)])
    return lake


@pytest.mark.parametrize(
    ("filters", "days"),
    [
        ([], DAYS),
        ([("session_date", "in", [DAYS[1], DAYS[3]])], [DAYS[1], DAYS[3]]),
        ([("session_date", ">", DAYS[1]), ("session_date", "<=", DAYS[3])], DAYS[2:4]),
        ([("session_date", "=", DAYS[4]), ("listener_id", "=", "v1:1")], []),
        ([("session_date", "in", [date(2020, 1, 1)])], []),
    ],
    ids=["every day", "some days", "a window", "a listener who was not there", "a day without a file"],
)
def test_the_groups_are_those_of_the_rows_that_the_filters_let_through(
    lake: SmallTables, filters: list[Any], days: list[date]
) -> None:
    found = lake.grouped("silver.sessions", ["session_date"], SUMS, filters).to_pylist()
    expected = [
        {"session_date": day, "sessions": number + 1, "played_ms": (number + 1) * 10**number}
        for number, day in enumerate(DAYS)
        if day in days
    ]
    assert sorted(found, key=lambda row: row["session_date"]) == expected


def test_files_of_other_days_are_not_even_looked_at(lake: SmallTables) -> None:
    other = DeltaTable(lake.path("silver.sessions")).file_uris([("session_date", "=", str(DAYS[0]))])
    for path in other:
        Path(path.removeprefix("file://")).unlink()
    found = lake.grouped("silver.sessions", ["session_date"], SUMS, [("session_date", "in", [DAYS[2]])])
    assert found.to_pylist() == [{"session_date": DAYS[2], "sessions": 3, "played_ms": 300}]
    rows = lake.rows("silver.sessions", [("session_date", "in", {DAYS[2]}), ("played_ms", ">", 0)])
    assert [row["session_date"] for row in rows] == [DAYS[2]] * 3
