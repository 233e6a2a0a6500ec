"""Playback quality: cells that add up to any period and dimension, as DuckDB has it from the plays."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mart_definitions as definitions
from earshot.analytics.audio_quality import DIMENSIONS, quality_of_day
from earshot.core.log_histogram import RELATIVE_ERROR
from earshot.core.playback_rollup import COLUMNS, PERCENTILES, measures, roll_up
from factories import listens_arrow
from second_opinion import SecondOpinion

FIRST = date(2026, 3, 26)  # a Thursday: a week and a month end among the days
GAP = 30


def day_of(plays: pa.Table, day: date) -> pa.Table:
    """The cells of one day, as its task makes them."""
    of_day = plays.filter(pc.equal(plays["listen_date"], pa.scalar(day)))
    for name in DIMENSIONS:
        of_day = of_day.set_column(of_day.schema.get_field_index(name), name, pc.fill_null(of_day[name], "unknown"))
    return quality_of_day(of_day, day=day, session_gap_minutes=GAP)


def cells_of(plays: pa.Table) -> pa.Table:
    days = sorted(set(plays["listen_date"].to_pylist()))
    return pa.concat_tables([day_of(plays, day) for day in days]).select(list(COLUMNS))


@pytest.fixture(scope="module")
def plays() -> pa.Table:
    return listens_arrow(6_000, 5, days=9, first_day=FIRST, listeners=120, gaps=0.15)


@pytest.fixture(scope="module")
def cells(plays: pa.Table) -> pa.Table:
    return cells_of(plays)


@pytest.mark.parametrize(
    ("period", "by"),
    [("hour", ("cdn",)), ("day", ("country",)), ("week", ("device", "app_version")), ("month", ("country", "cdn"))],
)
def test_cells_add_up_to_what_the_plays_say(plays: pa.Table, cells: pa.Table, period: Any, by: tuple[str, ...]) -> None:
    opinion = SecondOpinion()
    opinion.take("plays", plays)
    opinion.run(f"CREATE TABLE expected AS {definitions.playback(period, by)}")
    found = roll_up(cells, period=period, by=by)
    opinion.take("found", found)
    keys = ", ".join(["period_start", *by])
    joined = f"found FULL JOIN expected USING ({keys})"
    assert opinion.rows("SELECT count(*) FROM found") == opinion.rows("SELECT count(*) FROM expected")
    exact = [
        name for name in measures() if not name.startswith("leaving") and name[-4:] not in {"_p50", "_p95", "_p99"}
    ]
    for name in exact:
        null = (
            "coalesce(expected.{0}, 0)"
            if name in {"rebuffer_ms", "rebuffer_count", "bitrate_switches"}
            else "expected.{0}"
        )
        of_plays = null.format(name)
        differing = f"""SELECT {keys}, found.{name}, expected.{name} FROM {joined}
            WHERE (found.{name} IS NULL) <> ({of_plays} IS NULL)
                OR abs(found.{name} - {of_plays}) > 1e-9 * greatest(1, abs({of_plays})) LIMIT 3"""  # noqa: S608 (our own)
        assert opinion.rows(differing) == []
    for name in ("startup_ms", "rebuffer_ms", "bitrate_kbps"):
        for which in PERCENTILES:
            column = f"{name}_{which}"
            differing = f"""SELECT {keys}, found.{column}, expected.{column} FROM {joined}
                WHERE (found.{column} IS NULL) <> (expected.{column} IS NULL) OR
                    abs(found.{column} - expected.{column}) > {RELATIVE_ERROR} * expected.{column} + 1e-6 LIMIT 3"""  # noqa: S608 (our own)
            assert opinion.rows(differing) == []


def test_leaving_after_a_stall_is_summed_as_its_definition_says() -> None:
    plays = listens_arrow(5_000, 6, days=2, first_day=FIRST, listeners=40, gaps=0.05)
    for name in ("country", "cdn", "app_version"):
        same = pa.repeat("x", plays.num_rows)
        plays = plays.set_column(plays.schema.get_field_index(name), name, same)
    opinion = SecondOpinion()
    opinion.take("plays", plays)
    cells = cells_of(plays)
    told = [(row["hour_start"], row["device"], dict(row["stall_leaving"] or ())) for row in cells.to_pylist()]
    expected = opinion.rows(
        f"SELECT * FROM ({definitions.stall_leaving('device_')}) ORDER BY ALL".replace(  # noqa: S608 (our own SQL)
            "FROM plays", "FROM (SELECT *, coalesce(device, 'unknown') AS device_ FROM plays)"
        )
    )
    found = sorted((hour, device, *sums.values()) for hour, device, sums in told if sums)
    assert len(found) > 30
    assert [row[:2] for row in found] == [row[:2] for row in expected]
    assert [row[2:] for row in found] == [pytest.approx(row[2:]) for row in expected]


def test_days_add_up_to_the_whole_and_one_cell_more_changes_only_its_own_group(cells: pa.Table) -> None:
    (whole,) = roll_up(cells).to_pylist()
    by_day = roll_up(cells, period="day").to_pylist()
    assert sum(day["plays"] for day in by_day) == whole["plays"] == 6_000
    without = roll_up(cells.filter(pc.not_equal(cells["country"], "DE")), by=("country",)).to_pylist()
    assert without == [row for row in roll_up(cells, by=("country",)).to_pylist() if row["country"] != "DE"]


def test_the_order_of_plays_and_cells_changes_nothing(plays: pa.Table, cells: pa.Table) -> None:
    shuffled = plays.take(pa.array(np.random.default_rng(3).permutation(plays.num_rows)))
    again = cells_of(shuffled)
    assert again.to_pylist() == cells.to_pylist()
    mixed = again.take(pa.array(np.random.default_rng(4).permutation(again.num_rows)))
    exact = [name for name in measures() if not name.startswith("leaving")]
    assert roll_up(mixed, period="week").select(exact).equals(roll_up(cells, period="week").select(exact))


@settings(max_examples=25, deadline=None)
@given(cuts=st.lists(st.integers(0, 5_999), max_size=6), seed=st.integers(0, 9))
def test_a_day_is_the_same_whichever_days_are_built_with_it(cuts: list[int], seed: int) -> None:
    """Each day is a function of its own plays: any subset of days, rebuilt in any order, equals the full build."""
    few = listens_arrow(900, seed, days=4, first_day=FIRST, listeners=20)
    days = sorted(set(few["listen_date"].to_pylist()))
    full = {day: day_of(few, day) for day in days}
    for cut in cuts:
        day = days[cut % len(days)]
        alone = few.filter(pc.equal(few["listen_date"], pa.scalar(day)))
        order = np.random.default_rng(cut).permutation(alone.num_rows)
        assert day_of(alone.take(pa.array(order)), day).equals(full[day])


def test_nothing_measured_is_null_and_never_nothing() -> None:
    silent = listens_arrow(40, 1, days=1, gaps=1.0)
    (row,) = roll_up(cells_of(silent)).to_pylist()
    assert row["plays"] == 40
    unknown = ("startup_ms_p50", "rebuffer_ratio", "rebuffer_per_hour", "bitrate_kbps_mean", "quality_score")
    assert [row[name] for name in unknown] == [None] * 5
    cells = cells_of(silent)
    assert cells["rebuffer_ms"].null_count == cells["startup_ms_sketch"].null_count == cells.num_rows


def test_cells_from_before_there_were_sketches_are_left_out(cells: pa.Table) -> None:
    before = cells.slice(0, 7)
    for name in ("played_ms", "startup_ms_sketch", "stall_leaving", "late_startup_ms"):
        place = before.schema.get_field_index(name)
        before = before.set_column(place, before.schema.field(name), pa.nulls(7, before.schema.field(name).type))
    assert roll_up(pa.concat_tables([before, cells.slice(7)])).equals(roll_up(cells.slice(7)))
    assert roll_up(before, period="day", by=("cdn",)).num_rows == 0
    older = before.drop_columns(["played_ms", "startup_ms_sketch", "stall_leaving", "late_startup_ms"])
    assert roll_up(older, period="week").num_rows == 0
