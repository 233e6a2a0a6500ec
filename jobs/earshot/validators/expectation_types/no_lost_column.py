"""expect_no_lost_column: what all earlier files of a source had is still there."""

from __future__ import annotations

from typing import Any, ClassVar

from great_expectations.core.metric_domain_types import MetricDomainTypes
from great_expectations.execution_engine.execution_engine import ExecutionEngine
from great_expectations.execution_engine.sparkdf_execution_engine import SparkDFExecutionEngine
from great_expectations.expectations.expectation import BatchExpectation
from great_expectations.expectations.metrics.metric_provider import metric_value
from great_expectations.expectations.metrics.table_metric_provider import TableMetricProvider
from pyspark.sql import DataFrame

from earshot.core import columns as c
from earshot.validators.seen_columns import WATCHED, SeenColumns, lost_columns

SEEN_METRIC = "table.columns_of_sources"


class TableColumnsOfSources(TableMetricProvider):
    """Which columns the lines of each source have."""

    metric_name = SEEN_METRIC

    @metric_value(engine=SparkDFExecutionEngine)
    def _spark(
        cls, execution_engine: SparkDFExecutionEngine, metric_domain_kwargs: dict[str, Any], **_: Any
    ) -> dict[str, Any]:
        rows: DataFrame = execution_engine.get_compute_domain(
            domain_kwargs=metric_domain_kwargs, domain_type=MetricDomainTypes.TABLE
        )[0]
        lines = rows.select(c.SOURCE, c.SOURCE_FILE, *WATCHED, c.EXTRA).toArrow()
        return dict(SeenColumns.of(lines.sort_by([(c.SOURCE, "ascending"), (c.SOURCE_FILE, "ascending")])).value)


class ExpectNoLostColumn(BatchExpectation):
    """Expect every column that all earlier files of a source had in some line of the new ones.

    Args:
        always: By source, the columns that all earlier files had; the gate fills it in from ops.source_columns.
        except_sources: Sources that are not judged: exports whose makers leave out what a person never used.
        min_rows: Sources of fewer lines are not judged.
        min_files: How many earlier files it takes to know a source.
    """

    always: dict[str, list[str]] | None = None
    except_sources: tuple[str, ...] = ()
    min_rows: int = 100
    min_files: int = 3

    metric_dependencies: ClassVar[tuple[str, ...]] = (SEEN_METRIC,)
    success_keys: ClassVar[tuple[str, ...]] = ("always", "except_sources", "min_rows", "min_files")

    def _validate(
        self,
        metrics: dict[str, Any],
        runtime_configuration: dict[str, Any] | None = None,
        execution_engine: ExecutionEngine[Any] | None = None,
    ) -> dict[str, Any]:
        judged = {
            source: columns for source, columns in (self.always or {}).items() if source not in self.except_sources
        }
        lost = lost_columns(metrics[SEEN_METRIC], judged, min_rows=self.min_rows)
        named = [f"{found['source']}.{found['column']}" for found in lost]
        return {"success": not lost, "result": {"observed_value": named, "details": {"lost": lost}}}
