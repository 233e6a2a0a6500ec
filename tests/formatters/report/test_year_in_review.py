"""One listener's year: as DuckDB counts it, by the listener's own clock, on a page that needs nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from browser import loaded, needs_browser
from earshot.automation.demo import DemoOutcome
from earshot.core.errors import InputError
from earshot.core.settings import Settings
from earshot.core.small_tables import SmallTables
from earshot.core.stream_rule import SPOTIFY
from earshot.formatters.report.year_figures import YearInReview
from earshot.formatters.report.year_in_review import longest_streak, year_in_review
from earshot.formatters.report.year_page import render, write_page
from second_opinion import SecondOpinion

ANNA = "v1:anna"
Row = dict[str, Any]
Review = Callable[..., YearInReview]


def _play(at: datetime, **more: Any) -> Row:
    base = {
        "listener_id": ANNA, "track_id": "trk:1", "track_title": "Undertow", "artist_id": "art:1",
        "artist_name": "The Tides", "played_ms": 180_000, "duration_ms": 200_000, "time_zone": "Europe/Berlin",
    }  # fmt: skip
    row = base | {"started_at": at, "listen_date": at.date(), **more}
    return row | {"listen_id": f"{row['listener_id']}-{at.isoformat()}-{row['track_id']}"}


@pytest.fixture
def review(settings: Settings) -> Review:
    def of(
        *plays: Row, year: int = 2026, until: date = date(2026, 12, 31), tracks: tuple[Row, ...] = ()
    ) -> YearInReview:
        lake = SmallTables(settings.lake_root)
        lake.overwrite("silver.listens", list(plays))
        lake.overwrite("silver.tracks", list(tracks))
        return year_in_review(lake, ANNA, until, year=year, stream_rule=SPOTIFY, home_zone="UTC")

    return of


def test_the_year_begins_at_midnight_of_the_listeners_own_clock(review: Review) -> None:
    last_of_2025_in_utc = datetime(2025, 12, 31, 23, 30, tzinfo=UTC)
    told = review(
        _play(last_of_2025_in_utc),
        _play(last_of_2025_in_utc + timedelta(minutes=3), time_zone="America/New_York"),
        _play(datetime(2026, 12, 31, 23, 30, tzinfo=UTC)),
        _play(datetime(2026, 12, 31, 23, 40, tzinfo=UTC), time_zone="Asia/Kolkata"),
        _play(datetime(2027, 1, 1, 2, tzinfo=UTC), time_zone="America/New_York"),
        until=date(2027, 1, 2),
    )
    assert told.plays == 2
    assert (told.first, told.last) == (date(2026, 1, 1), date(2026, 12, 31))
    assert told.clock == {(4, 0): 1, (4, 21): 1}


def test_hours_are_right_on_the_days_when_clocks_change_and_in_zones_of_half_hours(review: Review) -> None:
    told = review(
        _play(datetime(2026, 3, 29, 0, 59, tzinfo=UTC)),
        _play(datetime(2026, 3, 29, 1, 0, tzinfo=UTC)),
        _play(datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        _play(datetime(2026, 10, 25, 1, 30, tzinfo=UTC)),
        _play(datetime(2026, 7, 1, 18, 29, tzinfo=UTC), time_zone="Asia/Kolkata"),
        _play(datetime(2026, 7, 1, 18, 30, tzinfo=UTC), time_zone="Asia/Kolkata"),
    )
    assert told.clock == {(7, 1): 1, (7, 3): 1, (7, 2): 2, (3, 23): 1, (4, 0): 1}


def test_a_play_without_a_zone_lies_on_the_clock_of_most_of_the_others(review: Review) -> None:
    evening = datetime(2026, 5, 4, 20, tzinfo=UTC)
    told = review(
        *(_play(evening + timedelta(minutes=5 * n), time_zone="Asia/Tokyo") for n in range(3)),
        _play(evening + timedelta(minutes=30), time_zone=None),
        _play(evening + timedelta(minutes=40), time_zone="Mars/Olympus"),
        _play(evening + timedelta(minutes=50)),
    )
    assert told.zones == ("Asia/Tokyo", "Europe/Berlin")
    assert told.assumed == 2
    assert told.clock == {(2, 5): 5, (1, 22): 1}


def test_sources_that_tell_no_time_count_and_last_as_long_as_the_track(review: Review) -> None:
    at = datetime(2026, 5, 4, 20, tzinfo=UTC)
    told = review(
        _play(at, played_ms=None),
        _play(at + timedelta(hours=1), played_ms=None, duration_ms=None, skipped=None),
        _play(at + timedelta(hours=2), played_ms=29_999, skipped=True),
    )
    assert told.counted == 2
    assert told.skipped == 1
    assert told.minutes == pytest.approx((200_000 + 29_999) / 60_000)
    assert told.top_tracks[0].streams == 2


def test_what_was_heard_in_an_earlier_year_is_no_discovery(review: Review) -> None:
    told = review(
        _play(datetime(2025, 6, 1, 12, tzinfo=UTC)),
        _play(datetime(2026, 6, 1, 12, tzinfo=UTC)),
        _play(datetime(2026, 6, 1, 13, tzinfo=UTC), track_id="trk:2", track_title="Ebb"),
        *(
            _play(datetime(2026, 6, 2, h, tzinfo=UTC), track_id="trk:3", artist_id="art:2", artist_name="Foam")
            for h in (8, 9, 10)
        ),
    )
    assert (told.discovered_tracks, told.discovered_artists) == (2, 1)
    assert told.streams_of_discoveries == 4
    assert told.best_discovery is not None
    assert (told.best_discovery.name, told.best_discovery.streams) == ("Foam", 3)
    assert (told.most_repeated.day, told.most_repeated.plays) == (date(2026, 6, 2), 3)


def test_genres_share_a_stream_and_eras_are_decades(review: Review) -> None:
    at = datetime(2026, 5, 4, 20, tzinfo=UTC)
    told = review(
        _play(at),
        _play(at + timedelta(minutes=5)),
        _play(at + timedelta(minutes=10), track_id="trk:2"),
        _play(at + timedelta(minutes=15), track_id="trk:3"),
        tracks=(
            {"track_id": "trk:1", "genres": ["rock", "pop"], "released_on": date(1999, 12, 31)},
            {"track_id": "trk:2", "genres": ["pop"], "released_on": date(2000, 1, 1)},
            {"track_id": "trk:3", "genres": [], "released_on": None},
        ),
    )
    assert told.genres == (("pop", 2.0), ("rock", 1.0))
    assert told.eras == (("1990s", 2), ("2000s", 1))


def test_the_longest_streak_runs_through_a_leap_day_and_of_equals_the_latest_is_told() -> None:
    leap = [date(2028, 2, 28), date(2028, 2, 29), date(2028, 3, 1)]
    assert longest_streak([*leap, date(2028, 3, 3), leap[0]]).days == 3
    pairs = [date(2026, 1, 1), date(2026, 1, 2), date(2026, 5, 1), date(2026, 5, 2)]
    assert longest_streak(pairs).first == date(2026, 5, 1)


def test_a_year_without_plays_names_the_years_that_have_some(review: Review) -> None:
    with pytest.raises(InputError, match=r"(?s)no play of this listener in 2024.*--year 2026"):
        review(_play(datetime(2026, 5, 4, 20, tzinfo=UTC)), year=2024)


def test_plays_after_the_day_and_of_others_are_not_told(review: Review) -> None:
    told = review(
        _play(datetime(2026, 5, 4, 20, tzinfo=UTC)),
        _play(datetime(2026, 5, 5, 20, tzinfo=UTC)),
        _play(datetime(2026, 5, 4, 20, tzinfo=UTC), listener_id="v1:bea"),
        until=date(2026, 5, 4),
    )
    assert told.plays == 1


def test_text_from_the_logs_never_becomes_markup(review: Review, shared_data: Path) -> None:
    for string in json.loads((shared_data / "blns" / "blns.json").read_text(encoding="utf-8"))[::7]:
        at = datetime(2026, 5, 4, 20, tzinfo=UTC)
        told = review(
            _play(at, track_title=string, artist_name=string, track_id=string or "-"),
            tracks=({"track_id": string or "-", "genres": [string], "released_on": date(1999, 1, 1)},),
        )
        page = render(told)
        assert page.count("<script") == 0
        assert len(re.findall(r"<img|<iframe|onerror=(?!.*&)", page)) == 0 or "&lt;" in page


def test_the_page_asks_nothing_from_outside_and_names_its_listener_so_that_an_erasure_finds_it(
    review: Review, tmp_path: Path
) -> None:
    told = review(_play(datetime(2026, 5, 4, 20, tzinfo=UTC)))
    page, data = write_page(told, tmp_path, with_data=True)
    text = page.read_text(encoding="utf-8")
    assert not re.search(r"(src|href)=|url\(|@import|https?://|<script", text)
    assert data is not None
    assert all(ANNA in path.read_text(encoding="utf-8") for path in (page, data))
    assert json.loads(data.read_text(encoding="utf-8"))["top_tracks"] == [
        {"name": "Undertow — The Tides", "streams": 1, "minutes": 3.0}
    ]
    assert write_page(told, tmp_path / "plain", with_data=False)[1] is None


@pytest.fixture(scope="module")
def someone(lake: SecondOpinion) -> str:
    """Whoever of the road listened most."""
    return str(lake.rows("SELECT listener_id FROM plays GROUP BY ALL ORDER BY count(*) DESC, 1 LIMIT 1")[0][0])


def test_a_year_of_the_road_is_as_duckdb_counts_it(road: DemoOutcome, lake: SecondOpinion, someone: str) -> None:
    small = SmallTables(str(road.home / "lake"))
    told = year_in_review(small, someone, date(2026, 3, 29), year=2026, stream_rule=SPOTIFY, home_zone="UTC")
    lake.run(
        f"""CREATE OR REPLACE TABLE mine AS SELECT *, timezone(time_zone, started_at) AS local FROM plays
        WHERE listener_id = '{someone}'"""  # noqa: S608 (our own SQL)
    )
    assert told.assumed == 0
    (counts,) = lake.rows(
        """SELECT count(*), count(*) FILTER (counted), sum(played_ms) / 60000, count(DISTINCT track_id),
            count(DISTINCT local::DATE), count(*) FILTER (skipped) FROM mine"""
    )
    found = (told.plays, told.counted, told.minutes, told.tracks, told.active_days, told.skipped)
    assert found == pytest.approx(counts)
    best = lake.rows(
        """SELECT track_title || ' — ' || artist_name AS name, count(*) FILTER (counted) AS streams,
            sum(played_ms) / 60000
        FROM mine GROUP BY 1 ORDER BY 2 DESC, 3 DESC, 1 LIMIT 10"""
    )
    assert [(entry.name, entry.streams) for entry in told.top_tracks] == [row[:2] for row in best]
    clock = lake.rows("SELECT isodow(local), hour(local), count(*) FROM mine GROUP BY ALL")
    assert told.clock == {(weekday, hour): n for weekday, hour, n in clock}
    days = lake.rows("SELECT local::DATE, sum(played_ms) / 60000 FROM mine GROUP BY ALL")
    assert told.calendar == pytest.approx(dict(days))
    (streak,) = lake.rows(
        """SELECT max(n) FROM (SELECT count(*) AS n FROM (
            SELECT DISTINCT local::DATE AS day, local::DATE - dense_rank() OVER (ORDER BY local::DATE)::INT AS run
            FROM mine
        ) GROUP BY run)"""
    )
    assert told.longest_streak.days == streak[0]
    eras = lake.rows(
        """SELECT (year(released_on) // 10 * 10)::VARCHAR || 's', count(*) FROM mine JOIN silver_tracks USING (track_id)
        WHERE counted AND released_on IS NOT NULL GROUP BY ALL ORDER BY 1"""
    )
    assert list(told.eras) == eras
    genres = lake.rows(
        """SELECT genre, sum(part) FROM (SELECT unnest(genres) AS genre, 1 / len(genres) AS part
            FROM mine JOIN silver_tracks USING (track_id) WHERE counted) GROUP BY ALL"""
    )
    assert dict(told.genres) == pytest.approx(dict(sorted(genres, key=lambda row: (-round(row[1], 9), row[0]))[:10]))


@pytest.mark.integration
@needs_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_the_year_fits_its_window(road: DemoOutcome, someone: str, tmp_path: Path, scheme: str, width: int) -> None:
    small = SmallTables(str(road.home / "lake"))
    told = year_in_review(small, someone, date(2026, 3, 29), year=2026, stream_rule=SPOTIFY, home_zone="UTC")
    probe = (
        "<script>addEventListener('load',()=>{const e=document.documentElement;"
        "document.title='W'+e.scrollWidth+'/'+innerWidth})</script>"
    )
    (tmp_path / "inner.html").write_text(render(told).replace("</head>", probe + "</head>"), encoding="utf-8")
    outer = tmp_path / "outer.html"
    outer.write_text(
        f'<iframe id=f src="inner.html" style="width:{width}px;height:900px;border:0"></iframe><p id=o></p><script>'
        "addEventListener('load',()=>setTimeout(()=>{o.textContent=f.contentDocument.title},500))</script>",
        encoding="utf-8",
    )
    preferred = f"--blink-settings=preferredColorScheme={0 if scheme == 'dark' else 1}"
    dom = loaded(outer, tmp_path, preferred, "--window-size=1500,1000")
    found = re.search(r"W(\d+)/(\d+)", dom)
    assert found, dom[-2000:]
    assert int(found[1]) <= int(found[2]) == width
