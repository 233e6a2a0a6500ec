"""Remove one listener (argument `listener`: identity or pseudonym) from everything, and prove it."""

from earshot.caching.published import PublishedResults
from earshot.core.errors import IntegrityError
from earshot.core.job import Job
from earshot.core.small_tables import SmallTables
from earshot.security.erasure import Erasure, Removed, find_listener
from earshot.security.keys import load_keys
from earshot.security.vault import Vault


def run(job: Job) -> None:
    """Erase; the summary is the proof, place by place."""
    small, keys = SmallTables(job.settings.lake_root), load_keys(job.settings)
    vault = Vault(job.settings, small, job.clock)
    listener = find_listener(job.arguments.get("listener", ""), keys, vault)
    erasure = Erasure(listener, job.settings, job.tables, small, keys)
    with job.stage("remove"):
        tombstone = erasure.bury(job.clock(), job.run_id)
        removed = [*erasure.remove_rows(), *erasure.redact_texts(), *erasure.strike_files()]
        cached = PublishedResults(job.settings).forget(*listener.pseudonyms)
        removed += [Removed("cache (values)", cached, 0), erasure.destroy_key(vault)]
    with job.stage("vacuum and search"):
        job.tell(**{place.place: f"{place.before} -> {place.after}" for place in removed})
        job.tell(old_files_removed=erasure.vacuum(), files_with_the_pseudonym=len(left := erasure.traces()))
    job.summary.rows_in = sum(place.before for place in removed)
    job.audit.record("erase", tombstone, dict(job.summary.facts))
    if left or any(place.after for place in removed):
        where = ", ".join(map(str, left[:5])) or "the tables"
        raise IntegrityError("Something of the listener is left.", where=where, remedy="Remove it, and erase again.")


if __name__ == "__main__":
    from earshot.automation.runner import submit

    submit("erase_listeners")
