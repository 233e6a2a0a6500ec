"""Days of wandering listeners for charts, which of them are read again, and which memos they leave."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from chart_lake import ChartLake, Stream
from earshot.core.day_files import DayFiles


def wandering(days: Sequence[date], *, plays: int = 12, seed: int = 1, flagged: float = 0.0) -> list[Stream]:
    """Streams of a few listeners who are now here, now there."""
    chance = np.random.default_rng(seed)

    def one(day: date) -> Stream:
        listener, track, country, tier = (int(n) for n in chance.integers(0, (5, 6, 3, 2)))
        return Stream(
            day,
            f"track {track}",
            f"listener {listener}",
            ("DE", "US", "BR")[country],
            ("free", "premium")[tier],
            artist=f"artist {track // 2}",
            album=f"album {track // 3}",
            flagged=bool(chance.random() < flagged),
        )

    return [one(day) for day in days for _ in range(plays)]


def days_read(monkeypatch: pytest.MonkeyPatch) -> set[date]:
    """The days whose plays are read from now on."""
    seen: set[date] = set()
    read = DayFiles.read

    def noted(files: DayFiles, day: date, *rest: Any, **kind: Any) -> pa.Table:
        if files.table == "silver.listens":
            seen.add(day)
        return read(files, day, *rest, **kind)

    monkeypatch.setattr(DayFiles, "read", noted)
    return seen


def memos(charts: ChartLake) -> list[str]:
    """Of each memo that is there its entity, what it says of it, and its last day."""
    return sorted(path.name.rsplit("-", 1)[0] for path in Path(charts.memos.folder).iterdir())
