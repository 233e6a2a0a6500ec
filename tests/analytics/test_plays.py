"""Grouping by sorting numbers, against the same by hand."""

from __future__ import annotations

from collections import Counter, defaultdict

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from earshot.analytics.plays import (
    counted_keys,
    distinct_by_group,
    is_among,
    numbered,
    percentile_by_group,
    percentile_of_ascending,
    places_of,
    stable_order,
    sums_of_keys,
)
from earshot.core.arrow_columns import distinct

SIZE = 9
pairs = st.lists(st.tuples(st.integers(0, SIZE - 1), st.integers(0, 40)))


@pytest.mark.parametrize("size", [1, 2, 65_535, 65_536, 65_537, 2**31, 2**40])
def test_the_order_of_codes_keeps_equal_ones_as_they_stand(size: int) -> None:
    codes = np.random.default_rng(size).integers(max(0, size - 300), size, 2_000)
    codes[:500] = np.random.default_rng(1).integers(0, size, 500)
    assert stable_order(codes, size=size).tolist() == np.argsort(codes, kind="stable").tolist()


@given(pairs)
def test_different_members_are_counted_once_a_group(rows: list[tuple[int, int]]) -> None:
    groups, members = (np.array([row[n] for row in rows], np.int64) for n in (0, 1))
    expected = [len({member for group, member in rows if group == number}) for number in range(SIZE)]
    for among in (41, 10_000):  # by marks, by sorting
        assert distinct_by_group(groups, members, size=SIZE, among=among).tolist() == expected


@given(pairs, st.sampled_from([0.0, 0.5, 0.95, 1.0]), st.sampled_from([1.0, 0.5, 1e18]))
def test_a_percentile_lies_between_its_neighbours(rows: list[tuple[int, int]], share: float, unit: float) -> None:
    groups = np.array([row[0] for row in rows], np.int64)
    values = np.array([row[1] for row in rows], np.float64) * unit
    unknown = np.arange(len(rows)) % 5 == 4
    values[unknown] = np.nan
    of_group = defaultdict(list)
    for group, value in zip(groups.tolist(), values.tolist(), strict=True):
        if np.isfinite(value):
            of_group[group].append(value)
    there = np.flatnonzero(np.isfinite(values))
    ascending = there[np.argsort(values[there], kind="stable")]
    found = percentile_by_group(groups, values, share=share, size=SIZE)
    of_ascending = percentile_of_ascending(groups[ascending], values[ascending], share=share, size=SIZE)
    assert found.tolist() == pytest.approx(of_ascending.tolist(), nan_ok=True)
    for group in range(SIZE):
        if of_group[group]:
            assert found[group] == pytest.approx(np.percentile(of_group[group], 100 * share))
        else:
            assert np.isnan(found[group])


@pytest.mark.parametrize("seed", range(20))
def test_a_high_percentile_is_right_in_groups_that_lie_low(seed: int) -> None:
    chance = np.random.default_rng(seed)
    groups = chance.integers(0, SIZE, 400)
    values = np.sort(np.rint(chance.gamma(2, 300, 400)))
    groups[: 100 + seed] = 0
    found = percentile_of_ascending(groups, values, share=0.95, size=SIZE)
    assert found.tolist() == pytest.approx([np.percentile(values[groups == group], 95) for group in range(SIZE)])


def test_names_are_those_that_are_there_and_nothing_is_unknown() -> None:
    words = pa.DictionaryArray.from_arrays(pa.array([2, None, 0, 2], pa.int32()), pa.array(["b", "never", "a"]))
    other = pa.DictionaryArray.from_arrays(pa.array([0], pa.int32()), pa.array(["c"]))
    names = numbered(pa.chunked_array([words, other]), missing="b")
    assert names.names.to_pylist() == ["a", "b", "c"]
    assert names.codes.tolist() == [0, 1, 1, 0, 2]
    assert numbered(pa.chunked_array([], words.type), missing="b").codes.tolist() == []
    plain = numbered(pa.array(["y", None, "x"]), missing="z")
    assert (plain.names.to_pylist(), plain.codes.tolist()) == (["x", "y", "z"], [1, 2, 0])


@given(st.lists(st.integers(0, 60)), st.lists(st.integers(0, 60)))
def test_keys_are_told_apart_counted_and_found_by_sorting(keys: list[int], others: list[int]) -> None:
    these, those = np.array(keys, np.int64), np.array(others, np.int64)
    assert distinct(these).tolist() == sorted(set(keys))
    assert is_among(these, distinct(those)).tolist() == [key in others for key in keys]
    for size in (61, 100_000):  # in a table of all keys, by sorting
        found, counts = counted_keys(these, size=size)
        assert dict(zip(found.tolist(), counts.tolist(), strict=True)) == Counter(keys)
        once = np.ones(len(these), np.int64)
        assert [part.tolist() for part in sums_of_keys(these, once, once * 2, size=size)] == [
            found.tolist(),
            counts.tolist(),
            (counts * 2).tolist(),
        ]


@given(st.lists(st.integers(0, 60)), st.lists(st.integers(0, 60), max_size=5) | st.lists(st.integers(0, 60)))
def test_keys_are_looked_up_in_the_longer_array_whichever_it_is(keys: list[int], others: list[int]) -> None:
    these, those = sorted(keys), sorted(others)
    at, there = places_of(np.array(these, np.int64), np.array(those, np.int64))
    assert there.tolist() == [key in those for key in these]
    if these != those:
        assert at.tolist() == [sum(other < key for other in those) for key in these]
