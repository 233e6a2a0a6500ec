"""Expectations about how many rows are set aside: of the batch, and of its worst file."""

from __future__ import annotations

from typing import Any, ClassVar

from great_expectations.core.metric_domain_types import MetricDomainTypes
from great_expectations.execution_engine.execution_engine import ExecutionEngine
from great_expectations.execution_engine.sparkdf_execution_engine import SparkDFExecutionEngine
from great_expectations.expectations.expectation import BatchExpectation
from great_expectations.expectations.metrics.metric_provider import metric_value
from great_expectations.expectations.metrics.table_metric_provider import TableMetricProvider
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from earshot.core.columns import QUARANTINE_RULES, QUARANTINED, ROWS_IN, SOURCE_FILE

BATCH_METRIC = "table.quarantined_rows"
FILE_METRIC = "table.quarantined_rows_by_file"


def _judged(engine: SparkDFExecutionEngine, domain: dict[str, Any]) -> DataFrame:
    rows: DataFrame = engine.get_compute_domain(domain_kwargs=domain, domain_type=MetricDomainTypes.TABLE)[0]
    return rows


class TableQuarantinedRows(TableMetricProvider):
    """Rows that some rule sets aside."""

    metric_name = BATCH_METRIC

    @metric_value(engine=SparkDFExecutionEngine)
    def _spark(cls, execution_engine: SparkDFExecutionEngine, metric_domain_kwargs: dict[str, Any], **_: Any) -> int:
        return _judged(execution_engine, metric_domain_kwargs).where(F.size(QUARANTINE_RULES) > 0).count()


class TableQuarantinedRowsByFile(TableMetricProvider):
    """Rows, and those set aside, by file."""

    metric_name = FILE_METRIC

    @metric_value(engine=SparkDFExecutionEngine)
    def _spark(
        cls, execution_engine: SparkDFExecutionEngine, metric_domain_kwargs: dict[str, Any], **_: Any
    ) -> list[dict[str, Any]]:
        files = _judged(execution_engine, metric_domain_kwargs).groupBy(SOURCE_FILE)
        counted = files.agg(
            F.count(F.lit(1)).alias(ROWS_IN), F.count_if(F.size(QUARANTINE_RULES) > 0).alias(QUARANTINED)
        )
        return [row.asDict() for row in counted.collect()]


class ExpectQuarantinedShareToBeAtMost(BatchExpectation):
    """Expect at most a share of the batch's rows to be set aside.

    Args:
        max_share: Largest fraction that is tolerated.
        min_rows: Batches of fewer rows are not judged: a share of few rows says little.
    """

    max_share: float
    min_rows: int = 100

    metric_dependencies: ClassVar[tuple[str, ...]] = (BATCH_METRIC, "table.row_count")
    success_keys: ClassVar[tuple[str, ...]] = ("max_share", "min_rows")

    def _validate(
        self,
        metrics: dict[str, Any],
        runtime_configuration: dict[str, Any] | None = None,
        execution_engine: ExecutionEngine[Any] | None = None,
    ) -> dict[str, Any]:
        rows, quarantined = int(metrics["table.row_count"]), int(metrics[BATCH_METRIC])
        share = quarantined / rows if rows else 0.0
        details = {"rows": rows, "quarantined": quarantined}
        success = rows < self.min_rows or share <= self.max_share
        return {"success": success, "result": {"observed_value": share, "details": details}}


class ExpectFileQuarantinedShareToBeAtMost(BatchExpectation):
    """Expect at most a share of every file's rows to be set aside.

    Args:
        max_share: Largest fraction that is tolerated.
        min_rows: Files of fewer rows are not judged.
    """

    max_share: float
    min_rows: int = 100

    metric_dependencies: ClassVar[tuple[str, ...]] = (FILE_METRIC,)
    success_keys: ClassVar[tuple[str, ...]] = ("max_share", "min_rows")

    def _validate(
        self,
        metrics: dict[str, Any],
        runtime_configuration: dict[str, Any] | None = None,
        execution_engine: ExecutionEngine[Any] | None = None,
    ) -> dict[str, Any]:
        judged = [f for f in metrics[FILE_METRIC] if f[ROWS_IN] >= max(1, self.min_rows)]
        worst = sorted(judged, key=lambda f: (-f[QUARANTINED] / f[ROWS_IN], str(f[SOURCE_FILE])))
        share = worst[0][QUARANTINED] / worst[0][ROWS_IN] if worst else 0.0
        above = [
            {"file": str(f[SOURCE_FILE]), "rows": f[ROWS_IN], "quarantined": f[QUARANTINED]}
            for f in worst
            if f[QUARANTINED] / f[ROWS_IN] > self.max_share
        ]
        return {"success": not above, "result": {"observed_value": share, "details": {"files": above[:20]}}}
