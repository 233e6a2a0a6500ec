"""A million rows as CSV, guarded against formulas, against pyarrow.csv's own writer, and in constant memory."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pa_csv
import pytest

from earshot.exporters.delimited import write_csv
from earshot.exporters.json_lines import write_json_lines
from earshot.exporters.parquet import write_parquet
from factories import listens_arrow
from stopwatch import ROUNDS, Stopwatch

pytestmark = pytest.mark.benchmark

ROWS = 1_000_000
GOAL = 2.0
_MEBIBYTE = 1 << 20
_PEAK = """
import resource, sys
from pathlib import Path
import pyarrow as pa, pyarrow.parquet as pq
from earshot.exporters.delimited import write_csv
file, copies = pq.ParquetFile(sys.argv[1]), int(sys.argv[2])
batches = (b for _ in range(copies) for b in file.iter_batches(65_536))
write_csv(file.schema_arrow, batches, Path(sys.argv[3]))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_a_guarded_csv_costs_little_more_than_a_plain_one(
    tmp_path: Path, stopwatch: Stopwatch, show: Callable[[str], None]
) -> None:
    table = listens_arrow(ROWS, seed=5)
    plain = table.select([field.name for field in table.schema if not pa.types.is_nested(field.type)])
    for _ in range(ROUNDS):
        with stopwatch.measure("pyarrow.csv"):
            pa_csv.write_csv(plain, tmp_path / "plain.csv")
        with stopwatch.measure("csv"):
            write_csv(plain.schema, plain.to_batches(), tmp_path / "guarded.csv")
        with stopwatch.measure("jsonl"):
            write_json_lines(plain.schema, plain.to_batches(), tmp_path / "lines.jsonl")
        with stopwatch.measure("parquet"):
            write_parquet(plain.schema, plain.to_batches(), tmp_path / "rows.parquet")
    ratio = stopwatch.ratio("csv", "pyarrow.csv")
    show(
        f"{ROWS:,} plays of {plain.num_columns} columns: CSV {stopwatch.median('csv'):.1f} s, {ratio:.2f}x pyarrow.csv "
        f"(goal {GOAL:g}); JSON lines {stopwatch.ratio('jsonl', 'pyarrow.csv'):.2f}x, "
        f"Parquet {stopwatch.ratio('parquet', 'pyarrow.csv'):.2f}x"
    )
    assert (tmp_path / "guarded.csv").stat().st_size >= (tmp_path / "plain.csv").stat().st_size
    assert ratio <= GOAL


def test_ten_times_the_rows_need_no_more_memory(tmp_path: Path, show: Callable[[str], None]) -> None:
    table = listens_arrow(200_000, seed=5)
    write_parquet(table.schema, table.to_batches(), tmp_path / "rows.parquet")
    peaks = []
    for copies in (1, 10):
        command = [sys.executable, "-c", _PEAK, tmp_path / "rows.parquet", str(copies), tmp_path / "out.csv"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        peaks.append(int(done.stdout) * 1024 / _MEBIBYTE)
    show(f"peak memory of a CSV of 200,000 rows: {peaks[0]:.0f} MiB, of 2,000,000: {peaks[1]:.0f} MiB")
    assert peaks[1] <= 1.25 * peaks[0]
