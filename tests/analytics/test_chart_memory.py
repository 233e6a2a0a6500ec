"""A further day is added to what is remembered of its week, its month and all time, and gives what all plays give."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chart_lake import ChartLake, Stream
from earshot.analytics.entity_charts import ChartRules
from listening_days import days_read, memos, wandering

RULES = [ChartRules(), ChartRules(places=3, listener_cap=2)]
NEWEST = date(2026, 3, 18)
DAYS = [date(2026, 1, 12), date(2026, 2, 4), *(NEWEST - timedelta(days=n) for n in range(24, -1, -1))]


def days_after(newest: date, *offsets: int) -> list[date]:
    return [newest + timedelta(days=n) for n in offsets]


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> set[date]:
    return days_read(monkeypatch)


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., ChartLake]:
    def made(rules: ChartRules | None = None, *, flagged: float = 0.0, least: int = 1) -> ChartLake:
        charts = ChartLake(tmp_path, rules, least=least)
        charts.publish(wandering(DAYS, flagged=flagged))
        return charts

    return made


@pytest.mark.parametrize("rules", RULES)
@pytest.mark.parametrize("flagged", [0.0, 0.2])
def test_a_further_day_is_all_that_is_read(
    make: Callable[..., ChartLake], reads: set[date], rules: ChartRules, flagged: float
) -> None:
    charts = make(rules, flagged=flagged)
    for day in days_after(NEWEST, *range(1, 7)):  # the next week's Tuesday
        reads.clear()
        charts.publish(wandering([day], seed=day.day, flagged=flagged))
        assert reads == {day}, "its week, its month and all time are remembered"
        assert charts.differences() == []


@pytest.mark.parametrize("rules", RULES)
def test_a_month_that_is_settled_is_put_together_from_what_is_remembered(
    make: Callable[..., ChartLake], reads: set[date], rules: ChartRules
) -> None:
    charts = make(rules, flagged=0.1)
    assert "track-heard-2026-02-28" in memos(charts)
    for day in days_after(NEWEST, *range(1, 22)):  # up to 8 April
        reads.clear()
        charts.publish(wandering([day], seed=day.day, flagged=0.1))
        assert reads == {day}
    assert "track-heard-2026-03-31" in memos(charts)
    assert charts.differences() == []
    reads.clear()
    charts.publish(wandering(days_after(NEWEST, 22), seed=5))
    assert (len(reads), charts.differences()) == (1, [])
    assert "track-heard-2026-02-28" not in memos(charts)


def test_plays_that_are_a_day_or_two_late_leave_a_day_to_begin_from(
    make: Callable[..., ChartLake], reads: set[date]
) -> None:
    charts = make(flagged=0.1)
    for day in days_after(NEWEST, 1, 2, 3, 4):
        for late in (1, 2):
            reads.clear()
            charts.publish(wandering([day, day - timedelta(days=late)], plays=5, seed=day.day + late))
            first = day - timedelta(days=late)
            assert {day, first} <= reads <= {first + timedelta(days=n) for n in range(late + 1)}
            assert charts.differences() == []


@pytest.mark.parametrize("late", [5, 12, 20, 40])
def test_plays_that_are_later_than_that_are_counted(
    make: Callable[..., ChartLake], reads: set[date], late: int
) -> None:
    charts = make(flagged=0.1)
    charts.publish(wandering(days_after(NEWEST, -late, 1), seed=late))
    assert charts.differences() == []
    reads.clear()
    charts.publish(wandering(days_after(NEWEST, 2), seed=late))
    assert reads == {NEWEST + timedelta(days=2)}
    assert charts.differences() == []


def test_a_verdict_on_a_recent_day_is_heeded(make: Callable[..., ChartLake]) -> None:
    charts = make()
    for ago in (0, 1, 3, 9):
        day = NEWEST - timedelta(days=ago)
        charts.streams = [
            Stream(**{**vars(one), "flagged": one.day == day and one.listener == "listener 1"})
            for one in charts.streams
        ]
        charts.rebuild({day, *(one.day for one in charts.streams if one.flagged)} | set(DAYS))
        assert charts.differences() == []


def test_the_newest_day_that_is_gone_leaves_what_is_remembered_of_those_before(
    make: Callable[..., ChartLake], reads: set[date]
) -> None:
    charts = make()
    reads.clear()
    charts.withdraw([one for one in charts.streams if one.day == NEWEST])
    assert reads == set()
    assert charts.differences() == []


def test_a_listener_who_is_gone_is_in_no_memo_that_is_left(make: Callable[..., ChartLake]) -> None:
    charts = make()
    charts.withdraw([one for one in charts.streams if one.listener == "listener 2"])
    folder = Path(charts.memos.folder)
    assert [path for path in folder.iterdir() if b"listener 2" in path.read_bytes()] == []
    assert [path for path in folder.iterdir() if b"listener 1" in path.read_bytes()] != []
    assert charts.differences() == []


@pytest.mark.parametrize("lost", ["*-week-*", "*-month-*", "*-all_time-*", "track-heard-*", "*-heard-2026-03-*", "*"])
def test_memos_that_are_gone_are_made_anew(make: Callable[..., ChartLake], reads: set[date], lost: str) -> None:
    charts = make(flagged=0.1)
    for path in Path(charts.memos.folder).glob(lost):
        path.unlink()
    charts.publish(wandering(days_after(NEWEST, 1), seed=2))
    assert charts.differences() == []
    reads.clear()
    charts.publish(wandering(days_after(NEWEST, 2), seed=3))
    assert reads == set(days_after(NEWEST, 2))
    assert charts.differences() == []


def test_a_day_without_a_counted_stream_is_remembered_too(make: Callable[..., ChartLake], reads: set[date]) -> None:
    charts, skipped = make(), NEWEST + timedelta(days=1)
    charts.publish(replace(one, counted=False) for one in wandering([skipped], seed=2))
    for day in days_after(skipped, *range(1, 8)):
        reads.clear()
        charts.publish(wandering([day], seed=day.day))
        assert reads - {skipped if day == skipped + timedelta(days=1) else None} == {day}
    assert charts.differences() == []


def test_the_first_month_that_is_settled_is_put_together_from_what_is_remembered(
    tmp_path: Path, reads: set[date]
) -> None:
    charts = ChartLake(tmp_path, least=1)
    charts.publish(wandering([date(2026, 3, 3) + timedelta(days=n) for n in range(30)]))
    for day in days_after(date(2026, 4, 1), *range(1, 10)):
        reads.clear()
        charts.publish(wandering([day], seed=day.day))
        assert reads == {day}
        assert charts.differences() == []
    march = [name for name in memos(charts) if name.startswith("track-heard-2026-03")]
    assert march == ["track-heard-2026-03-31"]


def test_a_quarter_is_not_begun_from_where_the_month_after_it_is_forgotten(tmp_path: Path) -> None:
    charts = ChartLake(tmp_path, least=1)
    march = [NEWEST - timedelta(days=n) for n in range(17, -1, -1)]
    charts.publish([*wandering([date(2025, 11, 3), *march]), Stream(date(2026, 1, 12), "track 1", "a guest")])
    assert "track-heard-2025-12-31" in memos(charts)
    for path in Path(charts.memos.folder).glob("*-heard-2026-02-28-*"):
        path.unlink()
    charts.publish([Stream(NEWEST + timedelta(days=1), "track 1", "a guest")])
    assert charts.differences() == []


def test_few_streams_are_not_remembered_by_day(make: Callable[..., ChartLake]) -> None:
    charts = make(least=1_000)
    assert {name.split("-", 1)[1] for name in memos(charts)} == {
        f"{what}-{until}" for what in ("all_time", "heard") for until in ("2025-12-31", "2026-02-28") if until > "2026"
    }


STEPS = st.lists(
    st.tuples(st.integers(-9, 2), st.integers(0, 3), st.integers(1, 8), st.booleans()), min_size=1, max_size=5
)


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=STEPS, cap=st.sampled_from([0, 2]), flagged=st.sampled_from([0.0, 0.3]))
def test_any_history_of_days_gives_what_all_plays_give(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, int, int, bool]], cap: int, flagged: float
) -> None:
    charts = ChartLake(tmp_path_factory.mktemp("charts"), ChartRules(listener_cap=cap), least=1)
    charts.publish(wandering(DAYS[-20:], plays=4, flagged=flagged))
    for seed, (offset, more, plays, is_withdrawn) in enumerate(steps):
        newest = max(one.day for one in charts.streams)
        days = days_after(newest, *range(offset, offset + more + 1))
        if is_withdrawn:
            charts.withdraw([one for one in charts.streams if one.day in days and one.listener == f"listener {seed}"])
        else:
            charts.publish(wandering(days, plays=plays, seed=seed, flagged=flagged))
        assert charts.differences() == []
