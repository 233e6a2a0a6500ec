"""Plays that several clients tell of: one telling stays, whatever the order and the batches."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from earshot.transformers.duplicates import told_once
from factories import plays

NOON = datetime(2026, 3, 29, 12, tzinfo=UTC)
CLIENTS = {"phone": "canonical", "desk": "canonical", "export": "spotify"}
Telling = dict[str, Any]


def telling(client: str, seconds: float, played_ms: int | None, *, track: str = "trk:1") -> Telling:
    return {
        "listener_id": "v1:anna",
        "track_id": track,
        "started_at": NOON + timedelta(seconds=seconds),
        "played_ms": played_ms,
        "device": client,
        "source": CLIENTS[client],
        "sources": [CLIENTS[client]],
    }


def told_by_chance(seed: int) -> list[Telling]:
    """200 plays a minute apart, each told by one to three clients within 2 s."""
    chance = random.Random(seed)  # noqa: S311 (seeded, not secret)
    told = []
    for n in range(200):
        for client in chance.sample(sorted(CLIENTS), chance.choice([1, 1, 2, 3])):
            played_ms = chance.choice([None, 30_000, 31_000, 200_000])
            told.append(telling(client, n * 60 + chance.random() * 2, played_ms, track=f"trk:{n % 7}"))
    return told


def landed(spark: SparkSession, told: Sequence[Telling], batch: str = "b1") -> DataFrame:
    return plays(
        spark,
        *(
            {**one, "source_file": f"{batch}.jsonl", "source_line": line, "batch_id": batch}
            for line, one in enumerate(told)
        ),
    )


def said(silver: DataFrame) -> list[tuple[Any, ...]]:
    rows = silver.select("started_at", "track_id", "device", "played_ms", "sources").collect()
    return sorted((*row[:4], tuple(row[4])) for row in rows)


def published_after(spark: SparkSession, batches: Sequence[Sequence[Telling]]) -> DataFrame:
    """silver.listens after these batches, one by one."""
    silver = None
    for number, batch in enumerate(batches):
        once = told_once(landed(spark, batch, f"b{number}"), silver, near_seconds=5)
        if silver is None:
            silver = once.listens
        else:
            key = ["batch_id", "source_file", "source_line"]
            changed = once.changed.select(*key, "kept", F.col("sources").alias("all"))
            stays = silver.join(changed, key, "left").where("coalesce(kept, true)")
            stays = stays.withColumn("sources", F.coalesce("all", "sources")).select(*silver.columns)
            silver = stays.unionByName(once.listens)
        silver = silver.localCheckpoint()
    assert silver is not None
    return silver


def test_the_richest_telling_stays_and_names_all_sources(spark: SparkSession) -> None:
    told = [telling("export", 3, None), telling("phone", 0, 30_000), telling("desk", 2, 60_000)]
    ((_, _, device, played_ms, sources),) = said(told_once(landed(spark, told), near_seconds=5).listens)
    assert (device, played_ms, sources) == ("desk", 60_000, ("canonical", "spotify"))


def test_a_client_never_doubles_its_own_plays(spark: SparkSession) -> None:
    told = [
        telling("phone", 0, 1_000),
        telling("phone", 3, 2_000),
        telling("desk", 0.5, 900),
        telling("desk", 3.5, 800),
    ]
    kept = said(told_once(landed(spark, told), near_seconds=5).listens)
    assert [row[2:4] for row in kept] == [("phone", 1_000), ("phone", 2_000)]


def test_plays_further_apart_or_of_other_tracks_are_two(spark: SparkSession) -> None:
    told = [telling("phone", 0, 30_000), telling("desk", 5.001, 30_000), telling("desk", 0, 30_000, track="trk:2")]
    assert len(said(told_once(landed(spark, told), near_seconds=5).listens)) == 3


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_order_and_batches_change_nothing_of_what_silver_says(spark: SparkSession, seed: int) -> None:
    told = told_by_chance(seed)
    shuffled = random.Random(seed).sample(told, len(told))  # noqa: S311 (seeded, not secret)
    cut = len(told) // 3
    at_once = said(published_after(spark, [told]))
    assert len(at_once) == 200
    assert said(published_after(spark, [shuffled])) == at_once
    assert said(published_after(spark, [shuffled[:cut], shuffled[cut : 2 * cut], shuffled[2 * cut :]])) == at_once
