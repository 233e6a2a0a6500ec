# Databricks notebook source
# MAGIC %md
# MAGIC # Month close
# MAGIC Before a month is frozen: does every payout add up, what is in doubt, who would get what by another model, and
# MAGIC what moves without suspect listens. Nothing is written here: `earshot run build_marts --option close=YYYY-MM`.

# COMMAND ----------

import os
from decimal import Decimal

import pandas as pd

try:
    dbutils.widgets.text("lake", "", "Root of the lake")
    dbutils.widgets.text("month", "", "YYYY-MM; empty = the latest")
    lake, month = dbutils.widgets.get("lake"), dbutils.widgets.get("month")
except NameError:
    lake, month = os.environ.get("EARSHOT_LAKE", ""), os.environ.get("EARSHOT_MONTH", "")

from earshot.core.config import load_settings
from earshot.core.small_tables import SmallTables
from earshot.formatters.report.amounts import change, money
from earshot.formatters.report.payout_concentration import concentration
from earshot.formatters.report.payout_models import MODELS, payouts_by_model

settings = load_settings()
tables = SmallTables(lake or settings.lake_root)
revenue = pd.DataFrame(tables.rows("gold.revenue"))
chosen = None
if len(revenue):
    revenue["label"] = revenue["month"].map(lambda day: f"{day:%Y-%m}")
    chosen = month or revenue["label"].max()
    revenue = revenue[revenue["label"] == chosen]
    print(f"Closing {chosen}: {len(revenue):,} rows, status {', '.join(sorted(revenue['status'].unique()))}")
else:
    print("No revenue yet: the logs name no paying tier.")

# COMMAND ----------

# MAGIC %md
# MAGIC ## Every payout adds up to its pool
# MAGIC By country, tier, currency, model, with and without suspects: to the minor unit, or the month cannot be closed.

# COMMAND ----------

if chosen:
    keys = ["country", "tier", "currency", "model", "suspects"]
    booked = revenue[revenue["status"] != "adjustment"]
    sums = booked.groupby(keys).agg(paid=("amount", "sum"), pool=("pool", "first"), payees=("payee_id", "nunique"))
    wrong = sums[sums["paid"] != sums["pool"]]
    print(f"{len(sums):,} pools, {len(wrong)} of them do not add up")
    assert not len(wrong), wrong.to_string()  # noqa: S101
    pools = booked[(booked["model"] == settings.revenue.paid_model) & (booked["suspects"] == "included")]
    for currency, group in pools.drop_duplicates(["country", "tier", "currency"]).groupby("currency"):
        print(f"  {money(sum(group['pool'], Decimal(0)), currency)} in {len(group)} pools")

# COMMAND ----------

# MAGIC %md
# MAGIC ## What is in doubt
# MAGIC Streams whose payee nobody knows keep their money under `unknown`; what nobody may be paid waits in `suspense`.

# COMMAND ----------

if chosen:
    doubt = pools[(pools["payee_id"] == "unknown") | (pools["payee_type"] == "suspense")]
    for (currency, kind), group in doubt.groupby(["currency", "payee_type"]):
        print(f"{kind} {money(sum(group['amount'], Decimal(0)), currency)}, {group['streams'].sum():,.0f} streams")
    if not len(doubt):
        print("Nothing: every stream has a payee.")
    late = revenue[revenue["status"] == "adjustment"]
    print(f"{len(late):,} adjustments are booked to this month")
    if len(late):
        print(late.groupby(["booked_on", "reason", "currency"])["amount"].agg(["count", "sum"]).to_string())

# COMMAND ----------

# MAGIC %md
# MAGIC ## The models side by side
# MAGIC The best paid of the main currency. The pool is the same by every model: what one payee gains, others lose.

# COMMAND ----------

names = {row["artist_id"]: row["artist_name"] for row in tables.rows("silver.tracks")}
payouts = payouts_by_model(revenue.to_dict("records"), names, paid=settings.revenue.paid_model) if chosen else None
if payouts:
    print(f"{money(payouts.pool, payouts.currency)} to {len(payouts.payees):,} payees")
    lines = [
        {
            "payee": payee.name,
            **{MODELS[model]: money(amount, payouts.currency) for model, amount in payee.by_model.items()},
        }
        for payee in payouts.payees[:15]
    ]
    print(pd.DataFrame(lines).to_string(index=False))
    for model, curve in concentration(payouts).items():
        print(f"{MODELS[model]}: Gini {curve.gini:.3f}; the best paid 1 % get {curve.top_percent:.1%}")

# COMMAND ----------

# MAGIC %md
# MAGIC ## Without suspect listens
# MAGIC What the paid model would pay if flagged streams earned nothing. Confirm or clear them before closing
# MAGIC (`earshot suspects list`): after it, a verdict becomes an adjustment.

# COMMAND ----------

if payouts:
    moved = sorted((payee for payee in payouts.payees if payee.moved), key=lambda payee: payee.moved)
    print(f"{money(payouts.shifted, payouts.currency)} would go to other payees.")
    for payee in {payee.name: payee for payee in [*moved[:8], *moved[-4:]]}.values():
        print(f"  {change(payee.moved, payouts.currency):>14}  {payee.name}")

# COMMAND ----------

# MAGIC %md
# MAGIC ## May it be closed?

# COMMAND ----------

if chosen:
    closed = {f"{row['month']:%Y-%m}" for row in tables.rows("ops.closed_months")}
    open_verdicts = [
        row
        for row in tables.rows("gold.suspect_listens", [("verdict", "=", "suspect")])
        if f"{row['listen_date']:%Y-%m}" == chosen
    ]
    listeners = {row["listener_id"] for row in open_verdicts}
    print(f"{chosen} {'is closed' if chosen in closed else 'is open'}; every pool adds up.")
    print(f"{len(listeners)} listeners await a verdict on {sum(row['streams'] for row in open_verdicts):,} streams.")
