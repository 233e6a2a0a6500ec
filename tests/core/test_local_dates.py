"""Time zones that plays may name are those that Spark can compute with, whatever release of the database it has."""

from __future__ import annotations

from datetime import UTC, date, datetime

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from earshot.core.local_dates import known_zone, known_zones, local_date


def test_spark_knows_every_zone_that_is_let_through(spark: SparkSession) -> None:
    assert {"Europe/Berlin", "Asia/Kathmandu", "UTC", "CET"} <= set(known_zones())
    names = [(zone,) for zone in (*known_zones(), "Factory", "localtime", "Mars/Olympus_Mons", "+25:00", "", None)]
    moments = spark.createDataFrame(names, "zone string").withColumn("at", F.lit(datetime(2026, 7, 1, tzinfo=UTC)))
    zone = known_zone("zone")
    rows = moments.select("zone", zone.alias("known"), local_date(F.col("at"), zone).alias("day")).collect()
    assert {row["zone"] for row in rows if row["known"] is None} == {zone for (zone,) in names[-6:]}
    assert {row["day"] for row in rows} == {date(2026, 6, 30), date(2026, 7, 1)}
