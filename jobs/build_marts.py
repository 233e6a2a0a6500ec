"""Rebuild the marts for the days that new plays, verdicts and erasures touch."""

from earshot.analytics.build import LISTENS, SOURCES, build
from earshot.core.job import Job
from earshot.transformers.touched_days import touched_days


def run(job: Job) -> None:
    """Bring every mart up to what its sources hold now; skipped before the first play."""
    touched = {mart: touched_days(job.tables, mart, sources) for mart, sources in SOURCES.items()}
    if not any(LISTENS in changes.consumed for changes in touched.values()):
        job.skip("no plays were published yet")
    job.tell(touched_days=len(frozenset[object]().union(*(changes.days for changes in touched.values()))))
    if any(touched.values()):
        with job.stage("marts", total=len(touched)):
            build(job.tables, touched, job.settings)


if __name__ == "__main__":
    from earshot.automation.runner import submit

    submit("build_marts")
