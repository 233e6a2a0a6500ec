"""A suite compiled once: row expectations to predicates, aggregate expectations to observed aggregates.

Use, in the pass that writes bronze (a row has the canonical columns, `parse_faults: array<string>` and `arrived_at`)::

    suite = compile_suite(load_suite("silver_listens"), settings, exempt=F.col("filtered_reason").isNotNull())
    judged = suite.judge(listens)                      # adds failed_rules and quarantine_rules
    observation = Observation("silver_listens")
    judged.observe(observation, *suite.aggregates())   # then write; observation.get are the figures
    verdict = suite.verdict(observation.get)           # Great Expectations' verdict, no further scan

`parse_faults` names what only the parser can know (`vocabulary.PARSER_RULES`); an empty array, not null, where it
found nothing. A line with the fault `readable_line` fails that rule and no other. `arrived_at` is the end of the
arrival day for files in a dated landing folder, if that is earlier than the file's own time.
The figures may be kept as JSON in the commit's userMetadata: `verdict` takes them back from there.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from earshot.core.columns import FAILED_RULES, QUARANTINE_RULES
from earshot.core.settings import Settings
from earshot.validators.aggregate_rules import AGGREGATES
from earshot.validators.row_conditions import row_condition
from earshot.validators.row_rules import ROW_RULES, unexpected
from earshot.validators.suites import Suite, SuiteExpectation
from earshot.validators.vocabulary import PARSE_FAULTS, READABLE_LINE

if TYPE_CHECKING:
    from earshot.validators.verdicts import FileFigures, GateVerdict

ROWS = "rows"
FAILED = "failed"
QUARANTINED = "quarantined"


@dataclass(frozen=True)
class CompiledSuite:
    """The predicates and aggregates of one suite.

    Attributes:
        suite: What was compiled.
        settings: Where its parameters came from.
        exempt: Rows that are not judged at all; None where all are.
    """

    suite: Suite
    settings: Settings
    exempt: Column | None = None

    def judge(self, rows: DataFrame) -> DataFrame:
        """The rows with failed_rules and quarantine_rules beside their columns."""
        return rows.withColumns({FAILED_RULES: self.failed_rules()}).withColumns(
            {QUARANTINE_RULES: self.quarantine_rules()}
        )

    def failed_rules(self) -> Column:
        """array<string>: the rules that the row fails, of every action, in the suite's order; never null.

        A row that fails nothing costs one evaluation of each predicate and no array of candidates.
        """
        nothing = F.array().cast("array<string>")
        predicates = {e.rule: self._unexpected(e) for e in self._row_expectations()}
        if not predicates:
            return nothing
        failed = F.array_compact(F.array(*(F.when(p, F.lit(rule)) for rule, p in predicates.items())))
        verdict = F.when(reduce(operator.or_, predicates.values()), failed)
        if READABLE_LINE in predicates:
            verdict = F.when(predicates[READABLE_LINE], F.array(F.lit(READABLE_LINE))).when(
                reduce(operator.or_, predicates.values()), failed
            )
        if self.exempt is not None:
            verdict = F.when(~self.exempt, verdict.otherwise(nothing))
        return verdict.otherwise(nothing)

    def quarantine_rules(self) -> Column:
        """array<string>: those of the column `failed_rules` that set the row aside; never null."""
        rules = [e.rule for e in self._row_expectations() if e.action == "quarantine"]
        failed, nothing = F.col(FAILED_RULES), F.array().cast("array<string>")
        if not rules:
            return nothing
        return F.when(F.size(failed) == 0, failed).otherwise(F.array_intersect(failed, F.array(*map(F.lit, rules))))

    def aggregates(self, *, judged: bool = True) -> list[Column]:
        """Named aggregates for `DataFrame.observe`, of every expectation of the suite.

        Args:
            judged: The frame has failed_rules and quarantine_rules (see `judge`), so that no predicate is
                evaluated twice; it may lack parse_faults. False computes them from the rows, for tables that are
                not quarantined.
        """
        figures: dict[str, Column] = {ROWS: F.count(F.lit(1)) if self.exempt is None else F.count_if(~self.exempt)}
        if judged:
            figures[FAILED] = F.count_if(F.size(FAILED_RULES) > 0)
            figures[QUARANTINED] = F.count_if(F.size(QUARANTINE_RULES) > 0)
        for expectation in self.suite.expectations:
            figures.update(self._figures(expectation, judged))
        return [column.alias(name) for name, column in figures.items()]

    def verdict(
        self,
        figures: Mapping[str, Any],
        *,
        batch_id: str = "",
        files: Sequence[FileFigures] = (),
        examples: Mapping[str, Sequence[str]] | None = None,
    ) -> GateVerdict:
        """Great Expectations' verdict on observed figures; see `verdicts.judge_figures`."""
        from earshot.validators.verdicts import judge_figures  # noqa: PLC0415 (Great Expectations is slow to import)

        return judge_figures(self, figures, batch_id=batch_id, files=files, examples=examples or {})

    def figure_name(self, expectation: SuiteExpectation, what: str) -> str:
        """Under which name a figure of an expectation is observed; nulls of a column are counted once."""
        if what == "nulls" and not expectation.kwargs.get("row_condition"):
            return f"{expectation.kwargs.get('column', PARSE_FAULTS)}__nulls"
        return f"{expectation.rule}__{what}"

    @staticmethod
    def _reads_faults(expectation: SuiteExpectation) -> bool:
        """Whether it reads parse_faults, which no judged row lacks and which bronze does not keep."""
        return expectation.kwargs.get("column") == PARSE_FAULTS

    def _row_expectations(self) -> list[SuiteExpectation]:
        return [e for e in self.suite.expectations if e.judges_rows]

    def _domain(self, expectation: SuiteExpectation) -> Column | None:
        """The rows of which an expectation speaks: its row_condition, without the exempt rows."""
        arguments = expectation.kwargs
        condition = row_condition(
            arguments.get("row_condition"), parser=arguments.get("condition_parser"), where=expectation.where
        )
        if self.exempt is None:
            return condition
        return ~self.exempt if condition is None else ~self.exempt & condition

    def _unexpected(self, expectation: SuiteExpectation) -> Column:
        arguments = expectation.kwargs
        condition = row_condition(
            arguments.get("row_condition"), parser=arguments.get("condition_parser"), where=expectation.where
        )
        return unexpected(expectation.type, expectation.resolved(self.settings), condition)

    def _figures(self, expectation: SuiteExpectation, judged: bool) -> dict[str, Column]:
        arguments, domain = expectation.resolved(self.settings), self._domain(expectation)
        if not expectation.judges_rows:
            wanted = AGGREGATES[expectation.type](arguments, domain)
            return {self.figure_name(expectation, what): column for what, column in wanted.items()}
        rule = ROW_RULES[expectation.type]
        figures = {
            "unexpected": F.count_if(
                F.array_contains(FAILED_RULES, expectation.rule)
                if judged
                else unexpected(expectation.type, arguments, domain)
            )
        }
        if arguments.get("row_condition") is not None:
            figures["elements"] = F.count_if(domain if domain is not None else F.lit(True))
        if rule.missing is not None and not (judged and self._reads_faults(expectation)):
            missing = rule.missing(arguments)
            counted = missing if rule.counts_nulls else ~missing
            figures["nulls" if rule.counts_nulls else "filtered"] = F.count_if(
                counted if domain is None else domain & counted
            )
        return {self.figure_name(expectation, what): column for what, column in figures.items()}


def compile_suite(suite: Suite, settings: Settings, *, exempt: Column | None = None) -> CompiledSuite:
    """Compile a suite (a part of one, by `Suite.of_table`); needs a running Spark session to be used.

    Args:
        suite: From `load_suite`.
        settings: Gives the suite parameters, such as `future_tolerance_s`.
        exempt: Rows that are not judged at all (those filtered on purpose); must not be null.
    """
    return CompiledSuite(suite, settings, exempt)
