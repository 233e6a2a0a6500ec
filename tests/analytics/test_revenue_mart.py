"""gold.revenue through Spark: the plan finds the same streams as a plain loop over the plays."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import to_arrow_schema

from analytics.revenue_worlds import MONTH, Play, amounts, paid, terms
from earshot.analytics.revenue import month_cells
from earshot.analytics.revenue import paid_now as paid_now_module
from earshot.analytics.revenue.filed_streams import FiledStreams
from earshot.analytics.revenue.mart import revenue, revenue_of_files
from earshot.analytics.revenue.paid_now import paid_now
from earshot.core.schemas import TABLES
from earshot.core.stream_rule import SPOTIFY
from earshot.core.tables import Tables
from factories import filed, listens, listens_arrow, plays

SUSPECTS, RIGHTS = TABLES["gold.suspect_listens"].schema, TABLES["silver.rights"].schema
PRICED = ("premium", "family", "student", "free")
RULES = {"boost_streams": 6, "boost_listeners": 3, "listener_cap": 10, "active_contexts": ["album"]}


def _suspects(spark: SparkSession, *rows: dict[str, Any]) -> DataFrame:
    table = pa.Table.from_pylist(list(rows), schema=to_arrow_schema(SUSPECTS, timezone="UTC"))
    return spark.createDataFrame(table, SUSPECTS)


def test_spark_pays_what_a_loop_over_the_plays_pays(spark: SparkSession) -> None:
    told = listens_arrow(600, seed=3, listeners=20, tracks=40)
    rows = told.to_pylist()
    flagged = {(row["listener_id"], row["listen_date"]) for row in rows[::40]}
    suspects = [{"listener_id": who, "listen_date": day, "verdict": "suspect"} for who, day in sorted(flagged)]
    cleared = {"listener_id": rows[1]["listener_id"], "listen_date": rows[1]["listen_date"], "verdict": "cleared"}
    splits = {rows[0]["track_id"]: [("label", 600_000), ("writer", 150_000), ("unknown", 250_000)]}
    rights = [(rows[0]["track_id"], "label", None, Decimal("0.6"), None, None, None)]
    rights.append((rows[0]["track_id"], "writer", None, Decimal("0.15"), None, None, None))

    world = [
        Play(
            listener=row["listener_id"],
            artist=row["artist_id"] or "unknown",
            country=row["country"] or "unknown",
            tier=row["tier"] or "unknown",
            is_flagged=(row["listener_id"], row["listen_date"]) in flagged,
            is_chosen=row["context"] == "album",
            track=row["track_id"],
        )
        for row in rows
        if row["played_ms"] is None or row["played_ms"] >= 30_000
    ]
    of = terms(*(("*", tier, "EUR", "9.99") for tier in PRICED), share=0.7, artist_centric=RULES)
    got = revenue(
        spark.createDataFrame(told, TABLES["silver.listens"].schema),
        _suspects(spark, *suspects, cleared),
        spark.createDataFrame(rights, RIGHTS),
        terms=of,
        stream_rule=SPOTIFY,
    )
    expected = paid(world, of, splits=splits)
    assert {row["payee_type"] for row in expected} == {"artist", "rights_holder", "suspense"}
    assert sorted(map(repr, got.toArrow().to_pylist())) == sorted(map(repr, expected))


@pytest.mark.parametrize("minimum", [0, 25], ids=["every stream earns", "from 25 streams on"])
@pytest.mark.parametrize("is_split", [False, True], ids=["artists", "rights holders"])
def test_tasks_that_read_the_plays_themselves_pay_what_shuffled_plays_pay(
    tables: Tables, monkeypatch: pytest.MonkeyPatch, minimum: int, is_split: bool
) -> None:
    told = listens_arrow(1_500, seed=6, days=5, first_day=date(2026, 3, 29), listeners=40, tracks=60, gaps=0.2)
    rows = told.to_pylist()
    verdicts = [{**{name: row[name] for name in ("listener_id", "listen_date")}, "signals": []} for row in rows[::50]]
    named = [{**one, "verdict": "suspect", "track_id": None} for one in verdicts[::2]]
    named += [
        {**one, "verdict": "confirmed", "track_id": row["track_id"]}
        for one, row in zip(verdicts, rows[::50], strict=True)
    ]
    named += [{**one, "verdict": "cleared", "track_id": None} for one in verdicts]
    suspects = pa.Table.from_pylist(named, schema=to_arrow_schema(SUSPECTS, timezone="UTC"))
    streams = FiledStreams(
        filed(tables, "silver.listens", told), filed(tables, "gold.suspect_listens", suspects), SPOTIFY
    )
    rules = {"minimum_streams": minimum}
    of = terms(*(("*", tier, "EUR", "9.99") for tier in PRICED), share=0.7, artist_centric=RULES, pro_rata=rules)
    months = [date(2026, 3, 1), date(2026, 4, 1)]
    verdicts_read = tables.read("gold.suspect_listens")
    tracks = sorted({row["track_id"] for row in rows if row["track_id"]})[::3] if is_split else []
    holders = [("label", Decimal("0.6")), ("writer", Decimal("0.15")), ("writer of all", Decimal("0.25"))]
    shares = [(track, name, None, share, None, None, None) for track in tracks for name, share in holders]
    rights = tables.spark.createDataFrame(shares, RIGHTS) if is_split else None
    expected = revenue(tables.read("silver.listens"), verdicts_read, rights, terms=of, stream_rule=SPOTIFY).toArrow()
    for at_once in (month_cells._CELLS_AT_ONCE, 200, 1):  # all listeners together, some, one by one
        monkeypatch.setattr(month_cells, "_CELLS_AT_ONCE", at_once)
        tasks = revenue_of_files(tables.spark, streams, rights, terms=of, months=months)
        found = [row for month in tasks.tasks for rows in tasks.build(month) for row in rows.to_pylist()]
        assert sorted(map(repr, found)) == sorted(map(repr, expected.to_pylist()))
    paid = expected.to_pylist()
    assert {row["month"] for row in paid} == set(months)
    assert ("rights_holder" in {row["payee_type"] for row in paid}) == is_split
    pro_rata = [row for row in paid if row["model"] == "pro_rata" and row["suspects"] == "included"]
    assert any(row["streams"] and not row["amount"] for row in pro_rata) == bool(minimum)
    different = {row["amount"] for row in paid if row["suspects"] == "excluded"}
    assert different != {row["amount"] for row in paid if row["suspects"] == "included"}


def test_batches_that_are_left_out_earn_nothing_on_either_road(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    told = listens_arrow(300, seed=8, days=3, first_day=date(2026, 3, 2), listeners=9, tracks=12)
    batches = pa.array([f"batch-{n % 3}" for n in range(300)])
    told = told.set_column(told.schema.get_field_index("batch_id"), "batch_id", batches)
    filed(tables, "silver.listens", told)
    of = terms(*(("*", tier, "EUR", "9.99") for tier in PRICED))

    def paid_without(*left_out: str) -> list[dict[str, Any]]:
        found = paid_now(tables, [MONTH], None, terms=of, stream_rule=SPOTIFY, without=left_out)
        return sorted(found.toArrow().to_pylist(), key=repr)

    by_tasks = paid_without("batch-1"), paid_without()
    monkeypatch.setattr(paid_now_module, "MOST_PLAYS", 299)
    assert (paid_without("batch-1"), paid_without()) == by_tasks
    streams = [sum(row["streams"] for row in rows) for rows in by_tasks]
    assert 0 < streams[0] < streams[1]


def test_a_track_earns_from_its_threshold_on_counted_over_the_months_before(spark: SparkSession) -> None:
    def heard(month: int, day: int, listener: str, track: str, country: str = "DE") -> dict[str, Any]:
        at = datetime(2026 if month < 4 else 2025, month, day, tzinfo=UTC)
        said = {"listener_id": listener, "track_id": track, "artist_id": f"{track}-artist", "played_ms": 60_000}
        return {**said, "started_at": at, "country": country, "tier": "premium"}

    listens = plays(
        spark,
        *(heard(month, 1, "ann", "grown") for month in (4, 1, 3)),  # 3 within 12 months, one of them a year ago
        *(heard(3, day, "bob", "new") for day in (2, 3)),  # 2
        heard(3, 4, "cyn", "alone", country="FR"),  # nobody in France hears a track that earns
    )
    of = terms(("*", "premium", "EUR", "6.00"), pro_rata={"minimum_streams": 3})
    rows = revenue(listens, _suspects(spark), None, terms=of, stream_rule=SPOTIFY, months=[MONTH]).toArrow().to_pylist()
    assert {row["month"] for row in rows} == {date(2026, 3, 1)}
    germany = amounts(rows, country="DE", model="pro_rata", suspects="included")
    assert germany == {"grown-artist": Decimal("12.00"), "new-artist": Decimal("0.00")}
    assert amounts(rows, country="DE", model="user_centric", suspects="included")["new-artist"] == Decimal("6.00")
    france = amounts(rows, country="FR", model="pro_rata", suspects="included")
    assert france == {"alone-artist": Decimal("0.00"), "suspense": Decimal("6.00")}


def test_the_plays_are_shuffled_once_and_joined_without_a_shuffle(spark: SparkSession) -> None:
    played = listens(spark, 300, seed=5)
    rights = spark.createDataFrame([("trk:1", "label", None, Decimal("0.6"), None, None, None)], RIGHTS)
    for minimum in (0, 1_000):
        of = terms(("*", "premium", "EUR", "9.99"), pro_rata={"minimum_streams": minimum})
        paid_out = revenue(played, _suspects(spark), rights, terms=of, stream_rule=SPOTIFY, plays=5_000_001)
        plan = str(paid_out._jdf.queryExecution().executedPlan().toString())  # type: ignore[operator] # py4j
        assert re.findall(r"Exchange hashpartitioning\((\w+)#\d+, 6\), REPARTITION_BY_NUM", plan) == ["listener_id"]
        assert "SortMergeJoin" not in plan
        shuffles = [re.sub(r"#\d+L?", "", keys) for keys in re.findall(r"Exchange hashpartitioning\(([^)]*)\)", plan)]
        of_plays = {"listener_id, 6", "month, artist_id, 2", "month, country, tier, 2"}
        of_tracks = {keys for keys in shuffles if keys.startswith("track_id")}
        assert of_plays <= set(shuffles)
        assert bool(of_tracks & {key for key in of_tracks if "month" in key}) == bool(minimum)
