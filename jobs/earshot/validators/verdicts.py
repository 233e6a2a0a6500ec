"""Verdicts of Great Expectations on observed figures, and what the gate makes of them.

Great Expectations judges each expectation; its result is kept whole. The gate is closed when an expectation
with the action `fail` is not met. Rows that fail a rule with the action `quarantine` are set aside one by
one, rules with the action `warn` are counted; neither closes the gate.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from pyspark.sql import DataFrame

from earshot.core.errors import GateRefusedError, SettingsError, TableError
from earshot.validators.rules import ROWS, FileFigures, Rules
from earshot.validators.scans import Scan, judge_by_scan
from earshot.validators.suites import SuiteExpectation

if TYPE_CHECKING:
    from great_expectations.core import ExpectationSuite

RESULT_FORMAT = "BASIC"
_NAMED_ERROR = re.compile(r"[A-Za-z_.]*(Error|Exception): ")
_MOST_LOST = 5
_SCANS, _NOT_JUDGED = "scans", "not_judged"


@dataclass(frozen=True)
class FailedExpectation:
    """One expectation that was not met.

    Attributes:
        rule: Name of the rule in the suite.
        unexpected_count: Rows that were not as expected; None for a statement about the table.
        unexpected_percent: Of the rows that had something to judge, 0 to 100.
        element_count: Rows of which the expectation speaks.
        observed_value: What was observed, for a statement about the table.
        examples: `file:line: payload` of the first unexpected rows.
    """

    rule: str
    expectation_type: str
    severity: str
    action: str
    owner: str
    description: str
    unexpected_count: int | None
    unexpected_percent: float | None
    element_count: int | None
    observed_value: Any
    details: Mapping[str, Any]
    examples: tuple[str, ...] = ()

    def explain(self) -> str:
        """One sentence for a person, with the first examples on lines of their own."""
        if self.unexpected_count is not None:
            found = (
                f"{self.unexpected_count:,} of {self.element_count or 0:,} rows ({self.unexpected_percent or 0:.2f} %)"
            )
        else:
            value = self.observed_value
            found = f"observed {value:.4g}" if isinstance(value, float) else f"observed {value}"
            if self.details.keys() & {"rows", "files"} and isinstance(value, float):
                found = f"{value:.1%}"
            if "rows" in self.details:
                found += f" ({self.details['quarantined']:,} of {self.details['rows']:,} rows set aside)"
            for lost in list(self.details.get("lost", ()))[:_MOST_LOST]:
                files = ", ".join(lost["files"]) or "the new files"
                found += f"; {lost['column']}, which every earlier {lost['source']} file had, is nowhere in {files}"
            for file in list(self.details.get("files", ()))[:3]:
                found += f"; {file['file']}: {file['quarantined']:,} of {file['rows']:,} lines set aside"
        if error := self.details.get("error"):
            found = f"could not be judged: {error}"
        lines = [f"{self.rule} ({self.expectation_type}, {self.severity}): {found}. {self.description}".rstrip()]
        return "\n".join([*lines, *(f"    {example}" for example in self.examples)])


@dataclass(frozen=True)
class GateVerdict:
    """What the gate says of a batch.

    Attributes:
        closed: Whether the batch is refused.
        rows: Rows that were judged.
        statistics: Great Expectations' evaluated_expectations, successful_expectations,
            unsuccessful_expectations and success_percent.
        failures: Every expectation that was not met, those that close the gate first.
        result: Great Expectations' ExpectationSuiteValidationResult as JSON.
        scan_seconds: What reading the table once more cost; None where the writing pass observed the figures.
    """

    suite: str
    batch_id: str
    fingerprint: str
    closed: bool
    rows: int
    statistics: Mapping[str, Any]
    failures: tuple[FailedExpectation, ...]
    result: Mapping[str, Any] = field(repr=False)
    scan_seconds: float | None = None

    @property
    def closing(self) -> tuple[FailedExpectation, ...]:
        """The failures that close the gate."""
        return tuple(failure for failure in self.failures if failure.action == "fail")

    @property
    def scans(self) -> tuple[Scan, ...]:
        """What expectations cost that were not judged from figures of the writing pass."""
        return tuple(Scan(**scan) for scan in self.result.get("meta", {}).get(_SCANS, ()))

    @property
    def reason(self) -> str:
        """One line for ops.ledger: the rules that closed the gate, with what was found."""
        return "; ".join(failure.explain().splitlines()[0] for failure in self.closing)

    def explain(self) -> str:
        """The verdict for a person: what closed the gate, then what sets rows aside, then warnings."""
        met, all_of_them = self.statistics["successful_expectations"], self.statistics["evaluated_expectations"]
        head = f"The gate {'refused' if self.closed else 'admits'} batch {self.batch_id or '(unnamed)'}"
        lines = [f"{head}: {met} of {all_of_them} expectations of {self.suite} are met."]
        for action, title in (("fail", "Closes the gate"), ("quarantine", "Sets rows aside"), ("warn", "Warns")):
            chosen = [failure for failure in self.failures if failure.action == action]
            if chosen:
                lines.append(f"{title}:")
                lines += [f"  {line}" for failure in chosen for line in failure.explain().splitlines()]
        if too_few := self.result.get("meta", {}).get(_NOT_JUDGED):
            lines.append(f"Not judged, for want of rows: {', '.join(too_few)}.")
        if self.scans:
            lines.append(f"Judged by scans of the written rows: {', '.join(scan.explain() for scan in self.scans)}.")
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """What HOME/reports/validations/BATCH.json holds; plain JSON values."""
        content = {
            "suite": self.suite,
            "batch_id": self.batch_id,
            "fingerprint": self.fingerprint,
            "closed": self.closed,
            "rows": self.rows,
            "scan_seconds": self.scan_seconds,
            "statistics": dict(self.statistics),
            "failures": [asdict(failure) for failure in self.failures],
            "result": self.result,
        }
        plain: dict[str, Any] = json.loads(json.dumps(content, default=str))
        return plain

    def refuse(self) -> GateRefusedError:
        """The error that a job raises for a closed gate: exit 3, with every expectation and example."""
        listing = "\n".join(failure.explain() for failure in (*self.closing, *self._row_failures()))
        return GateRefusedError(
            f"The quality gate refused batch {self.batch_id}: "
            f"{len(self.closing)} expectation(s) of {self.suite} failed.\n{listing}",
            where=f"batch {self.batch_id}",
            remedy=f"See `earshot gate show {self.batch_id}`; mend the files and land them again, or admit it with "
            f"`earshot gate release {self.batch_id} --reason TEXT`.",
        )

    def _row_failures(self) -> list[FailedExpectation]:
        """The three rules that set most rows aside: the likely cause."""
        rows = [f for f in self.failures if f.action == "quarantine" and f.unexpected_count]
        return sorted(rows, key=lambda f: (-(f.unexpected_count or 0), f.rule))[:3]


def judge_figures(
    rules: Rules,
    figures: Mapping[str, Any],
    *,
    batch_id: str = "",
    files: Sequence[FileFigures] = (),
    examples: Mapping[str, Sequence[str]],
    rows: Callable[[], DataFrame] | None = None,
) -> GateVerdict:
    """Let Great Expectations judge the figures that a pass observed; only what has no figures costs a scan.

    Args:
        rules: Of the suite whose aggregates were observed.
        figures: `Observation.get`, or the same from JSON; with `schema_figures(frame.schema)` where the
            suite speaks of columns and types.
        batch_id: What was judged.
        files: Lines and quarantined lines by file, for expectations about files.
        examples: First unexpected rows by rule, as `file:line: masked payload`.
        rows: Gives the written rows, for expectations that are not compiled.

    Raises:
        TableError: A figure that the suite needs was not observed, or there are no rows for a scan.
    """
    _great_expectations()
    from great_expectations.core import ExpectationSuiteValidationResult  # noqa: PLC0415 (slow to import)
    from great_expectations.validator.validation_statistics import calc_validation_statistics  # noqa: PLC0415
    from great_expectations.validator.validator import Validator  # noqa: PLC0415

    from earshot.validators.observed_engine import ObservedExecutionEngine, ObservedFigures  # noqa: PLC0415

    observed = ObservedFigures(rules, figures, files=files, examples=examples)
    theirs = to_great_expectations(rules)
    beside = list(zip(rules.suite.expectations, theirs.expectations, strict=True))
    compiled = [(own, their) for own, their in beside if own.is_compiled and not observed.says_little(own)]
    validator = Validator(execution_engine=ObservedExecutionEngine(observed, compiled))
    validator.metrics_calculator.show_progress_bars = False
    results = validator.graph_validate(
        configurations=[their.configuration for _, their in compiled],
        runtime_configuration={"result_format": RESULT_FORMAT, "catch_exceptions": False},
    )
    scanned, scans = _scanned([(own, their) for own, their in beside if not own.is_compiled], rows)
    results += scanned
    statistics = calc_validation_statistics(results)
    result = ExpectationSuiteValidationResult(
        success=statistics.success,
        results=results,
        suite_name=theirs.name,
        statistics={name: value for name, value in statistics._asdict().items() if name != "success"},
        meta={
            "batch_id": batch_id,
            "tables": list(rules.suite.tables),
            "suite_fingerprint": rules.suite.fingerprint,
            _SCANS: [scan.to_json() for scan in scans],
            _NOT_JUDGED: [own.rule for own, _ in beside if observed.says_little(own)],
        },
    )
    plain: dict[str, Any] = result.to_json_dict()  # type: ignore[no-untyped-call]
    return _verdict(rules, plain, batch_id, examples, int(figures[ROWS]))


def _scanned(
    expectations: list[tuple[SuiteExpectation, Any]], rows: Callable[[], DataFrame] | None
) -> tuple[list[Any], list[Scan]]:
    if not expectations:
        return [], []
    if rows is None:
        raise TableError(
            f"{expectations[0][0].rule} is judged by a scan, and there are no rows to scan.",
            where=expectations[0][0].where,
            remedy="Give the written rows to the verdict.",
        )
    return judge_by_scan(rows(), expectations)


def to_great_expectations(rules: Rules) -> ExpectationSuite:
    """The suite as Great Expectations' own object, parameters resolved and severity set."""
    _great_expectations()
    from great_expectations.core import ExpectationSuite  # noqa: PLC0415

    suite = ExpectationSuite(name=rules.suite.name)
    for expectation in rules.suite.expectations:
        suite.expectations.append(_their_expectation(expectation, rules))
    return suite


def _their_expectation(expectation: SuiteExpectation, rules: Rules) -> Any:
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration  # noqa: PLC0415
    from great_expectations.expectations.metadata_types import FailureSeverity  # noqa: PLC0415

    own = {"rule": expectation.rule, "action": expectation.action, "owner": expectation.owner}
    configuration = ExpectationConfiguration(
        type=expectation.type,
        kwargs=dict(rules.arguments[expectation.rule]),
        meta={"earshot": own},
        description=expectation.description or None,
        severity=FailureSeverity(expectation.severity),
    )
    try:
        return configuration.to_domain_obj()
    except ValueError as error:
        raise SettingsError(
            f"{expectation.rule}: Great Expectations does not take these arguments: {' '.join(str(error).split())}.",
            where=expectation.where,
            remedy=f"Give {expectation.type} the arguments that its documentation names.",
        ) from None


def _great_expectations() -> None:
    import earshot.validators.expectation_types  # noqa: F401, PLC0415 (registers the types)


def _verdict(
    rules: Rules,
    result: dict[str, Any],
    batch_id: str,
    examples: Mapping[str, Sequence[str]],
    rows: int,
) -> GateVerdict:
    by_rule = {e.rule: e for e in rules.suite.expectations}
    failures = []
    for judged in result["results"]:
        expectation = by_rule[judged["expectation_config"]["meta"]["earshot"]["rule"]]
        if judged["success"]:
            continue
        found = judged.get("result") or {}
        error = _error_in(judged.get("exception_info") or {})
        failures.append(
            FailedExpectation(
                rule=expectation.rule,
                expectation_type=expectation.type,
                severity=expectation.severity,
                action=expectation.action,
                owner=expectation.owner,
                description=expectation.description,
                unexpected_count=found.get("unexpected_count"),
                unexpected_percent=found.get("unexpected_percent"),
                element_count=found.get("element_count"),
                observed_value=found.get("observed_value"),
                details={"error": error} if error else found.get("details") or {},
                examples=tuple(examples.get(expectation.rule, ())),
            )
        )
    order = {"fail": 0, "quarantine": 1, "warn": 2}
    failures.sort(key=lambda f: (order[f.action], -(f.unexpected_count or 0), f.rule))
    return GateVerdict(
        suite=rules.suite.name,
        batch_id=batch_id,
        fingerprint=rules.suite.fingerprint,
        closed=any(f.action == "fail" for f in failures),
        rows=rows,
        statistics=result["statistics"],
        failures=tuple(failures),
        result=result,
    )


def _error_in(told: Mapping[str, Any]) -> str:
    """One line of what Great Expectations caught; it tells of one error, or of one a metric."""
    errors = [told, *(value for value in told.values() if isinstance(value, Mapping))]
    message = next((str(error["exception_message"]) for error in errors if error.get("raised_exception")), "")
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    return next((line for line in reversed(lines) if _NAMED_ERROR.match(line)), lines[0] if lines else "")
