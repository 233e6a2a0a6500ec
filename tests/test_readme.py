"""What the README promises."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession
from tests.factories import listens as made_listens

from earshot.automation.cli import main

README = Path(__file__).parents[1] / "README.md"
TEXT = README.read_text(encoding="utf-8")
COMMANDS = sorted(set(re.findall(r"\bearshot ([a-z]+(?:-[a-z]+)?)\b", re.sub(r"```.*?```", "", TEXT, flags=re.DOTALL))))


def test_the_example_in_python_runs_as_it_stands(
    spark: SparkSession, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EARSHOT_HOME", str(home))
    (example,) = re.findall(r"```python\n(.*?)```", TEXT, flags=re.DOTALL)
    names: dict[str, Any] = {"listens": made_listens(spark, 200)}
    exec(example, names)  # noqa: S102 (the README is ours)
    assert names["processed"].sessions.count() > 0


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_it_names_exists(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--help"]) == 0
    assert f"earshot {command}" in capsys.readouterr().out


def test_what_it_links_to_is_there() -> None:
    links = re.findall(r"`((?:docs|conf|deploy|jobs|notebooks|expectations|airflow_dags)/[\w./-]*)`", TEXT)
    links += re.findall(r"\]\(([\w./-]+)\)", TEXT)
    missing = [link for link in links if "*" not in link and not (README.parent / link).exists()]
    assert not missing
