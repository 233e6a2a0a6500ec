"""Grouping by sorting numbers, against the same by hand."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from earshot.analytics.plays import distinct_of_ascending, percentile_by_group, stable_order

SIZE = 9
pairs = st.lists(st.tuples(st.integers(0, SIZE - 1), st.integers(0, 40)))


@pytest.mark.parametrize("size", [1, 2, 65_535, 65_536, 65_537, 2**31, 2**40])
def test_the_order_of_codes_keeps_equal_ones_as_they_stand(size: int) -> None:
    codes = np.random.default_rng(size).integers(max(0, size - 300), size, 2_000)
    codes[:500] = np.random.default_rng(1).integers(0, size, 500)
    assert stable_order(codes, size=size).tolist() == np.argsort(codes, kind="stable").tolist()


@given(pairs)
def test_different_members_are_counted_once_a_group(rows: list[tuple[int, int]]) -> None:
    ordered = sorted(rows, key=lambda row: row[1])
    groups, members = (np.array([row[n] for row in ordered], np.int64) for n in (0, 1))
    expected = [len({member for group, member in rows if group == number}) for number in range(SIZE)]
    assert distinct_of_ascending(groups, members, size=SIZE).tolist() == expected


@given(pairs, st.sampled_from([0.0, 0.5, 0.95, 1.0]))
def test_a_percentile_lies_between_its_neighbours(rows: list[tuple[int, int]], share: float) -> None:
    groups, values = np.array([row[0] for row in rows], np.int64), np.array([row[1] for row in rows], np.float64)
    unknown = np.arange(len(rows)) % 5 == 4
    values[unknown] = np.nan
    of_group = defaultdict(list)
    for group, value in zip(groups.tolist(), values.tolist(), strict=True):
        if np.isfinite(value):
            of_group[group].append(value)
    found = percentile_by_group(groups, values, share=share, size=SIZE)
    for group in range(SIZE):
        if of_group[group]:
            assert found[group] == pytest.approx(np.percentile(of_group[group], 100 * share))
        else:
            assert np.isnan(found[group])
