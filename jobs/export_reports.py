"""Write HOME/reports/report.html as of the end of the logical date."""

from __future__ import annotations

from earshot.automation.report import write_report
from earshot.core.job import Job


def run(job: Job) -> None:
    """Read the gold tables once and write the page in one step that a kill cannot halve."""
    with job.stage("write report"):
        page = write_report(job.settings, job.date)
    job.tell(report=page)


if __name__ == "__main__":
    from earshot.automation.runner import submit

    submit("export_reports")
