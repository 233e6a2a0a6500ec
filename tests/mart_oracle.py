"""Every mart against DuckDB: definitions in SQL from the meanings of the tables, held against what the jobs wrote.

`disagreements` takes any lake; `uncovered` names the columns of which no definition speaks.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

import mart_definitions as definitions
from earshot.core.schemas import TABLES
from earshot.core.settings import Settings
from mart_definitions import DIMENSIONS, figure
from second_opinion import Rows, SecondOpinion

WITHOUT: Mapping[str, Mapping[str, str]] = {
    "gold.revenue": {
        "reason": "of adjustments: tests/analytics/test_revenue_month_end.py",
        "booked_on": "of adjustments: tests/analytics/test_revenue_month_end.py",
        "currency": "of prices: tests/analytics/test_revenue_oracle.py",
    },
    "gold.audio_quality": {
        "startup_ms_sketch": "of sketches: tests/analytics/test_audio_quality.py",
        "rebuffer_ms_sketch": "of sketches: tests/analytics/test_audio_quality.py",
        "bitrate_kbps_sketch": "of sketches: tests/analytics/test_audio_quality.py",
        "stall_leaving": "of stalls: tests/analytics/test_audio_quality.py",
    },
}
"""Columns that the definitions here leave to others, and to whom."""

COMBINATIONS = (
    *((), *((name,) for name in DIMENSIONS)),
    ("country", "device"),
    ("country", "tier"),
    ("device", "cdn"),
    ("device", "app_version"),
    ("app_version", "cdn"),
    ("device", "app_version", "cdn"),
)
_DEEP = (
    ("country", "app_version"),
    ("country", "cdn"),
    ("device", "tier"),
    ("tier", "app_version"),
    ("tier", "cdn"),
    ("country", "device", "tier"),
    ("country", "device", "app_version"),
    ("country", "device", "cdn"),
    ("country", "tier", "app_version"),
    ("country", "tier", "cdn"),
    ("country", "app_version", "cdn"),
    ("device", "tier", "app_version"),
    ("device", "tier", "cdn"),
    ("tier", "app_version", "cdn"),
)
_OF_DEEP = frozenset("listens start_failures exits_before_start rebuffer_ms".split())
_OF_DELIVERY = frozenset(
    """listens start_failures exits_before_start rebuffer_ms startup_ms_p95 rebuffer_ratio rebuffer_per_hour
    bitrate_kbps_mean quality_score""".split()
)
_COUNTS = frozenset(
    """listens counted_listens listeners played_ms skips start_failures exits_before_start rebuffer_ms""".split()
)


@dataclass(frozen=True)
class Check:
    """What a mart should hold, and what it holds.

    Attributes:
        mart: Name of the table.
        expected: Query over `plays` and the tables of silver.
        found: Query over the mart; its columns are those that are covered.
        covers: Columns of the mart that the queries speak of under another name.
    """

    mart: str
    expected: str
    found: str
    covers: Collection[str] = ()


def checks(settings: Settings) -> Iterator[Check]:
    """Every definition, with the thresholds that are in force."""
    yield Check("gold.activity", definitions.ACTIVITY, definitions.ACTIVITY_FOUND)
    yield Check("gold.audio_quality", definitions.AUDIO_QUALITY, definitions.AUDIO_QUALITY_FOUND)
    yield Check("gold.behaviour", definitions.BEHAVIOUR, definitions.BEHAVIOUR_FOUND)
    yield Check("gold.behaviour", BEHAVIOUR_VOLUME, BEHAVIOUR_VOLUME_FOUND)
    for expected, metrics in (
        (definitions.BEHAVIOUR_BY_CONTEXT, "%rate_by_context"),
        (definitions.BEHAVIOUR_BY_TRACK, "%_by_track"),
        (definitions.BEHAVIOUR_LOCAL, "local_listens"),
    ):
        yield Check("gold.behaviour", expected, definitions.behaviour_found(metrics))
    yield Check("gold.charts", definitions.CHARTS, definitions.CHARTS_FOUND)
    yield Check("silver.sessions", definitions.SESSIONS, definitions.SESSIONS_FOUND)
    for mart, time in (("gold.activity", "hour_start"), ("gold.audio_quality", "hour_start")):
        day = "activity_date" if mart == "gold.activity" else "quality_date"
        yield _partition(mart, time, day)
    yield _partition("gold.activity_cube", "window_start", "window_date")
    yield _partition("silver.sessions", "started_at", "session_date")
    marts = settings.marts
    for grain in ("day", "hour"):
        smallest = marts.cube_minimum_volume, marts.cube_hourly_minimum_volume, marts.cube_deep_minimum_volume
        yield Check("gold.activity_cube", cube(grain, *smallest), cube_found(grain), ("dimensions", "grain"))
    yield Check("gold.revenue", revenue(settings), REVENUE_FOUND, ("amount", "pool", "status", "payee_type"))


def disagreements(lake: SecondOpinion, settings: Settings) -> dict[str, Rows]:
    """Up to ten rows by mart in which the lake and the definitions differ; none where they agree.

    An amount agrees when it is less than one minor unit from the fair share, and all of them make the pool.
    """
    told: dict[str, Rows] = {}
    for check in checks(settings):
        if rows := lake.differences(check.expected, check.found):
            told.setdefault(check.mart, []).extend(rows)
    for what, sql in (("unfair", unfair(settings)), ("not the pool", NOT_THE_POOL)):
        if rows := lake.rows(sql):
            told[f"gold.revenue: {what}"] = rows
    return told


def uncovered(lake: SecondOpinion, settings: Settings, marts: Collection[str]) -> dict[str, set[str]]:
    """By mart the columns that no definition speaks of, and that `WITHOUT` does not name."""
    left = {mart: set(TABLES[mart].column_names) - set(WITHOUT.get(mart, {})) for mart in marts}
    for check in checks(settings):
        names = {name for name, *_ in lake.rows(f"DESCRIBE {check.found}")}
        left[check.mart] = left.get(check.mart, set()) - names - set(check.covers)
    return {mart: columns for mart, columns in left.items() if columns}


def _partition(mart: str, time: str, day: str) -> Check:
    """The partition column is the UTC date of the time."""
    table = mart.replace(".", "_")
    return Check(
        mart,
        f"SELECT {time}, {time}::DATE AS {day} FROM {table}",  # noqa: S608 (our own SQL)
        f"SELECT {time}, {day} FROM {table}",  # noqa: S608 (our own SQL)
    )


_OF_PLAYS = """repeat_rate discovery_rate counted_rate listeners minutes_per_listener distinct_tracks track_entropy
    track_gini""".split()
_OF_TELLING = {"completion_rate": "completed", "skip_rate": "skipped", "autoplay_rate": "autoplayed"}
_VOLUMES = {name: "count(*)" for name in _OF_PLAYS} | {name: f"count({what})" for name, what in _OF_TELLING.items()}

BEHAVIOUR_VOLUME = f"""
    WITH judged AS (
        SELECT *, coalesce(played_ms >= 0.9 * duration_ms, reason_end = 'trackdone') AS completed,
            reason_start IN ('trackdone', 'autoplay') AS autoplayed FROM plays
    ), by_country AS (
        SELECT * EXCLUDE (country), unnest([coalesce(country, 'unknown'), 'ALL']) AS country FROM judged
    ), by_tier AS (
        SELECT * EXCLUDE (tier), unnest([coalesce(tier, 'unknown'), 'ALL']) AS tier FROM by_country
    ), wide AS (
        SELECT listen_date AS day, country, tier, {", ".join(f"{sql} AS {name}" for name, sql in _VOLUMES.items())}
        FROM by_tier GROUP BY ALL
    )
    SELECT day, country, tier, metric, volume FROM (
        UNPIVOT wide ON {", ".join(_VOLUMES)} INTO NAME metric VALUE volume
    ) WHERE volume > 0
"""  # noqa: S608 (our own SQL)
BEHAVIOUR_VOLUME_FOUND = f"""
    SELECT day, country, tier, metric, volume FROM gold_behaviour
    WHERE metric IN ({", ".join(f"'{name}'" for name in _VOLUMES)})
"""  # noqa: S608 (our own SQL)


def cube(grain: str, minimum: int, hourly: int, deep: int) -> str:
    """The cube of a grain: which series are kept, zeros of counts where nothing was, levels where they are known.

    A series is kept on a day if it had `minimum` plays (by hour: `hourly`) on that day or one of the seven before;
    one of `_DEEP` if it had `deep` at least.
    """
    floors = (max(minimum, deep), max(hourly, deep))
    shallow = (_series(fixed, grain, minimum, hourly) for fixed in COMBINATIONS)
    return " UNION ALL ".join((*shallow, *(_series(fixed, grain, *floors) for fixed in _DEEP)))


def _series(fixed: tuple[str, ...], grain: str, minimum: int, hourly: int) -> str:
    names = ", ".join(fixed)
    keys = f", {names}" if fixed else ""
    known = f", {definitions.known(*fixed)}" if fixed else ""
    is_delivery = "cdn" in fixed or len({*fixed} & {"device", "app_version", "platform"}) > 1
    carried = _OF_DEEP if fixed in _DEEP else _OF_DELIVERY if is_delivery else frozenset(definitions.METRICS)
    metrics = {name: sql for name, sql in definitions.METRICS.items() if name in carried}
    figures = ", ".join(figure(sql, name) for name, sql in metrics.items())
    told = ", ".join(
        f"{{'metric': '{name}', 'value': {f'coalesce({name}, 0)' if name in _COUNTS else name}}}" for name in metrics
    )
    dimensions = "|| ','  ||".join(f"'{name}=' || {name}" for name in sorted(fixed)) or "''"
    hours = "range(24)" if grain == "hour" else "[0]"
    return f"""
        SELECT '{grain}' AS grain, told.metric, {dimensions} AS fixed, window_start,
            round(told.value, 6) AS value, volume
        FROM (
            WITH volumes AS (SELECT listen_date AS day{known}, count(*) AS volume FROM plays GROUP BY ALL),
            bounds AS (
                SELECT min(listen_date) AS first, max(listen_date) AS last, max(started_at) AS latest FROM plays
            ),
            calendar AS (
                SELECT unnest(generate_series(first, last, INTERVAL 1 DAY))::DATE AS day, last, latest FROM bounds
            ),
            kept AS (
                SELECT calendar.day, last, latest{keys}, max(volume) AS peak FROM calendar JOIN volumes
                ON volumes.day BETWEEN calendar.day - 7 AND calendar.day AND volume >= {minimum} GROUP BY ALL
            ),
            windows AS (
                SELECT * FROM (
                    SELECT *, (day + to_hours(unnest({hours})::INTEGER))::TIMESTAMP AT TIME ZONE 'UTC' AS window_start
                    FROM kept WHERE '{grain}' = 'day' OR peak >= {hourly}
                ) WHERE window_start <= latest OR day < last
            ),
            figures AS (
                SELECT date_trunc('{grain}', started_at)::TIMESTAMPTZ AS window_start{known}, count(*) AS volume,
                    {figures} FROM plays GROUP BY ALL
            )
            SELECT window_start{keys}, coalesce(volume, 0) AS volume, unnest([{told}]) AS told
            FROM windows LEFT JOIN figures USING (window_start{keys})
        ) WHERE told.value IS NOT NULL"""  # noqa: S608 (our own SQL)


def cube_found(grain: str) -> str:
    """The cube of a grain as it stands, its dimensions as text."""
    fixed = "list_transform(list_sort(map_keys(dimensions)), lambda name: name || '=' || dimensions[name])"
    return f"""SELECT grain, metric, array_to_string({fixed}, ',') AS fixed, window_start,
        round(value + 1e-10, 6) AS value, volume FROM gold_activity_cube WHERE grain = '{grain}'"""  # noqa: S608 (our own SQL)


def shares(settings: Settings) -> str:
    """Of every payee the streams and the fair share of the pool, by model; for plays of tracks without splits."""
    rules = settings.revenue.artist_centric
    contexts = ", ".join(f"'{name}'" for name in rules.active_contexts)
    return f"""
        WITH of_kind AS (
            SELECT date_trunc('month', listen_date)::DATE AS month, coalesce(country, 'unknown') AS country, tier,
                coalesce(artist_id, 'unknown') AS payee_id, listener_id,
                coalesce(context IN ({contexts}), false) AS chosen,
                unnest(CASE WHEN flagged THEN ['included'] ELSE ['included', 'excluded'] END) AS suspects
            FROM plays WHERE counted AND tier IS NOT NULL
        ), every_tier AS (
            SELECT date_trunc('month', listen_date)::DATE AS month, coalesce(artist_id, 'unknown') AS payee_id,
                listener_id, unnest(CASE WHEN flagged THEN ['included'] ELSE ['included', 'excluded'] END) AS suspects
            FROM plays WHERE counted
        ), artists AS (
            SELECT month, suspects, payee_id, count(*) >= {rules.boost_streams}
                AND count(DISTINCT listener_id) >= {rules.boost_listeners} AS boosted FROM every_tier GROUP BY ALL
        ), listeners AS (
            SELECT month, suspects, listener_id, count(*) AS of_month FROM every_tier GROUP BY ALL
        ), weighed AS (
            SELECT *, count(*) OVER (PARTITION BY month, suspects, country, tier, listener_id) AS of_pool
            FROM of_kind JOIN artists USING (month, suspects, payee_id)
                JOIN listeners USING (month, suspects, listener_id)
        ), counts AS (
            SELECT month, country, tier, suspects, payee_id, count(*) AS streams, sum(1.0)::DOUBLE AS pro_rata,
                sum(1.0::DOUBLE / of_pool) AS user_centric,
                sum((CASE WHEN chosen THEN {rules.active_factor} ELSE 1 END)
                    * (CASE WHEN boosted THEN {rules.boost_factor} ELSE 1 END)
                    * least(1.0::DOUBLE, {rules.listener_cap or 10**9}.0::DOUBLE / of_month)) AS artist_centric
            FROM weighed GROUP BY ALL
        ), counted AS (
            UNPIVOT counts ON pro_rata, user_centric, artist_centric INTO NAME model VALUE weight
        )
        SELECT month, country, tier, suspects, payee_id, streams, model,
            weight / sum(weight) OVER (PARTITION BY month, country, tier, suspects, model) AS share FROM counted
    """  # noqa: S608 (our own SQL)


_PAID = "FROM gold_revenue WHERE payee_type = 'artist' AND status <> 'adjustment'"


def revenue(settings: Settings) -> str:
    """Who is paid, and for how many streams."""
    return f"SELECT month, country, tier, suspects, model, payee_id, streams FROM ({shares(settings)})"  # noqa: S608 (our own SQL)


REVENUE_FOUND = f"SELECT month, country, tier, suspects, model, payee_id, streams {_PAID}"


def unfair(settings: Settings) -> str:
    """Amounts that are a minor unit or more away from the fair share of the pool."""
    return f"""
        SELECT month, country, tier, suspects, model, payee_id, amount, pool * share AS fair
        FROM (SELECT * {_PAID}) JOIN ({shares(settings)})
            USING (month, country, tier, suspects, model, payee_id)
        WHERE abs(amount - pool * share) > 1.0000001 * CASE currency WHEN 'JPY' THEN 1 ELSE 0.01 END LIMIT 5
    """  # noqa: S608 (our own SQL)


NOT_THE_POOL = """
    SELECT month, country, tier, model, suspects, sum(amount), max(pool) FROM gold_revenue WHERE status <> 'adjustment'
    GROUP BY ALL HAVING sum(amount) <> max(pool) OR min(pool) <> max(pool) LIMIT 5
"""
