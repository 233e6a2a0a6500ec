"""The wheel, outside of the checkout: settings, scenarios, rules, suites, dashboards and jobs travel in it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ASK = """
import json, earshot
from earshot.automation.cli import main
from earshot.automation.pipeline import JOBS
from earshot.automation.loading import load_job
from earshot.alerting.rulebooks import load_rulebook
from earshot.core.locations import conf_folder, deploy_folder, expectations_folder
from earshot.importers.simulated.scenario import scenario_names
assert all(load_job(name) for name in JOBS)
print(json.dumps({
    "package": earshot.__file__,
    "folders": [str(folder()) for folder in (conf_folder, expectations_folder, deploy_folder)],
    "scenarios": scenario_names(),
    "rules": len(load_rulebook(conf_folder() / "alerts.toml").rules),
    "suites": len(list(expectations_folder().glob("*.json"))),
    "code": main(["--home", "home", "generate", "--days", "1", "--listeners", "10", "--tracks", "20", "--plays", "50"]),
}))
"""


@pytest.mark.integration
def test_an_installed_wheel_finds_all_that_it_needs_from_any_folder(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / "dist")]
    subprocess.run(build, cwd=ROOT, capture_output=True, check=True)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    installed, elsewhere = tmp_path / "installed", tmp_path / "elsewhere"
    zipfile.ZipFile(wheel).extractall(installed)
    elsewhere.mkdir()
    environment = {key: value for key, value in os.environ.items() if not key.startswith("EARSHOT_")}
    done = subprocess.run(
        [sys.executable, "-c", ASK],
        cwd=elsewhere,
        env={**environment, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert all(path.startswith(str(installed)) for path in (told["package"], *told["folders"]))
    assert set(told["scenarios"]) >= {"default", "clean", "faults", "incidents", "manipulation", "gate_closed"}
    assert (told["rules"] > 0, told["suites"] > 0, told["code"]) == (True, True, 0)
    assert (elsewhere / "home" / "truth" / "lines.parquet").is_file()
