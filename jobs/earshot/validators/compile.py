"""A suite compiled once: row expectations to predicates, aggregate expectations to observed aggregates.

On a Spark frame (a row has the canonical columns, `parse_faults: array<string>` and `arrived_at`)::

    suite = compile_suite(load_suite("silver_listens"), settings, exempt=is_filtered)
    judged = suite.judge(listens)                      # adds failed_rules and quarantine_rules
    figures = judged.agg(*suite.aggregates()).collect()[0].asDict()
    verdict = suite.verdict(figures)                   # Great Expectations' verdict, no further scan

In Arrow tasks `line_judge.LineJudge(suite.rules)` does the same with the lines of a batch, in the pass that writes
bronze. `parse_faults` names what only the parser can know (`vocabulary.PARSER_RULES`); an empty array, not null,
where it found nothing. A line with the fault `readable_line` fails that rule and no other. `arrived_at` is the end
of the arrival day for files in a dated landing folder, if that is earlier than the file's own time. The figures may
be kept as JSON in the commit's userMetadata: `verdict` takes them back from there.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial, reduce
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from earshot.core.columns import FAILED_RULES, QUARANTINE_RULES
from earshot.core.settings import Settings
from earshot.core.text import one_line
from earshot.validators.rules import FileFigures, Rules
from earshot.validators.spark_terms import SPARK
from earshot.validators.suites import Suite
from earshot.validators.terms import Terms, Value
from earshot.validators.verdicts import GateVerdict, judge_figures
from earshot.validators.vocabulary import READABLE_LINE

_FEW_FILES = 3


@dataclass(frozen=True)
class CompiledSuite:
    """The predicates and aggregates of one suite.

    Attributes:
        suite: What was compiled.
        settings: Where its parameters came from.
        rules: What it says of rows.
    """

    suite: Suite
    settings: Settings
    rules: Rules

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
        predicates: dict[str, Column] = self.rules.unexpected(SPARK)
        if not predicates:
            return nothing
        failed = F.array_compact(F.array(*(F.when(p, F.lit(rule)) for rule, p in predicates.items())))
        verdict = F.when(reduce(operator.or_, predicates.values()), failed)
        if READABLE_LINE in predicates:
            verdict = F.when(predicates[READABLE_LINE], F.array(F.lit(READABLE_LINE))).when(
                reduce(operator.or_, predicates.values()), failed
            )
        if self.rules.exempt is not None:
            verdict = F.when(~self.rules.exempt(SPARK), verdict.otherwise(nothing))
        return verdict.otherwise(nothing)

    def quarantine_rules(self) -> Column:
        """array<string>: those of the column `failed_rules` that set the row aside; never null."""
        failed, nothing = F.col(FAILED_RULES), F.array().cast("array<string>")
        if not self.rules.aside:
            return nothing
        aside = F.array(*map(F.lit, self.rules.aside))
        return F.when(F.size(failed) == 0, failed).otherwise(F.array_intersect(failed, aside))

    def aggregates(self, *, judged: bool = True) -> list[Column]:
        """Named aggregates for `DataFrame.observe` and `agg`, of every expectation of the suite.

        Args:
            judged: See `Rules.figures`.
        """
        return [column.alias(name) for name, column in self.rules.figures(SPARK, judged=judged).items()]

    def knowing(self, always: Callable[[int], Mapping[str, list[str]]]) -> CompiledSuite:
        """The same suite, which knows the columns that the files of each source always had.

        Args:
            always: Gives them, by source, from so many files on.
        """
        kind = "expect_no_lost_column"
        wanted = [e.kwargs.get("min_files", _FEW_FILES) for e in self.suite.expectations if e.type == kind]
        if not wanted:
            return self
        return replace(self, rules=self.rules.with_arguments(kind, always=always(max(wanted))))

    def verdict(
        self,
        figures: Mapping[str, Any],
        *,
        batch_id: str = "",
        files: Sequence[FileFigures] = (),
        examples: Mapping[str, Sequence[str]] | None = None,
        rows: Callable[[], DataFrame] | None = None,
    ) -> GateVerdict:
        """Great Expectations' verdict on observed figures, with as many examples as is set; see `judge_figures`."""
        most = self.settings.quality.examples
        first = {rule: [one_line(line) for line in lines[:most]] for rule, lines in (examples or {}).items()}
        scanned = partial(self._judged_rows, rows) if rows else None
        return judge_figures(self.rules, figures, batch_id=batch_id, files=files, examples=first, rows=scanned)

    def _judged_rows(self, rows: Callable[[], DataFrame]) -> DataFrame:
        return rows() if self.rules.exempt is None else rows().where(~self.rules.exempt(SPARK))


def compile_suite(suite: Suite, settings: Settings, *, exempt: Callable[[Terms], Value] | None = None) -> CompiledSuite:
    """Compile a suite (a part of one, by `Suite.of_table`).

    Args:
        suite: From `load_suite`.
        settings: Gives the suite parameters, such as `future_tolerance_s`.
        exempt: Says of rows that they are not judged at all (those filtered on purpose); must not be null.
    """
    arguments = {e.rule: e.resolved(settings) for e in suite.expectations}
    return CompiledSuite(suite, settings, Rules(suite, arguments, exempt))
