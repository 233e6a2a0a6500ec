"""Peaks, periods on the chart and entries, carried from chart to chart, are what one look at all plays gives."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from chart_lake import ChartLake, Stream
from earshot.analytics.built_charts import CHARTS
from earshot.analytics.entity_charts import ChartRules
from earshot.core.errors import TableError
from earshot.core.tables import Tables

pytestmark = pytest.mark.interpreted

WEEKS = [date(2024, 12, 16) + timedelta(weeks=n) for n in range(6)]  # the third is week 1 of 2025


def plays(week: date, **streams: int) -> list[Stream]:
    """So many streams of each track on the Wednesday of a week, each by another listener."""
    wednesday = week + timedelta(days=2)
    return [Stream(wednesday, track, f"fan-{n}") for track, count in streams.items() for n in range(count)]


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., ChartLake]:
    return lambda **rules: ChartLake(tmp_path, ChartRules(**rules))


def test_a_track_enters_climbs_leaves_and_comes_back(make: Callable[..., ChartLake]) -> None:
    charts = make()
    charts.publish(
        [
            *plays(WEEKS[0], hit=1, other=2, third=3),
            *plays(WEEKS[1], hit=2, other=1),
            *plays(WEEKS[2], hit=1, other=2),
            *plays(WEEKS[3], other=1),
            *plays(WEEKS[4], hit=1, other=4, third=2),
            *plays(WEEKS[5], hit=1),
        ]
    )
    assert charts.weeks("hit") == [
        (WEEKS[0], 3, None, 3, 1, "new"),
        (WEEKS[1], 1, 3, 1, 2, None),
        (WEEKS[2], 2, 1, 1, 3, None),
        (WEEKS[4], 3, None, 1, 4, "re_entry"),
        (WEEKS[5], 1, 3, 1, 5, None),
    ]
    assert charts.weeks("third") == [(WEEKS[0], 1, None, 1, 1, "new"), (WEEKS[4], 2, None, 1, 2, "re_entry")]
    assert charts.differences() == []


def test_after_a_week_without_any_play_everybody_comes_back(make: Callable[..., ChartLake]) -> None:
    charts = make()
    charts.publish(plays(WEEKS[0], hit=1))
    charts.publish(plays(WEEKS[2], hit=1, fresh=2))
    assert charts.weeks("hit")[-1] == (WEEKS[2], 2, None, 1, 2, "re_entry")
    assert charts.weeks("fresh") == [(WEEKS[2], 1, None, 1, 1, "new")]
    charts.publish(plays(WEEKS[1], hit=1, fresh=2))  # late: the gap is filled
    assert charts.weeks("hit")[-1] == (WEEKS[2], 2, 2, 1, 3, None)
    assert charts.weeks("fresh")[-1] == (WEEKS[2], 1, 1, 1, 2, None)
    assert charts.differences() == []


def test_a_late_play_of_an_earlier_week_repairs_peak_and_weeks_of_the_later_ones(
    make: Callable[..., ChartLake],
) -> None:
    charts = make()
    for week in WEEKS[1:]:
        charts.publish(plays(week, hit=1, other=2))
    assert charts.weeks("hit")[-1] == (WEEKS[5], 2, 2, 2, 5, None)
    charts.publish(plays(WEEKS[0], hit=3))
    assert [row[1:] for row in charts.weeks("hit")] == [
        (1, None, 1, 1, "new"),
        (2, 1, 1, 2, None),
        (2, 2, 1, 3, None),
        (2, 2, 1, 4, None),
        (2, 2, 1, 5, None),
        (2, 2, 1, 6, None),
    ]
    charts.withdraw(plays(WEEKS[0], hit=3))
    assert charts.weeks("hit")[0] == (WEEKS[1], 2, None, 2, 1, "new")
    assert charts.weeks("hit")[-1] == (WEEKS[5], 2, 2, 2, 5, None)
    assert charts.differences() == []


def test_a_new_day_leaves_the_files_of_earlier_periods_alone(make: Callable[..., ChartLake]) -> None:
    charts = make()
    days = [date(2024, 12, 1) + timedelta(days=n) for n in range(40)]
    charts.publish([Stream(day, track) for day in days for track in ("hit", "other")])
    today = days[-1] + timedelta(days=1)
    charts.streams.append(Stream(today, "hit"))
    assert charts.rebuild({today}) == {
        ("day", today),
        ("week", date(2025, 1, 6)),
        ("month", date(2025, 1, 1)),
        ("all_time", date(1970, 1, 1)),
    }
    assert charts.differences() == []


def test_all_time_tells_what_an_entity_reached_by_day_week_and_month(make: Callable[..., ChartLake]) -> None:
    charts = make()
    charts.publish([*plays(WEEKS[0], hit=1, other=2), *plays(WEEKS[1], hit=2, other=1), *plays(WEEKS[2], hit=9)])
    where = (("period", "=", "all_time"), ("entity_id", "=", "hit"), ("country", "=", "ALL"), ("tier", "=", "free"))
    included, excluded = charts.rows(*where)
    careers = {
        "day": {"peak_rank": 1, "periods_on_chart": 3, "since": WEEKS[0] + timedelta(days=2)},
        "week": {"peak_rank": 1, "periods_on_chart": 3, "since": WEEKS[0]},
        "month": {"peak_rank": 1, "periods_on_chart": 2, "since": date(2024, 12, 1)},
    }
    assert included["careers"] == excluded["careers"] == careers
    assert [included[name] for name in ("previous_rank", "peak_rank", "periods_on_chart", "entry")] == [None] * 4


def test_with_places_only_the_upper_ranks_are_on_the_chart(make: Callable[..., ChartLake]) -> None:
    charts = make(places=1)
    for week, counts in zip(WEEKS, [(1, 2), (2, 1), (2, 1), (1, 2), (2, 1)], strict=False):
        charts.publish(plays(week, hit=counts[0], other=counts[1]))
    assert charts.weeks("hit") == [
        (WEEKS[0], 2, None, 2, 0, None),
        (WEEKS[1], 1, 2, 1, 1, "new"),
        (WEEKS[2], 1, 1, 1, 2, None),
        (WEEKS[3], 2, 1, 1, 2, None),
        (WEEKS[4], 1, 2, 1, 3, "re_entry"),
    ]
    assert charts.differences() == []


def test_a_listener_adds_no_more_than_the_cap_to_an_entity_in_a_period(make: Callable[..., ChartLake]) -> None:
    charts = make(listener_cap=2)
    loop = [Stream(WEEKS[0], "loop", "one fan", tier=tier) for tier in ("free", "premium") for _ in range(50)]
    charts.publish([*loop, *plays(WEEKS[0], hit=3)])
    assert charts.weeks("hit") == [(WEEKS[0], 1, None, 1, 1, "new")]
    where = (("period", "=", "week"), ("entity_id", "=", "loop"), ("suspects", "=", "included"))
    by_tier = {(row["country"], row["tier"]): row["streams"] for row in charts.rows(*where)}
    assert by_tier == {
        **{("DE", "free"): 2, ("DE", "premium"): 2, ("DE", "ALL"): 2},
        **{("ALL", "free"): 2, ("ALL", "premium"): 2, ("ALL", "ALL"): 2},
    }
    assert charts.differences() == []


def test_names_that_tie_stand_in_the_order_of_their_bytes(make: Callable[..., ChartLake]) -> None:
    charts, names = make(), ["é", "a", "Z", "🎵", "", "aa", "unknown", "\U000103ff", "ﬀ"]
    charts.publish([Stream(WEEKS[0], name) for name in names])
    where = (("period", "=", "day"), ("entity", "=", "track"), ("country", "=", "DE"), ("tier", "=", "free"))
    found = [row["entity_id"] for row in charts.rows(*where, ("suspects", "=", "included"))]
    assert found == sorted(names, key=str.encode)
    assert charts.differences() == []


def test_a_verdict_on_an_earlier_day_moves_the_charts_without_suspects_ever_since(
    make: Callable[..., ChartLake],
) -> None:
    charts = make()
    charts.publish([*plays(WEEKS[0], hit=1, bot=3), *plays(WEEKS[1], hit=1), *plays(WEEKS[2], hit=2, bot=1)])
    charts.streams = [
        Stream(s.day, s.track, s.listener, flagged=s.track == "bot" and s.day < WEEKS[1]) for s in charts.streams
    ]
    charts.rebuild({WEEKS[0] + timedelta(days=2)})
    where = (("period", "=", "week"), ("entity_id", "=", "bot"), ("country", "=", "ALL"), ("tier", "=", "ALL"))
    rows = {(r["suspects"], r["period_start"]): (r["peak_rank"], r["entry"]) for r in charts.rows(*where)}
    assert rows == {
        ("included", WEEKS[0]): (1, "new"),
        ("included", WEEKS[2]): (1, "re_entry"),
        ("excluded", WEEKS[2]): (2, "new"),
    }
    assert charts.differences() == []


Streams = st.builds(
    Stream,
    day=st.sampled_from([date(2024, 2, 1) + timedelta(days=n) for n in (0, 1, 5, 12, 27, 28, 29, 45, 70, 330, 334)]),
    track=st.sampled_from(["a", "b", "é", "Z", "🎵"]),
    listener=st.sampled_from(["anna", "ben", "cy"]),
    country=st.sampled_from(["DE", "US"]),
    tier=st.sampled_from(["free", "premium"]),
    artist=st.sampled_from(["x", "y"]),
    album=st.sampled_from(["u", "v"]),
    flagged=st.booleans(),
)
Histories = st.lists(st.lists(Streams, min_size=1, max_size=12), min_size=1, max_size=5)


@given(batches=Histories, places=st.integers(0, 3), cap=st.integers(0, 2), gone=st.integers(0, 5))
@hypothesis_settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_history_of_batches_gives_the_charts_of_all_plays_at_once(
    tmp_path_factory: pytest.TempPathFactory, batches: list[list[Stream]], places: int, cap: int, gone: int
) -> None:
    charts = ChartLake(tmp_path_factory.mktemp("charts"), ChartRules(places=places, listener_cap=cap))
    for batch in batches:
        charts.publish(batch)
    charts.withdraw(charts.streams[:gone][: len(charts.streams) - 1])
    assert charts.differences() == []


def test_charts_are_carried_on_from_files_that_were_merged(tables: Tables) -> None:
    charts = ChartLake(Path(tables.root))
    charts.publish([*plays(WEEKS[0], hit=1, other=2), *plays(WEEKS[1], hit=2, other=1), *plays(WEEKS[2], hit=1)])
    tables.compact(CHARTS)
    charts.publish(plays(WEEKS[1], other=2))
    assert charts.weeks("other")[-1] == (WEEKS[1], 1, 1, 1, 2, None)
    assert charts.differences() == []


def test_charts_that_other_hands_have_changed_are_not_carried_on(make: Callable[..., ChartLake]) -> None:
    charts = make()
    charts.publish(plays(WEEKS[0], hit=1))
    table = charts.small.open(CHARTS)
    assert table
    table.delete("period = 'all_time' AND entity = 'track'")
    charts.streams += plays(WEEKS[0], hit=1)
    with pytest.raises(TableError, match="lack entities") as caught:
        charts.rebuild({WEEKS[0] + timedelta(days=2)})
    assert "build_marts makes it anew" in caught.value.remedy
