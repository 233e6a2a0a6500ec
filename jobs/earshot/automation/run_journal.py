"""Which runs are under way: so that a run that was killed still gets its row in ops.runs."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from earshot.core.small_tables import SmallTables


class RunJournal:
    """One small file a running job in HOME/running, removed when its row is written.

    Args:
        folder: HOME/running.
        small_tables: Holds ops.runs.
        clock: Tells the time.
    """

    def __init__(self, folder: Path, small_tables: SmallTables, clock: Callable[[], datetime]) -> None:
        self._folder = folder
        self._small_tables = small_tables
        self._clock = clock

    @contextmanager
    def entry(self, run_id: str, job: str, run_date: date) -> Iterator[Path]:
        """Keep an entry while the block runs."""
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{run_id}.{job}.json"
        started_at = self._clock().isoformat()
        started = {"run_id": run_id, "job": job, "run_date": run_date.isoformat(), "started_at": started_at}
        draft = path.with_suffix(".draft")
        draft.write_text(json.dumps({**started, "pid": os.getpid()}), encoding="utf-8")
        draft.replace(path)
        yield path
        path.unlink(missing_ok=True)

    def bury_the_dead(self) -> list[dict[str, Any]]:
        """Write a `failed` row for every entry whose process is gone; returns the rows."""
        rows: list[dict[str, Any]] = []
        for path in sorted(self._folder.glob("*.json")):
            entry = _read(path)
            if entry is None or not _is_alive(int(entry["pid"])):
                try:
                    path.unlink()
                except FileNotFoundError:  # another run buries it, or it has ended
                    continue
                if entry is not None:
                    rows.append(self._row(entry))
        self._small_tables.append("ops.runs", rows)
        return rows

    def _row(self, entry: dict[str, Any]) -> dict[str, Any]:
        return {
            "run_id": entry["run_id"],
            "job": entry["job"],
            "run_date": date.fromisoformat(entry["run_date"]),
            "status": "failed",
            "started_at": datetime.fromisoformat(entry["started_at"]),
            "ended_at": self._clock().astimezone(UTC),
            "error": "the process ended without a word (killed)",
        }


def _read(path: Path) -> dict[str, Any] | None:
    try:
        entry: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return entry


def _is_alive(pid: int) -> bool:
    if pid == os.getpid():
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
