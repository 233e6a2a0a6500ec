"""Publish recommendations, charts, activity, KPIs and firing alerts to the cache, as one generation."""

from earshot.caching.published import PublishedResults
from earshot.caching.results import gold_results
from earshot.core.job import Job
from earshot.core.small_tables import SmallTables


def run(job: Job) -> None:
    """Write a new generation and make it current; readers see the old one or the new one, whole."""
    results = PublishedResults(job.settings)
    lake = SmallTables(job.settings.lake_root)
    with job.stage("publish"):
        values = gold_results(lake, job.date, chart_entries=job.settings.cache.chart_entries)
        job.summary.rows_out = results.publish(values)
    job.tell(store=results.store.name, values=job.summary.rows_out)


if __name__ == "__main__":
    from earshot.automation.runner import submit

    submit("publish_cache")
