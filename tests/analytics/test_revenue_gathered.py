"""The streams of a month as numbers: every different one once, however its days name things."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from earshot.analytics.revenue import gathered_streams, month_cells
from earshot.analytics.revenue import joined_cells as joined
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


def table(rows: list[tuple[Any, ...]]) -> pa.Table:
    return pa.Table.from_pylist([dict(zip(COLUMNS, row, strict=True)) for row in rows], schema=STREAMS)


def gathered(*days: list[tuple[Any, ...]]) -> MonthCells:
    streams = GatheredStreams()
    for rows in days:
        streams.add(table(rows))
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
    monkeypatch.setattr(month_cells, "_LARGEST", 1_000)
    with pytest.raises(TableError, match="too many to be paid together") as refused:
        gathered(day(8, 50, names=4))
    assert "Map the countries and tiers" in str(refused.value.remedy)


@given(
    seeds=st.lists(st.tuples(st.integers(0, 99), st.integers(0, 60), st.integers(1, 7)), min_size=2, max_size=5),
    works=st.booleans(),
    at_once=st.sampled_from([1, 1_000_000]),
)
def test_days_that_are_joined_one_by_one_are_the_month(
    seeds: list[tuple[int, int, int]], works: bool, at_once: int
) -> None:
    days = [day(seed, rows, names=names, works=works) for seed, rows, names in seeds]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(joined, "_AT_ONCE", at_once)
        streams, cells = GatheredStreams(), None
        for rows in days:
            streams.add(table(rows))
            later = streams.cells()
            cells = later if cells is None else joined.joined_cells(cells, later)
            streams = GatheredStreams({"listener_id": streams.listeners, **cells.named})
    assert cells is not None
    assert np.all(np.diff(cells.keys) > 0)
    assert heard(cells) == expected([row for of_day in days for row in of_day])


def test_more_plays_than_a_byte_counts_are_joined() -> None:
    often = [("DE", "free", "an artist", "anna", None, 0)] * 200
    one, other = GatheredStreams(), GatheredStreams()
    one.add(table(often))
    other.add(table(often))
    cells = joined.joined_cells(one.cells(), other.cells())
    assert cells.plays.tolist() == [400]
    small = replace(cells, plays=np.array([200], np.uint8))
    assert joined.joined_cells(small, small).plays.tolist() == [400]
