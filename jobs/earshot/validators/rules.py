"""The rules of a suite in `terms`: which rows are unexpected, and what is counted of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypedDict

from earshot.core.columns import FAILED_RULES, QUARANTINE_RULES
from earshot.validators.aggregate_rules import AGGREGATES, Aggregate
from earshot.validators.row_conditions import row_condition
from earshot.validators.row_rules import ROW_RULES, unexpected
from earshot.validators.suites import Suite, SuiteExpectation
from earshot.validators.terms import Terms, Value
from earshot.validators.vocabulary import PARSE_FAULTS

ROWS = "rows"
FAILED = "failed"
QUARANTINED = "quarantined"
SEEN_COLUMNS = "seen_columns"
DAY_PROFILES = "day_profiles"
NEWEST_EVENT = "newest_event_us"
TIMED_PLAYS, LATE_PLAYS = "timed_plays", "late_plays"


class FileFigures(TypedDict):
    """Lines of one file, and those of them that are set aside."""

    source_file: str
    rows_in: int
    quarantined: int


@dataclass(frozen=True)
class Rules:
    """What a suite says of rows. Can be sent to executors.

    Attributes:
        suite: Whose rules they are.
        arguments: Of each rule, suite parameters resolved.
        exempt: Says of rows that they are not judged at all; None where all are. Never null.
    """

    suite: Suite
    arguments: Mapping[str, Mapping[str, Any]]
    exempt: Callable[[Terms], Value] | None = None

    @property
    def of_rows(self) -> list[SuiteExpectation]:
        """The expectations that say yes or no to every row, in the suite's order."""
        return [e for e in self.suite.expectations if e.judges_rows]

    @property
    def aside(self) -> list[str]:
        """The rules that set a row aside."""
        return [e.rule for e in self.of_rows if e.action == "quarantine"]

    @property
    def required(self) -> dict[str, str]:
        """The columns without which a row is set aside, by rule; rules that speak of some rows only are left out."""
        named = {e.rule: e.kwargs for e in self.of_rows if e.action == "quarantine" and "required" in e.kwargs}
        return {rule: kwargs["required"] for rule, kwargs in named.items() if not kwargs.get("row_condition")}

    def with_arguments(self, kind: str, **arguments: Any) -> Rules:
        """The same, with further arguments for the expectations of a type: what only the moment of judging knows."""
        more = {e.rule: {**self.arguments[e.rule], **arguments} for e in self.suite.expectations if e.type == kind}
        return replace(self, arguments={**self.arguments, **more})

    def unexpected(self, terms: Terms) -> dict[str, Value]:
        """By rule, whether a row fails it; exempt rows and lines that cannot be read are not excused here."""
        return {
            e.rule: unexpected(terms, e.type, self.arguments[e.rule], self._condition(terms, e)) for e in self.of_rows
        }

    def figures(self, terms: Terms, *, judged: bool = True) -> dict[str, Aggregate]:
        """Aggregates of every expectation, by name of the figure.

        Args:
            terms: What they are written in.
            judged: The rows have failed_rules and quarantine_rules, so that no predicate is evaluated twice; they
                may lack parse_faults. False computes them from the rows, for tables that are not quarantined.
        """
        judged_rows = terms.constant(True) if self.exempt is None else ~self.exempt(terms)
        figures: dict[str, Aggregate] = {ROWS: terms.count_if(judged_rows)}
        if judged:
            figures[FAILED] = terms.count_if(terms.has_items(terms.column(FAILED_RULES)))
            figures[QUARANTINED] = terms.count_if(terms.has_items(terms.column(QUARANTINE_RULES)))
        for expectation in self.suite.compiled:
            figures.update(self._figures(terms, expectation, judged))
        return figures

    @staticmethod
    def figure_name(expectation: SuiteExpectation, what: str) -> str:
        """Under which name a figure of an expectation is observed; nulls of a column are counted once."""
        if what == "nulls" and not expectation.kwargs.get("row_condition"):
            return f"{expectation.kwargs.get('column', PARSE_FAULTS)}__nulls"
        return f"{expectation.rule}__{what}"

    def _condition(self, terms: Terms, expectation: SuiteExpectation) -> Value | None:
        arguments = expectation.kwargs
        return row_condition(
            terms,
            arguments.get("row_condition"),
            parser=arguments.get("condition_parser"),
            where=expectation.where,
        )

    def _domain(self, terms: Terms, expectation: SuiteExpectation) -> Value | None:
        """The rows of which an expectation speaks: its row_condition, without the exempt rows."""
        condition = self._condition(terms, expectation)
        if self.exempt is None:
            return condition
        judged = ~self.exempt(terms)
        return judged if condition is None else judged & condition

    def _figures(self, terms: Terms, expectation: SuiteExpectation, judged: bool) -> dict[str, Aggregate]:
        arguments, domain = self.arguments[expectation.rule], self._domain(terms, expectation)
        if not expectation.judges_rows:
            wanted = AGGREGATES[expectation.type](terms, arguments, domain)
            return {self.figure_name(expectation, what): figure for what, figure in wanted.items()}
        rule = ROW_RULES[expectation.type]
        failed = (
            terms.contains(terms.column(FAILED_RULES), expectation.rule)
            if judged
            else unexpected(terms, expectation.type, arguments, domain)
        )
        figures = {"unexpected": terms.count_if(failed)}
        if arguments.get("row_condition") is not None:
            figures["elements"] = terms.count_if(domain if domain is not None else terms.constant(True))
        if rule.missing is not None and not (judged and self._reads_faults(expectation)):
            missing = rule.missing(terms, arguments)
            counted = missing if rule.counts_nulls else ~missing
            figures["nulls" if rule.counts_nulls else "filtered"] = terms.count_if(
                counted if domain is None else domain & counted
            )
        return {self.figure_name(expectation, what): figure for what, figure in figures.items()}

    @staticmethod
    def _reads_faults(expectation: SuiteExpectation) -> bool:
        """Whether it reads parse_faults, which no judged row lacks and which bronze does not keep."""
        return expectation.kwargs.get("column") == PARSE_FAULTS
