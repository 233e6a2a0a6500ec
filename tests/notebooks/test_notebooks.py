"""The notebooks run on plain Python, from first to last cell, on a lake that a pipeline made."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from earshot.automation.demo import DemoOutcome

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("*.py"))


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_a_databricks_source(notebook: Path) -> None:
    text = notebook.read_text(encoding="utf-8")
    assert text.startswith("# Databricks notebook source\n")
    assert text.count("# COMMAND ----------") >= 3
    assert "dbutils.widgets" in text


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("quality_tour", "validation_success"),
        ("incident_investigation", "expected"),
        ("recommender_comparison", "popularity"),
        ("charts", "of the first 50 tracks hold suspect streams"),
        ("playback_quality", "detections in all"),
        ("month_close", "0 of them do not add up"),
    ],
)
def test_a_notebook_shows_what_it_promises(road: DemoOutcome, name: str, word: str) -> None:
    notebook = next(path for path in NOTEBOOKS if path.stem == name)
    environment = {**os.environ, "EARSHOT_HOME": str(road.home)}
    done = subprocess.run([sys.executable, notebook], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert word in done.stdout


@pytest.mark.parametrize("name", ["charts", "playback_quality", "month_close"])
def test_a_notebook_on_a_lake_without_tables_says_so(tmp_path: Path, name: str) -> None:
    notebook = next(path for path in NOTEBOOKS if path.stem == name)
    environment = {**os.environ, "EARSHOT_HOME": str(tmp_path), "EARSHOT_LAKE": str(tmp_path / "lake")}
    done = subprocess.run([sys.executable, notebook], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert {"charts": "No counted stream yet", "month_close": "No revenue yet"}.get(name, "0 plays") in done.stdout
