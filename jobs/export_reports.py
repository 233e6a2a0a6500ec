"""Write HOME/reports: the report as of the end of the logical date, and Data Docs of the gate's verdicts."""

from __future__ import annotations

from earshot.automation.report import write_report
from earshot.core.job import Job
from earshot.validators.data_docs.site import build_data_docs


def run(job: Job) -> None:
    """Draw the Data Docs that are missing, then write the report in one step that a kill cannot halve."""
    with job.stage("draw data docs"):
        build_data_docs(job.settings)
    with job.stage("write report"):
        page = write_report(job.settings, job.date)
    job.tell(report=page)


if __name__ == "__main__":
    from earshot.automation.runner import submit

    submit("export_reports")
