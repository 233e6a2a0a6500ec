"""What the gate has to say of a batch: its verdict, kept on disk, and its KPIs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql.pandas.types import from_arrow_schema

from earshot.core.settings import Settings
from earshot.core.small_tables import SmallTables
from earshot.validators.aggregate_rules import schema_figures
from earshot.validators.catalogue import AGREEING, CHECKED
from earshot.validators.checkpoints.owed import OwedVerdicts
from earshot.validators.compile import CompiledSuite
from earshot.validators.day_history import DayHistory
from earshot.validators.kpis import kpi_figures, percentile, quality_kpis
from earshot.validators.reports import write_report
from earshot.validators.rules import DAY_PROFILES, NEWEST_EVENT, SEEN_COLUMNS, FileFigures
from earshot.validators.source_columns import SourceColumns
from earshot.validators.verdicts import GateVerdict


class BatchMeasures:
    """Judges and measures batches by one suite.

    Args:
        suite: The compiled suite.
        settings: Where reports are kept, and the targets.
        small_tables: Where ops.runs is.
        clock: Wall time, UTC.
    """

    def __init__(
        self, suite: CompiledSuite, settings: Settings, small_tables: SmallTables, clock: Callable[[], datetime]
    ) -> None:
        self._suite = suite
        self._settings = settings
        self._small = small_tables
        self._clock = clock
        self._days = DayHistory(small_tables)
        self._columns = SourceColumns(small_tables)
        self._owed = OwedVerdicts(settings)

    def judge(
        self,
        figures: Mapping[str, Any],
        *,
        batch_id: str,
        files: Sequence[FileFigures],
        examples: Mapping[str, Sequence[str]],
        rows: Callable[[], DataFrame],
    ) -> GateVerdict:
        """Great Expectations' verdict on observed figures; `earshot gate show` finds it in reports/.

        A Checkpoint is owed from now on. Only an expectation that is not compiled asks for the rows.
        """
        suite = self._suite.knowing(self._columns.always)
        verdict = suite.verdict(
            {**figures, **self._shape()}, batch_id=batch_id, files=files, examples=examples, rows=rows
        )
        self._owed.owe(verdict, self._clock())
        write_report(self._settings, verdict)
        return verdict

    def _shape(self) -> dict[str, Any]:
        """Columns and types of the table that the batch was written to."""
        table = self._small.open("bronze.listens")
        return {} if table is None else schema_figures(from_arrow_schema(pa.schema(table.schema().to_arrow())))

    def kpis(
        self,
        batch_id: str,
        figures: Mapping[str, Any],
        *,
        ages: Sequence[float],
        lines: Sequence[int],
        event_lag_s: float | None,
        compared: Mapping[str, int],
    ) -> list[dict[str, Any]]:
        """Rows of gold.quality_kpis; days and columns of the batch are remembered.

        Args:
            batch_id: What is measured.
            figures: What the suite's aggregates observed.
            ages: Seconds from arrival to publication of each file.
            lines: Lines of each file.
            event_lag_s: 99th percentile of arrival - started_at.
            compared: What `catalogue.agreement` counted.
        """
        now, profiles, newest = self._clock(), figures.get(DAY_PROFILES) or {}, figures.get(NEWEST_EVENT)
        self._days.remember(batch_id, profiles, now)
        days = sorted({day for days in profiles.values() for day in days})
        self._columns.remember(batch_id, figures.get(SEEN_COLUMNS) or {}, days, now)
        rows = quality_kpis(
            batch_id=batch_id,
            suite=self._suite.suite.name,
            measured_at=now,
            targets=self._settings.quality,
            runs=self._small.rows("ops.runs"),
            figures=kpi_figures(
                self._suite,
                figures,
                freshness_s=percentile(ages, 0.99, lines),
                event_lag_s=event_lag_s,
                event_freshness_s=None if newest is None else now.timestamp() - newest / 1e6,
                catalogue=(compared.get(CHECKED, 0), compared.get(AGREEING, 0)),
                read=sum(lines),
            ),
        )
        return [*rows, *self._days.kpis(batch_id, profiles, now)]
