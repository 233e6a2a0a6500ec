"""Rebuild the sessions that the new plays touch."""

from earshot.core.job import Job
from earshot.transformers.session_repair import LISTENS, SESSIONS, repair_sessions
from earshot.transformers.sessions import SessionRules
from earshot.transformers.touched_days import touched_days


def run(job: Job) -> None:
    """Bring silver.sessions up to what silver.listens holds now; skipped before the first play."""
    touched = touched_days(job.tables, SESSIONS, [LISTENS], rules=repr(SessionRules.of(job.settings.marts)))
    if not touched.consumed:
        job.skip("no plays were published yet")
    job.tell(touched_days=len(touched.days))
    if touched:
        with job.stage("sessions"):
            repair_sessions(job.tables, touched, job.settings.marts)


if __name__ == "__main__":
    from earshot.automation.runner import submit

    submit("build_sessions")
