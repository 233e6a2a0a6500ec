"""The contract's two DAGs, made from the pipeline's data.

`earshot_every_five_minutes`: ingest -> publish -> score -> alerts.
`earshot_daily`: the rest, training included, for the day that has ended; and, whatever becomes of that, a dead
man's switch: it publishes alerts, of which `runs_stopped` fires when the five-minute runs have not succeeded for
an hour. Should Airflow itself stand still, EarshotRunsStopped of deploy/prometheus fires after half an hour.
"""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pendulum
from airflow.sdk import DAG, CronDataIntervalTimetable
from earshot_operator import EarshotSubmitOperator

from earshot.automation.pipeline import PIPELINE, JobSpec

START = pendulum.datetime(2026, 1, 1, tz="UTC")

# The day of the run's interval, never the day on which it happens to run: safe to backfill.
DAY = "{{ (dag_run.logical_date or dag_run.run_after) | ds }}"


def _task(spec: JobSpec) -> EarshotSubmitOperator:
    return EarshotSubmitOperator(
        task_id=spec.name,
        job=spec.name,
        date=DAY,
        retries=spec.retries,
        retry_delay=timedelta(minutes=1),
        retry_exponential_backoff=True,
        trigger_rule="all_done" if spec.after_failure else "all_success",
        doc=spec.purpose,
    )


def _chained(jobs: list[JobSpec]) -> None:
    tasks = [_task(spec) for spec in jobs]
    for before, after in pairwise(tasks):
        before >> after


with DAG(
    dag_id="earshot_every_five_minutes",
    description="New files to silver, scores and alerts",
    schedule=CronDataIntervalTimetable("*/5 * * * *", timezone="UTC"),
    start_date=START,
    catchup=False,
    max_active_runs=1,
    tags=["earshot"],
) as every_five_minutes:
    _chained([spec for spec in PIPELINE if spec.often])

with DAG(
    dag_id="earshot_daily",
    description="Sessions, marts, models, cache, report and maintenance of the day that has ended",
    schedule=CronDataIntervalTimetable("30 0 * * *", timezone="UTC"),
    start_date=START,
    catchup=False,
    max_active_runs=1,
    tags=["earshot"],
) as daily:
    _chained([spec for spec in PIPELINE if not spec.often])
    EarshotSubmitOperator(
        task_id="dead_mans_switch",
        job="publish_alerts",
        date=DAY,
        options={"heartbeat_hours": "1"},
        retries=2,
        retry_delay=timedelta(minutes=1),
        doc="fire when the five-minute runs have stopped coming",
    )
