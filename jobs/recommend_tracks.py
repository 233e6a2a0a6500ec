"""Write gold.recommendations with the champion: as of the end of D, for every listener active lately."""

from datetime import timedelta

from earshot.core.errors import JobSkippedError
from earshot.core.job import Job
from earshot.integrations.model_registry import RECOMMENDER, ModelRegistry
from earshot.recommenders import artefacts
from earshot.recommenders.histories import play_counts
from earshot.recommenders.interactions import PlayCounts
from earshot.recommenders.recommendation_table import stamped, write
from earshot.recommenders.recommendations import recommend


def run(job: Job) -> None:
    """Recommend what the listener has not played; ends as skipped where there is no champion yet."""
    settings = job.settings.recommender
    champion = ModelRegistry(job.settings.tracking_uri, job.settings.mlflow.experiment).champion(RECOMMENDER)
    if champion is None:
        raise JobSkippedError("there is no champion yet: train_recommender has not had enough history")
    with job.stage("read plays"):
        plays = play_counts(
            job.tables.read("silver.listens").where(f"listen_date <= DATE'{job.date}'"),
            job.tables.read("gold.suspect_listens"),
            phases=(job.date - timedelta(days=settings.active_days - 1),),
            stream_rule=job.settings.marts.stream_rule,
        )
        counts = PlayCounts.of(plays.toArrow())
    with job.stage("rank and write"):
        ranked = recommend(artefacts.load(champion.folder), counts.histories_since(1), settings.recommendations)
        rows = stamped(ranked, model_version=champion.version, generated_at=job.clock())
        write(rows, job.tables)
    job.summary.rows_in, job.summary.rows_out = int(counts.plays.sum()), len(rows)
    job.tell(algorithm=champion.kind, model_version=champion.version, recommendations=len(rows))


if __name__ == "__main__":
    from earshot.automation.runner import submit

    submit("recommend_tracks")
