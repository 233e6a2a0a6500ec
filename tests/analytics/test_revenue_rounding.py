"""Dividing a pool: exact, whole, and fair to within one minor unit."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from earshot.analytics.revenue.rounding import LARGEST, Exact, Weights, divided, integer_weights

AMOUNTS = st.one_of(st.sampled_from([0, 1, 2, 10**12, 10**14 + 1]), st.integers(0, 10**15))
WEIGHTS = st.lists(st.one_of(st.integers(0, 10**4), st.integers(0, 10**40)), min_size=1, max_size=40)


def _exact(weights: list[int]) -> Exact:
    return np.array(weights, np.int64 if max(weights) < LARGEST else object)


@given(AMOUNTS, WEIGHTS)
def test_the_parts_add_up_and_are_less_than_one_from_their_quota(amount: int, weights: list[int]) -> None:
    found = divided(amount, _exact(weights))
    parts = None if found is None else found.tolist()
    if not any(weights):
        assert parts is None
        return
    assert parts is not None
    assert sum(parts) == amount
    total = sum(weights)
    assert all(abs(Fraction(amount * weight, total) - part) < 1 for weight, part in zip(weights, parts, strict=True))


@given(AMOUNTS, WEIGHTS)
def test_more_weight_is_never_paid_less(amount: int, weights: list[int]) -> None:
    found = divided(amount, _exact(weights))
    parts = [0] * len(weights) if found is None else found.tolist()
    ranked = sorted(zip(weights, parts, strict=True), key=lambda pair: pair[0])
    for (lighter, less), (heavier, more) in pairwise(ranked):
        assert less <= more or (lighter == heavier and less - more == 1)


def test_one_cent_goes_to_the_largest_remainder_and_among_equals_to_the_first() -> None:
    for amount, weights, parts in ((1, [1, 2, 2], [0, 1, 0]), (2, [1] * 3, [1, 1, 0]), (100, [1] * 3, [34, 33, 33])):
        for many in (1, 10**30):  # eight bytes, and Python's integers
            found = divided(amount, _exact([weight * many for weight in weights]))
            assert found is not None
            assert found.tolist() == parts


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 10**6), st.integers(1, 3_000)), min_size=1, max_size=60))
def test_sums_of_fractions_keep_their_proportions_exactly(rows: list[tuple[int, int, int]]) -> None:
    part, numerator, denominator = (np.array(column, np.int64) for column in zip(*rows, strict=True))
    weights = integer_weights(Weights(part, numerator, denominator), parts=6)
    exact = [sum((Fraction(n, d) for p, n, d in rows if p == at), Fraction(0)) for at in range(6)]
    total = sum(exact)
    if total:
        whole = sum(weights.tolist())
        assert [Fraction(weight, whole) for weight in weights.tolist()] == [share / total for share in exact]
    else:
        assert not any(weights.tolist())
