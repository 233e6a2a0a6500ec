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


_SWITCHES = """sum(bitrate_switches) * 3600000.0
    / nullif(sum(played_ms) FILTER (bitrate_switches IS NOT NULL), 0)"""
_SUMS = f"""
    {_HEARD}::BIGINT AS played_ms,
    coalesce(sum(greatest(startup_ms - 2000, 0)) FILTER (startup_ms IS NOT NULL), 0)::BIGINT AS late_startup_ms,
    sum(rebuffer_ms)::BIGINT AS rebuffer_ms,
    CASE WHEN count(rebuffer_ms) > 0 THEN coalesce(sum(rebuffer_count), 0)::BIGINT END AS rebuffer_count,
    coalesce(sum(bitrate_kbps * played_ms), 0)::BIGINT AS audio_bits,
    coalesce(sum(played_ms) FILTER (bitrate_kbps IS NOT NULL), 0)::BIGINT AS bitrate_played_ms,
    sum(bitrate_switches)::BIGINT AS bitrate_switches,
    coalesce(sum(played_ms) FILTER (bitrate_switches IS NOT NULL), 0)::BIGINT AS switches_played_ms"""


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
        {figure(_BITRATE, "bitrate_kbps_mean")}, {figure(_SCORE, "quality_score")},
        {figure(_SWITCHES, "bitrate_switches_per_hour")}, {_SUMS}
    FROM plays GROUP BY ALL
"""  # noqa: S608 (our own SQL)


METRICS = {
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


def playback(period: str, keys: Sequence[str]) -> str:
    """A roll-up of playback quality, from the plays; percentiles exact."""
    percentiles = ", ".join(
        f"quantile_cont({name}, {share}) AS {name}_{which}"
        for name in ("startup_ms", "rebuffer_ms", "bitrate_kbps")
        for which, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))
    )
    return f"""
        SELECT date_trunc('{period}', started_at) AS period_start, {known(*keys)}, count(*) AS plays,
            count(*) FILTER (start_failed) AS start_failures, {_EXITS} AS exits_before_start, {_SUMS},
            {_STALL_RATIO} AS rebuffer_ratio, {_STALLS_PER_HOUR} AS rebuffer_per_hour, {_BITRATE} AS bitrate_kbps_mean,
            {_SWITCHES} AS bitrate_switches_per_hour, {_SCORE} AS quality_score, {percentiles}
        FROM plays GROUP BY ALL ORDER BY ALL
    """  # noqa: S608 (our own SQL)


def stall_leaving(*keys: str) -> str:
    """Sums of the odds ratio of leaving after a stall, by hour and `keys`; a pause of 30 minutes is leaving."""
    cell = ", ".join(["hour_start", *keys])
    return f"""
        WITH placed AS (
            SELECT *, date_trunc('hour', started_at) AS hour_start,
                epoch_ms(started_at) - epoch_ms(listen_date::TIMESTAMP) AS begun,
                coalesce(rebuffer_count, 0) > 0 OR coalesce(rebuffer_ms, 0) > 0 AS stalled,
                (rebuffer_count IS NOT NULL OR rebuffer_ms IS NOT NULL) AND played_ms > 0 AS told
            FROM plays
        ), followed AS (
            SELECT *, min(begun) OVER (
                PARTITION BY listener_id, listen_date ORDER BY begun RANGE BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING
            ) AS following, begun + played_ms + 1800000 AS due FROM placed
        ), judged AS (
            SELECT *, following IS NULL OR following > due AS left_it,
                (played_ms >= 30000)::INT + (played_ms >= 120000)::INT + (played_ms >= 240000)::INT AS band
            FROM followed WHERE told AND (coalesce(following <= due, false) OR due < 86400000)
        ), strata AS (
            SELECT {cell}, listener_id, band, count(*) AS n, count(*) FILTER (stalled) AS hit,
                count(*) FILTER (stalled AND left_it) AS a, count(*) FILTER (NOT stalled AND left_it) AS b
            FROM judged GROUP BY ALL HAVING hit BETWEEN 1 AND n - 1
        ), clusters AS (
            SELECT {cell}, listener_id, sum(a * (n - hit - b) / n) AS r, sum(b * (hit - a) / n) AS s, sum(hit) AS hit,
                sum(n) AS n FROM strata GROUP BY ALL
        )
        SELECT {cell}, sum(r) AS after, sum(s) AS without, sum(r * r) AS after_2, sum(r * s) AS after_without,
            sum(s * s) AS without_2, sum(hit)::DOUBLE AS stalled, sum(n)::DOUBLE AS plays,
            count(*) FILTER (r + s > 0)::DOUBLE AS clusters
        FROM clusters GROUP BY ALL
    """  # noqa: S608 (our own SQL)


def cube(fixed: Sequence[str], grain: str) -> str:
    """metric, window_start, the fixed dimensions, value."""
    columns = ", ".join(figure(sql, name) for name, sql in METRICS.items())
    keys = f", {known(*fixed)}" if fixed else ""
    wide = f"SELECT date_trunc('{grain}', started_at) AS window_start{keys}, {columns} FROM plays GROUP BY ALL"  # noqa: S608 (our own SQL)
    return f"SELECT * FROM (UNPIVOT ({wide}) ON {', '.join(METRICS)} INTO NAME metric VALUE value)"  # noqa: S608 (our own SQL)


_SESSION = "listener_id, started_at, ended_at, listens, counted_listens, skips, played_ms, distinct_tracks"
_LOCAL = "(({moment} AT TIME ZONE coalesce(zone, 'UTC'))::DATE)"

SESSIONS = f"""
    WITH ends AS (
        SELECT *, greatest(started_at, coalesce(ended_at, started_at)) AS its_end FROM silver_listens
    ), in_order AS (
        SELECT *, max(its_end) OVER (
            PARTITION BY listener_id ORDER BY started_at, listen_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS latest FROM ends
    ), numbered AS (
        SELECT *, sum((latest IS NULL OR started_at - latest > INTERVAL 30 MINUTE)::INT) OVER (
            PARTITION BY listener_id ORDER BY started_at, listen_id
        ) AS number,
            time_zone IN (SELECT name FROM pg_timezone_names()) AS is_zone
        FROM in_order
    ), judged AS (
        SELECT *, skipped IS NULL AND NOT coalesce(start_failed, false) AND CASE
            WHEN nullif(reason_end, 'unknown') IS NOT NULL THEN reason_end IN ('fwdbtn', 'backbtn')
            ELSE coalesce(played_ms < 0.9 * duration_ms AND lead(started_at) OVER (
                PARTITION BY listener_id, number ORDER BY started_at, listen_id
            ) <= its_end + INTERVAL 10 SECOND, false) END AS looks_skipped FROM numbered
    ), summed AS (
        SELECT listener_id, min(started_at) AS started_at, max(its_end) AS ended_at, count(*) AS listens,
            count(*) FILTER (played_ms IS NULL OR played_ms >= 30000) AS counted_listens,
            count(*) FILTER (skipped) AS skips, coalesce(sum(played_ms), 0)::BIGINT AS played_ms,
            count(DISTINCT track_id) AS distinct_tracks, count(DISTINCT artist_id) AS distinct_artists,
            arg_min_null(device, (started_at, listen_id)) AS device,
            arg_min_null(country, (started_at, listen_id)) AS country,
            count(*) FILTER (looks_skipped) AS inferred_skips,
            count(*) FILTER (reason_start IN ('clickrow', 'playbtn', 'backbtn', 'uriopen', 'search')) AS chosen_listens,
            count(*) FILTER (reason_start IN ('trackdone', 'autoplay')) AS autoplayed_listens,
            arg_min(time_zone, (started_at, listen_id)) FILTER (is_zone) AS zone
        FROM judged GROUP BY listener_id, number
    )
    SELECT sha256(listener_id || '|' || epoch_us(started_at)::VARCHAR)[1:32] AS session_id, {_SESSION},
        distinct_artists, device, country, started_at::DATE AS session_date, inferred_skips, chosen_listens,
        autoplayed_listens, zone AS time_zone, {_LOCAL.format(moment="started_at")} AS local_start_date,
        {_LOCAL.format(moment="ended_at")} AS local_end_date
    FROM summed
"""  # noqa: S608 (our own SQL)
SESSIONS_FOUND = f"""
    SELECT session_id, {_SESSION}, distinct_artists, device, country, session_date, inferred_skips, chosen_listens,
        autoplayed_listens, time_zone, local_start_date, local_end_date FROM silver_sessions
"""  # noqa: S608 (our own SQL)

_CHART = "period, country, tier, entity, entity_id, suspects"


def charts(*, places: int = 0, listener_cap: int = 0, counted: str = "counted") -> str:
    """Every column of gold.charts."""
    is_on = f"rank <= {places}" if places else "true"
    was_on = f"before.rank <= {places}" if places else "before.rank IS NOT NULL"
    added = f"least(count(*), {listener_cap})" if listener_cap else "count(*)"
    return f"""
    WITH streams AS (
        SELECT listener_id, flagged, listen_date, coalesce(country, 'unknown') AS country,
            coalesce(tier, 'unknown') AS tier, coalesce(track_id, 'unknown') AS track,
            coalesce(artist_id, 'unknown') AS artist, coalesce(album_title, 'unknown') AS album
        FROM plays WHERE {counted}
    ), placed AS (
        SELECT *, unnest([
            {{'kind': 'day', 'start': listen_date}},
            {{'kind': 'week', 'start': date_trunc('week', listen_date)::DATE}},
            {{'kind': 'month', 'start': date_trunc('month', listen_date)::DATE}},
            {{'kind': 'all_time', 'start': DATE '1970-01-01'}}
        ]) AS period FROM streams
    ), spread AS (
        SELECT listener_id, period.kind AS period, period.start AS period_start,
            unnest([country, 'ALL']) AS country, tier, flagged, track, artist, album FROM placed
    ), spread_again AS (
        SELECT listener_id, period, period_start, country, unnest([tier, 'ALL']) AS tier, flagged,
            track, artist, album FROM spread
    ), named AS (
        SELECT listener_id, period, period_start, country, tier, flagged,
            unnest([{{'kind': 'track', 'id': track}}, {{'kind': 'artist', 'id': artist}},
                {{'kind': 'album', 'id': album}}]) AS entity FROM spread_again
    ), counted_twice AS (
        SELECT *, unnest(CASE WHEN flagged THEN ['included'] ELSE ['included', 'excluded'] END) AS suspects FROM named
    ), of_listeners AS (
        SELECT period, period_start, country, tier, entity.kind AS entity, entity.id AS entity_id, suspects,
            listener_id, {added} AS streams FROM counted_twice GROUP BY ALL
    ), figures AS (
        SELECT period, period_start, country, tier, entity, entity_id, suspects,
            sum(streams)::BIGINT AS streams, count(*) AS listeners FROM of_listeners GROUP BY ALL
    ), ranked AS (
        SELECT *, row_number() OVER (
            PARTITION BY period, period_start, country, tier, entity, suspects
            ORDER BY streams DESC, listeners DESC, entity_id ASC
        )::INTEGER AS rank FROM figures
    ), remembered AS (
        SELECT *, min(rank) OVER (of_entity ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS previous_peak_rank,
            min(rank) OVER (of_entity ROWS UNBOUNDED PRECEDING) AS peak_rank,
            count(*) FILTER ({is_on}) OVER (of_entity ROWS UNBOUNDED PRECEDING) AS periods_on_chart
        FROM ranked WINDOW of_entity AS (PARTITION BY {_CHART} ORDER BY period_start)
    ), careers AS (
        SELECT country, tier, entity, entity_id, suspects, {{'day': max(reached) FILTER (period = 'day'),
            'week': max(reached) FILTER (period = 'week'), 'month': max(reached) FILTER (period = 'month')}} AS careers
        FROM (
            SELECT {_CHART}, {{'peak_rank': min(rank), 'periods_on_chart': (count(*) FILTER ({is_on}))::INTEGER,
                'since': min(period_start)}} AS reached FROM ranked WHERE period <> 'all_time' GROUP BY ALL
        ) GROUP BY ALL
    )
    SELECT now.period, now.period_start, now.country, now.tier, now.entity, now.entity_id, now.suspects, now.rank,
        now.streams, now.listeners, before.rank AS previous_rank,
        CASE WHEN now.period <> 'all_time' THEN now.peak_rank END AS peak_rank, now.previous_peak_rank,
        CASE WHEN now.period <> 'all_time' THEN now.periods_on_chart END::INTEGER AS periods_on_chart,
        CASE WHEN now.period = 'all_time' OR NOT now.{is_on if places else "rank > 0"} OR coalesce({was_on}, false)
            THEN NULL WHEN now.periods_on_chart > 1 THEN 're_entry' ELSE 'new' END AS entry,
        CASE WHEN now.period = 'all_time' THEN careers.careers END AS careers
    FROM remembered AS now LEFT JOIN ranked AS before
        ON (before.period, before.country, before.tier, before.entity, before.entity_id, before.suspects)
            = (now.period, now.country, now.tier, now.entity, now.entity_id, now.suspects)
        AND before.period_start = CASE now.period
            WHEN 'day' THEN now.period_start - 1
            WHEN 'week' THEN now.period_start - 7
            WHEN 'month' THEN (now.period_start - INTERVAL 1 MONTH)::DATE
        END
    LEFT JOIN careers ON (careers.country, careers.tier, careers.entity, careers.entity_id, careers.suspects)
        = (now.country, now.tier, now.entity, now.entity_id, now.suspects)
    """  # noqa: S608 (our own SQL)


CHARTS = charts()

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
        {columns("", "bitrate_kbps_mean quality_score bitrate_switches_per_hour")}, played_ms, late_startup_ms,
        rebuffer_ms, rebuffer_count, audio_bits, bitrate_played_ms, bitrate_switches, switches_played_ms
    FROM gold_audio_quality
"""  # noqa: S608 (our own SQL)
BEHAVIOUR_FOUND = f"""SELECT day, country, tier, metric, round(value + {_TIE}, 6) AS value FROM gold_behaviour
    WHERE slice IS NULL"""  # noqa: S608 (our own SQL)
CHARTS_FOUND = """
    SELECT period, period_start, country, tier, entity, entity_id, suspects, rank, streams, listeners, previous_rank,
        peak_rank, previous_peak_rank, periods_on_chart, entry, careers FROM gold_charts
"""
