"""A range of days in order, resumed where it stopped."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

from earshot.automation.runner import RunResult, exit_code, run_jobs
from earshot.core.settings import Settings


class BackfillRecord:
    """Which days of one backfill are done, in HOME/backfills.

    Args:
        folder: HOME/backfills.
        days: The days of the backfill.
        names: The jobs of each day.
    """

    def __init__(self, folder: Path, days: Sequence[date], names: Sequence[str]) -> None:
        same = hashlib.sha256(json.dumps([str(days[0]), str(days[-1]), *names]).encode()).hexdigest()[:8]
        self._path = folder / f"{days[0]}_{days[-1]}_{same}.json"

    def done(self) -> set[date]:
        """The days that a run before this one finished."""
        if not self._path.exists():
            return set()
        return {date.fromisoformat(day) for day in json.loads(self._path.read_text(encoding="utf-8"))}

    def add(self, day: date) -> None:
        """Note a finished day, in one step that a kill cannot halve."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        partial = self._path.with_suffix(".partial")
        partial.write_text(json.dumps(sorted(map(str, {*self.done(), day}))), encoding="utf-8")
        partial.replace(self._path)

    def close(self) -> None:
        """Forget the backfill: all its days are done."""
        self._path.unlink(missing_ok=True)


def run_backfill(
    days: Sequence[date],
    names: Sequence[str],
    settings: Settings,
    *,
    as_json: bool = False,
    on_day: Callable[[date, list[RunResult]], None] | None = None,
) -> list[RunResult]:
    """Run the jobs for each day in order; stops at the first day that fails.

    A gate that refuses does not stop the days after it; its exit code is kept.
    """
    record = BackfillRecord(settings.home / "backfills", days, names)
    finished = record.done()
    results: list[RunResult] = []
    for day in days:
        if day in finished:
            continue
        of_day = run_jobs(names, day, settings, as_json=as_json)
        results += of_day
        if on_day:
            on_day(day, of_day)
        if any(result.status == "failed" for result in of_day):
            return results
        record.add(day)
    if exit_code(results) == 0:
        record.close()
    return results
