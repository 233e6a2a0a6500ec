"""Rebuild the marts for the days that new plays, verdicts and erasures touch."""

from earshot.analytics.build import LISTENS, SOURCES, build, rules_of
from earshot.analytics.revenue import month_end
from earshot.core.job import Job
from earshot.transformers.touched_days import touched_days_of_each

REVENUE = "gold.revenue"


def run(job: Job) -> None:
    """Bring every mart up to what its sources hold now; skipped before the first play.

    The option `close=YYYY-MM` freezes the payouts of a month that is over.
    """
    touched = touched_days_of_each(job.tables, SOURCES, {mart: rules_of(mart, job.settings) for mart in SOURCES})
    if not any(LISTENS in changes.consumed for changes in touched.values()):
        job.skip("no plays were published yet")
    touched[REVENUE] = month_end.begin(job, touched[REVENUE])
    job.tell(touched_days=len(frozenset[object]().union(*(changes.days for changes in touched.values()))))
    if any(touched.values()):
        with job.stage("marts", total=len(touched)):
            build(job.tables, touched, job.settings)
    month_end.finish(job, touched[REVENUE])


if __name__ == "__main__":
    from earshot.automation.runner import submit

    submit("build_marts")
