"""`.venv/bin/spark-submit`, as literally written: it needs no activated environment."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pyspark
import pytest

from earshot.automation.spark_jars import write_finder

BIN = Path(sys.executable).parent
OUTSIDE = os.pathsep.join(
    part for part in os.environ["PATH"].split(os.pathsep) if Path(part).resolve() != BIN.resolve()
)
BARE = {key: value for key, value in os.environ.items() if not key.startswith(("PYSPARK", "SPARK", "VIRTUAL"))}


def test_the_environments_spark_is_found_whichever_python_is_on_the_path(tmp_path: Path) -> None:
    scripts = tmp_path / "a folder" / "bin"
    scripts.mkdir(parents=True)
    finder = write_finder(scripts)
    done = subprocess.run(
        ["bash", "-c", f'unset SPARK_HOME; source "{finder}"; printf %s "$SPARK_HOME"'],
        env={**BARE, "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == str(Path(pyspark.__file__).parent)


def test_a_spark_home_of_the_users_wins(tmp_path: Path) -> None:
    command = f'source "{write_finder(tmp_path)}"; printf %s "$SPARK_HOME"'
    environment = {**BARE, "SPARK_HOME": "/opt/spark"}
    done = subprocess.run(["bash", "-c", command], env=environment, capture_output=True, check=True)
    assert done.stdout == b"/opt/spark"


@pytest.mark.integration
def test_spark_submit_starts_outside_of_the_environment_and_passes_exit_codes_on(tmp_path: Path) -> None:
    shutil.copy2(BIN / "spark-submit", tmp_path / "spark-submit")
    write_finder(tmp_path)
    job = Path(__file__).resolve().parents[2] / "jobs" / "publish_cache.py"
    done = subprocess.run(
        [str(tmp_path / "spark-submit"), str(job), "--date", "2026-13-01", "--json"],
        env={**BARE, "PATH": OUTSIDE, "EARSHOT_HOME": str(tmp_path / "home")},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2, done.stderr[-2000:]
    assert json.loads(done.stdout)["exit_code"] == 2, "standard output is the object, and nothing else"
    assert "'2026-13-01' is no date." in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
