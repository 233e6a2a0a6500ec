"""Expectations that need the rows themselves: Great Expectations' Spark engine judges them, and the cost is told.

Uniqueness, overlaps, exact quantiles and whatever else has no figures of the writing pass. Each is judged by
itself, so that its seconds and Spark jobs are its own.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from pyspark.sql import DataFrame

from earshot.validators.suites import SuiteExpectation

if TYPE_CHECKING:
    from great_expectations.core import ExpectationValidationResult
    from great_expectations.expectations.expectation import Expectation

_GROUP = "spark.jobGroup.id"
_RUNTIME = {"result_format": "BASIC", "catch_exceptions": True}


@dataclass(frozen=True)
class Scan:
    """What an expectation cost beyond the writing pass.

    Attributes:
        rule: Name of the rule.
        seconds: Wall time.
        jobs: Spark jobs, each of which reads the rows.
    """

    rule: str
    seconds: float
    jobs: int

    def explain(self) -> str:
        """For a person."""
        return f"{self.rule} ({self.seconds:.1f} s, {self.jobs} Spark jobs)"

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def judge_by_scan(
    rows: DataFrame, expectations: Sequence[tuple[SuiteExpectation, Expectation]]
) -> tuple[list[ExpectationValidationResult], list[Scan]]:
    """Great Expectations' own results on rows, and what each cost.

    An expectation that cannot be judged (a column of the wrong type, say) is not met, and says why.

    Args:
        rows: What is judged.
        expectations: Those of the suite beside Great Expectations' objects.
    """
    from great_expectations.core.batch import Batch  # noqa: PLC0415 (slow to import)
    from great_expectations.execution_engine.sparkdf_batch_data import SparkDFBatchData  # noqa: PLC0415
    from great_expectations.execution_engine.sparkdf_execution_engine import SparkDFExecutionEngine  # noqa: PLC0415
    from great_expectations.validator.validator import Validator  # noqa: PLC0415

    engine = SparkDFExecutionEngine(spark=rows.sparkSession, persist=False)
    written: Any = SparkDFBatchData(engine, rows)
    validator = Validator(execution_engine=engine, batches=[Batch(data=written)])
    validator.metrics_calculator.show_progress_bars = False
    results, scans = [], []
    for own, theirs in expectations:
        with _JobCount(rows) as counted:
            results += validator.graph_validate(configurations=[theirs.configuration], runtime_configuration=_RUNTIME)
        scans.append(Scan(own.rule, round(counted.seconds, 3), counted.jobs))
    return results, scans


class _JobCount:
    """Counts the Spark jobs and the seconds of a block."""

    def __init__(self, rows: DataFrame) -> None:
        self._context = rows.sparkSession.sparkContext
        self._group = f"scan-{uuid.uuid4().hex}"
        self._outer: Any = self._context.getLocalProperty(_GROUP)
        self.jobs, self.seconds = 0, 0.0

    def __enter__(self) -> _JobCount:
        self._context.setLocalProperty(_GROUP, self._group)
        self._began = time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds = time.perf_counter() - self._began
        self._context.setLocalProperty(_GROUP, self._outer)
        self.jobs = len(self._context.statusTracker().getJobIdsForGroup(self._group))
