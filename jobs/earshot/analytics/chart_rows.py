"""Charts as rows of gold.charts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pyarrow as pa
from pyspark.sql.pandas.types import to_arrow_schema

from earshot.analytics.chart_careers import ENTRIES, Careers, Chart
from earshot.analytics.chart_figures import Figures
from earshot.analytics.chart_names import Key, Vocabulary
from earshot.analytics.chart_periods import KINDS, Period
from earshot.analytics.flagged import EXCLUDED, INCLUDED
from earshot.analytics.plays import Integers, table_of
from earshot.core import columns as c
from earshot.core.tables import spec_of

SCHEMA: Final = spec_of("gold.charts").schema
_ARROW: Final = to_arrow_schema(SCHEMA, timezone="UTC")
_CAREER: Final = _ARROW.field(c.CAREER).type


def chart_rows(period: Period, entity: str, chart: Chart, names: Vocabulary) -> pa.Table:
    """The rows of a day, week or month, of one kind of entity."""
    count = len(chart.figures.keys)
    past = {
        c.PREVIOUS_RANK: _or_null(chart.previous_rank),
        c.PEAK_RANK: chart.peak,
        c.PREVIOUS_PEAK_RANK: _or_null(chart.previous_peak),
        c.PERIODS_ON_CHART: chart.periods,
        c.ENTRY: pa.array(ENTRIES, pa.string()).take(pa.array(chart.entry)),
        c.CAREER: pa.nulls(count, _CAREER),
    }
    return table_of(_ranks(period, entity, chart.figures, names) | past, _ARROW)


def all_time_rows(
    period: Period, entity: str, figures: Figures, careers: Mapping[str, Careers], names: Vocabulary
) -> pa.Table:
    """The rows of all time, of one kind of entity.

    Args:
        period: All time.
        entity: track, artist or album.
        figures: Ranks of all time.
        careers: By kind of period, up to the last one.
        names: Numbers of names.
    """
    count = len(figures.keys)
    nulls = dict.fromkeys((c.PREVIOUS_RANK, c.PEAK_RANK, c.PREVIOUS_PEAK_RANK, c.PERIODS_ON_CHART), pa.nulls(count))
    reached = [careers[kind].of(figures.keys) for kind in KINDS]
    peak, periods, since = (np.column_stack(columns).ravel() for columns in zip(*reached, strict=True))
    career = pa.MapArray.from_arrays(
        pa.array(np.arange(count + 1) * len(KINDS), pa.int32()),
        pa.array(KINDS, pa.string()).take(pa.array(np.tile(np.arange(len(KINDS)), count))),
        pa.StructArray.from_arrays(
            [
                pa.array(peak, pa.int32()),
                pa.array(periods, pa.int32()),
                pa.array(since, pa.int32()).cast(pa.date32()),
            ],
            fields=list(_CAREER.item_type),
        ),
    )
    past = {**nulls, c.ENTRY: pa.nulls(count, pa.string()), c.CAREER: career}
    return table_of(_ranks(period, entity, figures, names) | past, _ARROW)


def _ranks(period: Period, entity: str, figures: Figures, names: Vocabulary) -> dict[str, Any]:
    key, count = Key.of(figures.keys), len(figures.keys)

    def same(value: object, kind: pa.DataType) -> pa.Array:
        return pa.repeat(pa.scalar(value, kind), count)

    return {
        c.PERIOD: same(period.kind, pa.string()),
        c.PERIOD_START: same(period.start, pa.date32()),
        c.COUNTRY: names.country.listed.take(pa.array(key.country)),
        c.TIER: names.tier.listed.take(pa.array(key.tier)),
        c.ENTITY: same(entity, pa.string()),
        c.ENTITY_ID: names.entity.listed.take(pa.array(key.entity)),
        c.SUSPECTS: pa.array([INCLUDED, EXCLUDED]).take(pa.array(key.excluded)),
        c.RANK: figures.rank,
        c.STREAMS: figures.streams,
        c.LISTENERS: figures.listeners,
    }


def _or_null(values: Integers) -> pa.Array:
    return pa.array(values, mask=values == 0)
