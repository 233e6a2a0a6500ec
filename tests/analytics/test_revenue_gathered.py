"""The streams of a month as numbers: every different one once, however its days name things."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from earshot.analytics.revenue import gathered_streams
from earshot.analytics.revenue.gathered_streams import STREAMS, GatheredStreams
from earshot.analytics.revenue.month_cells import MonthCells
from earshot.core.errors import TableError

LISTENER = 1_000_000
"""Added for each listener to what they played."""
COLUMNS = ("country", "tier", "artist_id", "listener_id", "work", "marks")


def day(seed: int, rows: int, *, names: int, works: bool = True) -> list[tuple[Any, ...]]:
    rng = np.random.default_rng(seed)

    def one_of(kind: str, gaps: float) -> str | None:
        return None if rng.random() < gaps else f"{kind} {rng.integers(names)}"

    return [
        (
            *(one_of(kind, 0.1) for kind in COLUMNS[:4]),
            one_of("work", 0.7) if works else None,
            int(rng.integers(16)),
        )
        for _ in range(rows)
    ]


def gathered(*days: list[tuple[Any, ...]]) -> MonthCells:
    streams = GatheredStreams()
    for rows in days:
        told = [dict(zip(COLUMNS, row, strict=True)) for row in rows]
        streams.add(pa.Table.from_pylist(told, schema=STREAMS))
    return streams.cells()


def heard(cells: MonthCells) -> Counter[tuple[Any, ...]]:
    """How often each country, tier, artist, work and marks was heard, and by how many listeners."""
    found: Counter[tuple[Any, ...]] = Counter()
    for pool, where in cells.pools():
        country, tier = divmod(pool, len(cells.tiers))
        for run in cells.runs(where):
            for title, marks, plays in zip(run.title, run.marks, run.plays, strict=True):
                artist, work = divmod(int(cells.titles[title]), len(cells.works) + 1)
                names = cells.countries[country].as_py(), cells.tiers[tier].as_py(), cells.artists[artist].as_py()
                found[(*names, cells.works[work - 1].as_py() if work else None, int(marks))] += int(plays) + LISTENER
    return found


def expected(rows: list[tuple[Any, ...]]) -> Counter[tuple[Any, ...]]:
    named = [(*(name or "unknown" for name in row[:4]), *row[4:]) for row in rows]
    found = Counter((*row[:3], *row[4:]) for row in named)
    for row in set(named):
        found[(*row[:3], *row[4:])] += LISTENER
    return found


@pytest.mark.parametrize("at_once", [1_000_000, 100, 7, 1])
@pytest.mark.parametrize("works", [True, False], ids=["tracks with splits", "no splits"])
def test_every_different_stream_is_there_once_with_how_often_it_was_heard(
    works: bool, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gathered_streams, "_AT_ONCE", at_once)
    days = [day(seed, 400, names=names, works=works) for seed, names in ((1, 3), (2, 5), (3, 2))]
    assert heard(gathered(*days)) == expected([row for of_day in days for row in of_day])


def test_the_order_of_days_changes_no_cell() -> None:
    days = [day(seed, 200, names=4) for seed in (5, 6, 7)]
    assert heard(gathered(*days)) == heard(gathered(*reversed(days)))


def test_a_month_without_streams_has_no_cells() -> None:
    assert list(gathered().pools()) == []
    assert list(gathered([]).pools()) == []


def test_more_combinations_than_a_number_holds_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathered_streams, "_LARGEST", 1_000)
    with pytest.raises(TableError, match="too many to be paid together") as refused:
        gathered(day(8, 50, names=4))
    assert "Map the countries and tiers" in str(refused.value.remedy)
