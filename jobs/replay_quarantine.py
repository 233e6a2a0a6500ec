"""Judge quarantined lines again: `--rule R --since D --dry-run`; those that pass enter silver.listens once."""

from datetime import UTC, datetime

from earshot.core.job import Job
from earshot.core.small_tables import SmallTables
from earshot.importers.replay import Replay, replay_lines, waiting
from earshot.transformers.duplicates import Tellings
from earshot.transformers.listens import CANONICAL, canonical
from earshot.validators.gate_suite import line_judge


def run(job: Job) -> None:
    """Replay the lines that failed `rule`, and were set aside since `since` (each of them: all)."""
    rule, since = job.arguments.get("rule"), job.arguments.get("since")
    start = datetime.fromisoformat(since).replace(tzinfo=UTC) if since else None
    lines = waiting(SmallTables(job.settings.lake_root), rule=rule, since=start)
    judge, tellings = line_judge(job.settings, CANONICAL).judge, Tellings(job.settings.ingest.near_duplicate_seconds)
    dry_run = job.arguments.get("dry_run", "").lower() == "true"
    with job.stage("judge again", len(lines)):
        counts = replay_lines(job, lines, Replay(canonical, judge, tellings), dry_run=dry_run)
    job.summary.rows_in, job.summary.rows_out = counts["judged"], counts["accepted"]
    job.tell(**counts, dry_run=dry_run)
    if not dry_run:
        job.audit.record("replay", rule or "all rules", {**counts, "since": since})


if __name__ == "__main__":
    from earshot.automation.runner import submit

    submit("replay_quarantine")
