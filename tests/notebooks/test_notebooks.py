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
    ],
)
def test_a_notebook_shows_what_it_promises(road: DemoOutcome, name: str, word: str) -> None:
    notebook = next(path for path in NOTEBOOKS if path.stem == name)
    environment = {**os.environ, "EARSHOT_HOME": str(road.home)}
    done = subprocess.run([sys.executable, notebook], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert word in done.stdout
