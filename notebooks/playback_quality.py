# Databricks notebook source
# MAGIC %md
# MAGIC # Playback quality
# MAGIC How fast sound comes and how often it stalls: where it is worst, since when, and how far one can trust it.
# MAGIC Names follow CTA-2066; the score and its sources are in `earshot.analytics.audio_quality`.

# COMMAND ----------

import os

import pandas as pd

try:
    dbutils.widgets.text("lake", "", "Root of the lake")
    lake = dbutils.widgets.get("lake")
except NameError:
    lake = os.environ.get("EARSHOT_LAKE", "")

from earshot.core.config import load_settings
from earshot.core.small_tables import SmallTables
from earshot.formatters.report.playback_map import startup_map

tables = SmallTables(lake or load_settings().lake_root)
rows = tables.rows("gold.audio_quality")
hours = pd.DataFrame(rows)
print(f"{len(hours):,} hours x slices, {hours['plays'].sum() if len(hours) else 0:,} plays")

# COMMAND ----------

# MAGIC %md
# MAGIC ## Day by day
# MAGIC Failures and exits before start are sums. A mean of hourly percentiles is no percentile of the day: it is close
# MAGIC where hours are alike, and hides an hour that is not. The map below adds up sketches where the table has them.

# COMMAND ----------


def weighted(group, column):
    """Mean of a column, weighted by plays."""
    known = group[group[column].notna()]
    return (known[column] * known["plays"]).sum() / known["plays"].sum() if known["plays"].sum() else float("nan")


def overview(by):
    """The figures of CTA-2066 by some columns."""
    told = {}
    for key, group in hours.groupby(by):
        plays = group["plays"].sum()
        told[key] = {
            "plays": plays,
            "start_failures": group["start_failures"].sum() / plays,
            "exits_before_start": group["exits_before_start"].sum() / plays,
            "startup_ms_p95": weighted(group, "startup_ms_p95"),
            "rebuffer_ratio": weighted(group, "rebuffer_ratio"),
            "quality_score": weighted(group, "quality_score"),
        }
    return pd.DataFrame(told).T.round(4)


if len(hours):
    print(overview("quality_date").to_string())

# COMMAND ----------

# MAGIC %md
# MAGIC ## Startup by country and device
# MAGIC The 95th percentile in ms.

# COMMAND ----------

startup = startup_map(rows)
if startup:
    grid = pd.DataFrame(
        {
            device: {
                country: startup.cells[country, device].p95_ms
                for country in startup.countries
                if (country, device) in startup.cells
            }
            for device in startup.devices
        }
    )
    print("from sketches" if startup.is_exact else "means of hourly percentiles, weighted by plays")
    print(grid.round(0).to_string())
else:
    print("These logs carry no startup times.")

# COMMAND ----------

# MAGIC %md
# MAGIC ## The worst slices
# MAGIC By what they cost: plays times the points below a score of 100. A bad score of three plays is no cause.

# COMMAND ----------

if len(hours):
    slices = overview(["country", "device", "cdn", "app_version"])
    slices["cost"] = slices["plays"] * (100 - slices["quality_score"])
    worst = slices.sort_values("cost", ascending=False).head(10)
    worst.index = [" ".join(key) for key in worst.index]
    print(worst[["plays", "startup_ms_p95", "rebuffer_ratio", "start_failures", "quality_score", "cost"]].to_string())

# COMMAND ----------

# MAGIC %md
# MAGIC ## Hours that were unlike others
# MAGIC What the detectors say of these metrics: the newest first, with what they expected.

# COMMAND ----------

metrics = ["startup_ms_p95", "rebuffer_ratio", "start_failures", "quality_score", "exits_before_start"]
found = [row for row in tables.rows("gold.anomalies", [("metric", "in", metrics)]) if row["severity"]]
found.sort(key=lambda row: row["window_start"], reverse=True)
for row in found[:10]:
    place = ", ".join(f"{name}={value}" for name, value in sorted(row["dimensions"].items())) or "everywhere"
    print(
        f"{row['window_start']:%Y-%m-%d %H:%M} {row['metric']} {place}: {row['observed']:.4g} "
        f"where {row['expected']:.4g} was expected ({row['severity']})"
    )
print(f"{len(found)} detections in all.")
