"""Shares by day that only the marts know."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

import kpi_series
from earshot.core.settings import Settings
from earshot.core.small_tables import SmallTables
from earshot.detectors import mart_series

DAY, NEXT = date(2026, 3, 16), date(2026, 3, 17)
GERMANY = [("country", "DE")]


@pytest.fixture
def lake(settings: Settings) -> SmallTables:
    return SmallTables(settings.lake_root)


def read(lake: SmallTables) -> dict[tuple[str, date], tuple[float, int]]:
    rows = []
    for day in (DAY, NEXT):
        start = datetime(day.year, day.month, day.day, tzinfo=UTC)
        for dimensions, plays in (((), 1_000), (GERMANY, 200)):
            rows.append(kpi_series.row("listens", dimensions, start, plays, plays, "day"))
            rows.append(kpi_series.row("counted_listens", dimensions, start, plays / 2, plays, "day"))
    told = mart_series.read(lake, kpi_series.table(rows), DAY, NEXT)
    return {
        (f"{metric} {dict(slice_).get('country', 'ALL')}", day): (share, of) for metric, slice_, day, share, of in told
    }


def placed(rank: int, streams: int, **other: Any) -> dict[str, Any]:
    row = {"period": "day", "period_start": DAY, "country": "ALL", "tier": "ALL", "entity": "artist"}
    row |= {"entity_id": f"a{rank}", "suspects": "included", "rank": rank, "streams": streams, "listeners": 1}
    return {**row, **other}


def test_the_first_ten_artists_have_a_share_of_the_counted_streams_by_country(lake: SmallTables) -> None:
    rows = [placed(rank, 20) for rank in range(1, 13)]
    rows += [placed(1, 90, country="DE"), placed(1, 999, entity="track"), placed(1, 999, suspects="excluded")]
    rows += [placed(1, 999, period="week"), placed(1, 30, country="BR")]
    lake.overwrite("gold.charts", rows)
    assert read(lake) == {
        ("top_artists_share ALL", DAY): (200 / 500, 500),
        ("top_artists_share DE", DAY): (90 / 100, 100),
    }, "Brazil has no series in the cube"


def test_flagged_plays_are_a_share_of_all_and_a_listener_who_is_flagged_as_a_whole_counts_once(
    lake: SmallTables,
) -> None:
    def row(listener: str, track: str | None, verdict: str, streams: int) -> dict[str, Any]:
        return {"listener_id": listener, "track_id": track, "listen_date": DAY, "verdict": verdict, "streams": streams}

    lake.overwrite(
        "gold.suspect_listens",
        [
            row("a", None, "suspect", 100),
            row("a", "t", "suspect", 60),
            row("b", "t", "confirmed", 40),
            row("c", None, "cleared", 500),
        ],
    )
    assert read(lake) == {("suspect_share ALL", DAY): (0.14, 1_000), ("suspect_share ALL", NEXT): (0.0, 1_000)}


def test_without_charts_and_suspects_nothing_is_told(lake: SmallTables) -> None:
    assert read(lake) == {}
