from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earshot.core.partial_figures import added, values_of
from earshot.core.small_tables import SmallTables
from earshot.validators.day_history import DayHistory
from earshot.validators.day_profiles import WITH_NULLS, WITH_QUANTILES, WITH_SHARES, DayProfiles, Profile, quantile
from earshot.validators.drift import LEAST_ROWS, drift, same_weekdays

SUNDAY = date(2026, 3, 29)
NOW = datetime(2026, 3, 30, 1, tzinfo=UTC)
TEXTS = sorted({*WITH_NULLS, *WITH_SHARES} - {"duration_ms", "played_ms", "startup_ms", "bitrate_kbps"})
NUMBERS = ["duration_ms", "played_ms", "startup_ms", "bitrate_kbps"]


def lines(day: date, rows: int, *, seed: int = 1, source: str = "canonical", **changes: Any) -> pa.Table:
    """Judged lines of a day: plays in every hour, three countries, lognormal times."""
    rng = np.random.default_rng([seed, day.toordinal()])
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    columns: dict[str, Any] = {
        "source": [source] * rows,
        "started_at": [midnight + timedelta(seconds=int(s)) for s in rng.integers(0, 86_400, rows)],
        "arrived_at": [midnight + timedelta(days=1)] * rows,
        **{name: [name] * rows for name in TEXTS},
        "country": rng.choice(["DE", "BR", "US"], rows, p=[0.5, 0.3, 0.2]).tolist(),
        "duration_ms": [200_000] * rows,
        "bitrate_kbps": [256] * rows,
        "played_ms": rng.lognormal(11.8, 0.5, rows).astype(int).tolist(),
        "startup_ms": rng.lognormal(6, 0.4, rows).astype(int).tolist(),
        "quarantine_rules": [[]] * rows,
        "filtered_reason": [None] * rows,
    } | changes
    time = pa.timestamp("us", "UTC")
    types = {"started_at": time, "arrived_at": time, "quarantine_rules": pa.list_(pa.string())}
    types |= dict.fromkeys(NUMBERS, pa.int64())
    return pa.table({name: pa.array(values, types.get(name, pa.string())) for name, values in columns.items()})


def profile(day: date = SUNDAY, rows: int = 2_000, **changes: Any) -> Profile:
    return DayProfiles.of(lines(day, rows, **changes)).value["canonical"][day.isoformat()]


@pytest.fixture(scope="module")
def history() -> list[Profile]:
    sizes = [2_000, 2_150, 1_900, 2_050, 1_980, 2_100, 1_850, 2_020]
    return [profile(day, rows) for day, rows in zip(same_weekdays(SUNDAY), sizes, strict=True)]


def missed(today: Profile, history: list[Profile]) -> set[str]:
    return {figure.kpi for figure in drift(today, history) if not figure.met}


def test_a_profile_counts_what_passed_by_day() -> None:
    day = lines(SUNDAY, 300)
    found = DayProfiles.of(day).value["canonical"]["2026-03-29"]
    assert found["rows"] == {"rows": 300}
    assert sum(found["hours"].values()) == 300
    assert sum(found["share.country"].values()) == 300
    assert found.get("nulls", {}) == {}
    aside = lines(SUNDAY, 2, quarantine_rules=[["known_tier"], []], filtered_reason=[None, "podcast"])
    assert DayProfiles.of(aside).value == {}
    old = lines(SUNDAY, 2, arrived_at=[NOW + timedelta(days=70)] * 2)
    assert DayProfiles.of(old).value == {}


def test_parts_add_up_whatever_their_order_and_sources_stay_apart() -> None:
    tables = [lines(SUNDAY, 50), lines(SUNDAY, 70, seed=2, tier=[None] * 70), lines(SUNDAY, 9, source="radio")]
    parts = [{"day_profiles": DayProfiles.of(table)} for table in tables]
    whole = DayProfiles.of(pa.concat_tables(tables)).value
    assert values_of(added(parts))["day_profiles"] == values_of(added(parts[::-1]))["day_profiles"] == whole
    assert whole["radio"]["2026-03-29"]["rows"] == {"rows": 9}
    assert whole["canonical"]["2026-03-29"]["nulls"] == {"tier": 70}


@given(st.lists(st.integers(0, 10_000_000), min_size=1, max_size=200), st.sampled_from([0.05, 0.5, 0.95]))
@settings(max_examples=60, deadline=None)
def test_a_quantile_of_buckets_is_within_five_percent(values: list[int], share: float) -> None:
    found = DayProfiles.of(lines(SUNDAY, len(values), played_ms=values)).value["canonical"]["2026-03-29"]
    exact = sorted(values)[int(share * (len(values) - 1))]
    assert quantile(found["buckets.played_ms"], share) == pytest.approx(exact, rel=0.05, abs=1.0)


def test_a_usual_day_drifts_nowhere(history: list[Profile]) -> None:
    figures = drift(profile(seed=5), history)
    assert missed(profile(seed=5), history) == set()
    assert {"drift_rows", "hours_without_plays", "drift_null_rate.country", "drift_share.country"} <= {
        figure.kpi for figure in figures
    }
    assert {f"drift_quantile.{name}_p95" for name in WITH_QUANTILES} <= {figure.kpi for figure in figures}


@pytest.mark.parametrize(
    ("change", "rows", "kpis"),
    [
        ({}, 900, {"drift_rows"}),
        ({}, 4_000, {"drift_rows"}),
        ({"tier": [None] * 200 + ["tier"] * 1_800}, 2_000, {"drift_null_rate.tier"}),
        ({"country": ["DE"] * 1_300 + ["BR"] * 700}, 2_000, {"drift_share.country"}),
        ({"startup_ms": [2] * 2_000}, 2_000, {"drift_quantile.startup_ms_p50", "drift_quantile.startup_ms_p95"}),
    ],
)
def test_what_changed_is_named_and_nothing_else(
    change: dict[str, Any], rows: int, kpis: set[str], history: list[Profile]
) -> None:
    assert missed(profile(rows=rows, **change), history) == kpis


def test_hours_that_are_never_silent_are_missed(history: list[Profile]) -> None:
    midnight = datetime(2026, 3, 29, tzinfo=UTC)
    starts = [midnight + timedelta(hours=3 + n % 21) for n in range(1_900)]
    found = {f.kpi: f for f in drift(profile(rows=1_900, started_at=starts), history)}
    assert found["hours_without_plays"].value == 3
    assert not found["hours_without_plays"].met


def test_too_little_history_says_nothing(history: list[Profile]) -> None:
    assert drift(profile(), history[:3]) == []
    small = [profile(day, LEAST_ROWS - 1) for day in same_weekdays(SUNDAY)]
    assert drift(profile(), small) == []


def test_chance_alone_seldom_drifts(history: list[Profile]) -> None:
    """Of four thousand figures of usual days at most one in a thousand is called unusual."""
    figures = [f for seed in range(150) for f in drift(profile(rows=1_000 + 8 * seed, seed=100 + seed), history)]
    figures = [f for f in figures if f.kpi != "drift_rows"]
    assert len(figures) > 2_000
    assert sum(not f.met for f in figures) <= len(figures) / 1_000


def test_the_newest_whole_day_of_a_batch_is_measured_once(tmp_path: Any) -> None:
    small = SmallTables(str(tmp_path))
    days = DayHistory(small)

    def publish(batch: str, *tables: pa.Table, at: datetime = NOW) -> list[dict[str, Any]]:
        profiles = DayProfiles.of(pa.concat_tables(tables)).value
        days.remember(batch, profiles, at)
        days.remember(batch, profiles, at)
        rows = days.kpis(batch, profiles, at)
        small.append("gold.quality_kpis", rows)
        return rows

    for n, day in enumerate(same_weekdays(SUNDAY)):
        assert publish(f"b{n}", lines(day, 1_000)) == [] or n >= 4
    rows = publish("today", lines(SUNDAY, 400), lines(SUNDAY + timedelta(days=1), 50))
    assert {(row["suite"], row["listen_date"], row["batch_id"]) for row in rows} == {
        ("drift.canonical", SUNDAY, "today")
    }
    by_kpi = {row["kpi"]: row for row in rows}
    assert by_kpi["drift_rows"]["value"] == pytest.approx(0.6)
    assert by_kpi["drift_rows"]["met"] is False
    assert publish("a few late ones", lines(SUNDAY, 10, seed=3)) == []
    again = publish("the rest", lines(SUNDAY, 590, seed=4))
    assert {row["kpi"]: row["met"] for row in again}["drift_rows"] is True, "rows of all batches count"
    assert publish("before midnight", lines(SUNDAY, 900, seed=5), at=NOW - timedelta(hours=2)) == []
