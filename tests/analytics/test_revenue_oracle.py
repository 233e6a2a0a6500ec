"""gold.revenue against DuckDB, which computes every payout from the same silver in its own way."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession
from pyspark.sql.pandas.types import to_arrow_schema

from analytics.revenue_definitions import COLUMNS, NEAR, RevenueOracle
from analytics.revenue_worlds import terms
from earshot.analytics.revenue.mart import revenue
from earshot.automation.demo import DemoOutcome
from earshot.core.config import load_settings
from earshot.core.currencies import minor_unit
from earshot.core.schemas import TABLES
from earshot.core.small_tables import SmallTables
from earshot.core.stream_rule import SPOTIFY
from factories import listens_arrow

PRICES = (
    ("*", "premium", "EUR", "9.99"),
    ("*", "free", "EUR", "0.45"),
    ("*", "family", "EUR", "5.99"),
    ("JP", "student", "JPY", "980"),
    ("IN", "student", "KWD", "0.001"),
    ("US", "free", "KWD", "1234567.891"),
)
RULES = {"boost_streams": 12, "boost_listeners": 5, "boost_factor": 3, "listener_cap": 17, "active_contexts": ["album"]}


def _table(name: str, rows: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=to_arrow_schema(TABLES[name].schema, timezone="UTC"))


def _rows(found: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return sorted(tuple(row[name] for name in COLUMNS) for row in found)


@pytest.mark.parametrize(
    ("seed", "minimum", "window", "cap"),
    [(1, 0, 12, 17), (2, 9, 2, 0), (3, 14, 12, 1)],
    ids=["boosts", "window", "cap"],
)
def test_every_model_pays_what_duckdb_computes_play_by_play(
    spark: SparkSession, seed: int, minimum: int, window: int, cap: int
) -> None:
    listens = listens_arrow(2_400, seed=seed, days=75, first_day=date(2025, 12, 20), listeners=40, tracks=60)
    rows = listens.to_pylist()
    suspects = [
        {"listener_id": row["listener_id"], "listen_date": row["listen_date"], "verdict": verdict, "track_id": track}
        for n, row in enumerate(rows[::9])
        for verdict in ("suspect" if n % 3 else "confirmed" if n % 2 else "cleared",)
        for track in (None if n % 4 else row["track_id"],)
    ]
    alone = {row["country"] for row in rows}
    suspects += [
        {"listener_id": row["listener_id"], "listen_date": row["listen_date"], "verdict": "confirmed"}
        for row in rows
        if row["country"] == sorted(filter(None, alone))[0]
    ]
    shares = [
        ("trk:0", "label", "0.5"),
        ("trk:0", "writer", "0.25"),
        ("trk:1", "label", "1"),
        ("trk:2", "x", "0.333333"),
    ]
    rights = _table(
        "silver.rights",
        [{"track_id": track, "rights_holder_id": holder, "share": Decimal(share)} for track, holder, share in shares],
    )
    of = terms(
        *PRICES,
        share=0.68,
        artist_centric={**RULES, "listener_cap": cap},
        pro_rata={"minimum_streams": minimum, "months": window},
    )
    flagged = _table("gold.suspect_listens", suspects)
    found = revenue(
        spark.createDataFrame(listens, TABLES["silver.listens"].schema),
        spark.createDataFrame(flagged, TABLES["gold.suspect_listens"].schema),
        spark.createDataFrame(rights, TABLES["silver.rights"].schema),
        terms=of,
        stream_rule=SPOTIFY,
    )
    payouts = found.toArrow().to_pylist()
    oracle = RevenueOracle(of, listens, flagged, rights)
    expected = oracle.payouts()
    oracle.close()
    held = [row for row in payouts if row["payee_id"] == "suspense"]
    assert all(row["streams"] == 0 and row["amount"] == row["pool"] for row in held)
    assert any(row["suspects"] == "excluded" for row in held)
    paid = _rows([row for row in payouts if row["payee_id"] != "suspense"])
    assert len(paid) > 1_000
    assert {row[3] for row in paid} == {"EUR", "JPY", "KWD"}
    assert paid == _rows(expected)


def test_the_pipelines_payouts_are_what_duckdb_owes_to_less_than_a_minor_unit(road: DemoOutcome) -> None:
    lake = SmallTables(str(road.home / "lake"))
    oracle = RevenueOracle(
        load_settings("demo").revenue,
        lake.arrow("silver.listens"),
        lake.arrow("gold.suspect_listens"),
        lake.arrow("silver.rights"),
    )
    owed = {tuple(row[name] for name in COLUMNS[:8]): row for row in oracle.payouts(NEAR)}
    oracle.close()
    published = lake.rows("gold.revenue")
    paid = {tuple(row[name] for name in COLUMNS[:8]): row for row in published if row["payee_id"] != "suspense"}
    assert len(paid) > 5_000
    assert paid.keys() == owed.keys()
    for key, row in paid.items():
        due = owed[key]
        assert (row["streams"], row["pool"]) == (due["streams"], due["pool"])
        assert abs(float(row["amount"]) - (due["amount"] or 0)) < float(minor_unit(row["currency"])) + 1e-6
