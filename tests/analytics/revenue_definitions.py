"""gold.revenue in DuckDB's SQL, play by play: a second way to every model, with exact 128-bit integers."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import duckdb
import pyarrow as pa

from earshot.core.currencies import minor_unit
from earshot.core.revenue_settings import RevenueSettings

COLUMNS = (
    "month",
    "country",
    "tier",
    "currency",
    "model",
    "suspects",
    "payee_type",
    "payee_id",
    "streams",
    "pool",
    "amount",
)

PLAYS = """
CREATE OR REPLACE TABLE plays AS
WITH counted AS (
    SELECT date_trunc('month', l.listen_date)::DATE AS month, coalesce(l.country, 'unknown') AS country,
           coalesce(l.tier, 'unknown') AS tier, coalesce(l.artist_id, 'unknown') AS artist, l.track_id, l.listener_id,
           coalesce(list_contains($active, l.context), false) AS chosen,
           EXISTS (FROM suspects s WHERE s.verdict IN ('suspect', 'confirmed') AND s.listener_id = l.listener_id
                   AND s.listen_date = l.listen_date AND coalesce(s.track_id, l.track_id) = l.track_id) AS flagged
    FROM listens l WHERE coalesce(l.played_ms, 30000) >= 30000
)
SELECT * FROM counted, (VALUES ('included'), ('excluded')) kinds (suspects) WHERE suspects = 'included' OR NOT flagged
"""

POOLS = """
CREATE OR REPLACE TABLE pools AS
WITH heard AS (
    SELECT month, country, tier, count(DISTINCT listener_id)::HUGEINT AS listeners,
           (SELECT max(place) FROM prices p WHERE p.tier = plays.tier AND p.place IN ('*', plays.country)) AS place
    FROM plays WHERE suspects = 'included' GROUP BY month, country, tier
), brought AS (
    SELECT *, listeners * millionths // 1000000 AS whole, listeners * millionths % 1000000 AS rest
    FROM heard JOIN prices USING (place, tier)
)
SELECT month, country, tier, currency, unit, whole + (rest > 500000 OR rest = 500000 AND whole % 2 = 1)::INT AS pool
FROM brought
"""

WORTH = """
CREATE OR REPLACE TABLE worth AS
WITH months AS (SELECT DISTINCT month FROM plays),
in_window AS (
    SELECT months.month, suspects, track_id, count(*) AS streams
    FROM plays p JOIN months ON p.month <= months.month AND p.month > months.month - to_months($window) GROUP BY ALL
), boosts AS (
    SELECT month, suspects, artist,
           count(*) >= $boost_streams AND count(DISTINCT listener_id) >= $boost_listeners AS boost
    FROM plays GROUP BY ALL
), known AS (
    SELECT plays.*, in_window.streams >= $minimum AS earns, boost,
           count(*) OVER (PARTITION BY month, suspects, listener_id, country, tier) AS in_pool,
           count(*) OVER (PARTITION BY month, suspects, listener_id) AS in_month
    FROM plays JOIN in_window USING (month, suspects, track_id) JOIN boosts USING (month, suspects, artist)
), counting AS (
    SELECT *, 'pro_rata' AS model, earns::HUGEINT AS numerator, 1::HUGEINT AS denominator FROM known
    UNION ALL SELECT *, 'user_centric', 1, in_pool FROM known
    UNION ALL SELECT *, 'artist_centric',
        if(chosen, $active_factor, 1) * if(boost, $boost_factor, 1)
        * if($cap = 0, in_month, least(in_month, $cap)), in_month FROM known
), holders AS (
    SELECT track_id, rights_holder_id AS payee_id, (share * 1000000)::HUGEINT AS millionths FROM rights
    UNION ALL SELECT track_id, 'unknown', 1000000 - sum((share * 1000000)::HUGEINT) FROM rights
    GROUP BY track_id HAVING sum(share) < 1
)
SELECT month, country, tier, model, suspects, numerator, denominator, coalesce(millionths, 1000000) AS millionths,
       if(holders.track_id IS NULL, 'artist', 'rights_holder') AS payee_type,
       coalesce(holders.payee_id, artist) AS payee_id
FROM counting LEFT JOIN holders USING (track_id)
"""

EXACT = """
WITH multiples AS (
    SELECT month, country, tier, model, suspects,
           list_reduce(list_distinct(list(denominator)), lambda a, b: lcm(a, b)) AS multiple
    FROM worth GROUP BY ALL
), weights AS (
    SELECT month, country, tier, model, suspects, payee_type, payee_id, count(*) AS streams,
           sum(numerator * (multiple // denominator) * millionths)::HUGEINT AS weight
    FROM worth JOIN multiples USING (month, country, tier, model, suspects) GROUP BY ALL
), quotas AS (
    SELECT *, sum(weight) OVER in_pool AS total, coalesce(pool * weight // nullif(total, 0), 0) AS whole,
           coalesce(pool * weight % nullif(total, 0), 0) AS rest
    FROM weights JOIN pools USING (month, country, tier)
    WINDOW in_pool AS (PARTITION BY month, country, tier, model, suspects)
)
SELECT month, country, tier, currency, model, suspects, payee_type, payee_id, streams::BIGINT AS streams,
       pool * unit AS pool,
       if(total = 0, 0, whole + (row_number() OVER (in_pool ORDER BY rest DESC, payee_id, payee_type)
                                 <= pool - sum(whole) OVER in_pool)::INT) * unit AS amount
FROM quotas WINDOW in_pool AS (PARTITION BY month, country, tier, model, suspects)
"""

NEAR = """
WITH weights AS (
    SELECT month, country, tier, model, suspects, payee_type, payee_id, count(*) AS streams,
           sum(numerator::DOUBLE / denominator::DOUBLE * millionths::DOUBLE) AS weight
    FROM worth GROUP BY ALL
)
SELECT month, country, tier, currency, model, suspects, payee_type, payee_id, streams::BIGINT AS streams,
       pool * unit AS pool,
       pool::DOUBLE * unit::DOUBLE * weight / nullif(sum(weight) OVER (
           PARTITION BY month, country, tier, model, suspects), 0) AS amount
FROM weights JOIN pools USING (month, country, tier)
"""
"""What each payee is owed before rounding: for listeners with so many streams that exact integers overflow."""


class RevenueOracle:
    """Payouts of the same plays, by DuckDB.

    Args:
        terms: Prices and thresholds; pools from the books are not known here.
        listens: Rows of silver.listens.
        suspects: Rows of gold.suspect_listens.
        rights: Rows of silver.rights.
    """

    def __init__(self, terms: RevenueSettings, listens: pa.Table, suspects: pa.Table, rights: pa.Table) -> None:
        self._database = duckdb.connect()
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
        for name, rows in (("listens", listens), ("suspects", suspects), ("rights", rights), ("prices", prices)):
            self._database.register(name, rows)
        rules, rule = terms.artist_centric, terms.pro_rata
        self._database.execute(PLAYS, {"active": list(rules.active_contexts)})
        self._database.execute(POOLS)
        self._database.execute(
            WORTH,
            {
                "window": rule.months,
                "minimum": rule.minimum_streams,
                "boost_streams": rules.boost_streams,
                "boost_listeners": rules.boost_listeners,
                "boost_factor": rules.boost_factor,
                "active_factor": rules.active_factor,
                "cap": rules.listener_cap,
            },
        )

    def payouts(self, query: str = EXACT) -> list[dict[str, Any]]:
        """Rows with `COLUMNS`; what is held in suspense is not among them."""
        rows = self._database.execute(query).fetchall()
        return [dict(zip(COLUMNS, row, strict=True)) for row in rows]

    def close(self) -> None:
        """Let the database go."""
        self._database.close()
