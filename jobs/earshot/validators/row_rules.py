"""Row expectations as Columns: one small function an expectation type.

A rule says when a row is as expected. Whether a row has something to judge follows Great Expectations: a
null is never unexpected, unless nullity is the question; of a pair, `ignore_row_if` decides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any

from pyspark.sql import Column
from pyspark.sql import functions as F

from earshot.core.columns import ARRIVED_AT, DURATION_MS, ENDED_AT, PLAYED_MS, STARTED_AT
from earshot.core.countries import ISO_3166_ALPHA_2
from earshot.validators.vocabulary import PARSE_FAULTS

Arguments = Mapping[str, Any]


@dataclass(frozen=True)
class RowRule:
    """What a row expectation means.

    Attributes:
        expected: Whether a row is as expected.
        missing: Whether a row has nothing to judge; None where every row has.
        counts_nulls: Whether Great Expectations asks for the nulls of `column` (column map expectations do).
    """

    expected: Callable[[Arguments], Column]
    missing: Callable[[Arguments], Column] | None
    counts_nulls: bool = True


def _column(arguments: Arguments) -> Column:
    return F.col(str(arguments["column"]))


def _is_missing(arguments: Arguments) -> Column:
    return _column(arguments).isNull()


def _pair(arguments: Arguments) -> tuple[Column, Column]:
    return F.col(str(arguments["column_A"])), F.col(str(arguments["column_B"]))


def _pair_is_missing(arguments: Arguments, default: str) -> Column:
    first, second = _pair(arguments)
    ignored = arguments.get("ignore_row_if") or default
    if ignored == "both_values_are_missing":
        return first.isNull() & second.isNull()
    return first.isNull() | second.isNull() if ignored == "either_value_is_missing" else F.lit(False)


def between(value: Column, arguments: Arguments) -> Column:
    """Whether a value lies within min_value and max_value, strictly or not."""
    bounds = []
    if (low := arguments.get("min_value")) is not None:
        bounds.append(value > F.lit(low) if arguments.get("strict_min") else value >= F.lit(low))
    if (high := arguments.get("max_value")) is not None:
        bounds.append(value < F.lit(high) if arguments.get("strict_max") else value <= F.lit(high))
    return reduce(lambda a, b: a & b, bounds, F.lit(True))


def _in_set(arguments: Arguments) -> Column:
    values = arguments.get("value_set")
    return F.lit(True) if values is None else _column(arguments).isin(list(values))


def _matches(arguments: Arguments) -> Column:
    return _column(arguments).rlike(str(arguments["regex"]))


def _matches_list(arguments: Arguments) -> Column:
    patterns = [str(pattern) for pattern in arguments["regex_list"]]
    if arguments.get("match_on", "any") == "any":
        return _column(arguments).rlike("|".join(patterns))
    return reduce(lambda a, b: a & b, (_column(arguments).rlike(pattern) for pattern in patterns))


def _matches_none(arguments: Arguments) -> Column:
    return reduce(lambda a, b: a & b, (~_column(arguments).rlike(str(p)) for p in arguments["regex_list"]))


def _first_is_greater(arguments: Arguments) -> Column:
    first, second = _pair(arguments)
    return (first >= second) | first.eqNullSafe(second) if arguments.get("or_equal") else first > second


def _equal(arguments: Arguments) -> Column:
    first, second = _pair(arguments)
    return first.eqNullSafe(second)


def _no_fault(arguments: Arguments) -> Column:
    """No fault of this name; and a row without any fault has the required column."""
    faults = _column(arguments)
    unexpected = F.array_contains(faults, str(arguments["fault"]))
    if required := arguments.get("required"):
        unexpected |= (F.size(faults) == 0) & F.col(str(required)).isNull()
    return ~unexpected


def _known_country(arguments: Arguments) -> Column:
    return _column(arguments).isin(sorted({*ISO_3166_ALPHA_2, *arguments.get("also", ())}))


def fits_duration(played: Column, duration: Column, arguments: Arguments) -> Column:
    """Whether no more was heard than the track is long, with `factor` (1.1) and `slack_ms` (5000)."""
    return played <= duration * F.lit(float(arguments.get("factor", 1.1))) + F.lit(int(arguments.get("slack_ms", 5000)))


def not_in_the_future(time: Column, arrival: Column, arguments: Arguments) -> Column:
    """Whether the time is at most `tolerance_s` (0) after the arrival."""
    tolerance_us = int(float(arguments.get("tolerance_s", 0)) * 1_000_000)
    return F.unix_micros(time) <= F.unix_micros(arrival) + F.lit(tolerance_us)


def ordered(first: Column, second: Column, arguments: Arguments) -> Column:
    """Whether the first time is not after the second."""
    return first <= second


def _own_pair(expected: Callable[[Column, Column, Arguments], Column], first: str, second: str) -> RowRule:
    columns = {"column_A": first, "column_B": second}
    return RowRule(
        lambda a: expected(*_pair({**columns, **a}), a),
        lambda a: _pair_is_missing({**columns, **a}, "either_value_is_missing"),
        counts_nulls=False,
    )


def _standard_pair(expected: Callable[[Arguments], Column]) -> RowRule:
    return RowRule(expected, lambda a: _pair_is_missing(a, "both_values_are_missing"), counts_nulls=False)


ROW_RULES: dict[str, RowRule] = {
    "expect_column_pair_values_a_to_be_greater_than_b": _standard_pair(_first_is_greater),
    "expect_column_pair_values_to_be_equal": _standard_pair(_equal),
    "expect_column_value_lengths_to_be_between": RowRule(
        lambda a: between(F.length(_column(a)), a),
        _is_missing,
    ),
    "expect_column_value_lengths_to_equal": RowRule(
        lambda a: F.length(_column(a)) == F.lit(a["value"]),
        _is_missing,
    ),
    "expect_column_values_to_be_between": RowRule(lambda a: between(_column(a), a), _is_missing),
    "expect_column_values_to_be_in_set": RowRule(_in_set, _is_missing),
    "expect_column_values_to_be_null": RowRule(_is_missing, None, counts_nulls=False),
    "expect_column_values_to_match_regex": RowRule(_matches, _is_missing),
    "expect_column_values_to_match_regex_list": RowRule(_matches_list, _is_missing),
    "expect_column_values_to_not_be_in_set": RowRule(
        lambda a: ~_column(a).isin(list(a.get("value_set") or ())), _is_missing
    ),
    "expect_column_values_to_not_be_null": RowRule(lambda a: _column(a).isNotNull(), None, counts_nulls=False),
    "expect_column_values_to_not_match_regex": RowRule(lambda a: ~_matches(a), _is_missing),
    "expect_column_values_to_not_match_regex_list": RowRule(_matches_none, _is_missing),
    "expect_country_to_be_known": RowRule(_known_country, _is_missing),
    "expect_listen_to_have_no_parse_fault": RowRule(
        lambda a: _no_fault({"column": PARSE_FAULTS, **a}), lambda a: _is_missing({"column": PARSE_FAULTS, **a})
    ),
    "expect_play_to_fit_its_duration": _own_pair(fits_duration, PLAYED_MS, DURATION_MS),
    "expect_time_not_to_be_in_the_future": _own_pair(not_in_the_future, STARTED_AT, ARRIVED_AT),
    "expect_times_to_be_ordered": _own_pair(ordered, STARTED_AT, ENDED_AT),
}


def unexpected(kind: str, arguments: Arguments, domain: Column | None) -> Column:
    """Whether a row is in the domain, has something to judge, and is not as expected; never null."""
    rule = ROW_RULES[kind]
    verdict = ~rule.expected(arguments)
    if rule.missing is not None:
        verdict = ~rule.missing(arguments) & verdict
    if domain is not None:
        verdict = domain & verdict
    return F.coalesce(verdict, F.lit(False))
