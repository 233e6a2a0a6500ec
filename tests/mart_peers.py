"""The marts of one day in DuckDB, as somebody would write them there: a peer for the benchmarks.

It reads the same Parquet files and writes Parquet; two threads, as Spark has. Charts count with grouping sets.
Payouts are fair shares without the rounding to the minor unit; of the cube it has the series, not the zeros.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import duckdb
from deltalake import DeltaTable

import mart_definitions as definitions
from earshot.core.config import load_settings
from mart_oracle import COMBINATIONS, shares
from second_opinion import PLAYS

_ENTITIES = {"track": "track_id", "artist": "artist_id", "album": "album_title"}


def marts_of_day(lake: str, day: date, out: Path) -> None:
    """Compute every mart for one day that came last, and write it below `out`."""
    out.mkdir(exist_ok=True)
    with duckdb.connect() as database:
        database.execute(f"SET temp_directory = '{out}/spilled'")
        database.execute(
            "SET TimeZone = 'UTC'; SET threads = 2; SET memory_limit = '3GB'; SET preserve_insertion_order = false"
        )
        files = [path.removeprefix("file://") for path in DeltaTable(f"{lake}/silver/listens").file_uris()]
        listed = ", ".join(f"'{path}'" for path in files)
        database.execute(
            f"""CREATE VIEW silver_listens AS SELECT * EXCLUDE (listen_date), CAST(listen_date AS DATE) AS listen_date
            FROM read_parquet([{listed}], hive_partitioning = true)"""  # noqa: S608 (our own SQL)
        )
        database.execute(
            """CREATE TABLE gold_suspect_listens (
                listener_id VARCHAR, track_id VARCHAR, listen_date DATE, verdict VARCHAR)"""
        )
        for name, first, sql in _marts(day):
            database.execute(f"CREATE OR REPLACE VIEW plays AS {PLAYS} WHERE listen_date BETWEEN '{first}' AND '{day}'")
            database.execute(f"COPY ({sql}) TO '{out}/{name}.parquet'")


def _marts(day: date) -> Iterator[tuple[str, date, str]]:
    """Name, first day that is read, query over `plays`."""
    week, month = day - timedelta(days=day.weekday()), day.replace(day=1)
    before = (month - timedelta(days=1)).replace(day=1)
    yield "activity", day, definitions.ACTIVITY
    yield "audio_quality", day, definitions.AUDIO_QUALITY
    looked_back = day - timedelta(days=7)
    yield "behaviour", looked_back, f"SELECT * FROM ({definitions.BEHAVIOUR}) WHERE day = '{day}'"  # noqa: S608 (our own SQL)
    for fixed in COMBINATIONS:
        for grain in ("hour", "day"):
            yield f"cube-{'-'.join((grain, *fixed))}", day, definitions.cube(fixed, grain)
    yield "revenue", month, shares(load_settings())
    yield "charts-day", day - timedelta(days=1), _charts(day, day - timedelta(days=1))
    yield "charts-week", week - timedelta(days=7), _charts(week, week - timedelta(days=7))
    yield "charts-month", before, _charts(month, before)
    yield "charts-all_time", date(1970, 1, 1), _charts(date(1970, 1, 1), None)


def _charts(start: date, before: date | None) -> str:
    """Ranks of the period that begins at `start`, and those of the one before it."""
    figures = " UNION ALL ".join(
        f"""SELECT listen_date >= '{start}' AS is_now, '{entity}' AS entity, {column} AS entity_id, country, tier,
            '{suspects}' AS suspects, count(*) AS streams, count(DISTINCT listener_id) AS listeners
        FROM plays WHERE counted {"AND NOT flagged" if suspects == "excluded" else ""}
        GROUP BY GROUPING SETS ((is_now, entity_id, country, tier), (is_now, entity_id, country),
            (is_now, entity_id, tier), (is_now, entity_id))"""  # noqa: S608 (our own SQL)
        for entity, column in _ENTITIES.items()
        for suspects in ("included", "excluded")
    )
    ranked = f"""SELECT *, row_number() OVER (PARTITION BY is_now, entity, country, tier, suspects
        ORDER BY streams DESC, listeners DESC, entity_id) AS rank FROM ({figures})"""  # noqa: S608 (our own SQL)
    if before is None:
        return ranked
    return f"""WITH ranked AS ({ranked}) SELECT now.*, before.rank AS previous_rank FROM ranked AS now
        LEFT JOIN ranked AS before ON NOT before.is_now AND (now.entity, now.entity_id, now.suspects)
            = (before.entity, before.entity_id, before.suspects)
            AND now.country IS NOT DISTINCT FROM before.country AND now.tier IS NOT DISTINCT FROM before.tier
        WHERE now.is_now"""  # noqa: S608 (our own SQL)
