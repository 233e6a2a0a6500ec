"""The part of the page on playback quality: added up from cells, honest about what is not known."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa

from earshot.core.small_tables import SmallTables
from earshot.formatters.report.playback import playback
from earshot.formatters.report.playback_figures import PlaybackFigures, collect_playback

DAY = date(2026, 3, 24)
EFFECT = {
    "leaving_ratio": 1.82,
    "leaving_lower": 1.31,
    "leaving_upper": 2.5,
    "leaving_stalled": 1_200,
    "leaving_plays": 9_000,
}


def row(**changes: Any) -> dict[str, Any]:
    values = {
        "cdn": "north",
        "device": "ios",
        "plays": 1_000,
        "start_failures": 10,
        "startup_ms_p50": 412.4,
        "startup_ms_p95": 1_433.0,
        "startup_ms_p99": 2_050.0,
        "rebuffer_ratio": 0.0042,
        "rebuffer_per_hour": 0.71,
        "bitrate_kbps_mean": 245.2,
        "bitrate_switches_per_hour": None,
        "quality_score": 96.7,
        **dict.fromkeys(EFFECT),
    }
    return values | changes


def test_logs_without_measurements_say_so() -> None:
    note, body = playback(PlaybackFigures())
    assert (note, body) == ("These logs carry no playback measurements.", "")


def test_a_cdn_has_a_row_and_what_is_unknown_is_no_nought() -> None:
    _, body = playback(PlaybackFigures(row(), (), (row(cdn="<b>north"),), {("ios", "north"): 0.0042}))
    assert "&lt;b&gt;north" in body
    assert "<td class=n>412</td><td class=n>1,433</td><td class=n>2,050</td><td class=n>1.0 %</td>" in body
    assert "<td class=n>245</td><td class=n>–</td><td class=n>96.7</td>" in body
    assert "too few stalls to tell" in body


def test_the_effect_of_stalls_is_told_with_its_interval_and_as_an_association() -> None:
    _, body = playback(PlaybackFigures(row(**EFFECT)))
    assert "People left more often" in body
    assert "<b>1.82</b> times those of other plays (95 % interval 1.31 to 2.50)" in body
    assert "1,200 stalled among 9,000 plays" in body
    assert "no proof of cause" in body
    _, open_ = playback(PlaybackFigures(row(**EFFECT | {"leaving_lower": 0.9})))
    assert "neither clearly more nor less often" in open_


def test_figures_are_added_up_over_the_days_that_are_asked_for(tmp_path: Path) -> None:
    small = SmallTables(str(tmp_path))
    assert collect_playback(small, DAY, DAY) == PlaybackFigures()
    cell = {
        "country": "DE", "device": "ios", "cdn": "north", "app_version": "1", "start_failures": 0,
        "exits_before_start": 0, "played_ms": 90_000, "late_startup_ms": 0, "rebuffer_ms": 10_000, "rebuffer_count": 1,
        "audio_bits": 0, "bitrate_played_ms": 0, "switches_played_ms": 0, "startup_ms_sketch": [(476, 2)],
        "rebuffer_ms_sketch": [(600, 2)],
    }  # fmt: skip
    days = [DAY.replace(day=day) for day in (22, 23, 24)]
    cells = [
        cell | {"quality_date": day, "hour_start": pa.scalar(day).cast(pa.timestamp("us", "UTC")).as_py(), "plays": n}
        for n, day in enumerate(days, 2)
    ]
    small.append("gold.audio_quality", cells)
    found = collect_playback(small, days[1], DAY)
    assert found.whole["plays"] == 3 + 4
    assert [day["period_start"].date() for day in found.days] == days[1:]
    assert found.stalls == {("ios", "north"): 0.1}
    assert found.whole["startup_ms_p50"] == found.cdns[0]["startup_ms_p50"]
