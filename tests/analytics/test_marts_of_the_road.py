"""Every mart that the pipeline built, day by day, equals what DuckDB makes of silver.listens in one go."""

from __future__ import annotations

import pytest

import audience_definitions as audience
import mart_definitions as definitions
from second_opinion import SecondOpinion


def test_charts_rank_every_track_artist_and_album_of_every_period(lake: SecondOpinion) -> None:
    assert lake.differences(definitions.CHARTS, definitions.CHARTS_FOUND) == []
    assert lake.rows("SELECT count(DISTINCT period) FROM gold_charts") == [(4,)]


@pytest.mark.parametrize(
    ("expected", "found"),
    [
        (definitions.ACTIVITY, definitions.ACTIVITY_FOUND),
        (definitions.AUDIO_QUALITY, definitions.AUDIO_QUALITY_FOUND),
        (definitions.BEHAVIOUR, definitions.BEHAVIOUR_FOUND),
        (definitions.BEHAVIOUR_BY_CONTEXT, definitions.behaviour_found("%rate_by_context")),
        (definitions.BEHAVIOUR_BY_TRACK, definitions.behaviour_found("%_by_track")),
        (definitions.BEHAVIOUR_LOCAL, definitions.behaviour_found("local_listens")),
        (audience.BY_DAY, audience.BY_DAY_FOUND),
        (audience.ERAS, audience.ERAS_FOUND),
        (audience.GENRES, audience.GENRES_FOUND),
        (audience.SEGMENTS, audience.SEGMENTS_FOUND),
    ],
    ids=[
        "activity",
        "audio_quality",
        "behaviour",
        "behaviour by context",
        "behaviour by track",
        "local clocks",
        "new and returning",
        "eras",
        "genres",
        "segments",
    ],
)
def test_a_mart_built_day_by_day_holds_what_its_definition_says(lake: SecondOpinion, expected: str, found: str) -> None:
    assert lake.differences(expected, found) == []


@pytest.mark.parametrize("grain", ["hour", "day"])
@pytest.mark.parametrize("fixed", [(), ("country",), ("device", "app_version", "cdn")], ids="x".join)
def test_the_cube_holds_the_series_of_its_metrics_with_zeros_where_nothing_was(
    lake: SecondOpinion, fixed: tuple[str, ...], grain: str
) -> None:
    keys = [f"dimensions['{name}'] AS {name}" for name in fixed]
    there = "".join(f" AND dimensions['{name}'] IS NOT NULL" for name in fixed)
    lake.run(
        f"""CREATE OR REPLACE TABLE found AS
        SELECT {", ".join(["window_start", *keys, "metric", "round(value, 6) AS value"])} FROM gold_activity_cube
        WHERE grain = '{grain}' AND cardinality(dimensions) = {len(fixed)}{there}"""  # noqa: S608 (our own SQL)
    )
    lake.run(f"CREATE OR REPLACE TABLE expected AS {definitions.cube(fixed, grain)}")
    keys_of_series = ", ".join(["window_start", "metric", *fixed])
    differing = f"""SELECT * FROM found LEFT JOIN expected USING ({keys_of_series})
        WHERE abs(found.value - coalesce(expected.value, 0)) > 2e-6 LIMIT 5"""  # noqa: S608 (our own SQL)
    assert lake.rows("SELECT count(*) > 0 FROM found") == [(True,)]
    assert lake.rows(differing) == []


def test_payouts_add_up_to_the_pool_to_the_minor_unit(lake: SecondOpinion) -> None:
    pool = "month, country, tier, currency, model, payee_type, suspects"
    paid = f"""SELECT {pool}, sum(amount), min(pool), max(pool) FROM gold_revenue WHERE status <> 'adjustment'
        GROUP BY {pool} HAVING sum(amount) <> max(pool) OR min(pool) <> max(pool)"""  # noqa: S608 (our own SQL)
    assert lake.rows(paid) == []
    assert lake.rows("SELECT * FROM gold_revenue WHERE amount <> trunc(amount, 2) LIMIT 3") == []
    assert lake.rows("SELECT * FROM gold_revenue WHERE currency = 'JPY' AND amount <> trunc(amount) LIMIT 3") == []


def test_an_artist_is_paid_the_share_of_the_counted_streams(lake: SecondOpinion) -> None:
    streams = """
        SELECT date_trunc('month', listen_date)::DATE AS month, country, tier, artist_id AS payee_id, suspects,
            count(*) AS streams
        FROM (SELECT *, unnest(CASE WHEN flagged THEN ['included'] ELSE ['included', 'excluded'] END) AS suspects
            FROM plays WHERE counted AND tier IS NOT NULL) GROUP BY ALL"""
    paid = "FROM gold_revenue WHERE model = 'pro_rata' AND payee_type = 'artist' AND status <> 'adjustment'"
    assert lake.differences(streams, f"SELECT month, country, tier, payee_id, suspects, streams {paid}") == []
    unfair = f"""SELECT * FROM (SELECT *, pool * streams / sum(streams) OVER
        (PARTITION BY month, country, tier, currency, suspects) AS fair {paid})
        WHERE abs(amount - fair) > CASE currency WHEN 'JPY' THEN 1 ELSE 0.01 END LIMIT 3"""  # noqa: S608 (our own SQL)
    assert lake.rows(unfair) == []
