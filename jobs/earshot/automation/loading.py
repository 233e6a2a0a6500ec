"""Jobs and what they load: some of their libraries take seconds, in which a JVM may start."""

from __future__ import annotations

import importlib
import importlib.util
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from earshot.automation.pipeline import JOBS
from earshot.core.errors import ArgumentError
from earshot.core.job import Job
from earshot.core.locations import source_root


@contextmanager
def preloaded(names: Sequence[str]) -> Iterator[None]:
    """Load jobs and their slow libraries beside what is done meanwhile; at the end they are loaded.

    An error is left to the job, which meets it again.

    Args:
        names: The jobs, in order.
    """

    def load() -> None:
        for name in names:
            try:
                load_job(name)
                for module in JOBS[name].loads:
                    importlib.import_module(module)
            except Exception:
                return

    thread = threading.Thread(target=load, name="preload")
    thread.start()
    try:
        yield
    finally:
        thread.join()


def load_job(name: str) -> Callable[[Job], None]:
    """The `run` of `jobs/NAME.py`, from the checkout or from the wheel."""
    root = source_root()
    candidates = (root / f"{name}.py", root / "earshot" / "_packaged" / "jobs" / f"{name}.py")
    path = next((candidate for candidate in candidates if candidate.exists()), None)
    spec = importlib.util.spec_from_file_location(f"earshot_job_{name}", path) if path else None
    if spec is None or spec.loader is None:
        raise ArgumentError(f"The file of job {name} is missing.", where=str(candidates[0]), remedy="Install again.")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    run: Callable[[Job], None] = module.run
    return run
