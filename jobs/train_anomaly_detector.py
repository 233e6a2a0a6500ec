"""Fit the KPI detector on the days before D, backtest it, and promote it if it is not worse."""

import tempfile
from datetime import timedelta
from pathlib import Path

from earshot.core.job import Job
from earshot.core.small_tables import SmallTables
from earshot.detectors import history, training
from earshot.integrations.model_registry import ANOMALY_DETECTOR, MODEL_TAG, ModelRegistry


def run(job: Job) -> None:
    """Register a challenger; it becomes champion when it is not worse on the same backtest."""
    settings = job.settings.anomalies
    registry = ModelRegistry(job.settings.tracking_uri, job.settings.mlflow.experiment)
    registry.preload()  # while the cube is read
    with job.stage("read the cube"):
        known = history.read_history(SmallTables(job.settings.lake_root), settings, job.date - timedelta(days=1))
    if shortage := known.shortage(job.date, settings.minimum_history_hours):
        job.skip(shortage)
    with job.stage("fit and backtest"):
        trained = training.train(known.matrices, settings)
        champion = registry.champion(ANOMALY_DETECTOR)
        rival = training.rival_f_half(champion.folder, known.matrices, settings) if champion else 0.0
    with job.stage("register"), tempfile.TemporaryDirectory() as folder:
        training.save(trained, Path(folder))
        with registry.run(f"{trained.detector.name} {job.date}", tags={MODEL_TAG: ANOMALY_DETECTOR}) as log:
            training.log(trained, log)
            version = registry.register(log, ANOMALY_DETECTOR, Path(folder), **training.signature(trained))
    if trained.f_half >= rival:
        registry.promote(ANOMALY_DETECTOR, version, trained.metrics())
        job.audit.record("model.promote", f"{ANOMALY_DETECTOR}/{version}", {"f_half": trained.f_half, "rival": rival})
    job.tell(version=version, precision=round(trained.point.precision, 3), recall=round(trained.point.recall, 3))


if __name__ == "__main__":
    from earshot.automation.runner import submit

    submit("train_anomaly_detector")
