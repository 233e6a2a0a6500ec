from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families

from earshot.automation.cli import main
from earshot.core.locations import source_root
from earshot.core.small_tables import SmallTables


@pytest.fixture
def filled(home: Path) -> Path:
    small = SmallTables(str(home / "lake"))
    small.append("ops.ledger", [{"batch_id": "b", "source_file": "a", "status": "refused", "read": 5}])
    return home


def test_metrics_are_printed_as_text_that_prometheus_reads(filled: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["metrics", "--home", str(filled)]) == 0
    families = {f.name: f for f in text_string_to_metric_families(capsys.readouterr().out)}
    assert families["earshot_gate_refused_batches"].samples[0].value == 1


def test_metrics_go_to_a_text_file(filled: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "earshot.prom"
    assert main(["metrics", "--home", str(filled), "--textfile", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["done"] == [f"written to {path}"]
    assert "earshot_gate_refused_batches 1.0" in path.read_text()


@pytest.mark.integration
def test_metrics_answer_on_a_port_until_they_are_stopped(filled: Path) -> None:
    program = "import sys; from earshot.automation.cli import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", program, "--home", str(filled), "--json", "metrics", "--port", "0"]
    environment = {**os.environ, "PYTHONPATH": str(source_root()), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        port = json.loads(process.stdout.readline())["port"]
        with urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
            assert b"earshot_gate_refused_batches 1.0" in answer.read()
        process.terminate()
        process.wait(timeout=20)
