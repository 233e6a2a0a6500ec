"""The DAGs: what they hold, how they parse, and one of them run for real."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from earshot.automation.pipeline import PIPELINE

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent

pytest.importorskip("airflow", reason="Airflow is not installed: `make setup` installs it")


@pytest.fixture(scope="module")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of an Airflow of its own."""
    folder = tmp_path_factory.mktemp("airflow")
    return {
        **os.environ,
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "AIRFLOW_HOME": str(folder),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "airflow_dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW_CONN_SPARK_DEFAULT": '{"conn_type": "spark", "host": "local[2]"}',
        "EARSHOT_HOME": str(folder / "home"),
        "NO_COLOR": "1",
    }


def _python(code: str, environment: dict[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment,
        cwd=ROOT / "airflow_dags",
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip().splitlines()[-1]


def test_the_dags_parse_without_spark(airflow: dict[str, str]) -> None:
    code = "import sys, earshot_dags; print('pyspark' in sys.modules)"
    assert _python(code, airflow) == "False"


def test_the_two_dags_hold_every_job_of_the_pipeline_once(airflow: dict[str, str]) -> None:
    code = "import earshot_dags as d; print({k: v.task_ids for k, v in vars(d).items() if type(v).__name__ == 'DAG'})"
    often = [spec.name for spec in PIPELINE if spec.often]
    daily = [spec.name for spec in PIPELINE if not spec.often]
    assert _python(code, airflow) == str({"every_five_minutes": often, "daily": [*daily, "dead_mans_switch"]})


def test_the_dead_mans_switch_waits_for_no_other_job_of_the_day(airflow: dict[str, str]) -> None:
    code = """
import earshot_dags as d
task = d.daily.get_task("dead_mans_switch")
print([task.upstream_task_ids, task.downstream_task_ids, task.application.split("/")[-1], task.application_args[2:]])
"""
    assert _python(code, airflow) == "[set(), set(), 'publish_alerts.py', ['--option', 'heartbeat_hours=1']]"


def test_exit_3_fails_without_retry_and_exit_1_does_not(airflow: dict[str, str]) -> None:
    code = """
from airflow.sdk.exceptions import AirflowException, AirflowFailException
from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator
from earshot_operator import EarshotSubmitOperator
from types import SimpleNamespace
seen = []
for code in (1, 2, 3):
    operator = EarshotSubmitOperator(task_id="x", job="x", date="2026-03-29")
    def execute(self, context, code=code):
        self._hook = SimpleNamespace(_submit_sp=SimpleNamespace(returncode=code))
        raise AirflowException("Error code is: %d." % code)
    SparkSubmitOperator.execute = execute
    try:
        operator.execute({})
    except AirflowFailException:
        seen.append("final")
    except AirflowException:
        seen.append("retry")
print(seen)
"""
    assert _python(code, airflow) == "['retry', 'final', 'final']"


@pytest.mark.integration
@pytest.mark.timeout(900)
def test_the_frequent_dag_runs_for_real(airflow: dict[str, str]) -> None:
    home = Path(airflow["EARSHOT_HOME"])
    landing = home / "landing" / "2026-03-29"
    landing.mkdir(parents=True)
    play = (
        '{"listener":"anna","started_at":"2026-03-29T01:59:58.000Z","played_ms":184000,"duration_ms":201000,'
        '"track_id":"trk:17","country":"DE","device":"ios","tier":"premium"}\n'
    )
    (landing / "plays.jsonl").write_text(play, encoding="utf-8")
    command = [str(BIN / "airflow")]
    subprocess.run([*command, "db", "migrate"], env=airflow, capture_output=True, check=True)
    done = subprocess.run(
        [*command, "dags", "test", "earshot_every_five_minutes", "2026-03-29"],
        env=airflow,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    from earshot.core.small_tables import SmallTables  # noqa: PLC0415 (after Airflow's own process)

    tables = SmallTables(str(home / "lake"))
    runs = {row["job"]: row["status"] for row in tables.rows("ops.runs")}
    assert runs["publish_listens"] == "done", (done.stdout + done.stderr)[-4000:]
    assert set(runs) == {spec.name for spec in PIPELINE if spec.often}
    assert tables.arrow("silver.listens").num_rows == 1
