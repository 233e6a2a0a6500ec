"""Charts and sessions of radio plays (FiveThirtyEight's classic rock) that come in two halves, the second late."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

import mart_definitions as definitions
from earshot.analytics.build import SOURCES, build, rules_of
from earshot.automation.loading import load_job
from earshot.core.changes import TouchedDays
from earshot.core.commits import create_tables
from earshot.core.job import Job
from earshot.core.settings import MartSettings, Settings
from earshot.core.tables import Tables
from earshot.transformers.touched_days import touched_days
from second_opinion import SecondOpinion

CHARTS = "gold.charts"
LASTFM = {"counted_stream_ms": 240_000, "counted_stream_share": 0.5, "counted_track_ms": 30_001}


def build_charts(tables: Tables, settings: Settings) -> TouchedDays:
    touched = {mart: TouchedDays(frozenset()) for mart in SOURCES}
    touched[CHARTS] = touched_days(tables, CHARTS, SOURCES[CHARTS], rules=rules_of(CHARTS, settings))
    build(tables, touched, settings)
    return touched[CHARTS]


@pytest.mark.timeout(600)
def test_radio_plays_of_which_half_come_late_have_the_charts_and_sessions_of_all(
    make_job: Callable[..., Job], tables: Tables, settings: Settings, home: Path, shared_data: Path
) -> None:
    create_tables(settings.lake_root)
    header, *lines = (shared_data / "classic_rock" / "plays.csv").read_text(encoding="utf-8").splitlines()
    for half in (0, 1):
        landing = home / "landing" / f"{half}.csv"
        landing.parent.mkdir(exist_ok=True)
        landing.write_text("\n".join([header, *lines[half::2]]) + "\n", encoding="utf-8")
        for job in ("ingest_listens", "publish_listens", "build_sessions"):
            load_job(job)(make_job(job, date(2014, 6, 23)))
        assert build_charts(tables, settings).complete == (half == 0)
    opinion = SecondOpinion.of_lake(home / "lake")
    assert opinion.rows("SELECT count(*) > 30_000, count(DISTINCT listener_id) FROM silver_listens") == [(True, 25)]
    assert opinion.differences(definitions.SESSIONS, definitions.SESSIONS_FOUND) == []
    assert opinion.differences(definitions.CHARTS, definitions.CHARTS_FOUND) == []
    days = "SELECT count(DISTINCT entity_id) > 100 FROM gold_charts WHERE period = 'day' AND entry = 're_entry'"
    assert opinion.rows(days) == [(True,)]

    capped = settings.model_copy(update={"marts": MartSettings(chart_listener_cap=1, chart_places=40, **LASTFM)})
    assert build_charts(tables, capped).complete  # other rules, so everything is built anew
    opinion = SecondOpinion.of_lake(home / "lake")
    rules = definitions.charts(places=40, listener_cap=1)  # what radio plays is counted by every rule
    assert opinion.differences(rules, definitions.CHARTS_FOUND) == []
    assert not build_charts(tables, capped)
