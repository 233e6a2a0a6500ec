"""Discoveries are held against what is remembered of the days before, and are what all their plays give."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from earshot.analytics.behaviour import behaviour
from earshot.analytics.heard_pairs import HeardPairs, PlayedPairs, heard_before
from earshot.analytics.play_days import FiledPlays
from earshot.core.day_files import DayFiles
from earshot.core.memo_files import MemoFiles
from earshot.core.stream_rule import SPOTIFY
from earshot.core.tables import Tables
from factories import filed, listens_arrow
from listening_days import days_read

FIRST = date(2026, 3, 1)
Pair = tuple[str | None, str | None]
NAMES = st.none() | st.sampled_from(["anna", "bea", "cyn", "unknown", ""])
PAIRS = st.lists(st.tuples(NAMES, NAMES), max_size=12)


def played(pairs: Sequence[Pair]) -> PlayedPairs:
    columns = zip(*pairs, strict=True) if pairs else ((), ())
    return PlayedPairs.of(pa.table([pa.array(column, pa.string()) for column in columns], ["listener_id", "track_id"]))


@given(today=PAIRS, before=st.lists(PAIRS, max_size=3))
def test_a_pair_was_heard_before_if_one_of_the_days_has_it(today: list[Pair], before: list[list[Pair]]) -> None:
    own = played(today)
    found = heard_before(own.keys, own, [HeardPairs.of(played(day)) for day in before])
    earlier = {_named(pair) for day in before for pair in day}
    assert found.tolist() == [_named(pair) in earlier for pair in today]


def _named(pair: Pair) -> Pair:
    listener, track = ("unknown" if name is None else name for name in pair)
    return listener, track


@pytest.fixture
def plays(tables: Tables) -> DayFiles:
    told = [
        listens_arrow(
            90, seed=n, days=1, first_day=FIRST + timedelta(days=n), listeners=6 + n, tracks=9 + 2 * n, gaps=0.1
        )
        for n in range(12)
    ]
    return filed(tables, "silver.listens", *told).of([FIRST + timedelta(days=n) for n in range(12)])


@pytest.fixture
def memos(tables: Tables) -> MemoFiles:
    return MemoFiles.of(tables.root, "gold.behaviour")


@pytest.fixture
def build() -> Callable[..., list[str]]:
    def of_day(plays: DayFiles, memos: MemoFiles | None, day: date) -> list[str]:
        tasks = cast(
            Any,
            behaviour(
                FiledPlays(cast(Any, None), plays), days=[day], stream_rule=SPOTIFY, minimum_volume=3, memos=memos
            ),
        )
        return sorted(repr(row) for task in tasks.tasks for rows in tasks.build(task) for row in rows.to_pylist())

    return of_day


def test_a_further_day_is_all_that_is_read(
    plays: DayFiles, memos: MemoFiles, build: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = days_read(monkeypatch)
    for day in sorted(plays.days):
        so_far = plays.of([one for one in plays.days if one <= day])
        reads.clear()
        found = build(so_far, memos, day)
        assert reads == {day}
        assert found == build(so_far, None, day)
    last = [FIRST + timedelta(days=n) for n in range(4, 12)]
    assert sorted(path.name[:10] for path in Path(memos.folder).iterdir()) == [day.isoformat() for day in last]


def test_days_of_few_plays_are_not_remembered_and_damaged_memos_are_made_anew(
    plays: DayFiles, memos: MemoFiles, build: Callable[..., list[str]]
) -> None:
    newest = max(plays.days)
    few = MemoFiles(memos.folder, least=7 * 91)
    expected = build(plays, None, newest)
    assert build(plays, few, newest) == expected
    assert not Path(memos.folder).exists()
    build(plays, memos, newest)
    for path in Path(memos.folder).iterdir():
        path.write_bytes(b"ARROW1")
    assert build(plays, memos, newest) == expected
