"""The home that all trials begin from, and what an undisturbed run makes of it."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from earshot.automation.runner import run_jobs
from earshot.core.config import load_settings
from exactly_once.homes import DAY
from exactly_once.trials import Trials


@pytest.fixture(scope="session")
def trials(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Trials:
    """Trials whose dead runs are processes; the next run is one of this process, whose JVM is warm."""

    def recover(home: Path, jobs: Sequence[str]) -> Mapping[str, float]:
        with redirect_stderr(io.StringIO()) as log:
            results = run_jobs(jobs, DAY, load_settings(overrides={"home": str(home)}), as_json=True)
        assert [result.status for result in results] == ["done"] * len(jobs), log.getvalue()
        return {result.job: result.seconds for result in results}

    made = Trials(tmp_path_factory.mktemp("trials"), recover, own_jvm=False)
    made.prepare()
    return made
