"""Fit the recommenders on the days before D, judge them on the last of these, and promote the winner in MLflow."""

from earshot.core.job import Job
from earshot.integrations.model_registry import RECOMMENDER, ModelRegistry, comparison_tags
from earshot.recommenders.histories import play_counts
from earshot.recommenders.interactions import PlayCounts
from earshot.recommenders.publication import publish
from earshot.recommenders.splits import phase_starts
from earshot.recommenders.training import Champion, train


def run(job: Job) -> None:
    """Train as of the day before D; ends as skipped where there is too little history."""
    settings = job.settings.recommender
    registry = ModelRegistry(job.settings.tracking_uri, job.settings.mlflow.experiment)
    registry.preload()
    with job.stage("read plays"):
        plays = play_counts(
            job.tables.read("silver.listens").where(f"listen_date < DATE'{job.date}'"),
            job.tables.read("gold.suspect_listens"),
            phases=phase_starts(job.date, settings.holdout_days),
            stream_rule=job.settings.marts.stream_rule,
        )
        counts = PlayCounts.of(plays.toArrow())
    with job.stage("fit and judge"):
        present = registry.champion(RECOMMENDER)
        training = train(counts, settings, day=job.date, champion=Champion.of(present.metadata) if present else None)
    with job.stage("log and register"):
        tags = comparison_tags(RECOMMENDER, f"{job.run_id}:{job.date}")
        version = publish(training, registry, RECOMMENDER, tags=tags, trained_until=job.date, settings=settings)
    if version:
        job.audit.record("promote", f"{RECOMMENDER}/{version}", training.facts)
    job.tell(**training.facts)
    job.summary.rows_in = int(counts.plays.sum())


if __name__ == "__main__":
    from earshot.automation.runner import submit

    submit("train_recommender")
