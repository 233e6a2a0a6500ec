"""gold.recommendations: ranked tracks with the model that ranked them."""

from __future__ import annotations

from datetime import datetime

import pyarrow as pa

from earshot.core import columns as c
from earshot.core.small_tables import SmallTables
from earshot.core.tables import Tables

_SMALL = 200_000


def stamped(recommendations: pa.Table, *, model_version: str, generated_at: datetime) -> pa.Table:
    """The rows with the columns that tell which model made them, and when."""
    rows = len(recommendations)
    return recommendations.append_column(c.MODEL_VERSION, pa.array([model_version] * rows, pa.string())).append_column(
        c.GENERATED_AT, pa.array([generated_at] * rows, pa.timestamp("us", "UTC"))
    )


def write(rows: pa.Table, tables: Tables) -> None:
    """Replace gold.recommendations: without Spark up to 200,000 rows, where its commit costs more than the rows."""
    if len(rows) <= _SMALL:
        SmallTables(tables.root).overwrite("gold.recommendations", rows.to_pylist())
    else:
        tables.overwrite("gold.recommendations", tables.spark.createDataFrame(rows))
