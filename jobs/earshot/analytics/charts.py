"""gold.charts: every track, artist and album, ranked by counted streams, with what it reached before."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from earshot.analytics.built_charts import BuiltCharts
from earshot.analytics.chart_periods import Period
from earshot.analytics.chart_rows import SCHEMA
from earshot.analytics.entity_charts import ENTITIES, NUMBER, ChartRules, charts_of_days
from earshot.analytics.flagged import FLAGGED, with_flags
from earshot.core import columns as c
from earshot.core.arrow_rows import ArrowStream
from earshot.core.measures import UNKNOWN, counted, known


def charts(
    listens: DataFrame,
    suspects: DataFrame,
    *,
    periods: Collection[Period],
    rules: ChartRules,
    built: BuiltCharts | None = None,
) -> ArrowStream:
    """Charts of the periods, by country and ALL, tier and ALL, with and without suspect streams.

    Streams are counted streams; rank is by streams desc, listeners desc, entity_id asc, without
    gaps or ties. previous_rank is the rank in the period directly before, in the same chart;
    peak_rank and periods_on_chart look at all periods up to this one, whatever lies between them;
    an entry is new or, after a pause, a re_entry. All time has no period before it: there, career
    tells what the entity reached by day, week and month. An album is known by its title alone, as
    silver.listens has no id of albums; what has no id is `unknown`.

    The plays go once for each kind of entity to one Arrow task, day by day, which counts and ranks
    by sorting integers: 8 groupings a period and their distinct listeners, from one shuffle.

    Args:
        listens: Rows of silver.listens of the periods.
        suspects: Rows of gold.suspect_listens.
        periods: What to rank.
        rules: What counts.
        built: The charts so far, of which later ones are repaired; None where all are built anew.

    Returns:
        The columns of gold.charts: of the periods, and of the later ones whose past changed.
    """
    plays = with_flags(listens.where(counted(rules.stream)), suspects)
    ids = ", ".join(f"{n}, {_sql(column)}" for n, column in enumerate(ENTITIES.values()))
    placed = plays.select(
        c.LISTEN_DATE,
        c.LISTENER_ID,
        FLAGGED,
        *(known(name).alias(name) for name in (c.COUNTRY, c.TIER)),
        F.expr(f"stack({len(ENTITIES)}, {ids}) AS ({NUMBER}, {c.ENTITY_ID})"),
    )
    in_order = placed.repartitionById(len(ENTITIES), NUMBER).sortWithinPartitions(NUMBER, c.LISTEN_DATE)
    changed, standing = frozenset(periods), built or BuiltCharts()

    def build(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.Table]:
        return charts_of_days(batches, changed=changed, built=standing, rules=rules)

    return ArrowStream(in_order, build, SCHEMA)


def _sql(column: str) -> str:
    return f"coalesce({column}, '{UNKNOWN}')"
