# Databricks notebook source
# MAGIC %md
# MAGIC # Recommender comparison
# MAGIC Every algorithm of the newest training on the same held-out days, and what the champion recommends.

# COMMAND ----------

import os

import pandas as pd

try:
    dbutils.widgets.text("lake", "", "Root of the lake")
    dbutils.widgets.text("tracking_uri", "", "MLflow; empty = SQLite in HOME")
    lake, tracking_uri = dbutils.widgets.get("lake"), dbutils.widgets.get("tracking_uri")
except NameError:
    lake, tracking_uri = os.environ.get("EARSHOT_LAKE", ""), os.environ.get("EARSHOT_TRACKING_URI", "")

from earshot.core.config import load_settings
from earshot.core.small_tables import SmallTables
from earshot.integrations.model_registry import RECOMMENDER, ModelRegistry

settings = load_settings()
tables = SmallTables(lake or settings.lake_root)
registry = ModelRegistry(tracking_uri or settings.tracking_uri, settings.mlflow.experiment)

# COMMAND ----------

# MAGIC %md
# MAGIC ## Figures on held-out days

# COMMAND ----------

runs = registry.comparisons(RECOMMENDER)
comparison = pd.DataFrame([{"algorithm": run.name, **run.metrics} for run in runs])
print(comparison.round(4).to_string(index=False) if len(comparison) else "No training yet: too little history.")

# COMMAND ----------

# MAGIC %md
# MAGIC ## The champion

# COMMAND ----------

champion = registry.champion(RECOMMENDER)
print(f"version {champion.version} ({champion.kind})" if champion else "There is no champion yet.")

# COMMAND ----------

# MAGIC %md
# MAGIC ## What a few listeners get

# COMMAND ----------

titles = {row["track_id"]: f"{row['track_title']} - {row['artist_name']}" for row in tables.rows("silver.tracks")}
recommended = pd.DataFrame(tables.rows("gold.recommendations", [("rank", "<=", 3)]))
if len(recommended):
    recommended["track"] = recommended["track_id"].map(titles).fillna(recommended["track_id"])
    print(
        recommended.sort_values(["listener_id", "rank"])
        .head(15)[["listener_id", "rank", "track", "score"]]
        .to_string(index=False)
    )
