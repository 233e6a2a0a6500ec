"""Row expectations in `terms`: one small function an expectation type.

A rule says when a row is as expected. Whether a row has something to judge follows Great Expectations: a
null is never unexpected, unless nullity is the question; of a pair, `ignore_row_if` decides.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any

from earshot.core.columns import ARRIVED_AT, DURATION_MS, ENDED_AT, PLAYED_MS, STARTED_AT
from earshot.core.countries import ISO_3166_ALPHA_2
from earshot.validators.terms import Terms, Value
from earshot.validators.vocabulary import PARSE_FAULTS

Arguments = Mapping[str, Any]
Condition = Callable[[Terms, Arguments], Value]


@dataclass(frozen=True)
class RowRule:
    """What a row expectation means.

    Attributes:
        expected: Whether a row is as expected.
        missing: Whether a row has nothing to judge; None where every row has.
        counts_nulls: Whether Great Expectations asks for the nulls of `column` (column map expectations do).
    """

    expected: Condition
    missing: Condition | None
    counts_nulls: bool = True


def _column(terms: Terms, arguments: Arguments) -> Value:
    return terms.column(str(arguments["column"]))


def _is_missing(terms: Terms, arguments: Arguments) -> Value:
    return terms.is_null(_column(terms, arguments))


def _is_there(terms: Terms, arguments: Arguments) -> Value:
    return ~_is_missing(terms, arguments)


def _pair(terms: Terms, arguments: Arguments) -> tuple[Value, Value]:
    return terms.column(str(arguments["column_A"])), terms.column(str(arguments["column_B"]))


def _pair_is_missing(terms: Terms, arguments: Arguments, default: str) -> Value:
    first, second = map(terms.is_null, _pair(terms, arguments))
    ignored = arguments.get("ignore_row_if") or default
    if ignored == "both_values_are_missing":
        return first & second
    return first | second if ignored == "either_value_is_missing" else terms.constant(False)


def between(terms: Terms, value: Value, arguments: Arguments) -> Value:
    """Whether a value lies within min_value and max_value, strictly or not."""
    bounds = []
    if (low := arguments.get("min_value")) is not None:
        bounds.append(value > low if arguments.get("strict_min") else value >= low)
    if (high := arguments.get("max_value")) is not None:
        bounds.append(value < high if arguments.get("strict_max") else value <= high)
    return reduce(operator.and_, bounds, terms.constant(True))


def _lies_between(terms: Terms, arguments: Arguments) -> Value:
    return between(terms, _column(terms, arguments), arguments)


def _length_between(terms: Terms, arguments: Arguments) -> Value:
    return between(terms, terms.length(_column(terms, arguments)), arguments)


def _length_is(terms: Terms, arguments: Arguments) -> Value:
    return terms.length(_column(terms, arguments)) == arguments["value"]


def _in_set(terms: Terms, arguments: Arguments) -> Value:
    values = arguments.get("value_set")
    return terms.constant(True) if values is None else terms.is_in(_column(terms, arguments), values)


def _not_in_set(terms: Terms, arguments: Arguments) -> Value:
    return ~terms.is_in(_column(terms, arguments), arguments.get("value_set") or ())


def _matches(terms: Terms, arguments: Arguments) -> Value:
    return terms.matches(_column(terms, arguments), str(arguments["regex"]))


def _matches_not(terms: Terms, arguments: Arguments) -> Value:
    return ~_matches(terms, arguments)


def _matches_list(terms: Terms, arguments: Arguments) -> Value:
    patterns, column = [str(pattern) for pattern in arguments["regex_list"]], _column(terms, arguments)
    if arguments.get("match_on", "any") == "any":
        return terms.matches(column, "|".join(patterns))
    return reduce(operator.and_, (terms.matches(column, pattern) for pattern in patterns))


def _matches_none(terms: Terms, arguments: Arguments) -> Value:
    column = _column(terms, arguments)
    return reduce(operator.and_, (~terms.matches(column, str(pattern)) for pattern in arguments["regex_list"]))


def _first_is_greater(terms: Terms, arguments: Arguments) -> Value:
    first, second = _pair(terms, arguments)
    return (first >= second) | terms.same(first, second) if arguments.get("or_equal") else first > second


def _equal(terms: Terms, arguments: Arguments) -> Value:
    return terms.same(*_pair(terms, arguments))


def _no_fault(terms: Terms, arguments: Arguments) -> Value:
    """No fault of this name; and a row without any fault has the required column."""
    faults = _column(terms, {"column": PARSE_FAULTS, **arguments})
    unexpected = terms.contains(faults, str(arguments["fault"]))
    if required := arguments.get("required"):
        unexpected |= ~terms.has_items(faults) & terms.is_null(terms.column(str(required)))
    return ~unexpected


def _faults_are_missing(terms: Terms, arguments: Arguments) -> Value:
    return _is_missing(terms, {"column": PARSE_FAULTS, **arguments})


def _known_country(terms: Terms, arguments: Arguments) -> Value:
    return terms.is_in(_column(terms, arguments), sorted({*ISO_3166_ALPHA_2, *arguments.get("also", ())}))


def fits_duration(terms: Terms, played: Value, duration: Value, arguments: Arguments) -> Value:
    """Whether no more was heard than the track is long, with `factor` (1.1) and `slack_ms` (5000)."""
    return played <= duration * float(arguments.get("factor", 1.1)) + int(arguments.get("slack_ms", 5000))


def not_in_the_future(terms: Terms, time: Value, arrival: Value, arguments: Arguments) -> Value:
    """Whether the time is at most `tolerance_s` (0) after the arrival."""
    tolerance_us = int(float(arguments.get("tolerance_s", 0)) * 1_000_000)
    return terms.micros(time) <= terms.micros(arrival) + tolerance_us


def ordered(terms: Terms, first: Value, second: Value, arguments: Arguments) -> Value:
    """Whether the first time is not after the second."""
    return first <= second


def _own_pair(expected: Callable[[Terms, Value, Value, Arguments], Value], first: str, second: str) -> RowRule:
    columns = {"column_A": first, "column_B": second}
    return RowRule(
        lambda terms, a: expected(terms, *_pair(terms, {**columns, **a}), a),
        lambda terms, a: _pair_is_missing(terms, {**columns, **a}, "either_value_is_missing"),
        counts_nulls=False,
    )


def _standard_pair(expected: Condition) -> RowRule:
    return RowRule(expected, lambda terms, a: _pair_is_missing(terms, a, "both_values_are_missing"), counts_nulls=False)


ROW_RULES: dict[str, RowRule] = {
    "expect_column_pair_values_a_to_be_greater_than_b": _standard_pair(_first_is_greater),
    "expect_column_pair_values_to_be_equal": _standard_pair(_equal),
    "expect_column_value_lengths_to_be_between": RowRule(_length_between, _is_missing),
    "expect_column_value_lengths_to_equal": RowRule(_length_is, _is_missing),
    "expect_column_values_to_be_between": RowRule(_lies_between, _is_missing),
    "expect_column_values_to_be_in_set": RowRule(_in_set, _is_missing),
    "expect_column_values_to_be_null": RowRule(_is_missing, None, counts_nulls=False),
    "expect_column_values_to_match_regex": RowRule(_matches, _is_missing),
    "expect_column_values_to_match_regex_list": RowRule(_matches_list, _is_missing),
    "expect_column_values_to_not_be_in_set": RowRule(_not_in_set, _is_missing),
    "expect_column_values_to_not_be_null": RowRule(_is_there, None, counts_nulls=False),
    "expect_column_values_to_not_match_regex": RowRule(_matches_not, _is_missing),
    "expect_column_values_to_not_match_regex_list": RowRule(_matches_none, _is_missing),
    "expect_known_country": RowRule(_known_country, _is_missing),
    "expect_listen_to_have_no_parse_fault": RowRule(_no_fault, _faults_are_missing),
    "expect_played_within_duration": _own_pair(fits_duration, PLAYED_MS, DURATION_MS),
    "expect_time_not_to_be_in_the_future": _own_pair(not_in_the_future, STARTED_AT, ARRIVED_AT),
    "expect_ordered_times": _own_pair(ordered, STARTED_AT, ENDED_AT),
}


def unexpected(terms: Terms, kind: str, arguments: Arguments, domain: Value | None) -> Value:
    """Whether a row is in the domain, has something to judge, and is not as expected; never null."""
    rule = ROW_RULES[kind]
    verdict = ~rule.expected(terms, arguments)
    if rule.missing is not None:
        verdict = ~rule.missing(terms, arguments) & verdict
    if domain is not None:
        verdict = domain & verdict
    return terms.or_false(verdict)
