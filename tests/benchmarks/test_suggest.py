"""Profiling a CSV against the least that any reader in Python must do: `csv.reader` over every line."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from dirty_tables import as_csv, plays
from earshot.automation.tabular import read_rows, source_of
from earshot.core.settings import Settings
from earshot.importers.landing import limits_of
from earshot.validators.profiling.suggestion import suggest
from stopwatch import ROUNDS, Stopwatch

pytestmark = pytest.mark.benchmark

ROWS = 1_000_000
GOAL_SECONDS = 60


def test_a_million_rows_are_profiled_in_less_than_a_minute(
    tmp_path: Path, settings: Settings, stopwatch: Stopwatch, show: Callable[[str], None]
) -> None:
    file = tmp_path / "plays.csv"
    file.write_text(as_csv(plays(rows=ROWS)))
    for _ in range(ROUNDS):
        with stopwatch.measure("csv.reader"), file.open(newline="") as lines:
            rows = sum(1 for _ in csv.reader(lines)) - 1
        with stopwatch.measure("earshot"):
            found = suggest(read_rows(source_of(file, limits_of(settings))).table)
    assert found.profile.rows == rows == ROWS
    seconds, ratio = stopwatch.median("earshot"), stopwatch.ratio("earshot", "csv.reader")
    show(f"{ROWS:,} rows profiled in {seconds:.1f} s (goal {GOAL_SECONDS}), {ratio:.1f}x csv.reader")
    assert seconds <= GOAL_SECONDS
