"""expect_column_to_be_determined_by: rows that agree in some columns agree in another one."""

from __future__ import annotations

from typing import Any, ClassVar

import pandas as pd
from great_expectations.core.metric_domain_types import MetricDomainTypes
from great_expectations.execution_engine.execution_engine import ExecutionEngine
from great_expectations.execution_engine.pandas_execution_engine import PandasExecutionEngine
from great_expectations.execution_engine.sparkdf_execution_engine import SparkDFExecutionEngine
from great_expectations.expectations.expectation import BatchExpectation
from great_expectations.expectations.metrics.metric_provider import metric_value
from great_expectations.expectations.metrics.table_metric_provider import TableMetricProvider
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

METRIC = "table.dependency_counts"
_JUDGED, _AGREEING, _CONFLICTS, _GAPS = "judged", "agreeing", "conflicts", "gaps"
_PAIR = 2


class TableDependencyCounts(TableMetricProvider):
    """Rows in groups of at least two values, those that agree or conflict, and gaps where the group knows a value."""

    metric_name = METRIC
    value_keys = ("determinant", "column")

    @metric_value(engine=PandasExecutionEngine)
    def _pandas(
        cls,
        execution_engine: PandasExecutionEngine,
        metric_domain_kwargs: dict[str, Any],
        metric_value_kwargs: dict[str, Any],
        **_: Any,
    ) -> dict[str, int]:
        rows: pd.DataFrame = execution_engine.get_compute_domain(metric_domain_kwargs, MetricDomainTypes.TABLE)[0]
        by, column = _columns(metric_value_kwargs)
        rows = rows.dropna(subset=by)
        pairs = rows.dropna(subset=[column]).groupby([*by, column], observed=True).size()
        of_group = pairs.groupby(level=list(range(len(by))))
        groups = of_group.agg(["sum", "max"])
        large = groups[groups["sum"] >= _PAIR]
        known = groups[groups["max"] >= _PAIR]
        empty = rows.loc[rows[column].isna(), by]
        return {
            _JUDGED: int(large["sum"].sum()),
            _AGREEING: int(large["max"].sum()),
            _CONFLICTS: int(pairs[pairs < of_group.transform("max")].sum()),
            _GAPS: len(empty.merge(known.reset_index()[by], on=by)) if len(empty) else 0,
        }

    @metric_value(engine=SparkDFExecutionEngine)
    def _spark(
        cls,
        execution_engine: SparkDFExecutionEngine,
        metric_domain_kwargs: dict[str, Any],
        metric_value_kwargs: dict[str, Any],
        **_: Any,
    ) -> dict[str, int]:
        rows: DataFrame = execution_engine.get_compute_domain(metric_domain_kwargs, MetricDomainTypes.TABLE)[0]
        by, column = _columns(metric_value_kwargs)
        pairs = rows.dropna(subset=by).groupBy(*by, column).agg(F.count(F.lit(1)).alias("rows"))
        there = F.col(column).isNotNull()
        ranked = pairs.withColumn("most", F.max(F.when(there, F.col("rows"))).over(Window.partitionBy(*by)))
        groups = ranked.groupBy(*by).agg(
            F.sum(F.when(there, F.col("rows"))).alias("judged"),
            F.max("most").alias("most"),
            F.sum(F.when(there & (F.col("rows") < F.col("most")), F.col("rows"))).alias("against"),
            F.sum(F.when(~there, F.col("rows"))).alias("empty"),
        )
        large, known = F.col("judged") >= _PAIR, F.col("most") >= _PAIR
        sums = groups.agg(
            F.sum(F.when(large, F.col("judged"))).alias(_JUDGED),
            F.sum(F.when(large, F.col("most"))).alias(_AGREEING),
            F.sum("against").alias(_CONFLICTS),
            F.sum(F.when(known, F.col("empty"))).alias(_GAPS),
        )
        return {name: int(value or 0) for name, value in sums.collect()[0].asDict().items()}


class ExpectColumnToBeDeterminedBy(BatchExpectation):
    """Expect rows with the same determinant to have the same value: a functional dependency.

    A row is unexpected when other rows of its group have another value more often each than it has its own,
    ties excepted. Groups of one row, and rows without a determinant, say nothing.

    Args:
        determinant: The column, or columns, that determine.
        column: The determined column.
        mostly: The share of judged rows that has to agree.
        missing_counts: Whether a row without a value is unexpected where its group knows one, at least twice.
    """

    determinant: str | list[str]
    column: str
    mostly: float = 1.0
    missing_counts: bool = False

    metric_dependencies: ClassVar[tuple[str, ...]] = (METRIC,)
    success_keys: ClassVar[tuple[str, ...]] = ("determinant", "column", "mostly", "missing_counts")

    def _validate(
        self,
        metrics: dict[str, Any],
        runtime_configuration: dict[str, Any] | None = None,
        execution_engine: ExecutionEngine[Any] | None = None,
    ) -> dict[str, Any]:
        counts = metrics[METRIC]
        gaps = counts[_GAPS] if self.missing_counts else 0
        judged = counts[_JUDGED] + gaps
        unexpected = counts[_CONFLICTS] + gaps
        agreeing = 1 - unexpected / judged if judged else 1.0
        return {
            "success": agreeing >= self.mostly,
            "result": {
                "observed_value": agreeing,
                "element_count": judged,
                "unexpected_count": unexpected,
                "unexpected_percent": 100 * (1 - agreeing),
                "details": {"confidence": counts[_AGREEING] / counts[_JUDGED] if counts[_JUDGED] else 1.0},
            },
        }


def _columns(named: dict[str, Any]) -> tuple[list[str], str]:
    determinant = named["determinant"]
    return [determinant] if isinstance(determinant, str) else list(determinant), str(named["column"])
