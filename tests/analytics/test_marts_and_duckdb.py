"""Every mart and column as DuckDB computes it from the same silver: of the demo, a year of thin days, open data."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from earshot.analytics.build import SOURCES
from earshot.automation.demo import DemoOutcome
from earshot.core.config import load_settings
from earshot.core.small_tables import SmallTables
from factories import listens_arrow
from histories import ARRIVE, BUILD, Lake
from mart_oracle import disagreements, uncovered
from second_opinion import SecondOpinion

YEAR = {"days": 400, "first_day": date(2027, 12, 20), "listeners": 24, "tracks": 60, "gaps": 0.05}
"""Over a leap day and two turns of the year that lie within an ISO week."""

ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Chatham")
"""Clocks that change by an hour, on other days, never (+5:30), by half an hour, and from +12:45."""


@pytest.fixture(scope="module")
def fresh(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Lake]:
    def make(**overrides: object) -> Lake:
        folder = tmp_path_factory.mktemp("oracle")
        (folder / "keys").mkdir()
        return Lake.at(spark, folder / "home", folder / "keys", **overrides)

    return make


def opinion_of(lake: Lake) -> SecondOpinion:
    return SecondOpinion.of_lake(Path(lake.settings.lake_root))


def test_the_demos_marts_agree_in_every_row(lake: SecondOpinion, road: DemoOutcome) -> None:
    settings = load_settings("demo", {"home": str(road.home)})
    assert disagreements(lake, settings) == {}
    assert uncovered(lake, settings, {*SOURCES, "silver.sessions"}) == {}, "define it in tests/mart_oracle.py"


def year_of_plays() -> pa.Table:
    """Some plays a day; a zone each; a play at the minutes around each midnight and change of clocks."""
    plays = listens_arrow(2_400, seed=12, **YEAR)
    zones = pa.array([ZONES[int(name.as_py()[-1], 16) % len(ZONES)] for name in plays["listener_id"]])
    changes = ["2028-03-26T01:00", "2028-10-29T01:00", "2028-03-12T07:00", "2028-11-05T06:00", "2028-04-01T15:00"]
    midnights = ["2028-01-01T00:00", "2028-02-29T00:00", "2028-03-01T00:00", "2029-01-01T00:00"]
    moments = [datetime.fromisoformat(text).replace(tzinfo=UTC) for text in changes + midnights]
    close = [at + timedelta(minutes=n) for at in moments for n in (-61, -1, 0, 29, 61)]
    rng = np.random.default_rng(5)
    moved = plays["started_at"].to_pylist()
    for place, at in zip(rng.choice(len(moved), len(close), replace=False).tolist(), close, strict=True):
        moved[place] = at
    heard = [ms or 0 for ms in plays["played_ms"].to_pylist()]
    told = {
        "started_at": pa.array(moved, plays["started_at"].type),
        "ended_at": pa.array([at + timedelta(milliseconds=ms) for at, ms in zip(moved, heard, strict=True)]).cast(
            plays["ended_at"].type
        ),
        "listen_date": pa.array([at.date() for at in moved]),
        "time_zone": zones.cast(pa.string()),
    }
    for name, values in told.items():
        plays = plays.set_column(plays.schema.get_field_index(name), plays.schema.field(name), values)
    return plays


def test_a_year_of_thin_days_agrees_over_its_leap_day_its_turns_and_its_changes_of_clocks(
    fresh: Callable[..., Lake],
) -> None:
    lake = fresh(marts={"cube_minimum_volume": 3, "cube_hourly_minimum_volume": 6, "cube_deep_minimum_volume": 5})
    plays = year_of_plays()
    lake.small.append("silver.listens", plays)
    lake.run(*BUILD)
    built = opinion_of(lake)
    assert disagreements(built, lake.settings) == {}
    days = built.rows("SELECT count(DISTINCT listen_date), bool_or(listen_date = '2028-02-29') FROM plays")
    assert days[0][0] >= 366
    assert days[0][1]
    turns = "SELECT count(DISTINCT period_start) FROM gold_charts WHERE period = 'week' AND period_start IN (DATE '{}')"
    assert built.rows(turns.format("2027-12-27")) == built.rows(turns.format("2029-01-01")) == [(1,)]


def test_a_week_of_radio_agrees(fresh: Callable[..., Lake], shared_data: Path) -> None:
    lake = fresh(marts={"cube_minimum_volume": 20, "cube_hourly_minimum_volume": 100})
    folder = lake.settings.landing / "radio"
    folder.mkdir()
    shutil.copy(shared_data / "classic_rock" / "plays.csv", folder / "plays.csv")
    lake.run(*ARRIVE, *BUILD)
    small = SmallTables(lake.settings.lake_root)
    assert small.arrow("silver.listens").num_rows > 35_000
    assert disagreements(opinion_of(lake), lake.settings) == {}
