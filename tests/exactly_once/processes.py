"""Runs of the command line as processes of their own, and their death by SIGKILL: JVM and Python workers included."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from exactly_once.homes import DAY

DYING, FAILING = Path(__file__).with_name("dying.py"), Path(__file__).with_name("failing")
STEPS = ("ingest_listens", "publish_listens")
SOURCES = Path(__file__).resolve().parents[2] / "jobs"
_SESSION = 3  # of the fields of /proc/PID/stat after the name


@dataclass
class Run:
    """One run as a user starts it, in a session of its own.

    Attributes:
        process: The driver, first of its session.
        log: Where both its outputs go.
    """

    process: subprocess.Popen[bytes]
    log: Path
    home: Path

    @classmethod
    def start(
        cls,
        home: Path,
        log: Path,
        *,
        jobs: Sequence[str] = STEPS,
        dies_in: int = 0,
        more: Mapping[str, str] | None = None,
    ) -> Run:
        """Start `earshot run JOBS`; with `dies_in`, it ends its session in that write (see `dying.py`)."""
        arguments = ["--home", str(home), "run", *jobs, "--date", DAY.isoformat()]
        with log.open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, str(DYING), str(dies_in), str(log.with_suffix(".writes")), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env={**os.environ, "PYTHONPATH": str(SOURCES), "OPENBLAS_NUM_THREADS": "1", **(more or {})},
            )
        return cls(process, log, home)

    def told(self) -> list[dict[str, Any]]:
        """The structured log lines so far."""
        found = []
        for line in self.log.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith('{"at"'):
                try:
                    found.append(json.loads(line))
                except ValueError:
                    continue
        return found

    def wait_for(self, job: str) -> None:
        """Until the job (any of them, if none is named) has started, or the run has ended."""
        while self.process.poll() is None and not self._has_started(job):
            time.sleep(0.02)

    def _has_started(self, job: str) -> bool:
        return any(line["event"] == "job started" and job in {"", line["job"]} for line in self.told())

    def wait(self, seconds: float = 600) -> int:
        """The exit code."""
        return self.process.wait(seconds)

    def kill(self, *, driver_only: bool = False) -> bool:
        """SIGKILL the session, the driver first (or only it); false where the run was over before."""
        if self.process.poll() is not None:
            return False
        self.process.send_signal(signal.SIGKILL)
        if not driver_only:
            end_session(self.process.pid)
        return self.process.wait() == -signal.SIGKILL

    def outlived(self) -> None:
        """Wait until nobody of the session is left."""
        while members(self.process.pid):
            time.sleep(0.05)

    def phase(self) -> str:
        """Where it was when it died: job, and the last stage that had ended."""
        lines = self.told()
        jobs = [line["job"] for line in lines if line["event"] == "job started"]
        stages = [f"after {line['stage']}" for line in lines if line["event"] == "stage" and line["job"] == jobs[-1]]
        return " ".join([jobs[-1], *stages[-1:]]) if jobs else "before the first job"


def members(session: int) -> list[int]:
    """The processes of a session."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[_SESSION]) == session and fields[0] != "Z":
            found.append(int(stat.parent.name))
    return found


def end_session(session: int, last: int = 0) -> None:
    """SIGKILL every process of a session, again until none is left; the one named last at the end."""
    while left := [pid for pid in members(session) if pid != last]:
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
    if last:
        os.kill(last, signal.SIGKILL)
