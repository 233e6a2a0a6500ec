"""A folder that is replaced in one step: at any moment a reader, or a kill, finds the export before or the new one."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from earshot.exporters import exchange
from earshot.exporters.files import export_files
from earshot.exporters.folder import Folder
from earshot.exporters.verification import StoredFolder, verify_export
from exporters.export_worlds import AT, rows

MOMENTS = 25
_EXPORTER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
import pyarrow as pa
from earshot.exporters.files import export_files
from earshot.exporters.folder import Folder
from earshot.exporters.rows import Rows
sizes = [200, 30_000]
tables = [pa.table({"n": range(size), "s": [f"={n}" for n in range(size)]}) for size in sizes]
turn = 0
print("ready", flush=True)
while True:
    turn = 1 - turn
    export_files(Rows.of("gold.x", tables[turn]), Folder(Path(sys.argv[1])), format="csv", at=datetime.now(UTC))
"""


def test_killed_at_any_moment_the_folder_holds_one_whole_export(tmp_path: Path) -> None:
    out = tmp_path / "out"
    found = set()
    for moment in range(MOMENTS):
        with subprocess.Popen([sys.executable, "-c", _EXPORTER, out], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            if moment == 0:
                while not out.exists():
                    time.sleep(0.001)
            time.sleep(0.002 + 0.0037 * moment)
            process.send_signal(signal.SIGKILL)
            process.wait()
        found.add(verify_export(StoredFolder(out)).rows)
    assert found == {200, 30_000}
    export_files(rows(), Folder(out), format="csv", at=AT)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_reader_never_finds_the_folder_gone_or_half(tmp_path: Path) -> None:
    out = tmp_path / "out"
    export_files(rows(), Folder(out), format="csv", at=AT)
    with subprocess.Popen([sys.executable, "-c", _EXPORTER, out], stdout=subprocess.PIPE) as process:
        until, looks, whole = time.monotonic() + 3, 0, 0
        try:
            while time.monotonic() < until:
                names = {path.name for path in out.iterdir()}  # fewer where the old export was removed meanwhile
                assert names <= {"gold_x.csv", "manifest.json"}
                assert (out / "manifest.json").is_file()
                looks += 1
                whole += len(names) > 1
        finally:
            process.kill()
    assert looks > 1_000
    assert whole > looks / 2


def test_workplaces_of_the_dead_are_cleared_and_those_of_the_living_left(tmp_path: Path) -> None:
    out = Folder(tmp_path / "out")
    (tmp_path / ".out.partial-00000000").mkdir()
    with out.workplace() as living, out.workplace():
        assert living.exists()
        assert not (tmp_path / ".out.partial-00000000").exists()


def test_without_an_exchange_of_names_the_old_export_is_put_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange, "_exchange", lambda one, other: False)
    out = tmp_path / "out"
    for _ in range(2):
        export_files(rows(), Folder(out), format="csv", at=AT)
    out.rename(tmp_path / ".out.old")  # a kill between the two renames
    with pytest.raises(ZeroDivisionError), Folder(out).workplace():
        assert verify_export(StoredFolder(out)).rows
        _ = 1 / 0
    assert verify_export(StoredFolder(out)).table == "gold.x"
