"""Time zones that plays may name are those that Spark can compute with, whatever release of the database it has."""

from __future__ import annotations

from datetime import UTC, date, datetime

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from earshot.core.local_dates import known_zones, local_date, spark_zone

NO_ZONES = ("Factory", "localtime", "Mars/Olympus_Mons", "+25:00", "", None)


def test_whatever_zone_is_named_the_date_is_told_or_that_of_utc(spark: SparkSession) -> None:
    names = [(zone,) for zone in (*known_zones(), *NO_ZONES)]
    moments = spark.createDataFrame(names, "named string").withColumn("at", F.lit(datetime(2026, 7, 1, tzinfo=UTC)))
    found = moments.withColumn("zone", spark_zone("named"))
    rows = found.select("*", local_date(F.col("at"), F.col("zone")).alias("day")).collect()
    assert {row["day"] for row in rows} == {date(2026, 6, 30), date(2026, 7, 1)}
    assert set(known_zones()).isdisjoint(NO_ZONES)
    told = {row["named"] for row in rows if row["zone"] is not None}
    assert {"Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "UTC", "CET"} <= told
    assert len(told) > 400
