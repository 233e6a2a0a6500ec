# Databricks notebook source
# MAGIC %md
# MAGIC # Charts
# MAGIC The week's chart with what moved, how a leader came to lead, and what manipulated streams would have made of it.

# COMMAND ----------

import os
from itertools import pairwise

import pandas as pd

try:
    dbutils.widgets.text("lake", "", "Root of the lake")
    dbutils.widgets.text("country", "ALL", "Country; ALL = every one")
    lake, country = dbutils.widgets.get("lake"), dbutils.widgets.get("country")
except NameError:
    lake, country = os.environ.get("EARSHOT_LAKE", ""), os.environ.get("EARSHOT_COUNTRY", "ALL")

from earshot.core.config import load_settings
from earshot.core.small_tables import SmallTables

tables = SmallTables(lake or load_settings().lake_root)


def chart(entity, suspects, most):
    """Weekly ranks of one country and all tiers, to rank `most`."""
    where = [("period", "=", "week"), ("country", "=", country), ("tier", "=", "ALL"), ("entity", "=", entity)]
    rows = tables.rows("gold.charts", [*where, ("suspects", "=", suspects), ("rank", "<=", most)])
    return pd.DataFrame(rows, columns=list(rows[0]) if rows else ["period_start", "rank"])


names = {}
for row in tables.rows("silver.tracks"):
    names[row["track_id"]] = f"{row['track_title']} - {row['artist_name']}"
    names[row["artist_id"]] = row["artist_name"]

# COMMAND ----------

# MAGIC %md
# MAGIC ## The chart of the week
# MAGIC Counted streams, suspect listens left out. `moved` is places gained since the week before; blank = new.

# COMMAND ----------

tracks = chart("track", "excluded", 200)
weeks = sorted(tracks["period_start"].unique()) if len(tracks) else []
if weeks:
    newest = tracks[tracks["period_start"] == weeks[-1]].sort_values("rank").copy()
    newest["moved"] = (newest["previous_rank"] - newest["rank"]).map(
        lambda steps: "" if pd.isna(steps) else f"{steps:+.0f}"
    )
    newest["track"] = newest["entity_id"].map(lambda track: names.get(track, track))
    shown = ["rank", "moved", "track", "streams", "listeners"]
    shown += [column for column in ("peak_rank", "periods_on_chart", "entry") if column in newest]
    print(f"Week of {weeks[-1]}, {country}")
    print(newest.head(15)[shown].to_string(index=False))
else:
    print("No counted stream yet.")

# COMMAND ----------

# MAGIC %md
# MAGIC ## How the leader came to lead
# MAGIC Its rank day by day. Counted in listeners, not in streams, it is what a few cannot carry alone.

# COMMAND ----------

if weeks:
    leader = newest.iloc[0]["entity_id"]
    where = [("period", "=", "day"), ("country", "=", country), ("tier", "=", "ALL"), ("entity_id", "=", leader)]
    days = pd.DataFrame(tables.rows("gold.charts", [*where, ("suspects", "=", "excluded"), ("entity", "=", "track")]))
    days["streams_a_listener"] = (days["streams"] / days["listeners"]).round(2)
    print(names.get(leader, leader))
    columns = ["period_start", "rank", "streams", "listeners", "streams_a_listener"]
    print(days.sort_values("period_start")[columns].to_string(index=False))

# COMMAND ----------

# MAGIC %md
# MAGIC ## What manipulated streams would have made of it
# MAGIC The same week with suspect listens counted. What climbs here and is missing above is where to look
# MAGIC (`earshot suspects list`).

# COMMAND ----------

if weeks:
    counted = chart("track", "included", 50)
    counted = counted[counted["period_start"] == weeks[-1]].set_index("entity_id")
    ids = ("entity_id", "in", counted.index.to_list())
    chosen = [
        ("period", "=", "week"),
        ("period_start", "=", weeks[-1]),
        ("country", "=", country),
        ("tier", "=", "ALL"),
    ]
    left = tables.rows("gold.charts", [*chosen, ("entity", "=", "track"), ("suspects", "=", "excluded"), ids])
    honest = pd.DataFrame(left, columns=["entity_id", "rank", "streams"]).set_index("entity_id").astype("Int64")
    both = counted.join(honest, rsuffix="_without")
    both["streams_left_out"] = both["streams"] - both["streams_without"].fillna(0).astype(int)
    both["track"] = [names.get(track, track) for track in both.index]
    suspect = both[both["streams_left_out"] > 0].sort_values("streams_left_out", ascending=False)
    print(f"{len(suspect)} of the first {len(both)} tracks hold suspect streams.")
    print(
        suspect.head(10)[["track", "rank", "rank_without", "streams", "streams_left_out"]].to_string(
            index=False, na_rep="-"
        )
    )

# COMMAND ----------

# MAGIC %md
# MAGIC ## How long a chart lasts
# MAGIC Of the first hundred, the share that was there a week before.

# COMMAND ----------

FIRST = 100
first = tracks[tracks["rank"] <= FIRST]
for earlier, later in pairwise(weeks):
    before, now = (set(first[first["period_start"] == week]["entity_id"]) for week in (earlier, later))
    print(f"{later}: {len(before & now)} of {len(now)} stayed")
