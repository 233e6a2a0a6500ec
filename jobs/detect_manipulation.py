"""Name the streams that look manipulated, on the days that new plays and verdicts touch."""

from earshot.core.day_files import DayFiles
from earshot.core.job import Job
from earshot.core.small_tables import SmallTables
from earshot.core.tables import days_condition
from earshot.detectors.judging import FEEDBACK, LISTENS, SUSPECTS, judged, to_judge
from earshot.detectors.verdict_model import VerdictModel
from earshot.detectors.verdicts import verdicts_of
from earshot.integrations.model_registry import MANIPULATION_DETECTOR, ModelRegistry
from earshot.transformers.touched_days import touched_days


def run(job: Job) -> None:
    """Replace the rows of gold.suspect_listens of those days; skipped before the first play."""
    settings, lake = job.settings.manipulation, SmallTables(job.settings.lake_root)
    touched = touched_days(job.tables, SUSPECTS, [LISTENS])
    if not touched.consumed:
        job.skip("no plays were published yet")
    said = verdicts_of(lake.rows(FEEDBACK))
    touched = to_judge(job.tables, touched, said, lake.rows(SUSPECTS))
    job.tell(touched_days=len(touched.days))
    if not touched:
        return
    registry = ModelRegistry(job.settings.tracking_uri, job.settings.mlflow.experiment)
    model = VerdictModel.of(registry.champion(MANIPULATION_DETECTOR) if said else None)
    with job.stage("judge"):
        plays = DayFiles.now(job.settings.lake_root, LISTENS).of(touched.days)
        rows = judged(job.tables.spark, plays, said, model, settings)
    with job.stage("write"):
        where = None if touched.complete else days_condition("listen_date", touched.days)
        lake.overwrite(SUSPECTS, rows, predicate=where, metadata=touched.metadata)
    job.summary.rows_out = len(rows)
    job.tell(suspects=sum(row["verdict"] != "cleared" for row in rows), streams=sum(row["streams"] for row in rows))


if __name__ == "__main__":
    from earshot.automation.runner import submit

    submit("detect_manipulation")
