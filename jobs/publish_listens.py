"""Put the batches of bronze.listens before the gate, and publish those that pass to silver.listens."""

from earshot.core.job import Job
from earshot.core.small_tables import SmallTables
from earshot.importers.gate import Gate, publish_batches
from earshot.integrations.connection_guard import ActionGuard
from earshot.transformers.duplicates import Tellings
from earshot.validators.batches import BatchMeasures
from earshot.validators.catalogue import open_catalogue
from earshot.validators.checkpoints.running import Checkpoints
from earshot.validators.gate_suite import gate_suite
from earshot.validators.releases import released_batches


def run(job: Job) -> None:
    """Publish every batch that waits, and act on the verdicts; a refused one ends the run with exit 3, at its end."""
    checkpoints = Checkpoints(job, ActionGuard(job.settings.alerts))
    small, suite = SmallTables(job.settings.lake_root), gate_suite(job.settings)
    measures = BatchMeasures(suite, job.settings, small, job.clock)
    gate = Gate(
        judge=measures.judge,
        tellings=Tellings(job.settings.ingest.near_duplicate_seconds),
        compare=open_catalogue(small).agreement,
        measure=measures.kpis,
        released=released_batches(small),
    )
    with checkpoints.following():
        publish_batches(job, gate)


if __name__ == "__main__":
    from earshot.automation.runner import submit

    submit("publish_listens")
