# Databricks notebook source
# MAGIC %md
# MAGIC # Quality tour
# MAGIC Where every line of the landing files went, which rules failed, and whether the gate's targets are met.

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

tables = SmallTables(lake or load_settings().lake_root)

# COMMAND ----------

# MAGIC %md
# MAGIC ## Rows in = rows out
# MAGIC `read = accepted + duplicate + quarantined + filtered`, file by file.

# COMMAND ----------

ledger = pd.DataFrame(tables.rows("ops.ledger"))
parts = ["accepted", "duplicate", "quarantined", "filtered"]
ledger["unaccounted"] = ledger["read"].fillna(0) - ledger[parts].fillna(0).sum(axis=1)
by_status = ledger.groupby("status")[["read", *parts, "unaccounted"]].sum()
print(by_status.to_string())
assert (ledger["unaccounted"] == 0).all(), "lines are missing"  # noqa: S101

# COMMAND ----------

# MAGIC %md
# MAGIC ## Why lines were set aside

# COMMAND ----------

quarantine = pd.DataFrame(tables.rows("silver.quarantine"), columns=["source_file", "source_line", "failed_rules"])
by_rule = quarantine.explode("failed_rules").groupby("failed_rules").size().sort_values(ascending=False)
print(by_rule.to_string() if len(by_rule) else "No line was set aside.")

# COMMAND ----------

# MAGIC %md
# MAGIC ## Targets

# COMMAND ----------

kpis = pd.DataFrame(tables.rows("gold.quality_kpis"))
latest = kpis.sort_values("measured_at").groupby(["suite", "kpi"]).tail(1)
print(latest[["suite", "kpi", "value", "target", "met"]].to_string(index=False))
