"""One process of the month-close benchmark: makes a month of plays, or closes one and tells its seconds and memory."""

from __future__ import annotations

import argparse
import json
import os
import statistics
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import duckdb
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from earshot.analytics.revenue.filed_streams import FiledStreams
from earshot.analytics.revenue.mart import revenue_of_files
from earshot.automation.session import open_session
from earshot.core.config import load_settings
from earshot.core.day_files import DayFiles
from earshot.core.revenue_settings import RevenueSettings
from earshot.core.settings import SparkSettings
from earshot.core.stream_rule import SPOTIFY

DRIVER = "1536m"
PLAYS_OF_A_LISTENER = 400
ARTISTS = 20_000
MONTH = date(2026, 3, 1)
RIGHTS = "track_id string, rights_holder_id string, share decimal(7,6)"


@dataclass
class MemoryWatch:
    """The most memory that this process and its children had together (PSS: a page that two share counts half each)."""

    peak: int = 0
    _done: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def watching(self) -> Iterator[None]:
        watcher = threading.Thread(target=self._watch, daemon=True)
        watcher.start()
        yield
        self._done.set()
        watcher.join()

    def _watch(self) -> None:
        while not self._done.wait(0.1):
            self.peak = max(self.peak, sum(map(_held, _family(os.getpid()))))


def _family(root: int) -> list[int]:
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
    family = [root]
    for pid in family:
        family += [child for child, parent in parents.items() if parent == pid]
    return family


def _held(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)


def make(spark: SparkSession, folder: Path, plays: int) -> None:
    """Plays of March: eight countries, four tiers, listeners of a few plays to many thousands, long-tailed artists."""
    listeners = max(plays // PLAYS_OF_A_LISTENER, 1)
    listener = F.floor(listeners * F.pow(F.rand(3), 1.6)).cast("bigint")
    artist = F.floor(ARTISTS * F.pow(F.rand(7), 2.5)).cast("int")

    def one_of(number: Column, *names: str) -> Column:
        return F.element_at(F.array(*map(F.lit, names)), (F.pmod(number, F.lit(len(names))) + 1).cast("int"))

    numbered = spark.range(plays).select("id", listener.alias("listener"), artist.alias("artist"))
    numbered.select(
        F.concat(F.lit("v1:"), F.sha2(F.col("listener").cast("string"), 256)).alias("listener_id"),
        F.concat(F.lit("trk:"), (F.col("artist") * 7 + F.col("id") % 7).cast("string")).alias("track_id"),
        F.concat(F.lit("art:"), F.col("artist").cast("string")).alias("artist_id"),
        F.date_add(F.lit(MONTH), (F.col("id") % 31).cast("int")).alias("listen_date"),
        F.lit(180_000).cast("bigint").alias("played_ms"),
        one_of(F.col("listener"), "DE", "US", "BR", "JP", "GB", "FR", "SE", "IN").alias("country"),
        one_of(F.floor(F.col("listener") / 8), "premium", "free", "family", "student").alias("tier"),
        one_of(F.col("id"), "playlist", "album", "radio", "search").alias("context"),
    ).write.mode("overwrite").partitionBy("listen_date").parquet(str(folder / "plays"))
    flagged = spark.range(0, listeners, 100).select(F.explode(F.sequence(F.lit(0), F.lit(30))).alias("day"), "id")
    flagged.select(
        F.concat(F.lit("v1:"), F.sha2(F.col("id").cast("string"), 256)).alias("listener_id"),
        F.lit(None).cast("string").alias("track_id"),
        F.date_add(F.lit(MONTH), F.col("day")).alias("listen_date"),
        F.lit("suspect").alias("verdict"),
    ).write.mode("overwrite").partitionBy("listen_date").parquet(str(folder / "suspects"))
    split = spark.range(0, ARTISTS * 7, 50).select(
        F.concat(F.lit("trk:"), F.col("id").cast("string")).alias("track_id"),
        F.explode(F.array(F.lit("label"), F.lit("writer"))).alias("rights_holder_id"),
        F.lit("0.45").cast("decimal(7,6)").alias("share"),
    )
    split.write.mode("overwrite").parquet(str(folder / "rights"))


def close(spark: SparkSession, folder: Path, terms: RevenueSettings) -> DataFrame:
    """What is paid for the month, by all three models, with and without suspects."""
    streams = FiledStreams(
        _by_day("silver.listens", folder / "plays"), _by_day("gold.suspect_listens", folder / "suspects"), SPOTIFY
    )
    rights = spark.read.schema(RIGHTS).parquet(str(folder / "rights"))
    return revenue_of_files(spark, streams, rights, terms=terms, months=[MONTH]).frame()


def _by_day(table: str, folder: Path) -> DayFiles:
    files: dict[date, list[str]] = defaultdict(list)
    for path in sorted(folder.glob("listen_date=*/*.parquet")):
        files[date.fromisoformat(path.parent.name.partition("=")[2])].append(str(path))
    return DayFiles(table, files)


def group(spark: SparkSession, folder: Path) -> DataFrame:
    """One plain scan-and-group of the same plays."""
    plays = spark.read.parquet(str(folder / "plays"))
    return plays.groupBy("country", "tier", "artist_id").agg(F.count("*"), F.count_distinct("listener_id"))


def by_duckdb(folder: Path) -> float:
    """Seconds of a peer on the same Parquet and two threads: what streams count, in floating point; no cent is paid."""
    weights = f"""
        WITH known AS (
            SELECT country, tier, artist_id, listener_id, context IN ('album', 'search') AS chosen,
                   count(*) OVER (PARTITION BY listener_id, country, tier) AS in_pool,
                   count(*) OVER (PARTITION BY listener_id) AS in_month
            FROM read_parquet('{folder}/plays/*/*.parquet') WHERE played_ms >= 30000
        )
        SELECT country, tier, artist_id, count(*), sum(1.0 / in_pool), count(DISTINCT listener_id),
               sum(if(chosen, 2, 1) * least(1.0, 1000.0 / in_month))
        FROM known GROUP BY ALL"""  # noqa: S608 (our own SQL)
    with duckdb.connect(config={"threads": 2, "memory_limit": "3GB"}) as database:
        began = time.perf_counter()
        database.execute(weights).fetchall()
        return time.perf_counter() - began


def _seconds(what: Callable[[], DataFrame], rounds: int) -> float:
    def once() -> float:
        began = time.perf_counter()
        what().write.format("noop").mode("overwrite").save()
        return time.perf_counter() - began

    return statistics.median(once() for _ in range(rounds))


def main() -> None:
    """Make the month if it is not there; else measure it, and print one JSON object."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("--plays", type=int, required=True)
    arguments.add_argument("--rounds", type=int, default=1)
    arguments.add_argument("--minimum-streams", type=int, default=0)
    arguments.add_argument("--warm", type=Path, help="a smaller month, to warm up with")
    arguments.add_argument("--peer", action="store_true", help="let DuckDB count the weights, too")
    told = arguments.parse_args()
    spark = open_session(SparkSettings(driver_memory=DRIVER), name="month-close")
    if not (told.folder / "rights" / "_SUCCESS").exists():
        make(spark, told.folder, told.plays)
        return
    of_settings = load_settings().revenue
    rule = of_settings.pro_rata.model_copy(update={"minimum_streams": told.minimum_streams})
    terms = of_settings.model_copy(update={"pro_rata": rule})
    if told.warm:
        _seconds(lambda: close(spark, told.warm, terms), 1)
        _seconds(lambda: group(spark, told.warm), 1)
    floor = _seconds(lambda: group(spark, told.folder), told.rounds)  # first: what it fills of the JVM's memory counts
    memory = MemoryWatch()
    with memory.watching():
        seconds = _seconds(lambda: close(spark, told.folder, terms), told.rounds)
    peer = by_duckdb(told.folder) if told.peer else None
    print(json.dumps({"plays": told.plays, "seconds": seconds, "floor": floor, "peer": peer, "peak": memory.peak}))


if __name__ == "__main__":
    main()
