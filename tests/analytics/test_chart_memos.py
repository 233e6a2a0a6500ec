"""The charts of all time begin from a memo of the days long ago, and are what all plays give."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from pyspark import cloudpickle

from chart_lake import ChartLake, Stream
from earshot.analytics.built_charts import BuiltCharts
from earshot.analytics.chart_periods import periods_of_days
from earshot.analytics.chart_spans import settled_days
from earshot.analytics.entity_charts import ChartRules
from earshot.core.errors import OvertakenError
from earshot.security.traces import files_with
from listening_days import days_read, memos, wandering

FIRST, NEWEST = date(2025, 10, 20), date(2026, 3, 10)
DAYS = [*(FIRST + timedelta(days=n) for n in range(0, (NEWEST - FIRST).days, 21)), NEWEST]
CLOSED, QUARTER = date(2026, 2, 28), date(2025, 12, 31)
RULES = [ChartRules(), ChartRules(places=3, listener_cap=2)]


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> set[date]:
    return days_read(monkeypatch)


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., ChartLake]:
    def made(rules: ChartRules | None = None, **told: Any) -> ChartLake:
        charts = ChartLake(tmp_path, rules)
        charts.publish(wandering(DAYS, **told))
        return charts

    return made


def whole(*untils: date, what: Sequence[str] = ("all_time", "heard")) -> list[str]:
    """Those of every kind of entity up to these days."""
    return [f"{entity}-{one}-{until}" for entity in ("album", "artist", "track") for one in what for until in untils]


@pytest.mark.parametrize("rules", RULES)
@pytest.mark.parametrize("flagged", [0.0, 0.2])
def test_a_further_day_reads_no_day_before_the_last_closed_month(
    make: Callable[..., ChartLake], reads: set[date], rules: ChartRules, flagged: float
) -> None:
    charts = make(rules, flagged=flagged)
    reads.clear()
    charts.publish(wandering([NEWEST + timedelta(days=1)], seed=2))
    assert reads
    assert min(reads) > CLOSED
    assert charts.differences() == []


def test_there_are_memos_up_to_a_month_that_is_settled_and_up_to_a_quarter_before_it(
    make: Callable[..., ChartLake],
) -> None:
    charts = make()
    assert memos(charts) == whole(QUARTER, CLOSED)
    for day in (8, 9):  # the memo that the new one is made from is deleted the next time
        charts.publish(wandering([date(2026, 4, day)], seed=2))
    assert memos(charts) == whole(QUARTER, date(2026, 3, 31))
    assert charts.differences() == []


def test_a_month_is_settled_when_a_week_has_gone_by() -> None:
    days = [FIRST, date(2026, 3, 7)]
    assert settled_days(days) == [date(2025, 12, 31), date(2026, 1, 31)]
    assert settled_days([FIRST, date(2026, 3, 8)]) == [date(2025, 12, 31), CLOSED]
    assert settled_days([FIRST, date(2026, 1, 8)]) == [date(2025, 12, 31)]
    assert settled_days([date(2026, 3, 1), date(2026, 3, 8)]) == []
    assert settled_days([date(2024, 1, 1), date(2025, 1, 8)]) == [date(2024, 9, 30), date(2024, 12, 31)]


@pytest.mark.parametrize("rules", RULES)
@pytest.mark.parametrize("flagged", [0.0, 0.2])
def test_in_its_first_week_a_month_is_added_to_the_one_before_which_no_memo_holds_yet(
    make: Callable[..., ChartLake], reads: set[date], rules: ChartRules, flagged: float
) -> None:
    charts = make(rules, flagged=flagged)
    reads.clear()
    charts.publish(wandering([date(2026, 4, 3)], seed=2))
    assert {NEWEST, date(2026, 4, 3)} <= reads
    assert min(reads) > CLOSED
    assert charts.differences() == []


@pytest.mark.parametrize("rules", RULES)
@pytest.mark.parametrize("late", [date(2026, 2, 10), date(2025, 11, 3), FIRST - timedelta(days=40)])
def test_a_late_play_of_a_day_that_is_remembered_is_counted(
    make: Callable[..., ChartLake], reads: set[date], rules: ChartRules, late: date
) -> None:
    charts = make(rules)
    before = {path.name for path in Path(charts.memos.folder).iterdir()}
    reads.clear()
    charts.publish(wandering([late], seed=3))
    assert charts.differences() == []
    now = {path.name for path in Path(charts.memos.folder).iterdir()}
    assert len(now & before) == (6 if late > QUARTER else 0), "a memo that the play is missing in is gone"
    assert (min(reads) > QUARTER) == (late > QUARTER)


@pytest.mark.parametrize("flags", [True, False])
def test_a_verdict_on_a_day_that_is_remembered_is_heeded(make: Callable[..., ChartLake], flags: bool) -> None:
    charts, day = make(flagged=0.0 if flags else 0.3), DAYS[2]
    charts.streams = [
        Stream(**{**vars(stream), "flagged": flags}) if stream.day == day else stream for stream in charts.streams
    ]
    charts.rebuild({day})
    assert charts.differences() == []
    charts.publish(wandering([NEWEST + timedelta(days=1)], seed=2))
    assert charts.differences() == []


def test_who_came_later_is_in_no_memo_and_who_is_gone_in_none_that_is_used(make: Callable[..., ChartLake]) -> None:
    charts = make()
    folder = Path(charts.memos.folder)
    charts.publish([Stream(NEWEST, "track 1", "a newcomer"), Stream(date(2026, 2, 1), "track 1", "a guest")])
    assert files_with(folder, ["a newcomer"]) == []
    known = {path.name.rsplit("-", 1)[0] for path in files_with(folder, ["a guest"])}
    assert known == set(whole(CLOSED, what=["heard"]))
    charts.withdraw([stream for stream in charts.streams if stream.listener == "a guest"])
    assert files_with(folder, ["a guest"]) == []
    assert charts.differences() == []


def test_memos_that_are_damaged_or_gone_are_made_anew(make: Callable[..., ChartLake], reads: set[date]) -> None:
    charts = make()
    folder = Path(charts.memos.folder)
    for turn, spoil in enumerate((lambda path: path.write_bytes(b"ARROW1"), Path.unlink), start=1):
        for path in folder.iterdir():
            spoil(path)
        (folder / ".half").write_bytes(b"ARROW1")
        reads.clear()
        charts.publish(wandering([NEWEST + timedelta(days=turn)], seed=turn))
        assert min(reads) == FIRST
        assert charts.differences() == []
        assert memos(charts) == whole(QUARTER, CLOSED)
        reads.clear()
        charts.publish(wandering([NEWEST + timedelta(days=turn)], seed=turn + 2))
        assert min(reads) > CLOSED


def test_a_task_is_sent_the_days_that_it_reads_and_refuses_to_count_where_its_memo_is_gone_meanwhile(
    make: Callable[..., ChartLake],
) -> None:
    charts = make()
    periods = periods_of_days({NEWEST})
    tasks = charts.tasks(periods, BuiltCharts.now(charts.small.root, periods))
    sent = cloudpickle.dumps(tasks.build)
    assert f"listen_date={NEWEST}".encode() in sent
    assert f"listen_date={FIRST}".encode() not in sent
    for path in Path(charts.memos.folder).glob("track-*"):
        path.unlink()
    with pytest.raises(OvertakenError):
        list(tasks.build(("track",)))


@pytest.mark.parametrize("lost", ["artist-*", "album-*", f"artist-heard-{CLOSED}*", f"album-all_time-{CLOSED}*"])
def test_artists_and_albums_are_read_together_even_where_they_remember_different_days(
    make: Callable[..., ChartLake], lost: str
) -> None:
    charts = make(flagged=0.2)
    for path in Path(charts.memos.folder).glob(lost):
        path.unlink()
    assert memos(charts) != whole(QUARTER, CLOSED)
    charts.publish(wandering([NEWEST + timedelta(days=1), date(2026, 1, 20)], seed=5))
    assert charts.differences() == []
    assert memos(charts) == whole(QUARTER, CLOSED)


def test_a_memo_of_other_rules_is_not_used(tmp_path: Path, make: Callable[..., ChartLake], reads: set[date]) -> None:
    charts = make()
    charts.rules = ChartRules(listener_cap=1)
    reads.clear()
    charts.rebuild(set(), whole=True)
    assert min(reads) == FIRST
    assert charts.differences() == []
