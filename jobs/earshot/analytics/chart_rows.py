"""Charts as rows of gold.charts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import numpy as np
import pyarrow as pa
from pyspark.sql.pandas.types import to_arrow_schema

from earshot.analytics.chart_careers import ENTRIES, Careers, Chart
from earshot.analytics.chart_figures import Figures
from earshot.analytics.chart_names import Key, Vocabulary
from earshot.analytics.chart_periods import KINDS, Period
from earshot.analytics.flagged import EXCLUDED, INCLUDED
from earshot.analytics.many_names import Codes
from earshot.analytics.plays import Integers
from earshot.core import columns as c
from earshot.core.tables import spec_of

SCHEMA: Final = spec_of("gold.charts").schema
_ARROW: Final = to_arrow_schema(SCHEMA, timezone="UTC")
_CAREERS: Final = _ARROW.field(c.CAREERS).type


def chart_rows(period: Period, entity: str, chart: Chart, names: Vocabulary) -> pa.Table:
    """The rows of a day, week or month, of one kind of entity."""
    count = len(chart.figures.keys)
    past = {
        c.PREVIOUS_RANK: _or_null(chart.previous_rank),
        c.PEAK_RANK: chart.peak,
        c.PREVIOUS_PEAK_RANK: _or_null(chart.previous_peak),
        c.PERIODS_ON_CHART: chart.periods,
        c.ENTRY: _named(chart.entry, pa.array(ENTRIES[1:], pa.string()), nothing=1),
        c.CAREERS: pa.nulls(count, _CAREERS),
    }
    return _table(_ranks(period, entity, chart.figures, names) | past)


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
    reached = [_reached(careers[kind].of(figures.keys), _CAREERS.field(kind).type) for kind in KINDS]
    told = pa.StructArray.from_arrays(reached, fields=list(_CAREERS))
    past = {**nulls, c.ENTRY: pa.nulls(count, pa.string()), c.CAREERS: told}
    return _table(_ranks(period, entity, figures, names) | past)


def _reached(figures: Iterable[Integers], kind: pa.StructType) -> pa.StructArray:
    """Peak, periods and since of each row."""
    columns = [pa.array(column, pa.int32()).cast(field.type) for column, field in zip(figures, kind, strict=True)]
    return pa.StructArray.from_arrays(columns, fields=list(kind))


def _ranks(period: Period, entity: str, figures: Figures, names: Vocabulary) -> dict[str, Any]:
    key, count = Key.of(figures.keys), len(figures.keys)
    nothing = np.zeros(count, np.int32)
    return {
        c.PERIOD: _named(nothing, pa.array([period.kind])),
        c.PERIOD_START: pa.repeat(pa.scalar(period.start, pa.date32()), count),
        c.COUNTRY: _named(key.country, names.country.listed),
        c.TIER: _named(key.tier, names.tier.listed),
        c.ENTITY: _named(nothing, pa.array([entity])),
        c.ENTITY_ID: _named(key.entity, names.entity.listed),
        c.SUSPECTS: _named(key.excluded, pa.array([INCLUDED, EXCLUDED])),
        c.RANK: figures.rank,
        c.STREAMS: figures.streams,
        c.LISTENERS: figures.listeners,
    }


def _named(codes: Integers | Codes, names: pa.Array, *, nothing: int = 0) -> pa.DictionaryArray:
    """Texts by their numbers; those below `nothing` are null, and the first name has the number `nothing`."""
    places = codes.astype(np.int32) - nothing
    indices = pa.array(places, mask=places < 0 if nothing else None)
    return pa.DictionaryArray.from_arrays(indices, names)


def _or_null(values: Integers) -> pa.Array:
    return pa.array(values, mask=values == 0)


def _table(columns: Mapping[str, Any]) -> pa.Table:
    """The columns in the order of gold.charts; texts stay dictionaries."""
    return pa.table(
        {
            field.name: column if isinstance(column, pa.DictionaryArray) else pa.array(column).cast(field.type)
            for field in _ARROW
            for column in (columns[field.name],)
        }
    )
