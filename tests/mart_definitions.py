"""The marts in SQL, from their meanings alone: what tests hold against the jobs.

Each query reads `plays` (see `second_opinion`). Figures are rounded to six decimals.
"""

from __future__ import annotations

from collections.abc import Sequence

DIMENSIONS = ("country", "device", "tier", "platform", "app_version", "cdn")


_TIE = 1e-10  # what lies half-way goes up on both sides, however it was summed


def known(*columns: str) -> str:
    return ", ".join(f"coalesce({column}, 'unknown') AS {column}" for column in columns)


_HEARD = "coalesce(sum(played_ms), 0)"
_STALL_RATIO = f"sum(rebuffer_ms) / nullif(sum(rebuffer_ms) + {_HEARD}, 0)"
_STALLS_PER_HOUR = f"""
    CASE WHEN count(rebuffer_ms) > 0 THEN coalesce(sum(rebuffer_count), 0) * 3600000.0 / nullif({_HEARD}, 0) END"""
_BITRATE = "sum(bitrate_kbps * played_ms) / nullif(sum(played_ms) FILTER (bitrate_kbps IS NOT NULL), 0)"
_EXITS = "count(*) FILTER (played_ms = 0 AND NOT coalesce(start_failed, false))"
_LATENESS_S = "avg(greatest(startup_ms - 2000, 0)) FILTER (startup_ms IS NOT NULL) / 1000"
_SCORE = f"""
    CASE WHEN count(startup_ms) > 0 OR {_STALL_RATIO} IS NOT NULL THEN
        100 * (1 - count(*) FILTER (start_failed) / count(*))
            * greatest(1 - 0.058 * coalesce({_LATENESS_S}, 0), 0)
            * greatest(1 - 5 * coalesce({_STALL_RATIO}, 0), 0)
    END"""


def figure(sql: str, name: str) -> str:
    return f"round(CAST({sql} AS DOUBLE) + {_TIE}, 6) AS {name}"


ACTIVITY = f"""
    SELECT date_trunc('hour', started_at) AS hour_start, {known("country", "device", "tier")}, count(*) AS listens,
        count(*) FILTER (counted) AS counted_listens, count(DISTINCT listener_id) AS listeners,
        {_HEARD}::BIGINT AS played_ms, count(*) FILTER (skipped) AS skips,
        count(*) FILTER (start_failed) AS start_failures,
        {figure("quantile_cont(startup_ms, 0.95)", "startup_ms_p95")},
        coalesce(sum(rebuffer_ms), 0)::BIGINT AS rebuffer_ms, {figure(_STALL_RATIO, "rebuffer_ratio")}
    FROM plays GROUP BY ALL
"""  # noqa: S608 (our own SQL)

AUDIO_QUALITY = f"""
    SELECT date_trunc('hour', started_at) AS hour_start, {known("country", "device", "cdn", "app_version")},
        count(*) AS plays, count(*) FILTER (start_failed) AS start_failures, {_EXITS} AS exits_before_start,
        {figure("quantile_cont(startup_ms, 0.5)", "startup_ms_p50")},
        {figure("quantile_cont(startup_ms, 0.95)", "startup_ms_p95")},
        {figure("quantile_cont(startup_ms, 0.99)", "startup_ms_p99")},
        {figure(_STALL_RATIO, "rebuffer_ratio")}, {figure(_STALLS_PER_HOUR, "rebuffer_per_hour")},
        {figure(_BITRATE, "bitrate_kbps_mean")}, {figure(_SCORE, "quality_score")}
    FROM plays GROUP BY ALL
"""  # noqa: S608 (our own SQL)


def cube(fixed: Sequence[str], grain: str) -> str:
    """metric, window_start, the fixed dimensions, value."""
    metrics = {
        "listens": "count(*)",
        "counted_listens": "count(*) FILTER (counted)",
        "listeners": "count(DISTINCT listener_id)",
        "played_ms": _HEARD,
        "skips": "count(*) FILTER (skipped)",
        "start_failures": "count(*) FILTER (start_failed)",
        "exits_before_start": _EXITS,
        "rebuffer_ms": "coalesce(sum(rebuffer_ms), 0)",
        "startup_ms_p95": "quantile_cont(startup_ms, 0.95)",
        "rebuffer_ratio": _STALL_RATIO,
        "rebuffer_per_hour": _STALLS_PER_HOUR,
        "bitrate_kbps_mean": _BITRATE,
        "quality_score": _SCORE,
    }
    columns = ", ".join(figure(sql, name) for name, sql in metrics.items())
    keys = f", {known(*fixed)}" if fixed else ""
    wide = f"SELECT date_trunc('{grain}', started_at) AS window_start{keys}, {columns} FROM plays GROUP BY ALL"  # noqa: S608 (our own SQL)
    return f"SELECT * FROM (UNPIVOT ({wide}) ON {', '.join(metrics)} INTO NAME metric VALUE value)"  # noqa: S608 (our own SQL)


CHARTS = """
    WITH streams AS (
        SELECT listener_id, flagged, listen_date, coalesce(country, 'unknown') AS country,
            coalesce(tier, 'unknown') AS tier, coalesce(track_id, 'unknown') AS track,
            coalesce(artist_id, 'unknown') AS artist, coalesce(album_title, 'unknown') AS album
        FROM plays WHERE counted
    ), placed AS (
        SELECT *, unnest([
            {'kind': 'day', 'start': listen_date},
            {'kind': 'week', 'start': date_trunc('week', listen_date)::DATE},
            {'kind': 'month', 'start': date_trunc('month', listen_date)::DATE},
            {'kind': 'all_time', 'start': DATE '1970-01-01'}
        ]) AS period FROM streams
    ), spread AS (
        SELECT listener_id, period.kind AS period, period.start AS period_start,
            unnest([country, 'ALL']) AS country, tier, flagged, track, artist, album FROM placed
    ), spread_again AS (
        SELECT listener_id, period, period_start, country, unnest([tier, 'ALL']) AS tier, flagged,
            track, artist, album FROM spread
    ), named AS (
        SELECT listener_id, period, period_start, country, tier, flagged,
            unnest([{'kind': 'track', 'id': track}, {'kind': 'artist', 'id': artist}, {'kind': 'album', 'id': album}])
                AS entity FROM spread_again
    ), counted_twice AS (
        SELECT *, unnest(CASE WHEN flagged THEN ['included'] ELSE ['included', 'excluded'] END) AS suspects FROM named
    ), figures AS (
        SELECT period, period_start, country, tier, entity.kind AS entity, entity.id AS entity_id, suspects,
            count(*) AS streams, count(DISTINCT listener_id) AS listeners FROM counted_twice GROUP BY ALL
    ), ranked AS (
        SELECT *, row_number() OVER (
            PARTITION BY period, period_start, country, tier, entity, suspects
            ORDER BY streams DESC, listeners DESC, entity_id ASC
        )::INTEGER AS rank FROM figures
    )
    SELECT now.period, now.period_start, now.country, now.tier, now.entity, now.entity_id, now.suspects, now.rank,
        now.streams, now.listeners, before.rank AS previous_rank
    FROM ranked AS now LEFT JOIN ranked AS before
        ON (before.period, before.country, before.tier, before.entity, before.entity_id, before.suspects)
            = (now.period, now.country, now.tier, now.entity, now.entity_id, now.suspects)
        AND before.period_start = CASE now.period
            WHEN 'day' THEN now.period_start - 1
            WHEN 'week' THEN now.period_start - 7
            WHEN 'month' THEN (now.period_start - INTERVAL 1 MONTH)::DATE
        END
"""

_RATES = {
    "completion_rate": "completed",
    "skip_rate": "skipped",
    "repeat_rate": "repeated",
    "discovery_rate": "discovered",
    "autoplay_rate": "autoplayed",
    "counted_rate": "counted",
}
_PEOPLE = "count(DISTINCT listener_id)"
_GINI = """(2 * list_sum(list_transform(per_track, lambda streams, place: streams * place))
    / (len(per_track) * list_sum(per_track))) - (len(per_track) + 1) / len(per_track)"""

_JUDGED = """
    told AS (
        SELECT *, lag(listen_date) OVER (PARTITION BY listener_id, track_id ORDER BY started_at, listen_id) AS before
        FROM plays
    ), judged AS (
        SELECT listen_date AS day, coalesce(country, 'unknown') AS its_country, coalesce(tier, 'unknown') AS its_tier,
            coalesce(context, 'unknown') AS context, started_at, time_zone,
            listener_id, track_id, played_ms, skipped, counted,
            coalesce(played_ms >= 0.9 * duration_ms, reason_end = 'trackdone') AS completed,
            coalesce(before = listen_date, false) AS repeated, before IS NULL OR listen_date - before > 7 AS discovered,
            reason_start IN ('trackdone', 'autoplay') AS autoplayed
        FROM told
    ), by_country AS (SELECT *, unnest([its_country, 'ALL']) AS country FROM judged),
    by_tier AS (SELECT *, unnest([its_tier, 'ALL']) AS tier FROM by_country)"""

BEHAVIOUR = f"""
    WITH {_JUDGED},
    streams AS (SELECT day, country, tier, track_id, count(*) AS streams FROM by_tier GROUP BY ALL),
    spread AS (SELECT day, country, tier, list(streams ORDER BY streams) AS per_track FROM streams GROUP BY ALL),
    uneven AS (SELECT day, country, tier, {_GINI} AS gini FROM spread),
    wide AS (
        SELECT day, country, tier, {", ".join(figure(f"avg({sql}::INT)", name) for name, sql in _RATES.items())},
            {figure(_PEOPLE, "listeners")}, {figure(f"{_HEARD} / 60000 / {_PEOPLE}", "minutes_per_listener")},
            {figure("count(DISTINCT track_id)", "distinct_tracks")}, {figure("entropy(track_id)", "track_entropy")},
            {figure("any_value(gini)", "track_gini")}
        FROM by_tier JOIN uneven USING (day, country, tier) GROUP BY ALL
    )
    SELECT day, country, tier, metric, value FROM (
        UNPIVOT wide ON {", ".join(_RATES)}, listeners, minutes_per_listener, distinct_tracks, track_entropy, track_gini
        INTO NAME metric VALUE value
    )
"""  # noqa: S608 (our own SQL)


def _by_slice(slice_of: str, rates: dict[str, str], *, where: str = "true", least: int = 1) -> str:
    """day, country, tier, metric, slice, value, volume of rates, each of the plays that tell."""
    parts = [
        f"""SELECT day, country, tier, '{name}' AS metric, {slice_of} AS slice,
            {figure(f"avg({column}::INT)", "value")}, count({column}) AS volume
        FROM by_tier WHERE {where} GROUP BY ALL HAVING count({column}) >= {least}"""  # noqa: S608 (our own SQL)
        for name, column in rates.items()
    ]
    return f"WITH {_JUDGED} {' UNION ALL '.join(parts)}"


_KINDS = {"completion_rate": "completed", "skip_rate": "skipped", "repeat_rate": "repeated"}
BEHAVIOUR_BY_CONTEXT = _by_slice(
    "context",
    {f"{name}_by_context": column for name, column in {**_KINDS, "discovery_rate": "discovered"}.items()},
)
LEAST_OF_A_TRACK = 20
BEHAVIOUR_BY_TRACK = _by_slice(
    "coalesce(track_id, 'unknown')",
    {f"{name}_by_track": column for name, column in _KINDS.items()},
    where="country = 'ALL' AND tier = 'ALL'",
    least=LEAST_OF_A_TRACK,
)
BEHAVIOUR_LOCAL = f"""
    WITH {_JUDGED}, clocks AS (
        SELECT day, country, tier, strftime(timezone(time_zone, started_at), '%a %H') AS slice FROM by_tier
        WHERE time_zone IN (SELECT name FROM pg_timezone_names())
    )
    , per_hour AS (SELECT day, country, tier, slice, count(*) AS listens FROM clocks GROUP BY ALL)
    SELECT day, country, tier, 'local_listens' AS metric, slice, listens::DOUBLE AS value,
        (sum(listens) OVER (PARTITION BY day, country, tier))::BIGINT AS volume FROM per_hour
"""  # noqa: S608 (our own SQL)


def behaviour_found(metrics: str) -> str:
    """The split metrics whose name is LIKE this."""
    return f"""SELECT day, country, tier, metric, slice, round(value + {_TIE}, 6) AS value, volume
        FROM gold_behaviour WHERE metric LIKE '{metrics}'"""  # noqa: S608 (our own SQL)


def columns(names: str, figures: str = "") -> str:
    """Names as they are, then figures rounded as those of the definitions."""
    return ", ".join([*names.split(), *(f"round({name} + {_TIE}, 6) AS {name}" for name in figures.split())])


ACTIVITY_FOUND = f"""
    SELECT {columns("hour_start country device tier listens counted_listens listeners played_ms skips start_failures")},
        {columns("", "startup_ms_p95")}, rebuffer_ms, {columns("", "rebuffer_ratio")} FROM gold_activity
"""  # noqa: S608 (our own SQL)
AUDIO_QUALITY_FOUND = f"""
    SELECT {columns("hour_start country device cdn app_version plays start_failures exits_before_start")},
        {columns("", "startup_ms_p50 startup_ms_p95 startup_ms_p99 rebuffer_ratio rebuffer_per_hour")},
        {columns("", "bitrate_kbps_mean quality_score")} FROM gold_audio_quality
"""  # noqa: S608 (our own SQL)
BEHAVIOUR_FOUND = f"""SELECT day, country, tier, metric, round(value + {_TIE}, 6) AS value FROM gold_behaviour
    WHERE slice IS NULL"""  # noqa: S608 (our own SQL)
CHARTS_FOUND = "SELECT * FROM gold_charts"
