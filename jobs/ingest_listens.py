"""Read what is new at the sources and in landing/ into bronze.listens: one pass, one commit, each file once."""

from earshot.core.job import Job
from earshot.core.small_tables import SmallTables
from earshot.importers.bronze import LINE_COUNT, Bronze, Lines
from earshot.importers.dressing import open_wardrobe
from earshot.importers.landing import batch_id_of, new_files
from earshot.importers.reading import read_files, read_whole
from earshot.importers.sources.bringing import after_sources
from earshot.integrations.source_store import open_store
from earshot.security.vault import Vault
from earshot.transformers.listens import CANONICAL, canonical, with_raw
from earshot.validators.gate_suite import line_judge


@after_sources(open_store)
def run(job: Job) -> None:
    """Ingest what has landed up to the logical date, as one batch."""
    started_at, small, judge = job.clock(), SmallTables(job.settings.lake_root), line_judge(job.settings, CANONICAL)
    bronze = Bronze(job.tables, small)
    with job.stage("look at landing/"):
        job.tell(files=len(files := new_files(job.settings, job.date, bronze.known())))
    if not files:
        return
    batch_id, lines = batch_id_of(files), Lines(canonical, judge.judge, judge.observe_batch, with_raw)
    with job.stage("read, judge and write"):
        files, reading, staged = read_whole(
            files,
            lambda files: read_files(job.spark, files, job.settings, open_wardrobe(job.settings, small, batch_id)),
            lambda reading: bronze.stage(batch_id, reading, lines, ingested_at=started_at),
        )
    Vault(job.settings, small, job.clock).remember_sealed(reading.vault_rows)
    job.tell(batch=bronze.commit(staged, files, started_at=started_at).batch_id, lines=staged.figures[LINE_COUNT])
    job.summary.rows_in = job.summary.rows_out = int(staged.figures[LINE_COUNT])


if __name__ == "__main__":
    from earshot.automation.runner import submit

    submit("ingest_listens")
