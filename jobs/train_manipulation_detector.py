"""Learn from what people said of suspect streams before D, judge on the latest of it, and promote in MLflow."""

import tempfile
from pathlib import Path

from earshot.core.job import Job
from earshot.core.small_tables import SmallTables
from earshot.detectors import verdict_training
from earshot.detectors.judging import SUSPECTS
from earshot.integrations.model_registry import MANIPULATION_DETECTOR, MODEL_TAG, ModelRegistry


def run(job: Job) -> None:
    """Register what tells best what people say: the rules' score, or learnt weights; skipped while verdicts are few."""
    rows = verdict_training.labelled(SmallTables(job.settings.lake_root).rows(SUSPECTS), job.date)
    if shortage := verdict_training.shortage(rows, job.settings.manipulation):
        job.skip(shortage)
    with job.stage("fit and judge"):
        training = verdict_training.train(rows)
    registry = ModelRegistry(job.settings.tracking_uri, job.settings.mlflow.experiment)
    with job.stage("register"), tempfile.TemporaryDirectory() as folder:
        training.model.save(Path(folder))
        with registry.run(f"{training.model.recipe} {job.date}", tags={MODEL_TAG: MANIPULATION_DETECTOR}) as log:
            verdict_training.log(training, log)
            signature = verdict_training.signature(training)
            version = registry.register(log, MANIPULATION_DETECTOR, Path(folder), **signature)
        registry.promote(MANIPULATION_DETECTOR, version, training.metrics())
    job.audit.record("model.promote", f"{MANIPULATION_DETECTOR}/{version}", dict(training.metrics()))
    job.tell(version=version, recipe=training.model.recipe, brier=round(training.metrics()["brier"], 4))


if __name__ == "__main__":
    from earshot.automation.runner import submit

    submit("train_manipulation_detector")
