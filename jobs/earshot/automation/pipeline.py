"""The jobs, their order and their schedule, as data. Imports nothing heavy: Airflow parses it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class JobSpec:
    """One job of the pipeline.

    Attributes:
        name: `jobs/NAME.py`.
        purpose: One line for `earshot run --help` and Airflow.
        often: Whether it also runs every five minutes.
        retries: How often Airflow tries again; exit 3 is never tried again.
        after_failure: Whether it runs although a job before it failed.
        turn: Jobs of the same turn never run at the same time in one HOME; by default each has its own.
        loads: Modules that it imports only when it needs them, because they are slow to import.
        options: What `--option KEY=VALUE` may tell it.
    """

    name: str
    purpose: str
    often: bool = False
    retries: int = 2
    after_failure: bool = False
    turn: str = ""
    loads: tuple[str, ...] = ()
    options: tuple[str, ...] = ()


_LISTENS = "listens"  # who writes, counts or moves the files of silver.listens
_JUDGES = (
    "earshot.validators.observed_engine",
    "earshot.validators.expectation_types",
    "earshot.validators.checkpoints.attempt",
    "earshot.validators.checkpoints.kept_validation",
)

PIPELINE: tuple[JobSpec, ...] = (
    JobSpec("import_catalogue", "fill silver.tracks from landing, CSV and web catalogues"),
    JobSpec(
        "ingest_listens",
        "read what is new at sources and in landing/ into bronze.listens",
        often=True,
        turn=_LISTENS,
    ),
    JobSpec(
        "publish_listens", "judge the batches and publish silver.listens", often=True, turn=_LISTENS, loads=_JUDGES
    ),
    JobSpec("build_sessions", "rebuild the sessions of the days that were touched"),
    JobSpec("detect_manipulation", "name the streams that look manipulated"),
    JobSpec("build_marts", "rebuild the marts of the days that were touched", options=("close",)),
    JobSpec("train_anomaly_detector", "fit, backtest and promote the KPI detector"),
    JobSpec("train_manipulation_detector", "learn from what people said of suspect streams"),
    JobSpec("score_anomalies", "score the KPI series as of the end of the day", often=True),
    JobSpec("train_recommender", "fit, evaluate and promote the recommender"),
    JobSpec("recommend_tracks", "write recommendations with the champion"),
    JobSpec("segment_listeners", "retention, RFM segments and churn risk; the churn model once a week"),
    JobSpec(
        "publish_alerts",
        "turn findings into alerts and deliver them",
        often=True,
        after_failure=True,
        options=("notify", "heartbeat_hours"),
    ),
    JobSpec("publish_cache", "publish results to the cache"),
    JobSpec("export_reports", "write the report and the exports"),
    JobSpec("maintain_tables", "compact and vacuum the tables", turn=_LISTENS),
)

# Jobs that are called by name only: a month's or an experiment's question, or a subject instead of a day.
ON_DEMAND: tuple[JobSpec, ...] = (
    JobSpec(
        "optimise_offers",
        "tell what offers, prices and models of payout do",
        loads=("sklearn.linear_model", "scipy.stats"),
        options=("month",),
    ),
    JobSpec("erase_listeners", "remove listeners from everything", retries=0, turn=_LISTENS, options=("listener",)),
    JobSpec(
        "replay_quarantine",
        "judge quarantined lines again",
        retries=0,
        turn=_LISTENS,
        options=("rule", "since", "dry_run"),
    ),
)

JOBS: dict[str, JobSpec] = {spec.name: spec for spec in (*PIPELINE, *ON_DEMAND)}
