"""gold.audience and gold.listener_segments in SQL, from their meanings alone."""

from __future__ import annotations

from mart_definitions import figure

_FIRSTS = """
    firsts AS (
        SELECT listener_id, min(session_date) AS first_day, max(session_date) AS last_day,
            arg_min(coalesce(country, 'unknown'), started_at) AS country
        FROM silver_sessions GROUP BY listener_id
    )"""

BY_DAY = f"""
    WITH {_FIRSTS}, active AS (SELECT DISTINCT listener_id, session_date AS day FROM silver_sessions),
    newest AS (SELECT max(session_date) AS day FROM silver_sessions),
    seen AS (
        SELECT day, unnest([country, 'ALL']) AS country, day = first_day AS is_new
        FROM active JOIN firsts USING (listener_id)
    ), came AS (
        SELECT day, country, count(*) FILTER (is_new) AS new_listeners,
            count(*) FILTER (NOT is_new) AS returning_listeners, count(*) AS volume
        FROM seen GROUP BY ALL
    ), every AS (
        SELECT listener_id, first_day, country, unnest([1, 7, 30]) AS age
        FROM (SELECT listener_id, first_day, unnest([country, 'ALL']) AS country FROM firsts)
    ), back AS (
        SELECT first_day + age AS day, every.country, age, count(*) AS volume,
            count(*) FILTER (EXISTS (SELECT 1 FROM active
                WHERE active.listener_id = every.listener_id AND active.day = every.first_day + age)) AS returned
        FROM every WHERE first_day + age <= (SELECT day FROM newest) GROUP BY ALL
    )
    SELECT day AS period_start, country, metric, round(value + 1e-10, 6) AS value, volume FROM (
        SELECT day, country, 'new_listeners' AS metric, new_listeners::DOUBLE AS value, volume FROM came
        UNION ALL SELECT day, country, 'returning_listeners', returning_listeners::DOUBLE, volume FROM came
        UNION ALL SELECT day, country, 'retention_day_' || age, returned / volume, volume FROM back
    )
"""  # noqa: S608 (our own SQL)

ERAS = f"""
    WITH streams AS (
        SELECT period_start, country, entity_id AS track_id, streams FROM gold_charts
        WHERE period = 'week' AND entity = 'track' AND tier = 'ALL' AND suspects = 'excluded'
    ), dated AS (
        SELECT *, (year(released_on) // 10 * 10)::VARCHAR || 's' AS era
        FROM streams JOIN silver_tracks USING (track_id) WHERE released_on IS NOT NULL
    )
    , per_era AS (SELECT period_start, country, era, sum(streams) AS streams FROM dated GROUP BY ALL),
    every AS (SELECT *, (sum(streams) OVER (PARTITION BY period_start, country))::BIGINT AS volume FROM per_era)
    SELECT period_start, country, era AS slice, {figure("streams / volume", "value")}, volume FROM every
"""  # noqa: S608 (our own SQL)

GENRES = f"""
    WITH streams AS (
        SELECT period_start, country, streams, genres FROM gold_charts JOIN silver_tracks ON entity_id = track_id
        WHERE period = 'week' AND entity = 'track' AND tier = 'ALL' AND suspects = 'excluded' AND len(genres) > 0
    ), volumes AS (SELECT period_start, country, sum(streams)::BIGINT AS volume FROM streams GROUP BY ALL),
    split AS (SELECT period_start, country, unnest(genres) AS slice, streams / len(genres) AS part FROM streams)
    SELECT period_start, country, slice, {figure("sum(part) / volume", "value")}, volume
    FROM split JOIN volumes USING (period_start, country) GROUP BY period_start, country, slice, volume
"""  # noqa: S608 (our own SQL)

BY_DAY_FOUND = """
    SELECT period_start, country, metric, round(value + 1e-10, 6) AS value, volume FROM gold_audience
    WHERE period = 'day'"""
ERAS_FOUND = """
    SELECT period_start, country, slice, round(value + 1e-10, 6) AS value, volume FROM gold_audience
    WHERE period = 'week' AND metric = 'era_share'"""
GENRES_FOUND = ERAS_FOUND.replace("era_share", "genre_share")

SEGMENTS = f"""
    WITH {_FIRSTS}, newest AS (SELECT max(session_date) AS day FROM silver_sessions),
    inside AS (
        SELECT listener_id, count(*) AS sessions, coalesce(sum(played_ms), 0) / 60000 AS minutes FROM silver_sessions
        WHERE session_date > (SELECT day FROM newest) - 90 GROUP BY listener_id
    ), told AS (
        SELECT listener_id, day AS as_of, country, first_day, last_day, (day - last_day)::INTEGER AS recency_days,
            coalesce(sessions, 0) AS sessions, coalesce(minutes, 0) AS minutes, sessions IS NOT NULL AS present
        FROM firsts LEFT JOIN inside USING (listener_id), newest
    ), scored AS (
        SELECT listener_id,
            1 + 5 * (2 * rank() OVER (ORDER BY recency_days DESC) - 2 + count(*) OVER (PARTITION BY recency_days))
                // (2 * count(*) OVER ()) AS recency_score,
            1 + 5 * (2 * rank() OVER (ORDER BY sessions) - 2 + count(*) OVER (PARTITION BY sessions))
                // (2 * count(*) OVER ()) AS frequency_score,
            1 + 5 * (2 * rank() OVER (ORDER BY minutes) - 2 + count(*) OVER (PARTITION BY minutes))
                // (2 * count(*) OVER ()) AS monetary_score
        FROM told WHERE present
    )
    SELECT told.* EXCLUDE (present, minutes), round(minutes + 1e-10, 6) AS minutes, recency_score::INTEGER,
        frequency_score::INTEGER, monetary_score::INTEGER,
        CASE WHEN NOT present THEN 'lapsed'
            WHEN as_of - first_day <= 7 THEN 'new'
            WHEN recency_score >= 4 AND (frequency_score + monetary_score) / 2 >= 4 THEN 'champions'
            WHEN recency_score >= 3 AND (frequency_score + monetary_score) / 2 >= 3 THEN 'loyal'
            WHEN recency_score >= 4 THEN 'promising'
            WHEN recency_score <= 2 AND (frequency_score + monetary_score) / 2 >= 3 THEN 'at_risk'
            WHEN recency_score <= 2 THEN 'hibernating' ELSE 'occasional' END AS segment
    FROM told LEFT JOIN scored USING (listener_id)
"""  # noqa: S608 (our own SQL)
SEGMENTS_FOUND = """
    SELECT listener_id, as_of, country, first_day, last_day, recency_days, sessions,
        round(minutes + 1e-10, 6) AS minutes, recency_score, frequency_score, monetary_score, segment
    FROM gold_listener_segments"""
