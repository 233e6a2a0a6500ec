"""Ranges of numbers and lengths of texts, with slack."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from earshot.validators.profiling.columns import Bools, Floats, ProfiledColumn
from earshot.validators.profiling.findings import Finding, about_values

_FAR = 8.0
_RARE, _FEW_NEGATIVE = 0.005, 0.01
_SLACK = 0.1
_LEAST_ROWS = 50


def find_ranges(column: ProfiledColumn) -> Iterator[Finding]:
    """Between which numbers values lie, or how long texts are."""
    if column.filled and column.number_share == 1 and not pa.types.is_boolean(column.type):
        yield _of_numbers(column)
    elif column.is_text and column.filled:
        lengths = pc.utf8_length(column.texts).to_numpy()
        most = math.ceil(lengths.max() * (1 + _SLACK))
        yield about_values(
            column,
            "length",
            "expect_column_value_lengths_to_be_between",
            np.zeros(len(lengths), dtype=np.bool_),
            kwargs={"min_value": 1, "max_value": most},
            description=f"{column.name} has at most {most:,} characters.",
            seen={"shortest": int(lengths.min()), "longest": int(lengths.max())},
        )


def _of_numbers(column: ProfiledColumn) -> Finding:
    numbers = column.numbers
    far = _far_out(numbers, column) | _of_the_wrong_sign(numbers, column)
    usual = numbers[~far]
    low, high = _with_slack(float(usual.min()), float(usual.max()), whole=bool((usual == np.floor(usual)).all()))
    outside: Bools = (numbers < low) | (numbers > high)
    return about_values(
        column,
        "range",
        "expect_column_values_to_be_between",
        outside,
        kwargs={"min_value": low, "max_value": high},
        description=f"{column.name} lies between {low:,} and {high:,}.",
        confidence=0.9,
        seen={"smallest": float(numbers.min()), "largest": float(numbers.max())},
    )


def _far_out(numbers: Floats, column: ProfiledColumn) -> Bools:
    """Values many interquartile ranges away from the rest, on a linear and, if all are positive, on a log scale."""
    nobody = np.zeros(len(numbers), dtype=np.bool_)
    if column.filled < _LEAST_ROWS:
        return nobody
    far = _beyond(numbers, column)
    positive = numbers > 0
    if column.share(~positive) <= column.share(far) + _RARE:
        far &= _beyond(np.log(np.where(positive, numbers, np.nan)), column) | ~positive
    else:
        far &= _beyond(np.sign(numbers) * np.log1p(np.abs(numbers)), column)
    return far if column.share(far) <= _RARE else nobody


def _of_the_wrong_sign(numbers: Floats, column: ProfiledColumn) -> Bools:
    """The few negative numbers where nearly none is."""
    negative = numbers < 0
    few = column.filled >= _LEAST_ROWS and 0 < column.share(negative) <= _FEW_NEGATIVE
    return negative if few else np.zeros(len(numbers), dtype=np.bool_)


def _beyond(numbers: Floats, column: ProfiledColumn) -> Bools:
    order = np.argsort(numbers)
    there = order[~np.isnan(numbers[order])]
    reached = np.cumsum(column.counts[there])
    total = reached[-1]
    first, third = (float(numbers[there[np.searchsorted(reached, total * q)]]) for q in (0.25, 0.75))
    spread = third - first
    if spread <= 0:
        return np.zeros(len(numbers), dtype=np.bool_)
    return np.asarray((numbers < first - _FAR * spread) | (numbers > third + _FAR * spread))


def _with_slack(low: float, high: float, *, whole: bool) -> tuple[float, float]:
    """The bounds, a tenth of the span apart from what was seen; what never was negative stays so."""
    slack = (high - low) * _SLACK or abs(high) * _SLACK
    below, above = low - slack, high + slack
    below = max(below, 0.0) if low >= 0 else below
    above = min(above, 0.0) if high <= 0 < above and low < 0 else above
    if whole and abs(below) < 2**53 and abs(above) < 2**53:
        return math.floor(below), math.ceil(above)
    return float(f"{below:.6g}"), float(f"{above:.6g}")
