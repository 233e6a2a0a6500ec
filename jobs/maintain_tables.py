"""Compact small files, remove those that no version within the retention needs, and what the archive need not keep."""

from __future__ import annotations

from earshot.automation.maintenance import due_tables, maintain
from earshot.core.job import Job
from earshot.core.small_tables import SmallTables
from earshot.importers.archive import expire_files


def run(job: Job) -> None:
    """Maintain the tables whose history has grown enough to be worth it."""
    settings = job.settings.maintenance
    small_tables = SmallTables(job.settings.lake_root)
    due = due_tables(small_tables, settings.commits_between)
    with job.stage("compact and vacuum", total=len(due)) as stage:
        for name in due:
            maintain(name, job.tables, small_tables, vacuum_hours=settings.vacuum_hours)
            stage.advance()
    job.summary.rows_out = len(due)
    job.tell(maintained=len(due), archived_files_removed=expire_files(job.settings, small_tables, job.clock()))


if __name__ == "__main__":
    from earshot.automation.runner import submit

    submit("maintain_tables")
