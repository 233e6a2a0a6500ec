"""Charts as they stand in gold.charts, read by the task that repairs them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from earshot.analytics.chart_careers import Careers, Past
from earshot.analytics.chart_figures import Figures, Ranks
from earshot.analytics.chart_names import Key, Vocabulary
from earshot.analytics.chart_periods import ALL_TIME_PERIOD, KINDS, Period
from earshot.analytics.flagged import EXCLUDED
from earshot.analytics.plays import Integers
from earshot.core import columns as c
from earshot.core.commits import DeltaLog

CHARTS: Final = "gold.charts"

_TEXTS: Final = (c.COUNTRY, c.TIER, c.ENTITY_ID, c.SUSPECTS)


@dataclass(frozen=True)
class BuiltCharts:
    """The files of gold.charts at one version. Can be sent to executors.

    Attributes:
        files: Of each period.
        version: Of the table; None where it is built anew.
    """

    files: Mapping[Period, Sequence[str]] = field(default_factory=dict)
    version: int | None = None

    @classmethod
    def now(cls, root: str, periods: Collection[Period] | None = None) -> BuiltCharts:
        """Those of the lake.

        Args:
            root: Root of the lake.
            periods: Only those that a rebuild of these looks at: from the ones directly before them on, and all time.
        """
        contents = DeltaLog(root, CHARTS).contents()
        if periods is not None:
            contents = replace(contents, listed=contents.listed.filter(_are_near(contents.listed, periods)))
        files: dict[tuple[str, str], list[str]] = defaultdict(list)
        kinds, starts = (contents.listed[name].to_pylist() for name in (c.PERIOD, c.PERIOD_START))
        for kind, start, place in zip(kinds, starts, contents.places, strict=True):
            files[kind, start].append(place)
        of_periods = {Period(kind, date.fromisoformat(start)): of_one for (kind, start), of_one in files.items()}
        return cls(of_periods, contents.version)

    def starts(self, kind: str) -> list[date]:
        """First days of the periods of a kind, in their order."""
        return sorted(period.start for period in self.files if period.kind == kind)

    def after(self, periods: Collection[Period]) -> frozenset[Period]:
        """The periods whose past these are: those of the same kind that come after the first of them."""
        first = {kind: min((p.start for p in periods if p.kind == kind), default=date.max) for kind in KINDS}
        return frozenset(p for p in self.files if p.kind in first and p.start > first[p.kind] and p not in periods)

    def ranks(self, period: Period, entity: str, names: Vocabulary) -> Ranks:
        """The ranks of a period."""
        return Ranks(*self._integers(period, entity, names, (c.RANK,)))

    def figures(self, period: Period, entity: str, names: Vocabulary) -> Figures:
        """The ranks of a period, and what they come from."""
        return Figures(*self._integers(period, entity, names, (c.RANK, c.STREAMS, c.LISTENERS)))

    def past(self, period: Period, entity: str, names: Vocabulary) -> Past:
        """The ranks of a period, and what its rows say of the periods before."""
        return Past(*self._integers(period, entity, names, (c.RANK, c.PREVIOUS_PEAK_RANK, c.PERIODS_ON_CHART)))

    def careers(self, entity: str, names: Vocabulary) -> dict[str, Careers]:
        """What every entity reached up to the last period, by kind of period."""
        period = ALL_TIME_PERIOD
        if period not in self.files:
            return {kind: Careers.none() for kind in KINDS}
        rows = self._rows(period, entity, (c.CAREERS,))
        keys = _keys(rows, names)
        order = _order(keys)
        ascending = keys[order]
        reached = {name: pc.struct_field(rows[c.CAREERS], name) for name in KINDS}
        return {
            kind: Careers(
                ascending,
                *(
                    _integers(pc.struct_field(of_kind, name).cast(pa.int32()))[order]
                    for name in (c.PEAK_RANK, c.PERIODS_ON_CHART, c.SINCE)
                ),
            )
            for kind, of_kind in reached.items()
        }

    def _integers(self, period: Period, entity: str, names: Vocabulary, columns: Sequence[str]) -> Iterator[Integers]:
        """Ascending keys, and the columns in their order; 0 for null."""
        rows = self._rows(period, entity, columns)
        keys = _keys(rows, names)
        order = _order(keys)
        yield keys[order]
        for name in columns:
            yield _integers(rows[name])[order]

    def _rows(self, period: Period, entity: str, columns: Sequence[str]) -> pa.Table:
        return pa.concat_tables(_rows_of(path, entity, columns) for path in self.files[period]).unify_dictionaries()


def _are_near(listed: pa.Table, periods: Collection[Period]) -> pa.ChunkedArray:
    """Which files are of a period that follows the ones directly before these, or of all time with these."""
    near = pa.chunked_array([pa.repeat(pa.scalar(False), listed.num_rows)])
    for kind in {period.kind for period in periods}:
        first = min(period for period in periods if period.kind == kind)
        since = (first.previous or first).start.isoformat()
        follows = pc.and_(pc.equal(listed[c.PERIOD], kind), pc.greater_equal(listed[c.PERIOD_START], since))
        near = pc.or_(near, follows)
    return near


def _rows_of(path: str, entity: str, columns: Sequence[str]) -> pa.Table:
    """Rows of a kind of entity in a file, which is of one kind until it is merged with others."""
    file = pq.ParquetFile(path, read_dictionary=[c.ENTITY, *_TEXTS])
    of = file.read([c.ENTITY]).column(c.ENTITY)
    kinds = {kind for chunk in of.chunks for kind in chunk.dictionary.to_pylist()}
    wanted = [*_TEXTS, *columns]
    if entity not in kinds:
        return file.read_row_groups([], wanted)
    rows = file.read(wanted)
    return rows if kinds == {entity} else rows.filter(pc.equal(of, entity))


def _keys(rows: pa.Table, names: Vocabulary) -> Integers:
    return Key(
        _integers(pc.equal(rows[c.SUSPECTS], EXCLUDED).cast(pa.int8())),
        names.country.codes(rows[c.COUNTRY]).astype(np.int64),
        names.tier.codes(rows[c.TIER]).astype(np.int64),
        names.entity.codes(rows[c.ENTITY_ID]).astype(np.int64),
    ).packed


def _order(keys: Integers) -> Integers | slice:
    """What sorts keys: they were written in their order, and it holds while names keep their numbers."""
    return slice(None) if np.all(keys[1:] > keys[:-1]) else np.argsort(keys)


def _integers(column: pa.ChunkedArray) -> Integers:
    values: Integers = pc.fill_null(column, 0).cast(pa.int64()).to_numpy()
    return values
