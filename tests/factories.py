"""Rows of silver.listens for tests: seeded, shaped like real listening, with gaps where sources have gaps."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import to_arrow_schema

from earshot.core.commits import DeltaLog
from earshot.core.day_files import DayFiles
from earshot.core.schemas import TABLES
from earshot.core.tables import Tables

_SCHEMA = TABLES["silver.listens"].schema
_FIRST_DAY = date(2026, 3, 23)
_COUNTRIES = ("DE", "US", "BR", "JP", "GB", "FR", "SE", "IN")
_TIERS = ("premium", "free", "family", "student")
_DEVICES = ("ios", "android", "web", "desktop", "speaker")
_CDNS = ("alpha", "beta", "gamma")
_ZONES = (
    "Europe/Berlin", "America/New_York", "America/Sao_Paulo", "Asia/Tokyo", "Europe/London", "Asia/Kolkata",
    "Australia/Lord_Howe", "Asia/Kathmandu", "Mars/Olympus_Mons",
)  # fmt: skip


def listens_arrow(
    n: int,
    seed: int = 0,
    *,
    days: int = 3,
    first_day: date = _FIRST_DAY,
    listeners: int | None = None,
    tracks: int | None = None,
    gaps: float = 0.03,
) -> pa.Table:
    """`n` plays over `days` UTC days with every column of silver.listens.

    Args:
        n: Plays.
        seed: Same seed, same rows.
        days: Days that the plays are spread over.
        first_day: The first of them.
        listeners: Different listeners; a tenth of the plays by default. Each has a home country and tier.
        tracks: Different tracks, long-tailed; a fifth of the plays by default.
        gaps: Fraction of nulls in columns that sources may lack.
    """
    rng = np.random.default_rng(seed)
    people = listeners or max(3, n // 10)
    songs = tracks or max(5, n // 5)
    listener = rng.integers(0, people, n)
    track = np.minimum((songs * rng.random(n) ** 2.5).astype(int), songs - 1)
    artist, album = track // 5, track // 3
    hours = np.clip(rng.normal(17, 4.5, n), 0, 23.99)
    started = (rng.integers(0, days, n) * 86_400_000 + hours * 3_600_000 + rng.integers(0, 60_000, n)).astype(np.int64)
    started = (started // 900_000) * 900_000 + rng.integers(0, 300_000, n)
    duration = 120_000 + (track * 7_919) % 180_000
    heard = np.where(rng.random(n) < 0.7, duration, (duration * rng.random(n)).astype(np.int64))
    epoch = int(datetime(first_day.year, first_day.month, first_day.day, tzinfo=UTC).timestamp() * 1000)
    failed = rng.random(n) < 0.02
    heard = np.where(failed, 0, heard)
    device = rng.integers(0, len(_DEVICES), n)

    def missing() -> np.ndarray[Any, np.dtype[np.bool_]]:
        return rng.random(n) < gaps

    def text(values: Any, mask: Any = None) -> pa.Array:
        return pa.array([str(value) for value in values], pa.string(), mask=mask)

    started_at = pa.array((epoch + started) * 1000, pa.int64()).cast(pa.timestamp("us", "UTC"))
    columns: dict[str, pa.Array] = {
        "listen_id": text(f"{seed}-{i:07d}" for i in range(n)),
        "listener_id": text(f"v1:{i:032x}" for i in listener),
        "track_id": text(f"trk:{i}" for i in track),
        "track_title": text(f"Track {i}" for i in track),
        "artist_id": text((f"art:{i}" for i in artist), missing()),
        "artist_name": text(f"Artist {i}" for i in artist),
        "album_title": text((f"Album {i}" for i in album), missing()),
        "started_at": started_at,
        "ended_at": pa.array((epoch + started + heard) * 1000, pa.int64()).cast(pa.timestamp("us", "UTC")),
        "played_ms": pa.array(heard, pa.int64(), mask=missing()),
        "duration_ms": pa.array(duration, pa.int64(), mask=missing()),
        "listen_date": pa.array([first_day + timedelta(days=int(d)) for d in started // 86_400_000], pa.date32()),
        "country": text((_COUNTRIES[i % len(_COUNTRIES)] for i in listener), missing()),
        "time_zone": text((_ZONES[i % len(_ZONES)] for i in listener), listener % 7 == 3),
        "device": text((_DEVICES[i] for i in device), missing()),
        "platform": text(f"os-{i % 3}" for i in device),
        "app_version": text(f"8.{i}" for i in rng.integers(0, 5, n)),
        "tier": text((_TIERS[i % len(_TIERS)] for i in listener), missing()),
        "context": text(("playlist", "album", "radio")[i] for i in rng.integers(0, 3, n)),
        "reason_start": text((("clickrow", "trackdone")[i] for i in rng.integers(0, 2, n)), missing()),
        "reason_end": text(np.where(heard == duration, "trackdone", "fwdbtn"), missing()),
        "skipped": pa.array(heard < duration, pa.bool_(), mask=missing()),
        "startup_ms": pa.array(rng.gamma(2, 300, n).astype(np.int64), pa.int64(), mask=missing() | failed),
        "rebuffer_count": pa.array((rng.random(n) < 0.1).astype(np.int32), pa.int32(), mask=missing()),
        "rebuffer_ms": pa.array((rng.random(n) < 0.1) * rng.integers(0, 9_000, n), pa.int64(), mask=missing()),
        "bitrate_kbps": pa.array(rng.choice([96, 160, 320], n), pa.int32(), mask=missing()),
        "start_failed": pa.array(failed, pa.bool_()),
        "cdn": text((_CDNS[i] for i in rng.integers(0, 3, n)), missing()),
        "source": text(["canonical"] * n),
        "batch_id": text([f"batch-{seed}"] * n),
    }
    chance = np.random.default_rng([seed, 1])  # of its own, so that the columns above stay as they are
    switches = pa.array(chance.poisson(0.4, n).astype(np.int32), pa.int32(), mask=chance.random(n) < gaps)
    columns["bitrate_switches"] = switches
    stalled = pc.greater(columns["rebuffer_ms"], 0)
    columns["rebuffer_count"] = pc.if_else(stalled, columns["rebuffer_count"], pa.scalar(0, pa.int32()))
    schema = to_arrow_schema(_SCHEMA, timezone="UTC")
    return pa.table(
        [columns[f.name].cast(f.type) if f.name in columns else pa.nulls(n, f.type) for f in schema], schema=schema
    )


def listens(spark: SparkSession, n: int, seed: int = 0, **shape: Any) -> DataFrame:
    """The rows of `listens_arrow` as a DataFrame with the schema of silver.listens."""
    return spark.createDataFrame(listens_arrow(n, seed, **shape), _SCHEMA)


def filed(tables: Tables, table: str, *batches: pa.Table) -> DayFiles:
    """Rows as files of a table, a commit a batch."""
    log = DeltaLog(tables.root, table)
    log.create()
    for number, rows in enumerate(batches):
        log.add(log.stage(f"made={number}").write(rows), app_id=f"made-{number}", metadata={})
    return DayFiles.now(tables.root, table)


def plays(spark: SparkSession, *rows: dict[str, Any]) -> DataFrame:
    """Hand-written plays: what a row leaves out is null; listen_date follows from started_at."""
    full = [
        {
            **{field.name: None for field in _SCHEMA},
            "listen_id": f"play-{number}",
            "listen_date": row["started_at"].date(),
            **row,
        }
        for number, row in enumerate(rows)
    ]
    return spark.createDataFrame([tuple(row[field.name] for field in _SCHEMA) for row in full], _SCHEMA)
