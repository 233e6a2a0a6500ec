"""A Great Expectations execution engine without data: it answers metrics from observed figures.

Great Expectations asks an engine for metrics (`column_values.between.unexpected_count`, `table.row_count`)
and judges them itself: `mostly`, percentages and result format stay its own. This engine knows, for every
expectation of a compiled suite, which observed figure answers which metric, and never scans anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import pyspark.sql.types as spark_types
from great_expectations.execution_engine.execution_engine import ExecutionEngine
from great_expectations.execution_engine.sparkdf_execution_engine import SparkDFExecutionEngine
from great_expectations.expectations.expectation import Expectation
from great_expectations.validator.metric_configuration import MetricConfiguration, MetricConfigurationID

from earshot.core.errors import TableError
from earshot.validators.aggregate_rules import SCHEMA_FIGURE
from earshot.validators.expectation_types.no_lost_column import SEEN_METRIC
from earshot.validators.expectation_types.quarantined_share import BATCH_METRIC, FILE_METRIC
from earshot.validators.rules import QUARANTINED, ROWS, SEEN_COLUMNS, FileFigures, Rules
from earshot.validators.suites import SuiteExpectation
from earshot.validators.vocabulary import PARSE_FAULTS

_INTERNAL = (".condition", ".aggregate_fn", "unexpected_index_list", "unexpected_index_query", "unexpected_rows")


class ObservedFigures:
    """The figures of one pass, by expectation and metric.

    Args:
        rules: Of the suite whose aggregates were observed.
        figures: What was observed, by name; with `schema_figures` where expectations speak of columns.
        files: `source_file`, `rows_in` and `quarantined` by file, for expectations about files.
        examples: Unexpected values by rule, for the partial lists.
    """

    def __init__(
        self,
        rules: Rules,
        figures: Mapping[str, Any],
        *,
        files: Sequence[FileFigures] = (),
        examples: Mapping[str, Sequence[str]],
    ) -> None:
        self.rules = rules
        self.figures = figures
        self.files = [dict(file) for file in files]
        self.examples = examples

    def answer(self, expectation: SuiteExpectation, metric: str) -> Any:
        """The value of one metric of one expectation.

        Raises:
            TableError: The figure was not observed.
        """
        if metric.endswith(_INTERNAL):
            return None
        if metric.endswith(".unexpected_values"):
            return list(self.examples.get(expectation.rule, ()))
        for ending, figure in _BY_ENDING:
            if metric == ending or metric.endswith(f".{ending}"):
                return figure(self, expectation)
        raise TableError(
            f"{expectation.rule}: the metric {metric} has no observed figure.",
            where=expectation.where,
            remedy="Judge this expectation with Great Expectations' own engine.",
        )

    def figure(self, expectation: SuiteExpectation, what: str) -> Any:
        """An observed figure of an expectation."""
        name = self.rules.figure_name(expectation, what)
        if name not in self.figures:
            raise TableError(
                f"The figure {name} was not observed.",
                where=expectation.where,
                remedy="Observe the aggregates of the same suite in the writing pass.",
            )
        return self.figures[name]

    def elements(self, expectation: SuiteExpectation) -> int:
        """Rows of which the expectation speaks."""
        conditioned = expectation.kwargs.get("row_condition") is not None or not expectation.judges_rows
        name = self.rules.figure_name(expectation, "elements")
        return int(self.figures[name] if conditioned and name in self.figures else self.figures[ROWS])

    def unexpected(self, expectation: SuiteExpectation) -> int | None:
        """Rows that are not as expected; of a column without rows None, as Great Expectations has it."""
        if "column" in expectation.kwargs and not self.elements(expectation):
            return None
        return int(self.figure(expectation, "unexpected"))

    def filtered(self, expectation: SuiteExpectation) -> int:
        """Rows of a pair expectation that have something to judge."""
        name = self.rules.figure_name(expectation, "filtered")
        return int(self.figures.get(name, self.elements(expectation)))

    def present(self, expectation: SuiteExpectation) -> float:
        """Share of rows that have a value."""
        elements = self.elements(expectation)
        return int(self.figure(expectation, "present")) / elements if elements else 0.0

    def unique(self, expectation: SuiteExpectation) -> float:
        """Different values by rows that have one."""
        present = int(self.figure(expectation, "present"))
        return int(self.figure(expectation, "distinct")) / present if present else 0.0

    def beyond_set(self, expectation: SuiteExpectation) -> list[Any]:
        """Different values that are not in the set."""
        return sorted(set(self.figure(expectation, "values")) - set(expectation.kwargs["value_set"]))

    def missing_from(self, expectation: SuiteExpectation) -> list[Any]:
        """Values of the set that no row has."""
        return sorted(set(expectation.kwargs["value_set"]) - set(self.figure(expectation, "values")))

    def types(self) -> list[dict[str, Any]]:
        """Columns with their Spark types, as Great Expectations' metric has them."""
        named = self.figures.get(SCHEMA_FIGURE) or {}
        return [{"name": name, "type": _spark_type(kind)} for name, kind in named.items()]

    def says_little(self, expectation: SuiteExpectation) -> bool:
        """Whether a statement about values of a column speaks of fewer of them than it is worth judging."""
        if expectation.judges_rows or not expectation.is_compiled:
            return False
        names = (self.rules.figure_name(expectation, what) for what in ("elements", "present"))
        counts = [int(self.figures[name]) for name in names if name in self.figures]
        return self.rules.figure_name(expectation, "present") in self.figures and max(counts) < expectation.min_rows

    def nulls(self, expectation: SuiteExpectation) -> int | None:
        """Rows without a value: what was counted, or the unexpected ones where nullity is the question."""
        if not self.elements(expectation):
            return None
        if expectation.kwargs.get("column") == PARSE_FAULTS and f"{PARSE_FAULTS}__nulls" not in self.figures:
            return 0
        return int(self.figure(expectation, "nulls" if _counts_nulls(expectation) else "unexpected"))


def _counts_nulls(expectation: SuiteExpectation) -> bool:
    return expectation.type != "expect_column_values_to_not_be_null"


def _spark_type(name: str) -> spark_types.DataType:
    """An instance of the type's class; its parameters do not matter to Great Expectations."""
    kind: type[spark_types.DataType] = getattr(spark_types, name)
    return kind.__new__(kind)


_BY_ENDING: list[tuple[str, Callable[[ObservedFigures, SuiteExpectation], Any]]] = [
    ("nonnull.unexpected_count", lambda o, e: o.nulls(e)),
    ("filtered_row_count", lambda o, e: o.filtered(e)),
    ("unexpected_count", lambda o, e: o.unexpected(e)),
    ("table.row_count", lambda o, e: o.elements(e)),
    ("table.columns", lambda o, e: [c["name"] for c in o.types()]),
    ("table.column_types", lambda o, e: o.types()),
    (BATCH_METRIC, lambda o, e: int(o.figures[QUARANTINED])),
    (FILE_METRIC, lambda o, e: o.files),
    (SEEN_METRIC, lambda o, e: o.figures.get(SEEN_COLUMNS) or {}),
    ("column.min", lambda o, e: o.figure(e, "value")),
    ("column.max", lambda o, e: o.figure(e, "value")),
    ("column.mean", lambda o, e: o.figure(e, "value")),
    ("column.sum", lambda o, e: o.figure(e, "value")),
    ("column.standard_deviation", lambda o, e: o.figure(e, "value")),
    ("column.distinct_values.not_in_set", lambda o, e: o.beyond_set(e)),
    ("column.distinct_values.not_in_set.count", lambda o, e: len(o.beyond_set(e))),
    ("column.distinct_values.missing_from_column", lambda o, e: o.missing_from(e)),
    ("column.distinct_values.missing_from_column.count", lambda o, e: len(o.missing_from(e))),
    ("column.distinct_values.count", lambda o, e: int(o.figure(e, "distinct"))),
    ("column.non_null_proportion", lambda o, e: o.present(e)),
    ("column.unique_proportion", lambda o, e: o.unique(e)),
]


class ObservedExecutionEngine(SparkDFExecutionEngine):
    """Answers the metrics of one compiled suite from one pass.

    Args:
        observed: The figures.
        expectations: Great Expectations' objects beside the suite's, in the same order.
    """

    def __init__(self, observed: ObservedFigures, expectations: Sequence[tuple[SuiteExpectation, Expectation]]) -> None:
        ExecutionEngine.__init__(self, name="observed")  # SparkDFExecutionEngine would open a session
        self._answers: dict[MetricConfigurationID, Callable[[], Any]] = {}
        for own, theirs in expectations:
            wanted = theirs.get_validation_dependencies(execution_engine=self).metric_configurations
            for name, metric in wanted.items():
                self._answers[_without_batch(metric)] = partial(observed.answer, own, name)

    def resolve_metrics(
        self,
        metrics_to_resolve: Iterable[MetricConfiguration],
        metrics: dict[MetricConfigurationID, Any] | None = None,
        runtime_configuration: dict[str, Any] | None = None,
    ) -> dict[MetricConfigurationID, Any]:
        """The observed value of each metric; None for those that only lead to others."""
        resolved: dict[MetricConfigurationID, Any] = {}
        for metric in metrics_to_resolve:
            answer = self._answers.get(_without_batch(metric))
            resolved[metric.id] = answer() if answer else None
        return resolved


def _without_batch(metric: MetricConfiguration) -> MetricConfigurationID:
    """The metric's identity, whatever the batch and the result format."""
    domain = {key: value for key, value in metric.metric_domain_kwargs.items() if key != "batch_id"}
    values = {key: value for key, value in metric.metric_value_kwargs.items() if key != "result_format"}
    return MetricConfiguration(metric.metric_name, domain, values).id
