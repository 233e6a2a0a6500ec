"""Score the KPI series as of the end of the day, and every earlier day whose figures want it."""

from earshot.core.job import Job
from earshot.core.small_tables import SmallTables
from earshot.detectors import findings, history, training, walk
from earshot.integrations.model_registry import ANOMALY_DETECTOR, ModelRegistry


def run(job: Job) -> None:
    """Write every scored point of those days to gold.anomalies, with the champion's scores."""
    settings = job.settings.anomalies
    lake = SmallTables(job.settings.lake_root)
    with job.stage("read the cube"):
        known = history.read_history(lake, settings, job.date, min(job.as_of, job.clock()), by_day=True)
    if shortage := known.shortage(job.date, settings.minimum_history_hours):
        job.skip(shortage)
    days = history.days_to_score(lake, known, job.date, settings.minimum_history_hours)
    champion = ModelRegistry(job.settings.tracking_uri, job.settings.mlflow.experiment).champion(ANOMALY_DETECTOR)
    model = training.champion_or_plain(champion, settings)
    author = findings.Author(model.detector.name, model.version, job.clock())
    tables = []
    with job.stage("score", total=len(days)) as stage:
        for day in walk.walk(model, known, days, settings):
            tables.append(findings.rows(day, lake.schema(history.ANOMALIES), author))
            stage.advance()
    with job.stage("write"):
        job.summary.rows_out = history.write_scores(lake, tables, days)
    job.tell(days=len(days), points=job.summary.rows_out, events=findings.count(tables))


if __name__ == "__main__":
    from earshot.automation.runner import submit

    submit("score_anomalies")
