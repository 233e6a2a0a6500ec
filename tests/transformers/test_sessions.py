"""Sessions against DuckDB, whatever the order of the plays and of the days they come on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from earshot.automation.loading import load_job
from earshot.core.job import Job
from earshot.core.settings import MartSettings, Settings
from earshot.core.tables import Tables
from earshot.transformers.session_repair import repair_sessions
from earshot.transformers.sessions import SessionRules, sessions
from earshot.transformers.touched_days import touched_days
from factories import listens, listens_arrow, plays
from mart_definitions import SESSIONS, SESSIONS_FOUND
from second_opinion import SecondOpinion

FIRST = date(2026, 3, 27)  # two days before clocks go forward in Europe
PLAYS = 3_000
SHAPE: dict[str, Any] = {"days": 4, "first_day": FIRST, "listeners": 40, "gaps": 0.2}
FOUR_MINUTES = timedelta(minutes=4)


@pytest.fixture(scope="module")
def opinion() -> SecondOpinion:
    opinion = SecondOpinion()
    opinion.take("silver_listens", listens_arrow(PLAYS, seed=3, **SHAPE))
    return opinion


@pytest.mark.parametrize("seed", [1, 2])
def test_sessions_do_not_depend_on_the_order_of_the_plays(
    spark: SparkSession, opinion: SecondOpinion, seed: int
) -> None:
    shuffled = listens(spark, PLAYS, seed=3, **SHAPE).orderBy(F.rand(seed)).repartition(3)
    opinion.take("silver_sessions", sessions(shuffled, rules=SessionRules()).toArrow())
    assert opinion.differences(SESSIONS, SESSIONS_FOUND) == []
    assert opinion.rows("SELECT count(*) > 1 FROM silver_sessions WHERE listens > 3") == [(True,)]
    crossing = "local_start_date <> local_end_date AND session_date = ended_at::DATE"
    for condition in ("inferred_skips > 0", "chosen_listens > 0", "autoplayed_listens > 0", crossing):
        assert opinion.rows(f"SELECT count(*) > 0 FROM silver_sessions WHERE {condition}") == [(True,)]  # noqa: S608


ORDERS = [(0, 1, 2, 3, 4), (2, 0, 4, 3, 1)]  # the fifth day: plays after midnight


@pytest.mark.parametrize("order", ORDERS, ids=["day by day", "late days"])
def test_sessions_built_day_by_day_equal_those_of_all_days_at_once(
    make_job: Callable[..., Job], tables: Tables, opinion: SecondOpinion, order: tuple[int, ...]
) -> None:
    rows = listens_arrow(PLAYS, seed=3, **SHAPE)
    build = load_job("build_sessions")
    for day in order:
        of_day = rows.filter(pc.equal(rows["listen_date"], date.fromordinal(FIRST.toordinal() + day)))
        tables.append("silver.listens", tables.spark.createDataFrame(of_day))
        build(make_job("build_sessions"))
    opinion.take("silver_sessions", tables.read("silver.sessions").toArrow())
    assert opinion.differences(SESSIONS, SESSIONS_FOUND) == []


Splits = st.tuples(st.integers(0, 2**16), st.lists(st.integers(0, 2), min_size=90, max_size=90))


@given(split=Splits)
@hypothesis_settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
def test_however_plays_are_split_into_late_batches_sessions_equal_those_of_all_plays(
    spark: SparkSession, tmp_path_factory: pytest.TempPathFactory, split: tuple[int, list[int]]
) -> None:
    seed, batch_of_play = split
    rows = listens_arrow(90, seed=seed, days=3, first_day=date(2026, 10, 23), listeners=2, gaps=0.2)
    tables = Tables(spark, str(tmp_path_factory.mktemp("sessions")))
    for batch in range(3):
        came = rows.filter(pa.array([of == batch for of in batch_of_play]))
        if came.num_rows:
            tables.append("silver.listens", spark.createDataFrame(came))
            touched = touched_days(tables, "silver.sessions", ["silver.listens"])
            repair_sessions(tables, touched, MartSettings())
    opinion = SecondOpinion()
    opinion.take("silver_listens", rows)
    opinion.take("silver_sessions", tables.read("silver.sessions").toArrow())
    assert opinion.differences(SESSIONS, SESSIONS_FOUND) == []


def test_the_pipelines_sessions_are_right(lake: SecondOpinion) -> None:
    assert lake.differences(SESSIONS, SESSIONS_FOUND) == []


def test_a_late_play_joins_two_sessions_and_an_erased_one_parts_them(
    make_job: Callable[..., Job], tables: Tables, spark: SparkSession
) -> None:
    evening, build = datetime(2026, 3, 29, 23, 20, tzinfo=UTC), load_job("build_sessions")

    def publish(minutes: int, name: str) -> list[int]:
        start = evening + timedelta(minutes=minutes)
        row = {"listen_id": name, "listener_id": "anna", "started_at": start, "ended_at": start + FOUR_MINUTES}
        tables.append("silver.listens", plays(spark, row))
        build(make_job("build_sessions"))
        return found()

    def found() -> list[int]:
        return [row["listens"] for row in tables.read("silver.sessions").orderBy("started_at").collect()]

    assert publish(0, "before midnight") == [1]
    assert publish(60, "after midnight") == [1, 1]
    assert publish(33, "late, between them") == [3]
    tables.delete("silver.listens", "listen_id = 'late, between them'")
    build(make_job("build_sessions"))
    assert found() == [1, 1]


DAYS_OF_CLOCKS = [
    ("Europe/Berlin", "2026-03-28T22:50", "2026-03-28", "2026-03-29"),  # the day of 23 hours begins
    ("Europe/Berlin", "2026-03-29T21:50", "2026-03-29", "2026-03-30"),  # and ends an hour earlier
    ("Europe/Berlin", "2026-10-25T22:50", "2026-10-25", "2026-10-26"),  # the day of 25 hours ends
    ("America/New_York", "2026-11-02T04:50", "2026-11-01", "2026-11-02"),
    ("Asia/Kolkata", "2026-03-29T18:20", "2026-03-29", "2026-03-30"),  # + 5:30
    ("Asia/Kathmandu", "2026-03-29T18:05", "2026-03-29", "2026-03-30"),  # + 5:45
    ("Australia/Lord_Howe", "2026-04-04T12:50", "2026-04-04", "2026-04-05"),  # + 11:00, a day of 24.5 hours follows
    ("Australia/Lord_Howe", "2026-04-05T13:20", "2026-04-05", "2026-04-06"),  # + 10:30
    ("Pacific/Auckland", "2028-02-28T10:50", "2028-02-28", "2028-02-29"),
    ("Pacific/Auckland", "2028-02-29T10:50", "2028-02-29", "2028-03-01"),
    ("Pacific/Kiritimati", "2026-12-31T09:50", "2026-12-31", "2027-01-01"),
    ("Mars/Olympus_Mons", "2026-03-29T23:50", "2026-03-29", "2026-03-30"),  # unknown: UTC
    ("CET", "2026-03-29T21:50", "2026-03-29", "2026-03-30"),
    (None, "2026-03-29T23:50", "2026-03-29", "2026-03-30"),
]


def test_a_session_over_midnight_begins_and_ends_on_the_days_of_the_listeners_clock(spark: SparkSession) -> None:
    rows = [
        {
            **{"listener_id": f"person-{number}", "time_zone": zone if play else None},
            **{"started_at": start, "ended_at": start + timedelta(minutes=3)},
        }
        for number, (zone, at, _, _) in enumerate(DAYS_OF_CLOCKS)
        for play in range(6)  # twenty minutes; the first play names no zone
        for start in (datetime.fromisoformat(f"{at}:00+00:00") + play * FOUR_MINUTES,)
    ]
    found = sessions(plays(spark, *rows), rules=SessionRules()).collect()
    assert {row["listener_id"]: (str(row["local_start_date"]), str(row["local_end_date"])) for row in found} == {
        f"person-{number}": (first, last) for number, (_, _, first, last) in enumerate(DAYS_OF_CLOCKS)
    }
    unknown = {"Mars/Olympus_Mons", None}
    expected = [None if zone in unknown else zone for zone, *_ in DAYS_OF_CLOCKS]
    by_person = sorted(found, key=lambda row: int(row["listener_id"].removeprefix("person-")))
    assert [row["time_zone"] for row in by_person] == expected


ENDS: list[tuple[str, dict[str, Any], int, int]] = [
    ("given as skipped", {"skipped": True, "reason_end": "trackdone"}, 1, 0),
    ("given as not skipped", {"skipped": False, "reason_end": "fwdbtn", "played_ms": 9_000}, 0, 0),
    ("the button", {"reason_end": "fwdbtn", "played_ms": 199_000}, 0, 1),
    ("the other button", {"reason_end": "backbtn"}, 0, 1),
    ("another reason", {"reason_end": "endplay", "played_ms": 9_000}, 0, 0),
    ("a reason that tells nothing", {"reason_end": "unknown", "played_ms": 9_000}, 0, 1),
    ("cut short, and on to the next", {"played_ms": 179_999}, 0, 1),
    ("heard to nine tenths", {"played_ms": 180_000}, 0, 0),
    ("cut short, and a pause", {"played_ms": 9_000, "next_after": 10.001}, 0, 0),
    ("cut short, and ten seconds", {"played_ms": 9_000, "next_after": 10.0}, 0, 1),
    ("cut short, and nothing after", {"played_ms": 9_000, "next_after": None}, 0, 0),
    ("of unknown length", {"played_ms": 9_000, "duration_ms": None}, 0, 0),
    ("heard for an unknown time", {"played_ms": None}, 0, 0),
    ("never started", {"played_ms": 0, "start_failed": True, "reason_end": "fwdbtn"}, 0, 0),
]


def test_a_skip_is_inferred_only_where_the_source_says_nothing(spark: SparkSession) -> None:
    rows, start = [], datetime(2026, 3, 29, 12, tzinfo=UTC)
    for name, told, _, _ in ENDS:
        play = {"duration_ms": 200_000, "next_after": 0.0, "skipped": None, **told}
        end = start + timedelta(milliseconds=play.get("played_ms") or 0)
        wait = play.pop("next_after")
        rows.append({"listener_id": name, "started_at": start, "ended_at": end, **play})
        if wait is not None:
            after = end + timedelta(seconds=wait)
            rows.append({"listener_id": name, "started_at": after, "ended_at": after, "skipped": False})
    found = sessions(plays(spark, *rows), rules=SessionRules()).collect()
    counts = {row["listener_id"]: (row["skips"], row["inferred_skips"]) for row in found}
    assert counts == {name: (given, inferred) for name, _, given, inferred in ENDS}


def test_rules_of_sessions_are_settings_and_a_changed_one_rebuilds_them_as_a_whole(
    make_job: Callable[..., Job], tables: Tables, spark: SparkSession, settings: Settings
) -> None:
    start = datetime(2026, 3, 28, 12, tzinfo=UTC)
    reasons = ("clickrow", "trackdone", "autoplay", "fwdbtn", None)
    rows = [
        {"listener_id": "anna", "started_at": start + n * timedelta(minutes=20), "reason_start": reason}
        for n, reason in enumerate(reasons)
    ]
    tables.append("silver.listens", plays(spark, *rows))
    build = load_job("build_sessions")

    def found() -> list[tuple[int, int, int]]:
        rows = tables.read("silver.sessions").orderBy("started_at").collect()
        return [(row["listens"], row["chosen_listens"], row["autoplayed_listens"]) for row in rows]

    build(make_job("build_sessions"))
    assert found() == [(5, 1, 2)]
    rules = {"session_gap_minutes": 19, "chosen_reasons": ("fwdbtn",), "autoplay_reasons": ("trackdone",)}
    changed = settings.model_copy(update={"marts": MartSettings(**rules)})
    build(make_job("build_sessions", settings=changed))
    assert found() == [(1, 0, 0), (1, 0, 1), (1, 0, 0), (1, 1, 0), (1, 0, 0)]
    before = tables.version("silver.sessions")
    build(make_job("build_sessions", settings=changed))
    assert tables.version("silver.sessions") == before
