"""Verdicts as they lie in HOME/reports/validations, given back to Great Expectations as its own results."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from earshot.validators.suites import GATE_SUITE

if TYPE_CHECKING:
    from great_expectations.core import ExpectationSuiteValidationResult
    from great_expectations.core.run_identifier import RunIdentifier
    from great_expectations.data_context.types.resource_identifiers import ValidationResultIdentifier


@dataclass(frozen=True)
class KeptVerdict:
    """A verdict as it lies on disk, and when it was written."""

    content: dict[str, Any]
    at: datetime

    @property
    def batch_id(self) -> str:
        """What was judged."""
        return str(self.content["batch_id"])

    @property
    def suite(self) -> str:
        """Name of the suite."""
        return str(self.content["suite"])

    @property
    def outcome(self) -> str:
        """What became of a batch; tables that are judged after they were written are neither refused nor admitted."""
        if self.suite != GATE_SUITE:
            return "judged"
        return "refused" if self.content.get("closed") else "admitted"

    @property
    def tables(self) -> str:
        """The tables that the suite speaks of."""
        return ", ".join(map(str, self.content["result"].get("meta", {}).get("tables") or ()))

    @property
    def run_id(self) -> RunIdentifier:
        """Under outcome and time."""
        from great_expectations.core.run_identifier import RunIdentifier  # noqa: PLC0415 (slow to import)

        return RunIdentifier(run_name=self.outcome, run_time=self.at)

    @property
    def key(self) -> ValidationResultIdentifier:
        """Where Great Expectations keeps the result, and draws its page: under suite, run and batch."""
        from great_expectations.data_context.types.resource_identifiers import (  # noqa: PLC0415 (slow to import)
            ExpectationSuiteIdentifier,
            ValidationResultIdentifier,
        )

        return ValidationResultIdentifier(ExpectationSuiteIdentifier(self.suite), self.run_id, self.batch_id)

    def result(self, *, whole: bool = True) -> ExpectationSuiteValidationResult:
        """What Great Expectations gave, with what its pages and messages tell of the batch.

        Args:
            whole: Whether with the result of each expectation; an index shows none, and most of the time goes there.
        """
        from great_expectations.core.expectation_validation_result import (  # noqa: PLC0415 (slow to import)
            ExpectationSuiteValidationResultSchema,
        )

        told = self.content["result"] if whole else {**self.content["result"], "results": []}
        result: ExpectationSuiteValidationResult = ExpectationSuiteValidationResultSchema().load(told)
        scan = self.content.get("scan_seconds")
        cost = "no scan: figures of the writing pass" if scan is None else f"one scan of the table, {scan:.1f} s"
        rows = self.content.get("rows")
        result.batch_id = self.batch_id
        result.meta |= {
            "run_id": self.run_id,
            "batch_spec": {"data_asset_name": self.tables, "batch": self.batch_id, "rows": rows, "cost": cost},
        }
        return result


def read_kept(path: Path) -> KeptVerdict | None:
    """The verdict in a file; None where there is none, or a person has damaged it."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        content["result"]["results"], content["batch_id"], content["suite"]
        return KeptVerdict(content, datetime.fromtimestamp(path.stat().st_mtime, UTC))
    except (OSError, ValueError, KeyError, TypeError):
        return None
