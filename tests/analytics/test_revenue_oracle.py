"""gold.revenue against DuckDB, which computes the pro-rata payouts from the same silver in its own way."""

from __future__ import annotations

from decimal import Decimal

import duckdb
import pyarrow as pa

from earshot.automation.demo import DemoOutcome
from earshot.core.config import load_settings
from earshot.core.currencies import minor_unit
from earshot.core.small_tables import SmallTables

PRO_RATA = """
WITH streams AS (
    SELECT date_trunc('month', l.listen_date)::DATE AS month, coalesce(l.country, 'unknown') AS country,
           coalesce(l.tier, 'unknown') AS tier, coalesce(l.artist_id, 'unknown') AS payee_id, l.listener_id,
           EXISTS (FROM suspects s WHERE s.verdict IN ('suspect', 'confirmed') AND s.listener_id = l.listener_id
                   AND s.listen_date = l.listen_date AND coalesce(s.track_id, l.track_id) = l.track_id) AS flagged
    FROM listens l WHERE coalesce(l.played_ms, 30000) >= 30000
), priced AS (
    SELECT month, country, tier, count(DISTINCT listener_id)::HUGEINT AS listeners,
           (SELECT max(place) FROM prices p WHERE p.tier = streams.tier AND p.place IN ('*', streams.country)) AS place
    FROM streams GROUP BY month, country, tier
), brought AS (
    SELECT month, country, tier, currency, unit, listeners * millionths // 1000000 AS whole,
           listeners * millionths % 1000000 AS rest
    FROM priced JOIN prices USING (place, tier)
), pools AS (
    SELECT month, country, tier, currency, unit,
           whole + (rest > 500000 OR rest = 500000 AND whole % 2 = 1)::INT AS pool
    FROM brought
), earned AS (
    SELECT month, country, tier, payee_id, suspects, count(*)::HUGEINT AS streams
    FROM streams, (VALUES ('included'), ('excluded')) kinds (suspects)
    WHERE suspects = 'included' OR NOT flagged GROUP BY ALL
), quotas AS (
    SELECT *, pool * streams // sum(streams) OVER in_pool AS whole, pool * streams % sum(streams) OVER in_pool AS rest
    FROM earned JOIN pools USING (month, country, tier)
    WINDOW in_pool AS (PARTITION BY month, country, tier, suspects)
)
SELECT month, country, tier, currency, payee_id, suspects, streams::BIGINT AS streams, pool * unit AS pool,
       (whole + (row_number() OVER (in_pool ORDER BY rest DESC, payee_id) <= pool - sum(whole) OVER in_pool)::INT)
       * unit AS amount
FROM quotas WINDOW in_pool AS (PARTITION BY month, country, tier, suspects)
"""


def test_pro_rata_is_what_duckdb_computes(road: DemoOutcome) -> None:
    lake = SmallTables(str(road.home / "lake"))
    terms = load_settings("demo").revenue
    share = Decimal(str(terms.share_to_rights_holders))
    prices = pa.table(
        {
            "place": [price.country for price in terms.prices],
            "tier": [price.tier for price in terms.prices],
            "currency": [price.currency for price in terms.prices],
            "unit": pa.array([minor_unit(price.currency) for price in terms.prices], pa.decimal128(7, 6)),
            "millionths": [int(price.price * share / minor_unit(price.currency) * 10**6) for price in terms.prices],
        }
    )
    with duckdb.connect() as database:
        for name, rows in (
            ("prices", prices),
            ("listens", lake.arrow("silver.listens")),
            ("suspects", lake.arrow("gold.suspect_listens")),
        ):
            database.register(name, rows)
        expected = database.execute(PRO_RATA).fetchall()
    columns = ("month", "country", "tier", "currency", "payee_id", "suspects", "streams", "pool", "amount")
    published = lake.rows("gold.revenue", [("model", "=", "pro_rata")])
    assert len(expected) > 1_000
    held = [row for row in published if row["payee_id"] == "suspense"]
    assert all(row["streams"] == 0 and row["amount"] == row["pool"] for row in held), "no stream of the pool may earn"
    paid = [row for row in published if row["payee_id"] != "suspense"]
    assert sorted(tuple(row[name] for name in columns) for row in paid) == sorted(expected)
