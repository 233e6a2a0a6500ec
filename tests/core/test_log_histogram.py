"""The sketch's laws: it adds up in whatever order, and a quantile is within its bound of the exact one."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earshot.core.log_histogram import GAMMA, MAP, RELATIVE_ERROR, ZERO, Sketches, buckets_of, values_of

values = st.lists(st.integers(0, 2**31 - 1) | st.integers(0, 5_000), max_size=60)
shares = st.sampled_from([0.0, 0.05, 0.5, 0.95, 0.99, 1.0]) | st.floats(0, 1)
ROUNDING = 1e-9


def sketch(numbers: list[int]) -> Sketches:
    return Sketches.of(np.zeros(len(numbers), np.int64), np.array(numbers, np.float64), size=1)


def entries(of: Sketches) -> list[tuple[int, int, int]]:
    return list(zip(of.group.tolist(), of.bucket.tolist(), of.count.tolist(), strict=True))


def together(*parts: Sketches) -> Sketches:
    """Sketches of a column that holds a row a part, added up."""
    column = pa.chunked_array([part.maps() for part in parts], MAP)
    return Sketches.of_maps(column).regrouped(np.zeros(len(parts), np.int64), size=1)


@settings(deadline=None)
@given(numbers=values, share=shares)
def test_a_quantile_is_within_half_a_percent_of_the_exact_one(numbers: list[int], share: float) -> None:
    found = sketch(numbers).quantile(share)[0]
    if not numbers:
        assert math.isnan(found)
        return
    exact = float(np.quantile(np.array(numbers, np.float64), share))
    assert abs(found - exact) <= exact * (RELATIVE_ERROR + ROUNDING) + ROUNDING


@settings(deadline=None)
@given(one=values, other=values, third=values)
def test_parts_add_up_to_the_sketch_of_all_values_whichever_come_first(
    one: list[int], other: list[int], third: list[int]
) -> None:
    whole = entries(sketch(one + other + third))
    a, b, c = map(sketch, (one, other, third))
    assert entries(together(a, b, c)) == whole
    assert entries(together(c, a, b)) == whole
    assert entries(together(a, together(b, c))) == whole
    assert entries(together(together(a, b), c)) == whole


@settings(deadline=None)
@given(numbers=values, seed=st.integers(0, 99))
def test_the_order_of_the_values_changes_nothing(numbers: list[int], seed: int) -> None:
    shuffled = np.random.default_rng(seed).permutation(np.array(numbers, np.int64)).tolist()
    assert entries(sketch(shuffled)) == entries(sketch(numbers))


@settings(deadline=None)
@given(pairs=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 90_000)), max_size=60))
def test_every_group_has_the_sketch_of_its_own_values(pairs: list[tuple[int, int]]) -> None:
    groups = np.array([group for group, _ in pairs], np.int64)
    numbers = np.array([value for _, value in pairs], np.float64)
    found = Sketches.of(groups, numbers, size=4)
    assert found.totals.tolist() == [int((groups == n).sum()) for n in range(4)]
    back = Sketches.of_maps(found.maps())
    assert entries(back) == entries(found)
    for n in range(4):
        alone = [int(value) for value in numbers[groups == n]]
        assert np.array_equal(found.quantile(0.5)[n : n + 1], sketch(alone).quantile(0.5), equal_nan=True)


def test_nothing_nan_and_infinity_are_no_values_and_a_group_without_values_is_null() -> None:
    found = Sketches.of(np.array([0, 0, 2]), np.array([np.nan, np.inf, 7.0]), size=3)
    assert found.maps().to_pylist() == [None, None, [(int(buckets_of(np.array([7.0]))[0]), 1)]]
    assert math.isnan(found.quantile(0.5)[0])
    assert Sketches.of_maps(pa.chunked_array([], MAP)).size == 0


def test_a_slice_of_a_column_is_read_as_its_own_rows() -> None:
    maps = Sketches.of(np.array([0, 1, 2]), np.array([5.0, 0.0, 9.0]), size=3).maps()
    part = Sketches.of_maps(maps.slice(1))
    assert (part.size, part.group.tolist(), part.bucket[0]) == (2, [0, 1], ZERO)


@pytest.mark.parametrize("bucket", [ZERO, -400, 0, 1, 700, 2_159])
def test_a_bucket_stands_for_a_value_within_it(bucket: int) -> None:
    (value,) = values_of(np.array([bucket]))
    assert buckets_of(np.array([value])).tolist() == [bucket]


def test_no_whole_number_lies_so_near_a_bound_that_rounding_could_move_it() -> None:
    """So every machine puts a whole number of milliseconds into the same bucket, whatever its logarithm rounds to."""
    gamma, bound, nearest = Fraction(101, 100), Fraction(1), Fraction(1)
    assert GAMMA == 1.01
    while (bound := bound * gamma) < 2**31:
        nearest = min(nearest, abs(bound - round(bound)) / bound)
        bound = bound.limit_denominator(10**30)
    assert nearest > Fraction(1, 10**13)
