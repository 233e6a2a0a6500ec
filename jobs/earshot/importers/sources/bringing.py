"""Every source in turn: one that fails is told of, and stops neither the others nor landing/."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from functools import wraps

from earshot.core.errors import DependencyError, EarshotError
from earshot.core.job import Job
from earshot.core.small_tables import SmallTables
from earshot.core.source_settings import SourceSettings
from earshot.importers.sources.deliveries import Deliveries, drop_others, open_deliveries
from earshot.importers.sources.objects import ObjectStore, bring_objects
from earshot.importers.sources.rows import bring_rows

Run = Callable[[Job], None]
OpenStore = Callable[[SourceSettings, Job], AbstractContextManager[ObjectStore]]


def after_sources(open_store: OpenStore) -> Callable[[Run], Run]:
    """A job that first brings what is new at the sources into landing/.

    Where a required source fails the job fails, too: at its end, when what had landed is ingested.

    Args:
        open_store: Opens the bucket of a source.
    """

    def decorated(run: Run) -> Run:
        @wraps(run)
        def brings_first(job: Job) -> None:
            failed = bring(job, open_store)
            run(job)
            _check(failed, job)

        return brings_first

    return decorated


def bring(job: Job, open_store: OpenStore) -> dict[str, str]:
    """Bring what is new at the sources of the settings into landing/.

    Args:
        job: The run.
        open_store: Opens the bucket of a source.

    Returns:
        Why it failed, by source that did.
    """
    small, failed = SmallTables(job.settings.lake_root), dict[str, str]()
    for name, source in job.settings.sources.items():
        with (
            job.stage(f"bring from {name}"),
            open_deliveries(name, job.settings.landing, small, job.clock) as deliveries,
        ):
            if deliveries is None:
                job.log.warning("another run brings from this source", source=name)
            elif reason := _bring_one(job, source, deliveries, open_store):
                failed[name] = reason
    drop_others(job.settings.sources, small, job.clock)
    return failed


def _check(failed: Mapping[str, str], job: Job) -> None:
    required = [name for name in failed if job.settings.sources[name].required]
    if required:
        raise DependencyError(
            "\n".join(failed[name] for name in required),
            where=", ".join(f"sources.{name}" for name in required),
            remedy="What else had landed is ingested. Run the job again once the source answers.",
        )


def _bring_one(job: Job, source: SourceSettings, deliveries: Deliveries, open_store: OpenStore) -> str:
    """Bring from a source; says why it failed, nothing where it did not."""
    name, waiting, reason = deliveries.source, 0, ""
    try:
        if source.kind == "jdbc":
            bring_rows(job.spark, source, deliveries)
        else:
            with open_store(source, job) as store:
                waiting = bring_objects(store, source, deliveries, job.settings)
        deliveries.ended()
    except (EarshotError, OSError) as error:
        reason = str(error)
        deliveries.failed(reason)
        job.log.error("source failed", source=name, error=reason)
        job.tell(**{f"source {name} failed": reason.splitlines()[0]})
    for item, cause in sorted(deliveries.refused.items()):
        job.log.warning("object refused", source=name, item=item, reason=cause)
    told = {"brought": deliveries.files, "refused": len(deliveries.refused), "waiting": waiting}
    if any(told.values()):
        job.log.info("source brought", source=name, bytes=deliveries.bytes, **told)
        job.tell(**{f"{what} from {name}": count for what, count in told.items() if count})
    return reason
