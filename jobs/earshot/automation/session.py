"""The Spark session: built here and nowhere else."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from earshot.core.errors import DependencyError
from earshot.core.settings import SparkSettings

FETCH_JARS = "Run `python -m earshot.automation.spark_jars` with this Python; it needs the network once."
JARS = Path(sys.prefix) / "share" / "earshot" / "jars"

DELTA = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
}

# What results mean: the same on a laptop and on a cluster.
MEANING = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "false",
    "spark.databricks.delta.properties.defaults.enableDeletionVectors": "false",
    "spark.databricks.delta.retentionDurationCheck.enabled": "false",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.icu.caseMappings.enabled": "false",
}

# Small tables on one machine: a commit in one second rather than ten.
LOCAL_DEFAULTS = {
    # Tasks of Python keep up to a GiB that they freed: a third of their time went into getting pages again.
    "spark.executorEnv.ARROW_DEFAULT_MEMORY_POOL": "system",
    "spark.executorEnv.MALLOC_ARENA_MAX": "1",
    "spark.executorEnv.MALLOC_MMAP_MAX_": "0",
    "spark.executorEnv.MALLOC_TOP_PAD_": str(64 * 2**20),
    "spark.executorEnv.MALLOC_TRIM_THRESHOLD_": str(2**30),
    "spark.databricks.delta.snapshotPartitions": "1",
    "spark.sql.sources.parallelPartitionDiscovery.parallelism": "4",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    "spark.sql.adaptive.coalescePartitions.parallelismFirst": "false",
    "spark.log.level": "ERROR",
}


_TELL_OF_TASKS = ("org.apache.spark.executor.Executor", "org.apache.spark.scheduler.TaskSetManager")


def jar_paths() -> list[Path]:
    """Delta's jars, as set-up fetched them; sorted, so that a command line is reproducible."""
    return sorted(JARS.glob("*.jar"))


def open_session(settings: SparkSettings, *, name: str = "earshot") -> SparkSession:
    """The running session, or a local one with Delta.

    Under `spark-submit` master, memory and jars come from there; what concerns the meaning of
    results is set in any case.

    Raises:
        DependencyError: Delta's jars are not beside this Python.
    """
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    conf = {**DELTA, **MEANING}
    if "PYSPARK_GATEWAY_PORT" not in os.environ:
        if not jar_paths():
            raise DependencyError("Delta's jars for Spark are missing.", where=str(JARS), remedy=FETCH_JARS)
        conf |= LOCAL_DEFAULTS | {
            "spark.master": settings.master,
            "spark.driver.memory": settings.driver_memory,
            "spark.sql.shuffle.partitions": str(settings.shuffle_partitions),
            "spark.jars": ",".join(map(str, jar_paths())),
        }
    builder = SparkSession.builder.appName(name)
    for key, value in (conf | settings.conf).items():
        builder = builder.config(key, value)
    session: SparkSession = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    if str(session.sparkContext.master).startswith("local"):
        _leave_task_errors_to_the_job(session.sparkContext._jvm)
    return session


def _leave_task_errors_to_the_job(jvm: Any) -> None:
    """A task that fails has its stack trace in the error that the driver gets: Spark need not print it as well."""
    log4j = jvm.org.apache.logging.log4j
    for name in _TELL_OF_TASKS:
        log4j.core.config.Configurator.setLevel(name, log4j.Level.OFF)
