"""A month from its first play to its close, and what comes after: one story on one small lake."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from earshot.analytics.build import SOURCES, build
from earshot.analytics.revenue import month_end
from earshot.analytics.revenue.closed_months import closed_months, month_to_close, months_due
from earshot.analytics.revenue.mart import revenue
from earshot.core import columns as c
from earshot.core.changes import TouchedDays
from earshot.core.config import load_settings
from earshot.core.errors import ArgumentError, SettingsError
from earshot.core.job import Job
from earshot.core.settings import Settings
from earshot.core.small_tables import SmallTables
from earshot.core.stream_rule import SPOTIFY
from earshot.core.tables import Tables
from earshot.transformers.touched_days import touched_days
from factories import plays

pytestmark = pytest.mark.interpreted

LISTENS, SUSPECTS, REVENUE = "silver.listens", "gold.suspect_listens", "gold.revenue"
MARCH, APRIL = date(2026, 3, 1), date(2026, 4, 1)
EUR = {"country": "*", "tier": "premium", "currency": "EUR", "price": "10.00"}
Row = dict[str, Any]


@pytest.fixture
def settings(home: Any) -> Settings:
    terms = {"prices": [EUR], "share_to_rights_holders": 1, "close_after_days": 15}
    return load_settings(overrides={"home": str(home), "revenue": terms})


@pytest.fixture
def heard(spark: SparkSession) -> Callable[..., DataFrame]:
    def of(day: date, *rows: tuple[str, str, int]) -> DataFrame:
        """Listener, artist, streams."""
        told = [
            {
                "listener_id": listener,
                "track_id": f"{artist}-song",
                "artist_id": artist,
                "started_at": datetime(day.year, day.month, day.day, 12, n, tzinfo=UTC),
                "played_ms": 200_000,
                "country": "DE",
                "tier": "premium",
            }
            for listener, artist, streams in rows
            for n in range(streams)
        ]
        return plays(spark, *told)

    return of


def run(job: Job) -> None:
    """What build_marts does, for gold.revenue alone."""
    touched = {mart: TouchedDays(frozenset()) for mart in SOURCES}
    touched[REVENUE] = month_end.begin(job, touched_days(job.tables, REVENUE, SOURCES[REVENUE]))
    if touched[REVENUE]:
        build(job.tables, touched, job.settings)
    month_end.finish(job, touched[REVENUE])


def rows_of(tables: Tables, **where: Any) -> list[Row]:
    rows = SmallTables(tables.root).rows(REVENUE)
    return [row for row in rows if all(row[name] == value for name, value in where.items())]


def totals(rows: list[Row]) -> dict[tuple[str, str, str], tuple[Decimal, int]]:
    """Amount and streams by model, suspects and payee; what came to nothing is left out."""
    sums: dict[tuple[str, str, str], list[Any]] = defaultdict(lambda: [Decimal(0), 0])
    for row in rows:
        sums[row["model"], row["suspects"], row["payee_id"]][0] += row["amount"]
        sums[row["model"], row["suspects"], row["payee_id"]][1] += row["streams"]
    return {key: (amount, streams) for key, (amount, streams) in sums.items() if amount or streams}


def adds_up(rows: list[Row]) -> bool:
    paid: dict[tuple[Any, ...], Decimal] = defaultdict(Decimal)
    pools = {}
    for row in rows:
        key = tuple(row[name] for name in ("month", "model", "suspects", "status", "reason", "booked_on"))
        paid[key] += row["amount"]
        pools[key] = row["pool"]
    return paid == pools


def test_a_closed_month_is_frozen_and_what_changes_is_booked_with_its_reason(
    make_job: Callable[..., Job], tables: Tables, settings: Settings, heard: Callable[..., DataFrame]
) -> None:
    def now(month: date) -> dict[tuple[str, str, str], tuple[Decimal, int]]:
        rows = revenue(
            tables.read(LISTENS),
            tables.read(SUSPECTS),
            None,
            terms=settings.revenue,
            stream_rule=SPOTIFY,
            months=[month],
        )
        return totals(rows.toArrow().to_pylist())

    tables.append(LISTENS, heard(date(2026, 3, 10), ("ann", "a", 3), ("ann", "b", 1), ("bob", "b", 2)))
    run(make_job("build_marts", date(2026, 4, 16)))
    closed = rows_of(tables, month=MARCH)
    assert {row["status"] for row in closed} == {"closed"}
    assert [*closed_months(tables.root)] == [MARCH]

    # Late plays, and a first one of April.
    tables.append(LISTENS, heard(date(2026, 3, 11), ("cyn", "c", 2)))
    tables.append(LISTENS, heard(date(2026, 4, 2), ("ann", "a", 1)))
    run(make_job("build_marts", date(2026, 4, 17)))
    assert rows_of(tables, status="closed") == closed
    late = rows_of(tables, status="adjustment")
    assert {(row["reason"], row["booked_on"]) for row in late} == {("late plays", date(2026, 4, 17))}
    assert totals([*closed, *late]) == now(MARCH)
    assert {row["status"] for row in rows_of(tables, month=APRIL)} == {"provisional"}

    # A verdict moves money only where suspects are excluded.
    suspect = {"listener_id": "cyn", "listen_date": date(2026, 3, 11), "verdict": "confirmed", "score": 1.0}
    SmallTables(tables.root).append(SUSPECTS, [suspect])
    run(make_job("build_marts", date(2026, 4, 18)))
    verdicts = rows_of(tables, reason="verdicts")
    assert {row["suspects"] for row in verdicts} == {"excluded"}

    # An erasure, a late play and a new price before the next run: the streams go, the money stays; the late play
    # is its own, on the terms on which the month was closed; the price is April's.
    paid = {key: amount for key, (amount, _) in totals(rows_of(tables, month=MARCH)).items()}
    left = tables.read(LISTENS).where("listener_id <> 'bob'")
    tables.overwrite(LISTENS, left, metadata={"erased": 2, "touched_days": ["2026-03-10"]})
    more = heard(date(2026, 3, 12), ("dan", "b", 1)).withColumn(c.BATCH_ID, F.lit("late"))
    tables.append(LISTENS, more, metadata={"batch_id": "late", "touched_days": ["2026-03-12"]})
    price = settings.revenue.prices[0].model_copy(update={"price": Decimal(20)})
    dearer = settings.revenue.model_copy(update={"prices": (price,)})
    with_dearer = settings.model_copy(update={"revenue": dearer})
    run(make_job("build_marts", date(2026, 4, 19), settings=with_dearer))
    booked = rows_of(tables, booked_on=date(2026, 4, 19))
    assert {row["reason"] for row in booked} == {"erasure", "erasure (kept)", "late plays"}
    gone = [row for row in booked if row["reason"].startswith("erasure")]
    assert {amount for amount, _ in totals(gone).values()} == {Decimal(0)}
    assert {(payee, streams) for (_, _, payee), (_, streams) in totals(gone).items()} == {("b", -2)}
    without_late = [row for row in rows_of(tables, month=MARCH) if row not in booked or row in gone]
    assert {key: amount for key, (amount, _) in totals(without_late).items()} == paid
    assert totals([row for row in rows_of(tables, month=MARCH) if row["reason"] != "erasure (kept)"]) == now(MARCH)
    assert rows_of(tables, status="closed") == closed
    assert adds_up(rows_of(tables))
    assert {row["pool"] for row in rows_of(tables, month=APRIL)} == {Decimal(20)}

    version = tables.version(REVENUE)
    run(make_job("build_marts", date(2026, 4, 19), settings=with_dearer))
    assert tables.version(REVENUE) == version


def test_a_pool_without_streams_is_named_before_anything_is_published(
    make_job: Callable[..., Job], tables: Tables, settings: Settings, heard: Callable[..., DataFrame]
) -> None:
    tables.append(LISTENS, heard(date(2026, 3, 10), ("ann", "a", 1)))
    pool = {"month": "2026-03", "country": "FR", "tier": "premium", "currency": "EUR", "subscription": "5"}
    booked = settings.revenue.model_validate({**settings.revenue.model_dump(), "pools": [pool]})
    with pytest.raises(SettingsError) as caught:
        run(make_job("build_marts", settings=settings.model_copy(update={"revenue": booked})))
    assert "2026-03 FR premium" in caught.value.what
    assert "revenue.pools[0]" in caught.value.where
    assert "DE/premium" in caught.value.remedy
    assert not tables.exists(REVENUE)


@pytest.mark.parametrize(
    ("wanted", "said"), [("march", "no month"), ("2026-02", "no payouts"), ("2026-03", "not over")]
)
def test_only_a_month_that_is_over_and_has_payouts_is_closed(wanted: str, said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        month_to_close(wanted, {MARCH}, date(2026, 3, 31))
    assert month_to_close("2026-03", {MARCH}, date(2026, 4, 1)) == MARCH


def test_without_the_setting_no_month_closes_by_itself(settings: Settings) -> None:
    never = settings.revenue.model_copy(update={"close_after_days": None})
    assert months_due({MARCH}, {}, never, date(2030, 1, 1)) == []
    assert months_due({MARCH}, {}, settings.revenue, date(2026, 4, 15)) == []
    assert months_due({MARCH}, {}, settings.revenue, date(2026, 4, 16)) == [MARCH]
    assert months_due({MARCH}, {MARCH}, settings.revenue, date(2026, 4, 16)) == []
