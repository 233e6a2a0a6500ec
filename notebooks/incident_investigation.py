# Databricks notebook source
# MAGIC %md
# MAGIC # Incident investigation
# MAGIC From an alert to the hours and slices behind it.

# COMMAND ----------

import json
import os

import pandas as pd

try:
    dbutils.widgets.text("lake", "", "Root of the lake")
    dbutils.widgets.text("fingerprint", "", "Alert; empty = the newest")
    lake, fingerprint = dbutils.widgets.get("lake"), dbutils.widgets.get("fingerprint")
except NameError:
    lake, fingerprint = os.environ.get("EARSHOT_LAKE", ""), os.environ.get("EARSHOT_FINGERPRINT", "")

from earshot.core.config import load_settings
from earshot.core.small_tables import SmallTables

tables = SmallTables(lake or load_settings().lake_root)

# COMMAND ----------

# MAGIC %md
# MAGIC ## The alert

# COMMAND ----------

alerts = sorted(tables.rows("gold.alerts"), key=lambda alert: alert["starts_at"])
about_series = [alert for alert in alerts if "metric" in alert["labels"]]
chosen = [alert for alert in about_series if alert["fingerprint"].startswith(fingerprint)]
if not chosen:
    print("No alert about a series: there is nothing to investigate.")
else:
    alert = chosen[-1]
    print(alert["severity"], alert["state"], "since", alert["starts_at"], "-", alert["summary"])
    print(json.dumps(json.loads(alert["evidence"] or "{}"), indent=2)[:2000])

# COMMAND ----------

# MAGIC %md
# MAGIC ## The series around it
# MAGIC What was seen beside what the detector expected, an hour a row.

# COMMAND ----------

if chosen:
    metric = alert["labels"]["metric"]
    points = pd.DataFrame(tables.rows("gold.anomalies", [("metric", "=", metric)]))
    slice_of_alert = {
        k: v for k, v in alert["labels"].items() if k in {"country", "device", "tier", "platform", "app_version", "cdn"}
    }
    series = points[points["dimensions"].map(lambda dimensions: dict(dimensions) == slice_of_alert)]
    near = series[(series["window_start"] - alert["starts_at"]).abs() <= pd.Timedelta(hours=12)]
    columns = ["window_start", "observed", "expected", "lower", "upper", "score", "severity"]
    print(near.sort_values("window_start")[columns].to_string(index=False))

# COMMAND ----------

# MAGIC %md
# MAGIC ## The same hours in every other slice
# MAGIC The slices with the largest share of the deviation.

# COMMAND ----------

if chosen and len(points):
    until = alert["ends_at"] or points["window_start"].max()
    during = points[(points["window_start"] >= alert["starts_at"]) & (points["window_start"] <= until)].copy()
    during["slice"] = during["dimensions"].map(
        lambda d: ", ".join(f"{k}={v}" for k, v in sorted(dict(d).items())) or "total"
    )
    during["missing"] = during["expected"] - during["observed"]
    print(
        during.groupby("slice")[["observed", "expected", "missing"]]
        .sum()
        .sort_values("missing", key=abs)
        .tail(10)
        .to_string()
    )
