"""Who is new, who comes back, who is likely to leave, and what they play: gold.audience and gold.listener_segments."""

from earshot.analytics.audience.build import build_audience, is_stale, write_segments
from earshot.analytics.audience.sources import SEGMENTS, SESSIONS
from earshot.analytics.churn.foresight import Foresight
from earshot.core.job import Job
from earshot.core.small_tables import SmallTables
from earshot.integrations.model_registry import CHURN, ModelRegistry, comparison_tags
from earshot.transformers.touched_days import touched_days


def run(job: Job) -> None:
    """Bring both tables up to what sessions, charts and catalogue say; train the churn model once a week."""
    lake = SmallTables(job.settings.lake_root)
    touched = touched_days(job.tables, SEGMENTS, [SESSIONS])
    if not touched.consumed:
        job.skip("no plays were published yet")
    job.tell(touched_days=len(touched.days))
    stale = is_stale(lake, touched)
    with job.stage("audience"):
        built = build_audience(lake, touched, job.settings.marts)
    foresight = Foresight(lake, job.settings.churn, CHURN)
    with job.stage("foresee who leaves"):
        mlflow = job.settings.mlflow.experiment
        tags = comparison_tags(CHURN, f"{job.run_id}:{job.date}")
        foresight.prepare(lambda: ModelRegistry(job.settings.tracking_uri, mlflow), job.date, built.span, tags)
    if stale or foresight.promoted:
        with job.stage("write"):
            job.summary.rows_out = built.rows + write_segments(lake, built, job.settings.marts, foresight.risks)
    if foresight.promoted:
        job.audit.record("model.promote", f"{CHURN}/{foresight.promoted['version']}", foresight.promoted)
    job.tell(listeners=len(built.listeners), **foresight.facts)


if __name__ == "__main__":
    from earshot.automation.runner import submit

    submit("segment_listeners")
