"""Fill silver.tracks from HOME/catalogue/*.csv and, where the settings name them, from web catalogues."""

from datetime import timedelta

from earshot.core.job import Job
from earshot.core.small_tables import SmallTables
from earshot.importers.catalogue import CatalogueTable
from earshot.importers.catalogue_import import as_tracks, import_files, settled_tracks, unknown_tracks
from earshot.importers.rights import import_rights
from earshot.integrations.catalogue_entries import WantedTrack
from earshot.integrations.catalogue_lookup import LOOKUPS, open_lookup


def run(job: Job) -> None:
    """Merge files whose content is new; look up tracks that are played and unknown. A failing API is only counted."""
    web, now, folder = job.settings.catalogue, job.clock(), job.settings.home / "catalogue"
    table = CatalogueTable(job.settings.lake_root)
    with job.stage("files"):
        done = import_files(folder, table, now=now, max_text_chars=job.settings.limits.max_text_chars)
        rights = import_rights(folder / "rights", job.settings.lake_root, now=now)
    job.summary.rows_in, job.summary.rows_out = done.tracks, done.written
    aside = {"set_aside": done.set_aside} if done.set_aside else {}
    job.tell(files=done.files, unchanged=done.unchanged, skipped=done.skipped, emptied=done.emptied, **aside)
    job.tell(**({"rights": rights.rows} if rights.rows else {}))
    if web.sources:
        with job.stage("web"), open_lookup(job.settings, job.log) as lookup:
            settled = settled_tracks(job.tables.read(LOOKUPS), web.sources, now - timedelta(days=web.ask_again_days))
            unknown = unknown_tracks(job.tables.read("silver.listens"), job.tables.read("silver.tracks"), settled)
            wanted = [WantedTrack.from_row(row.asDict()) for row in unknown.limit(web.lookups_per_run).collect()]
            lookups = lookup.look_up(wanted)
            if lookups.found:
                job.summary.rows_out += table.merge(as_tracks(lookups.found, table, now=now))
            lookups.remember(SmallTables(job.settings.lake_root), now)
        job.tell(looked_up=len(wanted) - lookups.unasked, found=len(lookups.found), failed=dict(lookups.failures))


if __name__ == "__main__":
    from earshot.automation.runner import submit

    submit("import_catalogue")
