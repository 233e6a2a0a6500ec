# Databricks notebook source
# MAGIC %md
# MAGIC # Playback quality
# MAGIC How fast sound comes and how often it stalls: where it is worst, since when, and how far one can trust it.
# MAGIC Names follow CTA-2066; the score and its sources are in `earshot.core.playback`.

# COMMAND ----------

import os

try:
    dbutils.widgets.text("lake", "", "Root of the lake")
    lake = dbutils.widgets.get("lake")
except NameError:
    lake = os.environ.get("EARSHOT_LAKE", "")

from earshot.core.config import load_settings
from earshot.core.playback_rollup import COLUMNS, roll_up
from earshot.core.small_tables import SmallTables

tables = SmallTables(lake or load_settings().lake_root)
cells = tables.arrow("gold.audio_quality", columns=COLUMNS)
plays = sum(cells["plays"].to_pylist())
print(f"{cells.num_rows:,} hours x slices, {plays:,} plays")

# COMMAND ----------

# MAGIC %md
# MAGIC ## Day by day
# MAGIC Ratios and the score are those of all plays of the day; percentiles come from sketches, within half a percent.

# COMMAND ----------

FIGURES = ["plays", "start_failures", "exits_before_start", "startup_ms_p95", "rebuffer_ratio", "quality_score"]


def overview(*by, period=None):
    """The figures of CTA-2066 by period and dimensions."""
    told = roll_up(cells, period=period, by=by).to_pandas()
    return told[[*(["period_start"] if period else []), *by, *FIGURES]]


if cells.num_rows:
    print(overview(period="day").round(4).to_string(index=False))

# COMMAND ----------

# MAGIC %md
# MAGIC ## Startup by country and device
# MAGIC The 95th percentile in ms.

# COMMAND ----------

places = overview("country", "device").dropna(subset=["startup_ms_p95"])
if len(places):
    print(places.pivot(index="country", columns="device", values="startup_ms_p95").round(0).to_string())
else:
    print("These logs carry no startup times.")

# COMMAND ----------

# MAGIC %md
# MAGIC ## The worst slices
# MAGIC By what they cost: plays times the points below a score of 100. A bad score of three plays is no cause.

# COMMAND ----------

if cells.num_rows:
    slices = overview("country", "device", "cdn", "app_version")
    slices["cost"] = slices["plays"] * (100 - slices["quality_score"])
    print(slices.sort_values("cost", ascending=False).head(10).round(4).to_string(index=False))

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
